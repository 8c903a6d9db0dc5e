#pragma once
// The weights of a group's ops: block by block of output channels, in each a row of bytes a lane.
#include "tessera/schedule/group_plan.h"

namespace tessera::schedule {

/// Where each input's filter lies in a block of a convolution: the last input's part, with the
/// requantize triples and the bias, first.
std::vector<codegen::ConvBlockLayout> convParts(const GroupPlan &p, size_t op, size_t block);
codegen::UpConvLayout upConvLayout(const GroupPlan &p, size_t op, size_t block);
/// Bytes of a lane.
int64_t blockWidth(const GroupPlan &p, size_t op, size_t block);
/// A buffer for every op with weights.
void addGroupConstants(GroupPlan &p, const AddConstant &addConstant);

} // namespace tessera::schedule
