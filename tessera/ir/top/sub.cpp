#include "tessera/ir/top/shapes.h"

namespace tessera {
ShapeOr top::SubOp::inferShape() {
  return broadcastShape(*this, sizesOf(getLhs()), sizesOf(getRhs()));
}
} // namespace tessera
