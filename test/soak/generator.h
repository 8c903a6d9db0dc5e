#pragma once
// What a soak class is: a generator that draws random commands of one instruction class, together
// with the memory contents that they need. The soak plays each command on the vendor's simulator
// and on ours over random memory and compares every byte. One file a class lies in generate/,
// named as its file of tessera/sim/exec; it registers itself (`const Registered ...`).
#include "tessera/chip/chip.h"
#include "tessera/isa/isa.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

namespace tessera::soak {

/// Bytes of global memory that exist, from chip::kGlobalBase. L2 has chip::kL2Bytes.
inline constexpr uint64_t kWindowBytes = uint64_t(16) << 20;

/// Mixes two numbers into a well spread third (the finaliser of splitmix64).
constexpr uint64_t mix(uint64_t a, uint64_t b = 0) {
  uint64_t z = a + 0x9E3779B97F4A7C15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Random numbers that are the same on every machine: stored vectors depend on them.
class Draw {
public:
  explicit Draw(uint64_t seed) : seed_(seed) {}
  uint64_t bits() { return mix(seed_, count_++); }
  /// lo..hi, both included.
  int64_t between(int64_t lo, int64_t hi) {
    return lo + int64_t(bits() % (uint64_t(hi) - uint64_t(lo) + 1));
  }
  bool chance(double p = 0.5) { return double(bits() >> 11) * 0x1p-53 < p; }
  template <class T> T pick(std::initializer_list<T> list) {
    return list.begin()[bits() % list.size()];
  }
  template <class List> auto pick(const List &list) { return list[bits() % list.size()]; }
  /// A size: mostly 1..few, sometimes up to `most`.
  int64_t size(int64_t most, int64_t few = 8) {
    return between(1, chance(0.85) && few < most ? few : most);
  }

private:
  uint64_t seed_, count_ = 0;
};

/// Bytes written before the command.
struct Patch {
  bool local; ///< local memory, else global memory or L2
  /// Local: lane * chip::kLaneBytes + byte. Else from chip::kGlobalBase, L2 from kL2Offset on.
  uint64_t offset;
  std::vector<uint8_t> bytes;
};
inline constexpr uint64_t kL2Offset = kWindowBytes;

/// How the bytes that a command changed are compared. Exact is the rule; a bound needs its reason
/// in docs/numerics.md.
struct Tolerance {
  chip::Type type = chip::Type::Fp32; ///< of the elements compared; all results lie at multiples
                                      ///< of its size
  bool nan = true;                    ///< any NaN equals any NaN
  int ulp = 0;                        ///< of `type`
  double absolute = 0;                ///< allowed besides `ulp`, e.g. K * 2^-23 * sum of |products|
  /// The result's bytes in every lane (speed only): without these all memory is searched.
  int64_t laneOffset = 0, laneBytes = 0;
};

struct Case {
  isa::Command command;
  std::vector<Patch> patches;
  std::optional<Tolerance> tolerance;
};

struct Class {
  std::string_view name;
  Case (*generate)(Draw &);
  std::vector<isa::Form> forms; ///< all forms that it draws
};

/// All classes by name.
const std::vector<Class> &classes();
/// Adds a class: `const Registered kAr({"ar", ar, {isa::Form::sAR}});` at namespace scope.
struct Registered {
  explicit Registered(Class);
};

/// Why a form has no generator.
struct Exempt {
  isa::Form form;
  std::string_view reason;
};
const std::vector<Exempt> &exempt();

/// Hands out byte ranges of a lane (the same in all lanes) that do not overlap, at random places.
class LaneRoom {
public:
  explicit LaneRoom(Draw &draw) : draw_(draw) {}
  /// Offset of `bytes` bytes at a multiple of `align`; an internal error when no room is left, so
  /// keep the sum below about half of a lane.
  int64_t take(int64_t bytes, int64_t align = 64);

private:
  struct Range {
    int64_t begin, end;
  };
  bool isFree(int64_t begin, int64_t end) const;
  Draw &draw_;
  std::vector<Range> taken_;
};

} // namespace tessera::soak
