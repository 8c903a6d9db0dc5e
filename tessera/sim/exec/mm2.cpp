// sMM2, matrix multiply with one matrix row per channel ("BM1684X measured numerics", section 8.4).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t { kPlain = 4, kRightTransposed = 5 };

/// Row r of a matrix2 (bm1684x.md 2.8) as T.
template <class T>
std::vector<T> row(const Local &t, int64_t r, int64_t columns, Type type, bool isSigned) {
  std::vector<T> out(static_cast<size_t>(columns));
  if constexpr (std::is_same_v<T, float>)
    loadFloats(out.data(), t.plane(0, r), t.size, columns, type);
  else
    loadInts(out.data(), t.plane(0, r), t.size, columns, 8 * t.size, isSigned);
  return out;
}

} // namespace

Status mm2(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sMM2>(command);
  if (f.tsk_eu_typ != kPlain && f.tsk_eu_typ != kRightTransposed)
    return unsupported(fmt::format("matrix multiply operation {}", f.tsk_eu_typ));
  if (f.opd0_const || f.opd1_const || f.res_add)
    return unsupported("matrix multiply with a constant matrix or onto a result");
  bool transposed = f.tsk_eu_typ == kRightTransposed;
  int64_t rows = int64_t(f.res0_c), columns = int64_t(f.res0_w);
  int64_t inner = int64_t(transposed ? f.opd1_w : f.opd1_c);
  if (columns != int64_t(transposed ? f.opd1_c : f.opd1_w))
    return fail("bad-shape", "opd1",
                fmt::format("{}x{} stored for {} result columns", f.opd1_c, f.opd1_w, columns));
  Type type = Type(f.opd0_prec), to = Type(f.res0_prec);
  bool isFloat = chip::isFloat(type);
  if (isFloat ? type == Type::Fp32 || (to != type && to != Type::Fp32)
              : type != Type::Int8 || to != Type::Int32 || !f.opd2_const)
    return unsupported("matrix multiply of these types");
  int64_t size = chip::bytesOf(type);
  TESSERA_ASSIGN(Local res,
                 alignedLocal(m, "result", f.res0_addr, {1, rows, 1, columns}, chip::bytesOf(to)));
  TESSERA_ASSIGN(Local left, alignedLocal(m, "opd0", f.opd0_addr, {1, rows, 1, inner}, size));
  TESSERA_ASSIGN(Local right, alignedLocal(m, "opd1", f.opd1_addr,
                                           {1, int64_t(f.opd1_c), 1, int64_t(f.opd1_w)}, size));
  auto multiply = [&]<class T>(T) {
    // The right matrix by result column.
    std::vector<std::vector<T>> stored, byColumn;
    for (int64_t r = 0; r < int64_t(f.opd1_c); ++r)
      stored.push_back(row<T>(right, r, int64_t(f.opd1_w), type, f.opd1_sign));
    byColumn = transposed
                   ? stored
                   : std::vector<std::vector<T>>(size_t(columns), std::vector<T>(size_t(inner)));
    if (!transposed)
      for (int64_t k = 0; k < inner; ++k)
        for (int64_t c = 0; c < columns; ++c)
          byColumn[size_t(c)][size_t(k)] = stored[size_t(k)][size_t(c)];
    auto zero = int64_t(int32_t(f.opd2_addr));
    std::vector<std::vector<T>> lefts; // read before anything is written
    for (int64_t r = 0; r < rows; ++r)
      lefts.push_back(row<T>(left, r, inner, type, f.opd0_sign));
    parallelFor(rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t c = 0; c < columns; ++c) {
          const T *x = lefts[size_t(r)].data(), *w = byColumn[size_t(c)].data();
          uint8_t *out = res.plane(0, r) + c * res.size;
          if constexpr (std::is_same_v<T, float>) {
            float sum = 0;
            for (int64_t k = 0; k < inner; k += 32)
              sum = numerics::addFlush(
                  sum, numerics::cubeSum(x + k, w + k, std::min<int64_t>(32, inner - k)));
            storeFloats(out, 0, &sum, 1, to);
          } else {
            int64_t sum = 0;
            for (int64_t k = 0; k < inner; ++k)
              sum += x[k] * (w[k] - zero);
            storeInts(out, 0, &sum, 1, 32);
          }
        }
    });
  };
  isFloat ? multiply(float{}) : multiply(int64_t{});
  return {};
}

} // namespace tessera::sim::exec
