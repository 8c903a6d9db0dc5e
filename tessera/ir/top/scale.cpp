#include "tessera/ir/top/per_channel.h"

namespace tessera {
ShapeOr top::ScaleOp::inferShape() { return perChannelShape(*this); }
} // namespace tessera
