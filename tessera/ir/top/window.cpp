// What convolutions, transposed convolutions and pooling share: checks of kernel, strides, pads,
// dilations.
#include "tessera/ir/top/window.h"

namespace tessera {

llvm::FailureOr<Window2d> checkedWindow(mlir::Operation *op, Sizes input, WindowAttrs a) {
  if (input.size() != 4)
    return op->emitOpError("input has shape ") << sizesText(input) << ", must be [n, c, h, w]";
  if (failed(checkCount(op, "kernel_shape", a.kernel.size(), 2)) ||
      failed(checkCount(op, "strides", a.strides.size(), 2)) ||
      failed(checkCount(op, "pads", a.pads.size(), 4)) ||
      failed(checkCount(op, "dilations", a.dilations.size(), 2)))
    return mlir::failure();
  // The bound keeps every size computed below far from overflow.
  auto inRange = [&](const char *name, Sizes values, int64_t lowest) -> mlir::LogicalResult {
    for (int64_t v : values)
      if (v < lowest || v > (int64_t{1} << 24))
        return op->emitOpError(name)
               << " is " << sizesText(values) << ", every entry must be at least " << lowest
               << " and at most 2^24";
    return mlir::success();
  };
  if (failed(inRange("kernel_shape", a.kernel, 1)) || failed(inRange("strides", a.strides, 1)) ||
      failed(inRange("pads", a.pads, 0)) || failed(inRange("dilations", a.dilations, 1)))
    return mlir::failure();
  Window2d w;
  for (int i = 0; i < 2; ++i) {
    w.kernel[i] = a.kernel[i];
    w.strides[i] = a.strides[i];
    w.dilations[i] = a.dilations[i];
    w.pads[i] = a.pads[i];
    w.pads[i + 2] = a.pads[i + 2];
  }
  return w;
}

mlir::LogicalResult checkWindowFits(mlir::Operation *op, const Window2d &w, Sizes input) {
  for (int i = 0; i < 2; ++i)
    if (int64_t padded = input[2 + i] + w.pads[i] + w.pads[i + 2]; w.extent(i) > padded)
      return op->emitOpError("window of ")
             << w.extent(i) << (i ? " columns" : " rows") << " (kernel " << w.kernel[i]
             << ", dilation " << w.dilations[i] << ") is larger than the padded input, " << padded;
  return mlir::success();
}

mlir::LogicalResult checkFilter(mlir::Operation *op, Sizes input, Sizes filter,
                                std::optional<Sizes> bias, const Window2d &w, int64_t group) {
  if (filter.size() != 4)
    return op->emitOpError("filter has shape ")
           << sizesText(filter) << ", must be [oc, ic/group, kh, kw]";
  if (filter[2] != w.kernel[0] || filter[3] != w.kernel[1])
    return op->emitOpError("filter is ") << filter[2] << "x" << filter[3] << ", kernel_shape says "
                                         << w.kernel[0] << "x" << w.kernel[1];
  if (group < 1)
    return op->emitOpError("group is ") << group << ", must be at least 1";
  if (input[1] % group || filter[0] % group)
    return op->emitOpError("group ") << group << " does not divide the channels: input has "
                                     << input[1] << ", output " << filter[0];
  if (filter[1] * group != input[1])
    return op->emitOpError("filter has ")
           << filter[1] << " input channels a group (" << group
           << (group == 1 ? " group" : " groups") << "), input has " << input[1] << " channels";
  if (bias && *bias != Sizes{filter[0]})
    return op->emitOpError("bias has shape ")
           << sizesText(*bias) << ", filter has " << filter[0] << " output channels";
  return mlir::success();
}

} // namespace tessera
