#pragma once
// What nonzero and masked select share: they test the elements of a tensor one after the other and
// write one result for each that is not zero (docs/numerics.md "GDMA").
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim {

/// fp32 as a number (both zeros and, flushed, every denormal are zero; NaN is not), all others by
/// their bits, so that an fp16 or bf16 -0 is not zero.
inline bool isZero(const uint8_t *p, Type type) {
  if (type == Type::Fp32)
    return (loadAs<uint32_t>(p) & 0x7F800000) == 0;
  return chip::bytesOf(type) == 1   ? *p == 0
         : chip::bytesOf(type) == 2 ? loadAs<uint16_t>(p) == 0
                                    : loadAs<uint32_t>(p) == 0;
}

/// A tensor that is read while results are written.
struct Reading {
  const Side &side;
  Dims dims;
};

/// Writes `size` bytes at value(n, c, h, w) for every element of `d` that keeps(n, c, h, w), one
/// behind the other from address `to` on, and sets the engine's count. Errors "bad-address": not in
/// global memory or L2, or no room for all results.
template <class Keeps, class Value>
Status filter(Machine &m, Dims d, uint64_t to, int64_t size,
              std::initializer_list<Reading> readings, Keeps keeps, Value value) {
  chip::Space space = chip::spaceOf(to);
  if (space != chip::Space::Global && space != chip::Space::L2)
    return fail(
        "bad-address", "destination",
        fmt::format("0x{:x} is not in global memory or L2, where alone the results go", to));
  if (to % uint64_t(size))
    return fail("bad-address", "destination",
                fmt::format("address 0x{:x} is no multiple of the element's {} bytes", to, size));
  int64_t kept = 0;
  inOrder(d, [&](int64_t n, int64_t c, int64_t h, int64_t w) { kept += keeps(n, c, h, w); });
  uint8_t *next = nullptr;
  auto room = [&](int64_t results) -> Status {
    TESSERA_ASSIGN(next, m.bytes(to, uint64_t(results * size), Access::Write));
    return {};
  };
  if (kept > 0)
    TESSERA_TRY(room(kept));
  // Results over what is still to be read may keep more than the first count.
  uintptr_t first = reinterpret_cast<uintptr_t>(next), end = first + uintptr_t(kept * size);
  for (const Reading &r : readings)
    if (auto [begin, behind] = covered(r.side, r.dims);
        kept > 0 && !r.side.isLocal && begin < end && first < behind) {
      TESSERA_TRY(room(d.count()));
      break;
    }
  m.filtered = 0;
  inOrder(d, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    if (!keeps(n, c, h, w))
      return;
    std::memcpy(next, value(n, c, h, w), size_t(size));
    next += size;
    ++m.filtered;
  });
  return {};
}

} // namespace tessera::sim
