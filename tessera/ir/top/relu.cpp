#include "tessera/ir/top/shapes.h"

namespace tessera {
ShapeOr top::ReluOp::inferShape() { return llvm::SmallVector<int64_t>(sizesOf(getInput())); }
} // namespace tessera
