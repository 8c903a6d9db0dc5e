#pragma once
// Turns the plans of all layers into one program: places their tensors in local memory and decides
// in which order loads, computing and stores go, so that the GDMA works beside the compute engine.
#include "tessera/schedule/plan.h"

namespace tessera::schedule {

/// Plans in the order they run. Each must fit `options.localBytes` on its own.
codegen::Instructions pipeline(const std::vector<LayerPlan> &plans, const Options &options);

/// Cycles that the plan takes alone, pauses counted: all of it, or, where it is long, its first
/// slices and from there on as many as they take.
uint64_t aloneCycles(const LayerPlan &plan, const Options &options);

} // namespace tessera::schedule
