#include "tessera/ir/top/shapes.h"

namespace tessera {
ShapeOr top::AddOp::inferShape() {
  return broadcastShape(*this, sizesOf(getLhs()), sizesOf(getRhs()));
}
} // namespace tessera
