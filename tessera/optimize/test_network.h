#pragma once
// For this room's tests: a module from the ops of its main, with seeded random weights.
#include "tessera/ir/module.h"
#include "tessera/optimize/optimize.h"

#include "tessera/optimize/rewriter.h"

#include <gtest/gtest.h>
#include <random>

namespace tessera::optimize {

inline Tensor randomTensor(Shape shape, uint32_t seed, float low = -1, float high = 1) {
  Tensor t(DType::F32, std::move(shape));
  std::mt19937 engine(
      seed); // mt19937's numbers are fixed by the standard, its distributions are not
  for (float &v : t.as<float>())
    v = low + (high - low) * float(engine() >> 8) / float(1 << 24);
  return t;
}

/// `body`: the ops in textual form; `arguments` and `results`: comma-separated tensor types.
/// Weights get random values by name order, ids and origins (100 + id) count through the program.
inline ir::Module network(const std::string &arguments, const std::string &results,
                          const std::string &body) {
  std::string args;
  int n = 0;
  for (size_t at = 0; at < arguments.size(); ++n) {
    size_t end = std::min(arguments.find(", ", at), arguments.size());
    args += (n ? ", %arg" : "%arg") + std::to_string(n) + ": " + arguments.substr(at, end - at);
    at = end + 2;
  }
  auto parsed = ir::Module::parse("module @net attributes {top.state = \"TOP_F32\"} {\n"
                                  "func.func @main(" +
                                      args + ") -> (" + results + ") {\n" + body + "\n}\n}\n",
                                  "test");
  if (!parsed) {
    ADD_FAILURE() << parsed.error().text() << "\n" << body;
    std::abort();
  }
  ir::Module m = std::move(*parsed);
  int64_t id = 0;
  m.main().walk([&](mlir::Operation *op) {
    if (op->getNumResults() != 1)
      return;
    ir::setId(op, id);
    ir::setOrigin(op, {100 + id});
    ++id;
    std::string name = ir::nameOf(op);
    if (llvm::isa<top::WeightOp>(op) && !m.weights.contains(name))
      m.weights.set(name, randomTensor(ir::shapeOf(op->getResult(0)), uint32_t(id)));
  });
  return m;
}

inline void setWeight(ir::Module &m, const std::string &name, const std::vector<float> &values) {
  Tensor *t = m.weights.find(name);
  ASSERT_TRUE(t) << name;
  ASSERT_EQ(t->count(), int64_t(values.size())) << name;
  std::copy(values.begin(), values.end(), t->as<float>().begin());
}

/// "Input Conv(do_relu) ..." of main, weights left out.
inline std::string opsOf(const ir::Module &m) {
  std::string list;
  for (mlir::Operation &op : m.main().getBody().front()) {
    if (llvm::isa<top::WeightOp, mlir::func::ReturnOp>(op))
      continue;
    list += (list.empty() ? "" : " ") + op.getName().stripDialect().str();
    auto relu = op.getAttrOfType<mlir::BoolAttr>("do_relu");
    list += relu && relu.getValue() ? "(relu)" : "";
  }
  return list;
}

inline mlir::Operation *opNamed(const ir::Module &m, const std::string &name) {
  for (mlir::Operation &op : m.main().getBody().front())
    if (ir::nameOf(&op) == name)
      return &op;
  return nullptr;
}

inline OptimizeReport optimized(ir::Module &m, const OptimizeOptions &options = {}) {
  auto report = optimize(m, options);
  if (!report) {
    ADD_FAILURE() << report.error().text();
    return {};
  }
  return *report;
}

} // namespace tessera::optimize
