#include "tessera/support/suggest.h"

#include <algorithm>
#include <vector>

namespace tessera {
namespace {

// Names come out of damaged files too; the distance costs the product of two lengths.
constexpr size_t kLongestName = 4096;

size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t best = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b.size()];
}

} // namespace

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  std::string best;
  size_t fewest = SIZE_MAX;
  for (const std::string &c : candidates) {
    size_t longer = std::max(word.size(), c.size());
    if (longer > kLongestName)
      continue;
    // Lengths alone already tell hopeless candidates: names can be long and many.
    size_t least = longer - std::min(word.size(), c.size());
    size_t allowed = std::max<size_t>(2, longer / 3);
    if (least > allowed || least >= fewest)
      continue;
    size_t n = edits(word, c);
    if (n <= allowed && n < longer && n < fewest) {
      fewest = n;
      best = c;
    }
  }
  return best;
}

std::string didYouMean(std::string_view word, std::span<const std::string> candidates) {
  std::string c = closest(word, candidates);
  return c.empty() ? "" : "did you mean '" + c + "'?";
}

} // namespace tessera
