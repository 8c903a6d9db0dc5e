#pragma once
// Stored vectors: single commands with what the vendor's simulator made of them, so that tests
// replay them where it is not installed. A text file a class:
//
//   class NAME fill SEED           memory before each command: soak::fill(SEED)
//   command ENGINE WORD...         in hexadecimal, lowest word first, up to the last that is not 0
//   tolerance TYPE NAN ULP ABSOLUTE LANEOFFSET LANEBYTES
//   patch PLACE HEX                written before the command
//   bytes PLACE HEX                the result differs from the memory before it only here
//   hash PLACE SIZE HASH           the same, as a hash, where many bytes change
//
// Places are indices as of memory.h, in hexadecimal.
#include "test/soak/memory.h"

#include <map>

namespace tessera::soak {

struct Changed {
  uint64_t place, size;
  std::vector<uint8_t> bytes; ///< empty: `hash` instead
  uint64_t hash = 0;
};

struct Vector {
  Case input;
  std::vector<Changed> changes;
};

struct Recording {
  std::string name;
  uint64_t fill = 0;
  std::vector<Vector> vectors;
};

uint64_t hashOf(const uint8_t *, uint64_t size);

Result<Recording> readRecording(const std::string &path);
Status writeRecording(const std::string &path, const Recording &);

class Arena;
/// What the vendor's simulator makes of a case; nothing when it refuses it. Error "overlap" when
/// the case's result is too large to be stored.
Result<std::optional<Vector>> recordVector(Arena &, uint64_t fill, const Case &);

/// Replays vectors on ours.
class Replay {
public:
  Replay();
  /// "" when memory ends up as recorded, else what differs first.
  std::string play(uint64_t fill, const Vector &);

private:
  sim::Machine machine_, expected_;
  Memories ours_, wanted_;
  uint64_t filled_ = 0;
  bool isFilled_ = false;
};

} // namespace tessera::soak
