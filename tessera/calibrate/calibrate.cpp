#include "tessera/calibrate/calibrate.h"

#include "tessera/calibrate/threshold.h"
#include "tessera/interpret/interpret.h"
#include "tessera/support/parallel.h"
#include "tessera/support/progress.h"
#include "tessera/support/suggest.h"

#include <cmath>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <optional>

namespace tessera::calibrate {
namespace {

/// What one tensor held, over the samples merged so far. Merging commutes.
struct Stats {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  uint64_t nonFinite = 0;
  size_t firstNonFinite = SIZE_MAX; ///< sample
  uint64_t zeros = 0;
  std::vector<uint64_t> histogram;

  void merge(const Stats &o) {
    min = std::min(min, o.min);
    max = std::max(max, o.max);
    nonFinite += o.nonFinite;
    firstNonFinite = std::min(firstNonFinite, o.firstNonFinite);
    zeros += o.zeros;
    if (histogram.empty())
      histogram = o.histogram;
    else
      for (size_t k = 0; k < o.histogram.size(); ++k)
        histogram[k] += o.histogram[k];
  }
  double largest() const { return std::max(std::abs(double(min)), std::abs(double(max))); }
};

void measureExtremes(const Tensor &t, size_t sample, Stats &s) {
  float lo = s.min, hi = s.max;
  uint64_t bad = 0;
  for (float v : t.as<float>()) {
    if (!std::isfinite(v)) {
      ++bad;
      continue;
    }
    lo = v < lo ? v : lo;
    hi = v > hi ? v : hi;
  }
  s.min = lo;
  s.max = hi;
  s.nonFinite += bad;
  if (bad)
    s.firstNonFinite = std::min(s.firstNonFinite, sample);
}

void measureHistogram(const Tensor &t, double largest, int64_t bins, Stats &s) {
  s.histogram.assign(bins, 0);
  double perUnit = double(bins) / largest;
  for (float v : t.as<float>()) {
    if (v == 0) {
      ++s.zeros;
      continue;
    }
    // The largest value itself belongs to the last bin.
    auto k = int64_t(std::abs(double(v)) * perUnit);
    ++s.histogram[std::min(k, bins - 1)];
  }
}

/// One pass over all samples; `measure` fills a fresh Stats from tensor number i of a sample.
using Measure = std::function<void(const Tensor &, size_t tensor, size_t sample, Stats &)>;
Status pass(const interpret::Runner &runner, size_t count,
            const std::function<Result<TensorMap>(size_t)> &inputOf, Progress &progress,
            const Measure &measure, std::vector<Stats> &all) {
  std::map<size_t, Error> errors; // by sample, for messages in order
  std::mutex mutex;
  bool sideBySide = count >= size_t(threadCount());
  auto one = [&](size_t sample) -> Status {
    TESSERA_ASSIGN(TensorMap input, inputOf(sample));
    std::vector<Stats> mine(all.size());
    size_t next = 0;
    interpret::Runner::Options options;
    options.singleThread = sideBySide;
    options.onTensor = [&](const std::string &, const Tensor &t) {
      measure(t, next, sample, mine[next]);
      ++next;
    };
    if (auto r = runner.run(input, options); !r)
      return fail(r.error());
    std::lock_guard lock(mutex);
    for (size_t i = 0; i < all.size(); ++i)
      all[i].merge(mine[i]);
    return {};
  };
  auto range = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (Status s = one(size_t(i)); !s) {
        std::lock_guard lock(mutex);
        errors.emplace(size_t(i), s.error());
      }
      progress.advance();
    }
  };
  if (sideBySide)
    parallelFor(int64_t(count), 1, range);
  else
    range(0, int64_t(count));
  Error error;
  for (const auto &[_, e] : errors)
    error.add(e);
  if (!error.empty())
    return fail(std::move(error));
  return {};
}

enum class Method { Kl, Max, Percentile9999 };

std::optional<Method> methodOf(const std::string &name) {
  if (name == "kl")
    return Method::Kl;
  if (name == "max")
    return Method::Max;
  if (name == "percentile9999")
    return Method::Percentile9999;
  return std::nullopt;
}

} // namespace

Result<Table> calibrate(const ir::Module &module, size_t count,
                        const std::function<Result<TensorMap>(size_t)> &inputOf,
                        const Options &options) {
  auto method = methodOf(options.method);
  if (!method) {
    const std::vector<std::string> known{"kl", "max", "percentile9999"};
    std::string hint = didYouMean(options.method, known);
    return fail("bad-flag", "calibration method",
                "'" + options.method + "' is not one of kl, max, percentile9999", hint);
  }
  if (options.bins < 256 || options.bins > 1 << 20)
    return fail("bad-flag", "histogram bins",
                fmt::format("{} is not between 256 and {}", options.bins, 1 << 20),
                "2048 is usual");
  if (count == 0)
    return fail("no-images", module.name(), "there is no sample to calibrate on", "");

  interpret::Runner runner(module);
  const auto &tensors = runner.tensors();
  for (const auto &t : tensors)
    if (t.dtype != DType::F32)
      return fail("bad-module", module.name() + ": tensor '" + t.name + "'",
                  std::string("is ") + dtypeName(t.dtype) + "; calibration runs the float network",
                  "give the file that `tessera transform` wrote");

  bool needsHistogram = *method != Method::Max;
  Progress progress("calibrate", int64_t(count) * (needsHistogram ? 2 : 1), "images");
  std::vector<Stats> extremes(tensors.size());
  TESSERA_TRY(pass(
      runner, count, inputOf, progress,
      [](const Tensor &t, size_t, size_t sample, Stats &s) { measureExtremes(t, sample, s); },
      extremes));

  Error errors;
  std::vector<bool> dead(tensors.size());
  Table table;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Stats &s = extremes[i];
    std::string where =
        module.name() + ": tensor '" + tensors[i].name + "' (" + tensors[i].op + ")";
    if (s.nonFinite > 0) {
      errors.add(Diagnostic{"non-finite", where,
                            fmt::format("holds {} NaN or infinite values, first in sample {}",
                                        s.nonFinite, s.firstNonFinite),
                            "check the model and the pre-processing with `tessera run`"});
      continue;
    }
    // Seven decimals are all a table has: less is zero there.
    dead[i] = !(s.largest() >= 1e-7);
    bool counts = tensors[i].op == "top.Arg" || tensors[i].op == "top.Compare";
    if (dead[i] && !counts) {
      if (options.allowDead)
        table.notes.push_back(where + " is zero in all " + std::to_string(count) +
                              " samples; threshold 1 stands in");
      else
        errors.add(Diagnostic{"dead-range", where, fmt::format("is zero in all {} samples", count),
                              "calibrate on images that use it, or go on with --allow_dead"});
    }
  }
  if (!errors.empty())
    return fail(std::move(errors));

  std::vector<Stats> counts(tensors.size());
  if (needsHistogram)
    TESSERA_TRY(pass(
        runner, count, inputOf, progress,
        [&](const Tensor &t, size_t i, size_t, Stats &s) {
          if (!dead[i])
            measureHistogram(t, extremes[i].largest(), options.bins, s);
        },
        counts));

  table.method = options.method;
  table.bins = options.bins;
  table.samples = int64_t(count);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Stats &s = extremes[i];
    Row row{tensors[i].name, s.largest(), s.min, s.max};
    if (dead[i])
      row = {tensors[i].name, 1, 0, 0};
    else if (*method == Method::Kl)
      row.threshold = klThreshold(counts[i].histogram, s.largest(), s.min >= 0 ? 256 : 128);
    else if (*method == Method::Percentile9999)
      row.threshold =
          percentileThreshold(counts[i].histogram, s.largest(), counts[i].zeros, 0.9999);
    table.rows.push_back(std::move(row));
  }
  return table;
}

} // namespace tessera::calibrate
