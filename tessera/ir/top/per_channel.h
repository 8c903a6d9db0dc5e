#pragma once
// BatchNorm and Scale: per-channel operands over axis 1.
#include "tessera/ir/top/shapes.h"

namespace tessera {

/// Every operand after the first is [c], c = channels of the first.
ShapeOr perChannelShape(mlir::Operation *op);

} // namespace tessera
