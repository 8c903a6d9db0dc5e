#pragma once
// Makes broken inputs out of good ones, the same for one seed on every machine.
#include "fuzz/targets.h"
#include "test/soak/generator.h"

namespace tessera::fuzz {

/// The good files of a folder that a target's inputs are made from, by name; one empty one for
/// streams. Error "missing-file".
Result<std::vector<Bytes>> readBases(const std::string &folder, std::string_view target);

/// Input `index` of a target: a base file or a few random commands, changed in one to some ways,
/// of which some know what a field is.
Bytes input(std::string_view target, uint64_t seed, uint64_t index, std::span<const Bytes> bases);

/// A text that rebuilds `bytes` from `base`: "copy OFFSET SIZE" and "data HEX", one a line.
std::string delta(std::span<const uint8_t> base, std::span<const uint8_t> bytes);
/// The reverse; false for a text that is none or leaves the base.
bool rebuild(std::span<const uint8_t> base, const std::string &text, Bytes &out);

} // namespace tessera::fuzz
