#pragma once
// The three memories that a soak compares, as one row of bytes: local memory, the window of global
// memory, L2. A place is an index into that row.
#include "test/soak/generator.h"

#include "tessera/sim/machine.h"

#include <array>
#include <cstring>
#include <string>

namespace tessera::soak {

inline constexpr uint64_t kLocalBytes = uint64_t(chip::kLmemBytes);
inline constexpr uint64_t kPlaces = kLocalBytes + kWindowBytes + chip::kL2Bytes;

/// One simulator's memories.
struct Memories {
  uint8_t *local = nullptr, *global = nullptr, *l2 = nullptr;

  struct Part {
    uint8_t *bytes;
    uint64_t first, size; ///< first place
  };
  std::array<Part, 3> parts() const {
    return {{{local, 0, kLocalBytes},
             {global, kLocalBytes, kWindowBytes},
             {l2, kLocalBytes + kWindowBytes, chip::kL2Bytes}}};
  }
  /// The byte at a place; `size` bytes from there must lie in one memory.
  uint8_t *at(uint64_t place, uint64_t size = 1) const {
    for (const Part &p : parts())
      if (place >= p.first && place - p.first + size <= p.size)
        return p.bytes + (place - p.first);
    internalError(__FILE__, __LINE__, "a place outside the soak's memories");
  }
};

inline uint64_t placeOf(const Patch &p) { return p.local ? p.offset : kLocalBytes + p.offset; }

/// "local lane 3 byte 0x40", "global 0x100000040", "L2 0x10000040".
std::string placeName(uint64_t place);

/// Random bytes at `place`..: a pure function of seed and place.
void fill(uint8_t *to, uint64_t seed, uint64_t place, uint64_t size);
void fill(const Memories &, uint64_t seed);
void copy(const Memories &from, const Memories &to);

/// Memories of a machine, with the window mapped if it was not.
Memories memoriesOf(sim::Machine &);

void writePatches(const Memories &, const std::vector<Patch> &);

/// Places [begin, end) where two memories differ, first ones first, nearby ones joined.
struct Span {
  uint64_t begin, end;
};
std::vector<Span> differences(const Memories &a, const Memories &b, size_t most = SIZE_MAX);
/// Bytes of one part of memory; appends to `out`.
void differences(const uint8_t *a, const uint8_t *b, uint64_t first, uint64_t size, size_t most,
                 std::vector<Span> &out);

/// Whether the elements of `tolerance.type` in [span.begin, span.end) agree within it.
bool within(const Tolerance &, const Memories &ours, const Memories &theirs, Span span);

} // namespace tessera::soak
