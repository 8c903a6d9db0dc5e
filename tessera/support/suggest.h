#pragma once
// Did-you-mean: the candidate that a mistyped word most likely meant.
#include <span>
#include <string>
#include <string_view>

namespace tessera {

/// The first candidate with the fewest edits (insert, delete, replace a character) from `word`;
/// empty if none is within two edits or a third of the longer word's length. Words over 4096
/// characters are not compared.
std::string closest(std::string_view word, std::span<const std::string> candidates);
/// "did you mean 'x'?", or empty without a close candidate.
std::string didYouMean(std::string_view word, std::span<const std::string> candidates);

} // namespace tessera
