#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::ClipOp::inferShape() {
  double lo = getMin().convertToDouble(), hi = getMax().convertToDouble();
  if (!(lo <= hi))
    return emitOpError("min ") << lo << " is not at most max " << hi;
  return llvm::SmallVector<int64_t>(sizesOf(getInput()));
}

} // namespace tessera
