#pragma once
// Values of ops whose inputs are all constants: the shape arithmetic that exporters leave, and
// moves of weights. Integers are computed exactly in their own type; a result that does not fit it
// is an error, never a wrapped number, since every use here is a size or an index.
#include "tessera/tensor/tensor.h"

#include <optional>
#include <string>
#include <string_view>

namespace tessera::onnx_import::fold {

/// The tensor, or why there is none ("divides 4 by 0").
using Folded = tl::expected<Tensor, std::string>;

/// Add Sub Mul Div Min Max Pow Mod And Or Xor with NumPy broadcasting; both sides of one type.
/// Integer Div truncates toward zero and Mod takes the divisor's sign, as onnxruntime has them.
Folded binary(std::string_view op, const Tensor &a, const Tensor &b);
/// Less LessOrEqual Greater GreaterOrEqual Equal: Bool.
Folded compare(std::string_view op, const Tensor &a, const Tensor &b);
/// Neg Abs Floor Ceil Round Sqrt Reciprocal Exp Log Not Sign. Round is half to even.
Folded unary(std::string_view op, const Tensor &a);
/// Bool condition; broadcast over all three.
Folded where(const Tensor &condition, const Tensor &a, const Tensor &b);
/// Floats to integers truncate; what does not fit is an error.
Folded cast(const Tensor &a, DType to);
/// start, start + delta, ... below (above, for a negative delta) limit.
Folded range(const Tensor &start, const Tensor &limit, const Tensor &delta);
/// ReduceProd ReduceSum ReduceMin ReduceMax over the given axes.
Folded reduce(std::string_view op, const Tensor &a, const std::vector<int64_t> &axes,
              bool keepdims);

/// All lists have one entry an axis; element i of an axis is offset + i * step.
Tensor slice(const Tensor &a, const std::vector<int64_t> &offset, const std::vector<int64_t> &steps,
             const Shape &sizes);
Tensor transpose(const Tensor &a, const std::vector<int64_t> &order);
/// indices are not negative and inside the axis; the axis is replaced by `indexShape`.
Tensor gather(const Tensor &a, const std::vector<int64_t> &indices, const Shape &indexShape,
              int64_t axis);
/// Shapes differ along `axis` only, types are equal.
Tensor concat(const std::vector<Tensor> &parts, int64_t axis);
/// NumPy's broadcast shape; nullopt if they do not broadcast.
std::optional<Shape> broadcast(const Shape &a, const Shape &b);
/// a repeated to `shape`, to which it broadcasts.
Tensor expand(const Tensor &a, const Shape &shape);
/// The shape fits in memory as a constant (at most 2^28 elements).
bool reasonable(const Shape &shape);

} // namespace tessera::onnx_import::fold
