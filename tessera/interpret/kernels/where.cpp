#include "tessera/interpret/kernels/where.h"

#include "tessera/interpret/kernels/arith.h"
#include "tessera/interpret/kernels/chip_float.h"
#include "tessera/interpret/kernels/elementwise.h"

#include <cstring>

namespace tessera::interpret {

Tensor chipWhere(const Tensor &condition, const Tensor &lhs, const Tensor &rhs) {
  Tensor y(lhs.dtype(), lhs.shape());
  auto size = size_t(dtypeSize(lhs.dtype()));
  forRange(y.count(), kElementGrain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      bool holds = numerics::flush(loaded(condition, i)) > 0;
      std::memcpy(y.bytes().data() + size_t(i) * size,
                  (holds ? lhs : rhs).bytes().data() + size_t(i) * size, size);
    }
  });
  return y;
}

Tensor where(const Tensor &condition, const Tensor &lhs, const Tensor &rhs) {
  TESSERA_CHECK(condition.dtype() == DType::F32 && lhs.dtype() == DType::F32 &&
                    rhs.dtype() == DType::F32,
                "float operands");
  Tensor y(DType::F32, broadcastShape(condition.shape(), broadcastShape(lhs.shape(), rhs.shape())));
  const float *c = condition.as<float>().data(), *a = lhs.as<float>().data(),
              *b = rhs.as<float>().data();
  float *to = y.as<float>().data();
  forRows<3>(y.shape(),
             {broadcastStrides(condition.shape(), y.shape()),
              broadcastStrides(lhs.shape(), y.shape()), broadcastStrides(rhs.shape(), y.shape())},
             [&](const auto &at, int64_t out, int64_t count, const auto &steps) {
               for (int64_t i = 0; i < count; ++i)
                 to[out + i] = c[at[0] + i * steps[0]] != 0 ? a[at[1] + i * steps[1]]
                                                            : b[at[2] + i * steps[2]];
             });
  return y;
}

} // namespace tessera::interpret
