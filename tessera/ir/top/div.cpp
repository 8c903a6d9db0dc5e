#include "tessera/ir/top/shapes.h"

namespace tessera {
ShapeOr top::DivOp::inferShape() {
  return broadcastShape(*this, sizesOf(getLhs()), sizesOf(getRhs()));
}
} // namespace tessera
