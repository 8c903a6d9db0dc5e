#pragma once
// Element-wise float arithmetic with NumPy broadcasting: top.Add, Sub, Mul, Div.
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

enum class Arith : uint8_t { Add, Sub, Mul, Div };

/// F32 in, F32 out. The shapes broadcast (TESSERA_CHECK).
Tensor arith(Arith op, const Tensor &lhs, const Tensor &rhs, bool relu = false);

/// NumPy's rule; TESSERA_CHECK that the shapes agree.
Shape broadcastShape(const Shape &a, const Shape &b);
/// Row-major element strides of `from` seen as shape `to` (0 on broadcast axes).
Shape broadcastStrides(const Shape &from, const Shape &to);

} // namespace tessera::interpret
