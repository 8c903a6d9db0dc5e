#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::CompareOp::inferShape() {
  if (failed(checkOneOf(*this, "mode", getMode(),
                        {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"})))
    return mlir::failure();
  return broadcastShape(*this, sizesOf(getLhs()), sizesOf(getRhs()));
}

} // namespace tessera
