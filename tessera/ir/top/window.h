#pragma once
// Checks shared by the ops with a sliding window.
#include "tessera/ir/top/shapes.h"

namespace tessera {

/// The window with counts and ranges checked; input must be [n, c, h, w].
llvm::FailureOr<Window2d> checkedWindow(mlir::Operation *op, Sizes input, WindowAttrs attrs);
/// The window is not larger than the padded input.
mlir::LogicalResult checkWindowFits(mlir::Operation *op, const Window2d &w, Sizes input);
/// Filter [oc, ic/group, kh, kw] and bias [oc] fit input, kernel and group.
mlir::LogicalResult checkFilter(mlir::Operation *op, Sizes input, Sizes filter,
                                std::optional<Sizes> bias, const Window2d &w, int64_t group);

} // namespace tessera
