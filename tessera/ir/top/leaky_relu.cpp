#include "tessera/ir/top/shapes.h"

#include <cmath>

namespace tessera {

ShapeOr top::LeakyReluOp::inferShape() {
  if (double a = getAlpha().convertToDouble(); !std::isfinite(a))
    return emitOpError("alpha is ") << a << ", must be finite";
  return llvm::SmallVector<int64_t>(sizesOf(getInput()));
}

} // namespace tessera
