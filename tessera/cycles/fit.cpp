#include "tessera/cycles/fit.h"

#include "tessera/cycles/price.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <optional>

namespace tessera::cycles {
namespace {

/// A rational bound; den 0 is infinity.
struct Bound {
  Wide num = 0, den = 1;
  bool in = true; ///< whether the bound itself belongs to the range
};
bool less(const Bound &a, const Bound &b) { return a.num * b.den < b.num * a.den; }
Bound reduced(Wide num, Wide den, bool in) {
  Wide a = num, b = den;
  while (b)
    a = std::exchange(b, a % b);
  return {num / a, den / a, in};
}

/// The fraction with the smallest numerator and denominator between two bounds (continued
/// fractions); the range must not be empty.
Bound simplest(const Bound &low, const Bound &high) {
  Wide whole = low.num / low.den, rest = low.num % low.den;
  if (rest == 0 && low.in)
    return {whole, 1};
  Bound next{whole + 1, 1};
  if (less(next, high) || (high.in && !less(high, next)))
    return next;
  Bound inner = simplest({high.den, high.num - whole * high.den, high.in}, {low.den, rest, low.in});
  return {whole * inner.num + inner.den, inner.num};
}

/// What the measurements say of one kind: cycles = start + units * perUnit, rounded down.
struct Point {
  Wide units;
  uint64_t per, cycles;
  double size() const { return double(units) / double(per); }
};

/// The simplest cost of a unit that gives every point with this start, if there is one.
std::optional<Fraction> exactCost(const std::vector<Point> &points, uint64_t start, bool bytes) {
  Bound low{0, 1, false}, high{1, 0, false};
  for (const Point &p : points) {
    if (p.units == 0 || p.cycles + 1 <= start)
      return std::nullopt;
    Bound to = reduced(Wide(p.cycles + 1 - start) * p.per, p.units, false);
    if (less(to, high))
      high = to;
    if (p.cycles <= std::max<uint64_t>(start, 1)) // a price is never below 1
      continue;
    Bound from = reduced(Wide(p.cycles - start) * p.per, p.units, true);
    if (!less(from, low) && p.cycles > start)
      low = from;
  }
  if (!less(low, high))
    return std::nullopt;
  Bound x = bytes ? simplest({high.den, high.num, high.in}, {low.den, low.num, low.in})
                  : simplest(low, high);
  constexpr Wide kMost = Wide(1) << 40;
  if (x.num == 0 || x.num > kMost || x.den > kMost)
    return std::nullopt;
  Fraction f{uint64_t(x.num), uint64_t(x.den)};
  return bytes ? Fraction{f.den, f.num} : f;
}

struct Line {
  double start, perUnit;
  double error; ///< standard error of perUnit
};
Line leastSquares(const std::vector<Point> &points) {
  double n = double(points.size()), meanSize = 0, meanCycles = 0;
  for (const Point &p : points) {
    meanSize += p.size() / n;
    meanCycles += (double(p.cycles) + 0.5) / n; // what was rounded down is half a cycle on average
  }
  double xx = 0, xy = 0;
  for (const Point &p : points) {
    xx += (p.size() - meanSize) * (p.size() - meanSize);
    xy += (p.size() - meanSize) * (double(p.cycles) + 0.5 - meanCycles);
  }
  Line line{0, xy / xx, 0};
  line.start = meanCycles - line.perUnit * meanSize;
  if (line.start < 0) { // no command takes less than nothing: through the origin
    double uu = 0, uc = 0;
    for (const Point &p : points) {
      uu += p.size() * p.size();
      uc += p.size() * (double(p.cycles) + 0.5);
    }
    line = {0, uc / uu, 0};
  }
  double squares = 0;
  for (const Point &p : points) {
    double r = double(p.cycles) + 0.5 - line.start - line.perUnit * p.size();
    squares += r * r;
  }
  if (points.size() > 2)
    line.error = std::sqrt(squares / (n - 2) / xx);
  return line;
}

/// In lowest terms, with fewer places where the number would not fit a preset.
Fraction decimal(double value, uint64_t places) {
  while (places > 1 && value * double(places) >= double(kMostMeasured))
    places /= 10;
  auto num = uint64_t(std::llround(value * double(places)));
  uint64_t common = std::gcd(num, places);
  return {num / common, places / common};
}

class Fitter {
public:
  Fitter(const Preset &base, const std::set<Kind> &keep) : base_(base), keep_(keep) {
    fit_.preset = base;
  }

  void kind(Kind kind, const std::vector<const Sample *> &samples) {
    KindFit f;
    f.kind = kind;
    f.rows = samples.size();
    Cost &cost = fit_.preset.costs[size_t(kind)];
    if (!keep_.contains(kind) && !allExact(samples))
      f.how = choose(kind, samples, cost);
    for (const Sample *s : samples) {
      int64_t off = int64_t(s->cycles) - int64_t(commandCycles(s->command, fit_.preset));
      f.exact += off == 0;
      f.rms += double(off) * double(off) / double(f.rows);
      if (std::abs(off) > std::abs(f.worst)) {
        f.worst = off;
        f.worstWhere = s->where;
      }
    }
    f.rms = std::sqrt(f.rms);
    fit_.kinds.push_back(std::move(f));
  }
  Result<Fit> done() {
    if (!errors_.empty())
      return fail(std::move(errors_));
    return std::move(fit_);
  }

private:
  bool allExact(const std::vector<const Sample *> &samples) const {
    return std::all_of(samples.begin(), samples.end(), [&](const Sample *s) {
      return commandCycles(s->command, base_) == s->cycles;
    });
  }
  void refuse(Kind kind, const Sample &at, std::string message) {
    errors_.add(Diagnostic{
        "not-identified", at.where, fmt::format("{}: {}", kindName(kind), std::move(message)),
        fmt::format("measure other sizes, or --keep {} for the base's constants", kindName(kind))});
  }
  KindFit::How choose(Kind kind, const std::vector<const Sample *> &samples, Cost &cost) {
    std::vector<Point> points;
    bool oneSize = true;
    for (const Sample *s : samples) {
      Price p = priceOf(s->command, base_);
      points.push_back({p.units, p.per, s->cycles});
      const Point &first = points.front();
      oneSize = oneSize && p.units * first.per == first.units * p.per;
      // Beyond any command of the chip, and the bounds' products must stay below 2^128.
      if (p.units >> 56 || p.per >> 24 || s->cycles >= kMostMeasured) {
        refuse(kind, *s, "the command's size or cycles are out of range");
        return KindFit::How::Kept;
      }
    }
    if (oneSize) {
      refuse(kind, *samples.front(),
             fmt::format("{} measured command{}, all of one size, and start and cost of a unit "
                         "cannot be told apart",
                         samples.size(), samples.size() == 1 ? "" : "s"));
      return KindFit::How::Kept;
    }
    const bool bytes = countsBytes(kind);
    Line line = leastSquares(points);
    if (!(line.start < double(kMostMeasured))) {
      refuse(kind, *samples.front(), "sizes too close to tell start and cost of a unit apart");
      return KindFit::How::Kept;
    }
    uint64_t near = uint64_t(std::llround(line.start));
    for (uint64_t start : {uint64_t(0), near, near + 1, near - std::min<uint64_t>(near, 1)})
      if (auto exact = exactCost(points, start, bytes)) {
        cost = {{start, 1}, *exact};
        return KindFit::How::Exact;
      }
    if (!(line.perUnit > 2 * line.error)) {
      refuse(kind, *samples.front(),
             fmt::format("{} measured commands, whose cycles do not grow with size beyond their "
                         "scatter ({:.3g} +- {:.3g} cycles a unit)",
                         samples.size(), line.perUnit, line.error));
      return KindFit::How::Kept;
    }
    constexpr uint64_t kMicro = 1'000'000;
    Fraction rate = decimal(bytes ? 1 / line.perUnit : line.perUnit, kMicro);
    if (rate.num == 0 || rate.num > kMostMeasured) {
      refuse(kind, *samples.front(),
             fmt::format("{:.3g} cycles a unit is out of a preset's range", line.perUnit));
      return KindFit::How::Kept;
    }
    cost = {decimal(line.start, 1000), bytes ? Fraction{rate.den, rate.num} : rate};
    return KindFit::How::LeastSquares;
  }

  const Preset &base_;
  const std::set<Kind> &keep_;
  Fit fit_;
  Error errors_;
};

} // namespace

Result<Fit> fit(std::span<const Sample> samples, const Preset &base, const std::set<Kind> &keep) {
  std::array<std::vector<const Sample *>, kKinds + 1> byKind;
  for (const Sample &s : samples)
    byKind[size_t(kindOf(s.command))].push_back(&s);
  Fitter fitter(base, keep);
  for (size_t k = 0; k < kKinds; ++k)
    if (!byKind[k].empty())
      fitter.kind(Kind(k), byKind[k]);
  return fitter.done();
}

} // namespace tessera::cycles
