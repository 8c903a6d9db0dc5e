#pragma once
// A tpu module as the scheduler's plain network.
#include "tessera/ir/module.h"
#include "tessera/schedule/network.h"

namespace tessera::schedule {

/// The module must hold tpu ops (state TPU_LOWERED). Weights share the module's arrays. Ops without
/// an integer form come as Unsupported with the reason, so that schedule() lists them all at once;
/// errors here are of a module that is not what quantize writes (a weight without an array, an
/// unknown op).
Result<Network> networkOf(const ir::Module &tpu);

} // namespace tessera::schedule
