#pragma once
// Counter-based random numbers (SplitMix64's mixing function over key + counter): any number can be
// computed without those before it, so neither threads nor the order of drawing can change a scene.
#include <cstdint>

namespace tessera::synth {

inline uint64_t mix(uint64_t z) {
  z += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// [0, 1), 53 bits.
inline double unit(uint64_t bits) { return double(bits >> 11) * 0x1p-53; }

/// Every draw is a statement of its own or an element of a braced list: C++ leaves the order of
/// function arguments to the compiler, and a scene must not depend on it.
class Random {
public:
  explicit Random(uint64_t key) : key_(mix(key)) {}
  /// An independent stream; parts of a scene take one each, so that one more number in a part
  /// leaves the others as they were.
  Random fork(uint64_t tag) const { return Random(key_ ^ mix(tag + 0x5bf03635ull)); }
  uint64_t bits() { return mix(key_ + counter_++ * 0xD1342543DE82EF95ull); }
  /// [lo, hi)
  double uniform(double lo, double hi) { return lo + (hi - lo) * unit(bits()); }
  /// 0 .. n-1
  int below(int n) { return int(unit(bits()) * n); }
  bool chance(double p) { return unit(bits()) < p; }

private:
  uint64_t key_, counter_ = 0;
};

} // namespace tessera::synth
