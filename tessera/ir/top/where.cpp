#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::WhereOp::inferShape() {
  ShapeOr values = broadcastShape(*this, sizesOf(getLhs()), sizesOf(getRhs()));
  if (failed(values))
    return mlir::failure();
  return broadcastShape(*this, sizesOf(getCond()), *values);
}

} // namespace tessera
