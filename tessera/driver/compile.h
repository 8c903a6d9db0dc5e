#pragma once
// A tpu module as a bmodel in memory: what deploy writes and explain looks at.
#include "tessera/driver/stages.h"
#include "tessera/emit/emit.h"
#include "tessera/ir/module.h"

namespace tessera::driver {

struct Compiled {
  schedule::Network network;
  schedule::Schedule plan;
  emit::Emitted emitted;
};

/// Whether a rewrite of kDeployRewrites is to be done.
bool does(const SearchOptions &options, std::string_view rewrite);
/// Error "bad-option" for names in `without` that are no rewrite.
Status checkWithout(const SearchOptions &options);

/// `pins` are kept where the options name no file of them. Errors of that file, of the scheduler
/// and of emit.
Result<Compiled> compile(const ir::Module &tpu, const SearchOptions &options,
                         std::vector<schedule::Pin> pins = {});

/// Completes the id chain: the ONNX nodes of each layer's top ops.
void addOnnxNodes(emit::Emitted &emitted, ir::Module &top);

/// Writes the choices onto the ops: `layer_group` (a number) and, on the first of each, `cut`.
void annotate(ir::Module &tpu, const Compiled &compiled);
/// The choices that `annotate` wrote; none on other modules.
std::vector<schedule::Pin> annotatedPins(const ir::Module &tpu);

} // namespace tessera::driver
