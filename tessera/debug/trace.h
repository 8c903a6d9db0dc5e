#pragma once
// One line a command, for grep and diff.
#include "tessera/bmodel/origins.h"
#include "tessera/runtime/runtime.h"

namespace tessera::debug {

/// The command that `steps` ran last (index `k`), with what it read and wrote:
///   tiu:17 g0 dep=5 CONV op=Conv2D_19 slice=0 opd0=l0+0x0:1x3x82x240*1 ... result=...#<hash>
/// operand = place ':' n x c x h x w '*' bytes of an element; a result's '#' is the FNV-1a hash of
/// its elements' bytes, so that two traces differ first where two runs do.
std::string traceLine(runtime::Steps &steps, size_t k, const bmodel::Origins &origins);

/// Runs everything and gives `line` each line. Returns the outputs.
Result<TensorMap> trace(const runtime::Session &session, const TensorMap &inputs,
                        const std::function<Status(const std::string &)> &line);

} // namespace tessera::debug
