#pragma once
// The constants of the cycle model as data. The rules (what counts as a step, a short run, a page)
// are code; how long a step takes is a preset: one that comes with the program (presets/*.json) or
// a file of the same form, written by hand or by `tessera fit-cycles`.
#include "tessera/support/status.h"
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::cycles {

struct Fraction {
  uint64_t num = 0, den = 1;
  double value() const { return double(num) / double(den); }
  bool operator==(const Fraction &) const = default;
};

/// Commands with a price of their own; those of the GDMA count bytes, the others steps
/// (docs/cycles.md).
enum class Kind : uint8_t {
  ConvInt4,
  ConvInt8,
  Conv16,
  Conv32,
  Pool,
  PoolStrided,
  Arith,
  ArithInPlace,
  ArithDivide,
  Requantize,
  RequantizeSameBank,
  Transpose,
  LaneCopy,
  LaneBroadcast,
  LaneBroadcastInPlace,
  StaticBroadcast,
  ScatterGather,
  MatrixMultiply,
  MatrixMultiply2,
  Special,
  SpecialRoot,
  Compare,
  Linear,
  Vector,
  TensorLoad,
  TensorStore,
  TensorLocal,
  MatrixLoad,
  MatrixStore,
  Broadcast,
  Fill,
  Gather,
  LinearLoad,
  LinearStore,
  System, ///< takes no time and has no constants
};
inline constexpr size_t kKinds = size_t(Kind::System);
/// "CONV.int8"
std::string_view kindName(Kind);
constexpr bool countsBytes(Kind k) { return k >= Kind::TensorLoad && k < Kind::System; }

/// cycles = max(1, floor(start + units * perUnit))
struct Cost {
  Fraction start, perUnit{1, 1};
  bool operator==(const Cost &) const = default;
};

struct Preset {
  std::string name, about;
  std::string exact;              ///< where its estimates are known to be exact, a sentence's end
  uint64_t clock = 1'000'000'000; ///< cycles a second of both engines
  uint64_t dramBytesPerSecond = uint64_t(64) << 30; ///< what reports call all of the memory's rate
  uint64_t lanes = 64, laneBytes = 64; ///< lanes that work at once, bytes a lane takes in a step
  uint64_t cubeInt4 = 128, cubeInt8 = 64, cube16 = 32, cube32 = 1; ///< input channels in a step
  uint64_t cubePositions = 4, cubePositions32 = 16;                ///< outputs of a channel
  uint64_t requantizeValues = 16;                                  ///< of a lane in a step
  uint64_t freeStrides = 2;                             ///< factor of two free-stride operands
  uint64_t shortRun = 256, pageBytes = 4096, pages = 4; ///< of memory transfers
  std::array<Cost, kKinds> costs{};

  const Cost &cost(Kind k) const { return costs[size_t(k)]; }
  double milliseconds(uint64_t cycles) const { return double(cycles) * 1e3 / double(clock); }
  /// "preset tpu-mlir-1.30.2, exact for ..."
  std::string basis() const;
  bool operator==(const Preset &) const = default;
};

/// The presets of the program, the default first.
const std::vector<Preset> &presets();
/// A preset of the program by name, else one from the file of that name. Errors "bad-preset" name
/// file and member; "unknown-preset" lists the names.
Result<Preset> preset(const std::string &nameOrFile);
Result<Preset> parsePreset(std::string_view json, const std::string &where);
/// As a file; parsePreset gives the same preset back.
std::string presetText(const Preset &);
/// What a user who asks for some change of `preset` gets: members as "lanes=128" or
/// "GDMA.tensor_load.bytes_per_cycle=60", with "clock_hz" keeping the memory's bytes a second, and
/// "bandwidth=1.5" making all of the GDMA that much faster.
Result<Preset> changed(Preset preset, const std::vector<std::string> &changes);

/// The preset that estimates use where none is given: the program's first until set, once, before
/// any estimate is made.
const Preset &inForce();
void setInForce(Preset preset);

} // namespace tessera::cycles
