#include "tessera/interpret/kernels/arg.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {
namespace {

template <class From, class To>
void argRows(const Tensor &x, int64_t axis, bool smallest, bool lastIndex, Tensor &y) {
  int64_t size = x.dim(axis), inner = elementCount(std::span(x.shape()).subspan(axis + 1));
  const From *from = x.as<From>().data();
  To *to = y.as<To>().data();
  forRange(y.count(), 4096, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const From *p = from + i / inner * size * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < size; ++k) {
        From a = p[k * inner], b = p[best * inner];
        if (smallest ? a < b : a > b)
          best = k;
        else if (lastIndex && a == b)
          best = k;
      }
      to[i] = To(best);
    }
  });
}

} // namespace

Tensor arg(const Tensor &x, int64_t axis, bool keepDims, bool smallest, bool lastIndex) {
  TESSERA_CHECK(axis >= 0 && axis < int64_t(x.rank()) && x.dim(axis) > 0, "axis of an arg");
  Shape shape = x.shape();
  shape[axis] = 1;
  if (!keepDims)
    shape.erase(shape.begin() + axis);
  bool isFloat = x.dtype() == DType::F32;
  Tensor y(isFloat ? DType::F32 : DType::U8, shape);
  if (isFloat) {
    argRows<float, float>(x, axis, smallest, lastIndex, y);
    return y;
  }
  TESSERA_CHECK(x.dim(axis) <= 256, "an integer arg over at most 256 elements");
  if (x.dtype() == DType::I8)
    argRows<int8_t, uint8_t>(x, axis, smallest, lastIndex, y);
  else {
    TESSERA_CHECK(x.dtype() == DType::U8, "arg of f32, i8 or u8");
    argRows<uint8_t, uint8_t>(x, axis, smallest, lastIndex, y);
  }
  return y;
}

} // namespace tessera::interpret
