#pragma once
// Shape rules of the ops, on plain shapes: the top ops infer with them, the tpu verifiers compare
// with them. Each rule checks its attributes first and emits an error on `op` that holds both
// values.
#include "tessera/ir/top/dialect.h"
#include "tessera/tensor/window.h"

#include <optional>

namespace tessera {

using Sizes = llvm::ArrayRef<int64_t>;
using ShapeOr = llvm::FailureOr<llvm::SmallVector<int64_t>>;

inline Sizes sizesOf(mlir::Value v) {
  return llvm::cast<mlir::RankedTensorType>(v.getType()).getShape();
}
/// "[1, 3, 160, 240]" for messages.
std::string sizesText(Sizes sizes);

/// Attributes of a window as the ops hold them.
struct WindowAttrs {
  Sizes kernel, strides, pads, dilations;
};
template <class OpT> WindowAttrs windowAttrs(OpT op) {
  return {op.getKernelShape(), op.getStrides(), op.getPads(), op.getDilations()};
}
/// The window of a verified Conv, Deconv or pooling op of either dialect.
template <class OpT> Window2d windowOf(OpT op) {
  Window2d w;
  for (int i = 0; i < 2; ++i) {
    w.kernel[i] = op.getKernelShape()[i];
    w.strides[i] = op.getStrides()[i];
    w.dilations[i] = op.getDilations()[i];
    w.pads[i] = op.getPads()[i];
    w.pads[i + 2] = op.getPads()[i + 2];
  }
  if constexpr (requires { op.getOutputPadding(); })
    for (int i = 0; i < 2; ++i)
      w.outputPadding[i] = op.getOutputPadding()[i];
  return w;
}

/// `name` has `count` entries.
mlir::LogicalResult checkCount(mlir::Operation *op, const char *name, size_t found, size_t count);
/// 0 <= axis < rank.
mlir::LogicalResult checkAxis(mlir::Operation *op, int64_t axis, size_t rank);
/// `value` is one of `allowed`.
mlir::LogicalResult checkOneOf(mlir::Operation *op, const char *name, llvm::StringRef value,
                               llvm::ArrayRef<llvm::StringRef> allowed);
/// The first result's type has this shape; a failed shape has had its message.
mlir::LogicalResult checkResultShape(mlir::Operation *op, const ShapeOr &shape);

/// The recipe of a network input: as many means as scales, finite; resize_dims empty or two sizes.
mlir::LogicalResult checkInputRecipe(mlir::Operation *op, llvm::ArrayRef<double> mean,
                                     llvm::ArrayRef<double> scale, Sizes resizeDims);

/// input [n, ic, h, w], filter [oc, ic/group, kh, kw], bias [oc] if any; padValues = number of
/// pad_value entries if the attribute is there (one per input channel).
ShapeOr convShape(mlir::Operation *op, Sizes input, Sizes filter, std::optional<Sizes> bias,
                  WindowAttrs window, int64_t group, std::optional<size_t> padValues);
ShapeOr deconvShape(mlir::Operation *op, Sizes input, Sizes filter, std::optional<Sizes> bias,
                    WindowAttrs window, Sizes outputPadding, int64_t group);
/// input [n, ic, h, w], skip [n, sc, 2h or 2h + 1, 2w or 2w + 1], filters and bias as top.UpConv
/// has them.
ShapeOr upConvShape(mlir::Operation *op, Sizes input, Sizes skip, Sizes filter, Sizes skipFilter,
                    std::optional<Sizes> bias);
/// Every window must hold at least one cell of the input.
ShapeOr poolShape(mlir::Operation *op, Sizes input, WindowAttrs window, bool ceilMode);
ShapeOr concatShape(mlir::Operation *op, llvm::ArrayRef<Sizes> inputs, int64_t axis);
ShapeOr padShape(mlir::Operation *op, Sizes input, Sizes paddings);
ShapeOr sliceShape(mlir::Operation *op, Sizes input, Sizes offset, Sizes steps, Sizes sizes);
ShapeOr permuteShape(mlir::Operation *op, Sizes input, Sizes order);
ShapeOr interpShape(mlir::Operation *op, Sizes input, Sizes outSize, llvm::ArrayRef<double> scale,
                    llvm::StringRef mode, llvm::StringRef coordMode, llvm::StringRef nearestMode);
ShapeOr argShape(mlir::Operation *op, Sizes input, int64_t axis, bool keepdims,
                 llvm::StringRef mode);
ShapeOr reshapeShape(mlir::Operation *op, Sizes input, Sizes shape);
/// NumPy broadcasting of two shapes.
ShapeOr broadcastShape(mlir::Operation *op, Sizes a, Sizes b);

} // namespace tessera
