// Folds that only move elements: they work on bytes and know no types.
#include "tessera/import/onnx/fold/fold.h"

namespace tessera::onnx_import::fold {
namespace {

/// Copies element by element: result cell (i0, i1, ...) is input cell base + sum(i * stride).
Tensor gatherStrided(const Tensor &a, const Shape &shape, const std::vector<int64_t> &strides,
                     int64_t base) {
  Tensor out(a.dtype(), shape);
  if (out.count() == 0)
    return out;
  size_t size = size_t(dtypeSize(a.dtype()));
  const uint8_t *from = a.bytes().data();
  uint8_t *to = out.bytes().data();
  std::vector<int64_t> at(shape.size(), 0);
  int64_t cell = base;
  for (int64_t i = 0; i < out.count(); ++i) {
    std::memcpy(to + size_t(i) * size, from + size_t(cell) * size, size);
    for (size_t d = shape.size(); d-- > 0;) {
      cell += strides[d];
      if (++at[d] < shape[d])
        break;
      cell -= strides[d] * shape[d];
      at[d] = 0;
    }
  }
  return out;
}

std::vector<int64_t> stridesOf(const Shape &shape) {
  std::vector<int64_t> s(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    s[d - 1] = s[d] * shape[d];
  return s;
}

} // namespace

Tensor slice(const Tensor &a, const std::vector<int64_t> &offset, const std::vector<int64_t> &steps,
             const Shape &sizes) {
  auto strides = stridesOf(a.shape());
  int64_t base = 0;
  for (size_t d = 0; d < strides.size(); ++d) {
    base += offset[d] * strides[d];
    // A step over a single element is never taken and may be absurdly large.
    strides[d] = sizes[d] > 1 ? strides[d] * steps[d] : 0;
  }
  return gatherStrided(a, sizes, strides, base);
}

Tensor transpose(const Tensor &a, const std::vector<int64_t> &order) {
  auto strides = stridesOf(a.shape());
  Shape shape;
  std::vector<int64_t> moved;
  for (int64_t d : order) {
    shape.push_back(a.dim(size_t(d)));
    moved.push_back(strides[size_t(d)]);
  }
  return gatherStrided(a, shape, moved, 0);
}

Tensor gather(const Tensor &a, const std::vector<int64_t> &indices, const Shape &indexShape,
              int64_t axis) {
  Shape shape(a.shape().begin(), a.shape().begin() + axis);
  shape.insert(shape.end(), indexShape.begin(), indexShape.end());
  shape.insert(shape.end(), a.shape().begin() + axis + 1, a.shape().end());
  Tensor out(a.dtype(), shape);
  int64_t outer = elementCount(std::span(a.shape()).first(size_t(axis)));
  size_t inner =
      size_t(elementCount(std::span(a.shape()).subspan(size_t(axis) + 1)) * dtypeSize(a.dtype()));
  if (out.count() == 0)
    return out;
  uint8_t *to = out.bytes().data();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i : indices) {
      std::memcpy(to, a.bytes().data() + size_t(o * a.dim(size_t(axis)) + i) * inner, inner);
      to += inner;
    }
  return out;
}

Tensor concat(const std::vector<Tensor> &parts, int64_t axis) {
  Shape shape = parts[0].shape();
  shape[size_t(axis)] = 0;
  for (const Tensor &p : parts)
    shape[size_t(axis)] += p.dim(size_t(axis));
  Tensor out(parts[0].dtype(), shape);
  if (out.count() == 0)
    return out;
  int64_t outer = elementCount(std::span(shape).first(size_t(axis)));
  uint8_t *to = out.bytes().data();
  for (int64_t o = 0; o < outer; ++o)
    for (const Tensor &p : parts) {
      size_t piece = p.bytes().size() / size_t(outer);
      if (piece)
        std::memcpy(to, p.bytes().data() + size_t(o) * piece, piece);
      to += piece;
    }
  return out;
}

std::optional<Shape> broadcast(const Shape &a, const Shape &b) {
  size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    int64_t x = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    int64_t y = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    out[i] = x == 1 ? y : x;
  }
  return out;
}

Tensor expand(const Tensor &a, const Shape &shape) {
  if (a.shape() == shape)
    return a;
  auto own = stridesOf(a.shape());
  std::vector<int64_t> strides(shape.size(), 0);
  for (size_t d = 0; d < a.rank(); ++d)
    if (a.dim(d) != 1)
      strides[d + shape.size() - a.rank()] = own[d];
  return gatherStrided(a, shape, strides, 0);
}

bool reasonable(const Shape &shape) {
  int64_t count = 1;
  for (int64_t d : shape) {
    if (d < 0)
      return false;
    if (d == 0)
      return true;
  }
  for (int64_t d : shape) {
    if (d > (int64_t{1} << 28) / count)
      return false;
    count *= d;
  }
  return true;
}

} // namespace tessera::onnx_import::fold
