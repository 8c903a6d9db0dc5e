#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::CastOp::inferShape() {
  if (failed(checkOneOf(*this, "to", getTo(),
                        {"f32", "f16", "bf16", "f64", "i8", "u8", "i16", "u16", "i32", "u32", "i64",
                         "u64", "bool"})))
    return mlir::failure();
  return llvm::SmallVector<int64_t>(sizesOf(getInput()));
}

} // namespace tessera
