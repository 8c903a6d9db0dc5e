#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::CastOp::verify() {
  bool in = bool(quantOf(getInput())), out = bool(quantOf(getOutput()));
  if (in == out || !(in || isF32(getInput())) || !(out || isF32(getOutput())))
    return emitOpError("casts ") << getInput().getType() << " to " << getOutput().getType()
                                 << "; one must be f32, the other quantized";
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
