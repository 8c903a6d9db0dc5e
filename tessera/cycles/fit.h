#pragma once
// A preset from measured commands: for each kind, the start and the cost of a unit that meet the
// measurements exactly if such exist, else those of least squares.
#include "tessera/cycles/cycles.h"

#include <set>

namespace tessera::cycles {

struct Sample {
  isa::Command command;
  uint64_t cycles = 0; ///< below kMostMeasured
  std::string where;   ///< "profile.json: tiu:17"
};
inline constexpr uint64_t kMostMeasured = uint64_t(1) << 40;

struct KindFit {
  enum class How : uint8_t {
    Kept,        ///< the base preset's: exact already, or asked for
    Exact,       ///< the simplest constants that give every measured number
    LeastSquares ///< none do
  };
  Kind kind{};
  How how = How::Kept;
  size_t rows = 0, exact = 0; ///< measured commands, those whose cycles the preset gives exactly
  double rms = 0;             ///< of measured less given cycles
  int64_t worst = 0;          ///< the largest of them
  std::string worstWhere;
};

struct Fit {
  Preset preset;              ///< its texts are the base's
  std::vector<KindFit> kinds; ///< those that were measured
};

/// `base` gives what the samples do not say: kinds without one, and those of `keep`. Errors
/// "not-identified", one a kind and located at one of its commands: all of one size, so that start
/// and cost of a unit cannot be told apart (unless the base's are exact), or cycles that do not
/// grow with size beyond their scatter.
Result<Fit> fit(std::span<const Sample> samples, const Preset &base, const std::set<Kind> &keep);

} // namespace tessera::cycles
