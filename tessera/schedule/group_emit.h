#pragma once
// The commands of one slice of a group: one op in one band, or a piece of that.
#include "tessera/schedule/group_plan.h"

namespace tessera::schedule {

/// The weights or the input that belong to `slot`.
codegen::Instructions loadGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a,
                                int slot);
codegen::Instructions computeGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a);
codegen::Instructions storeGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a);

} // namespace tessera::schedule
