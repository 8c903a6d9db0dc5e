#pragma once
// The one time that our files state.
#include "tessera/support/status.h"

#include <ctime>

namespace tessera {

/// Seconds since 1970 from the environment's SOURCE_DATE_EPOCH, 0 without it, so that the same
/// input gives the same bytes. Error "bad-environment" unless it is a whole number from 0 to
/// 253402300799, the end of year 9999.
Result<std::time_t> sourceDateEpoch();

} // namespace tessera
