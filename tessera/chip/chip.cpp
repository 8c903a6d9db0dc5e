#include "tessera/chip/chip.h"
#include <string>

namespace tessera::chip {
namespace {

constexpr uint64_t kGi = uint64_t(1) << 30;

// The rates are the vendor estimate's (cycles.md section 3), not a measurement of a board.
constexpr Preset kPresets[] = {
    {"bm1684x",
     "BM1684X as the vendor's cycle estimate sees it: 1 GHz, 8 GiB window",
     1'000'000'000,
     kGlobalEnd - kGlobalBase,
     {58'000'000'000, kGi},
     {44'000'000'000, kGi},
     {58, 1},
     {44, 1},
     {64, 1}},
};

} // namespace

std::span<const Preset> presets() { return kPresets; }

Result<const Preset *> preset(std::string_view name) {
  std::string known;
  for (const Preset &p : kPresets) {
    if (p.name == name)
      return &p;
    known += (known.empty() ? "" : ", ") + std::string(p.name);
  }
  return fail("unknown-chip", "", "no chip called '" + std::string(name) + "'",
              "choose one of: " + known);
}

} // namespace tessera::chip
