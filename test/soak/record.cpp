#include "test/soak/arena.h"
#include "test/soak/vectors.h"

#include <fmt/format.h>

namespace tessera::soak {

Result<std::optional<Vector>> recordVector(Arena &arena, uint64_t seed, const Case &c) {
  // A vector is worth about this many bytes; larger ones keep a hash of each range.
  constexpr uint64_t kMostBytes = 1024, kMostRanges = 4096;
  arena.fill(seed); // ours stays as it was before the command
  const Memories &theirs = arena.vendor().memories();
  if (arena.vendor().play(&c, 1) != 1)
    return std::optional<Vector>{};
  writePatches(arena.ours(), c.patches);
  std::vector<Span> spans = differences(arena.ours(), theirs);
  uint64_t bytes = 0;
  for (Span s : spans)
    bytes += s.end - s.begin;
  // Ranges near each other in one lane are one: bytes between them are unchanged and known.
  bool hashes = bytes > kMostBytes && !c.tolerance;
  std::vector<Span> joined;
  for (Span s : spans) {
    uint64_t near = hashes ? 4096 : 16;
    if (!joined.empty() && s.begin - joined.back().end < near &&
        s.begin / chip::kLaneBytes == joined.back().begin / chip::kLaneBytes)
      joined.back().end = s.end;
    else
      joined.push_back(s);
  }
  if (joined.size() > kMostRanges)
    return fail("overlap", isa::operationName(c.command), "changes too many places to be stored");
  Vector v{c, {}};
  for (Span s : joined) {
    Changed x{s.begin, s.end - s.begin, {}};
    const uint8_t *p = theirs.at(s.begin, x.size);
    if (hashes && x.size > 16)
      x.hash = hashOf(p, x.size);
    else
      x.bytes.assign(p, p + x.size);
    v.changes.push_back(std::move(x));
  }
  return std::optional<Vector>(std::move(v));
}

} // namespace tessera::soak
