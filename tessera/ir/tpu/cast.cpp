#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::CastOp::verify() {
  auto other = [](mlir::Value v) { // than f32
    return quantOf(v) || elementOf(v).isF16() || elementOf(v).isBF16();
  };
  if (!(isF32(getInput()) && other(getOutput())) && !(other(getInput()) && isF32(getOutput())))
    return emitOpError("casts ") << getInput().getType() << " to " << getOutput().getType()
                                 << "; one must be f32, the other quantized, f16 or bf16";
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
