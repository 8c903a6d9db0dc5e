#pragma once
// One group planned in one way.
#include "tessera/schedule/group_bands.h"

namespace tessera::schedule {

/// How a group is cut.
struct GroupCut {
  int64_t bands = 1;
  int64_t residentBytes = 0; ///< weights of an op that take more of a lane are loaded in each band
  int64_t accBytes = 0;
  bool shares = true; ///< ops that read the same from outside load it once, which keeps it longer
};

/// The slots of every op in order, then the slices; nullopt if the group cannot be cut so. `bands`
/// are those of the work for `cut.bands`.
std::optional<LayerPlan> planGroupCut(const GroupWork &work, const GroupBands &bands,
                                      const GroupCut &cut, const Options &options);

} // namespace tessera::schedule
