#pragma once
// One op of either dialect as a closure over plain attributes. Internal to interpret.
#include "tessera/interpret/kernels/conv2d.h"
#include "tessera/ir/module.h"

#include <functional>
#include <span>

namespace tessera::interpret {

/// Computes an op's result from its operands, in operand order.
using Compute = std::function<Tensor(std::span<const Tensor> operands, FloatPath path)>;

/// What an op looks like from its attributes; a tpu.Float op appears as the top op that it carries.
struct OpView {
  std::string name; ///< without dialect, e.g. "Conv2D"
  bool chip;        ///< of the tpu dialect: floats as the chip computes them (kernels/cube.h)
  mlir::DictionaryAttr attributes;
  DType out = DType::F32;
  double outScale = 0;
  std::vector<DType> in;
  std::vector<double> inScale;
};

/// Null for a name without a kernel.
Compute computeOf(const OpView &op);

} // namespace tessera::interpret
