#pragma once
// Which rows of every tensor a group makes, reads and keeps in each of its bands.
#include "tessera/schedule/plan_group.h"

namespace tessera::schedule {

/// What one band does to a tensor: rows [from, to) are new, rows from `keep` on are there.
struct BandRows {
  int64_t from = 0, to = 0, keep = 0;
};
using GroupBands = std::vector<std::vector<BandRows>>; ///< [band][tensor]

/// Empty if the group cannot run in that many bands.
GroupBands makeBands(const GroupWork &work, int64_t count);

/// Rows of the input that rows [a, b) of the result see; nullopt: none, or with more padding than a
/// command can say.
std::optional<codegen::AxisSlice> inputRows(const GroupInput &i, int64_t a, int64_t b);
/// Whether rows [a, b) of a convolution see some of its inputs, with no more padding than a command
/// can say.
bool seesSome(const GroupOp &op, int64_t a, int64_t b);

} // namespace tessera::schedule
