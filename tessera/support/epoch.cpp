#include "tessera/support/epoch.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace tessera {

Result<std::time_t> sourceDateEpoch() {
  const char *variable = std::getenv("SOURCE_DATE_EPOCH");
  if (!variable)
    return std::time_t(0);
  std::string_view text = variable;
  long long seconds = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc() || end != text.data() + text.size() || seconds < 0 ||
      seconds > 253402300799)
    return fail("bad-environment", "SOURCE_DATE_EPOCH",
                "'" + std::string(text) + "' is no whole number from 0 to 253402300799",
                "set seconds since 1970, e.g. $(date +%s), or unset it");
  return std::time_t(seconds);
}

} // namespace tessera
