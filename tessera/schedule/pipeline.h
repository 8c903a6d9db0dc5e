#pragma once
// Turns the plans of all layers into one program: places slots in local memory and decides where in
// the order each load goes, so that it runs beside the computing of the slice before.
#include "tessera/schedule/plan.h"

namespace tessera::schedule {

struct PipelineResult {
  codegen::Instructions program;
  std::vector<int64_t> relayouts; ///< by plan
};
/// Plans in the order they run. Each must fit `options.localBytes` on its own.
PipelineResult pipeline(const std::vector<LayerPlan> &plans, const Options &options);

} // namespace tessera::schedule
