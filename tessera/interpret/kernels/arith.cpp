#include "tessera/interpret/kernels/arith.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {

Shape broadcastShape(const Shape &a, const Shape &b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 1; i <= shape.size(); ++i) {
    int64_t da = i <= a.size() ? a[a.size() - i] : 1, db = i <= b.size() ? b[b.size() - i] : 1;
    TESSERA_CHECK(da == db || da == 1 || db == 1, "shapes that broadcast");
    shape[shape.size() - i] = da == 1 ? db : da;
  }
  return shape;
}

Shape broadcastStrides(const Shape &from, const Shape &to) {
  Shape dense = denseStrides(from), strides(to.size(), 0);
  for (size_t i = 1; i <= from.size(); ++i)
    strides[to.size() - i] = from[from.size() - i] == 1 ? 0 : dense[from.size() - i];
  return strides;
}

namespace {

template <class F> Tensor binary(const Tensor &a, const Tensor &b, const F &f) {
  TESSERA_CHECK(a.dtype() == DType::F32 && b.dtype() == DType::F32, "float operands");
  Tensor y(DType::F32, broadcastShape(a.shape(), b.shape()));
  const float *pa = a.as<float>().data(), *pb = b.as<float>().data();
  float *to = y.as<float>().data();
  forRows<2>(y.shape(),
             {broadcastStrides(a.shape(), y.shape()), broadcastStrides(b.shape(), y.shape())},
             [&](const auto &at, int64_t out, int64_t count, const auto &steps) {
               for (int64_t i = 0; i < count; ++i)
                 to[out + i] = f(pa[at[0] + i * steps[0]], pb[at[1] + i * steps[1]]);
             });
  return y;
}

} // namespace

Tensor arith(Arith op, const Tensor &lhs, const Tensor &rhs, bool relu) {
  auto run = [&](auto f) {
    return relu ? binary(lhs, rhs,
                         [f](float a, float b) {
                           float v = f(a, b);
                           return v < 0 ? 0.f : v;
                         })
                : binary(lhs, rhs, f);
  };
  switch (op) {
  case Arith::Add:
    return run([](float a, float b) { return a + b; });
  case Arith::Sub:
    return run([](float a, float b) { return a - b; });
  case Arith::Mul:
    return run([](float a, float b) { return a * b; });
  case Arith::Div:
    return run([](float a, float b) { return a / b; });
  }
  TESSERA_CHECK(false, "an arithmetic operation");
}

} // namespace tessera::interpret
