#pragma once
// Elements of every type as int64 or float, a run at a time, so that one operation serves all
// types.
#include "tessera/chip/chip.h"
#include "tessera/numerics/float.h"
#include "tessera/numerics/half.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace tessera::sim {

/// Elements of a run worked on at once: the buffers stay in the first-level cache.
inline constexpr int64_t kRun = 256;

template <class T> inline T loadAs(const uint8_t *p) {
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
}
template <class T> inline void storeAs(uint8_t *p, T v) { std::memcpy(p, &v, sizeof(T)); }

namespace detail {
template <class T, class Out>
void loadRun(Out *out, const uint8_t *p, int64_t step, int64_t count) {
  if (step == sizeof(T)) {
    for (int64_t i = 0; i < count; ++i)
      out[i] = static_cast<Out>(loadAs<T>(p + i * int64_t(sizeof(T))));
  } else {
    for (int64_t i = 0; i < count; ++i)
      out[i] = static_cast<Out>(loadAs<T>(p + i * step));
  }
}
template <class T> void storeRun(uint8_t *p, int64_t step, const int64_t *v, int64_t count) {
  if (step == sizeof(T)) {
    for (int64_t i = 0; i < count; ++i)
      storeAs<T>(p + i * int64_t(sizeof(T)), static_cast<T>(v[i]));
  } else {
    for (int64_t i = 0; i < count; ++i)
      storeAs<T>(p + i * step, static_cast<T>(v[i]));
  }
}
} // namespace detail

/// `bits` 8, 16 or 32.
inline void loadInts(int64_t *out, const uint8_t *p, int64_t step, int64_t count, int64_t bits,
                     bool isSigned) {
  switch (bits) {
  case 8:
    return isSigned ? detail::loadRun<int8_t>(out, p, step, count)
                    : detail::loadRun<uint8_t>(out, p, step, count);
  case 16:
    return isSigned ? detail::loadRun<int16_t>(out, p, step, count)
                    : detail::loadRun<uint16_t>(out, p, step, count);
  default:
    return isSigned ? detail::loadRun<int32_t>(out, p, step, count)
                    : detail::loadRun<uint32_t>(out, p, step, count);
  }
}

/// Low bits of v.
inline void storeInts(uint8_t *p, int64_t step, const int64_t *v, int64_t count, int64_t bits) {
  switch (bits) {
  case 8:
    return detail::storeRun<uint8_t>(p, step, v, count);
  case 16:
    return detail::storeRun<uint16_t>(p, step, v, count);
  default:
    return detail::storeRun<uint32_t>(p, step, v, count);
  }
}

struct IntRange {
  int64_t lo, hi;
};
constexpr IntRange rangeOf(int64_t bits, bool isSigned) {
  return isSigned ? IntRange{-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1}
                  : IntRange{0, (int64_t(1) << bits) - 1};
}
inline void saturateRun(int64_t *v, int64_t count, IntRange r) {
  for (int64_t i = 0; i < count; ++i)
    v[i] = v[i] < r.lo ? r.lo : v[i] > r.hi ? r.hi : v[i];
}

/// fp32, fp16 or bf16 as fp32 (exact; fp32 denormals are left to the operations, bf16 ones flushed
/// with them).
inline void loadFloats(float *out, const uint8_t *p, int64_t step, int64_t count, chip::Type type) {
  for (int64_t i = 0; i < count; ++i, p += step)
    out[i] = type == chip::Type::Fp32   ? loadAs<float>(p)
             : type == chip::Type::Fp16 ? numerics::halfToFloat(loadAs<uint16_t>(p))
                                        : numerics::bfloatToFloat(loadAs<uint16_t>(p));
}

inline void storeFloats(uint8_t *p, int64_t step, const float *v, int64_t count, chip::Type type) {
  for (int64_t i = 0; i < count; ++i, p += step)
    if (type == chip::Type::Fp32)
      storeAs<float>(p, v[i]);
    else
      storeAs<uint16_t>(p, type == chip::Type::Fp16 ? numerics::floatToHalf(v[i])
                                                    : numerics::floatToBfloat(v[i]));
}

/// Whether a type code is one that element-wise instructions compute with.
constexpr bool isInteger(chip::Type t) {
  return t == chip::Type::Int8 || t == chip::Type::Int16 || t == chip::Type::Int32;
}

} // namespace tessera::sim
