#include "tessera/codegen/softmax.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/exponential.h"
#include "tessera/numerics/exponential.h"

#include <utility>

namespace tessera::codegen {
namespace {

/// Row i of every channel, for a command that writes one row.
ArithOperand rowOf(const LocalTensor &t, int64_t i) {
  LocalTensor row = t.window(i, 1, 0, t.w);
  return {false, row.address, t.dtype,
          isa::Strides{0, uint64_t(t.planeElements()), uint64_t(t.w), 1}, row.range()};
}
/// One row for each of another tensor's.
ArithOperand forAllRows(const LocalTensor &row) {
  return {false, row.address, row.dtype, isa::Strides{0, uint64_t(row.planeElements()), 0, 1},
          row.range()};
}

} // namespace

Instructions softmax(const LocalTensor &x, const SoftmaxPlaces &at, const LocalTensor &result) {
  Instructions list;
  // Rows one after another, each into the other of two places: no command writes what it reads.
  auto [now, next] = at.rows;
  auto fold = [&](Arith op, const LocalTensor &from) {
    auto step = [&](const ArithOperand &a, const ArithOperand &b) {
      list.push_back(arith(op, next, a, b));
      std::swap(now, next);
    };
    if (from.h == 1)
      return step(rowOf(from, 0), op == Arith::Add ? immediateFloat(0) : rowOf(from, 0));
    step(rowOf(from, 1), rowOf(from, 0));
    for (int64_t i = 2; i < from.h; ++i)
      step(rowOf(from, i), tensorOperand(now));
  };
  fold(Arith::Max, x);
  list.push_back(arith(Arith::Sub, at.scratch[0], tensorOperand(x), forAllRows(now)));
  exponential(list, at.powers, at.scratch[0], nullptr, numerics::kLog2E, at.scratch[0],
              at.scratch[1], at.table);
  fold(Arith::Add, at.powers);
  list.push_back(reciprocal(next, now));
  list.push_back(arith(Arith::Mul, result, tensorOperand(at.powers), forAllRows(next)));
  return list;
}

} // namespace tessera::codegen
