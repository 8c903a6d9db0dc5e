#include "tessera/driver/patterns.h"

#include "tessera/interpret/interpret.h"
#include "tessera/optimize/patterns.h"

#include <cmath>
#include <fmt/format.h>
#include <random>

namespace tessera::driver {
namespace {

constexpr double kBound = 2e-5, kClasses = 1e-3;

TensorMap randomInputs(const interpret::Runner &runner, float low, float high) {
  TensorMap inputs;
  std::mt19937 random(1); // its numbers are fixed by the standard, its distributions are not
  for (const auto &info : runner.inputs()) {
    Tensor t(DType::F32, info.shape);
    for (float &v : t.as<float>())
      v = low + (high - low) * float(random() >> 8) / float(1 << 24);
    inputs.set(info.name, std::move(t));
  }
  return inputs;
}

Status compareOutputs(const TensorMap &before, const TensorMap &after,
                      const interpret::Runner &runner, const std::string &where) {
  for (const auto &info : runner.outputs()) {
    const Tensor *a = before.find(info.name), *b = after.find(info.name);
    if (!a || !b || a->shape() != b->shape())
      return fail("pattern-changes-result", where,
                  fmt::format("the output '{}' is no longer {}", info.name, shapeText(info.shape)),
                  "");
    Tensor wide = a->converted(DType::F32), other = b->converted(DType::F32);
    auto x = wide.as<float>(), y = other.as<float>();
    double largest = 0, worst = 0;
    for (float v : x)
      largest = std::max(largest, double(std::abs(v)));
    size_t differing = 0, at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      double d = std::abs(double(x[i]) - y[i]);
      if (d <= kBound * largest || x[i] == y[i] || (x[i] != x[i] && y[i] != y[i]))
        continue;
      if (++differing == 1 || d > worst)
        worst = d, at = i;
    }
    bool classes = info.op == "top.Arg" && double(differing) <= kClasses * double(x.size());
    if (differing && !classes)
      return fail("pattern-changes-result", where,
                  fmt::format("{} of {} elements of the output '{}' differ, most the one at {}: {} "
                              "before, {} after",
                              differing, x.size(), info.name, at, x[at], y[at]),
                  "mend the pattern; --unchecked_patterns takes it as it is");
  }
  return {};
}

} // namespace

Status applyPatterns(ir::Module &module, const TransformOptions &options, Report &report) {
  if (options.patterns.empty())
    return {};
  ir::Module before = module.clone();
  std::string where;
  int64_t all = 0;
  for (const auto &file : options.patterns) {
    TESSERA_ASSIGN(auto counts, optimize::applyPatterns(module, file));
    where += (where.empty() ? "" : ", ") + file.string();
    for (const auto &[name, rewrites] : counts) {
      all += rewrites;
      report.json["patterns"].push_back(
          {{"file", file.string()}, {"pattern", name}, {"rewrites", rewrites}});
      report.lines.push_back(
          fmt::format("{}: '{}' {}", file.string(), name,
                      rewrites ? fmt::format("applied {} times", rewrites)
                               : "matched nowhere: --imported shows what it looks at"));
    }
  }
  if (options.uncheckedPatterns || !all)
    return {};
  interpret::Runner first(before), second(module);
  for (auto [low, high] : {std::pair(0.0f, 255.0f), std::pair(-1.0f, 1.0f)}) {
    TensorMap inputs = randomInputs(first, low, high);
    TESSERA_ASSIGN(TensorMap a, first.run(inputs));
    TESSERA_ASSIGN(TensorMap b, second.run(inputs));
    TESSERA_TRY(compareOutputs(a, b, first, where));
  }
  return {};
}

} // namespace tessera::driver
