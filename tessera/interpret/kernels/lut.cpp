#include "tessera/interpret/kernels/lut.h"

namespace tessera::interpret {

Tensor lut(const Tensor &x, const std::vector<int32_t> &table, DType out) {
  TESSERA_CHECK(table.size() == 256 && dtypeSize(x.dtype()) == 1 && dtypeSize(out) == 1,
                "a table of 8-bit values");
  Tensor y(out, x.shape());
  auto from = x.bytes();
  auto to = y.bytes();
  for (size_t i = 0; i < from.size(); ++i)
    to[i] = uint8_t(table[from[i]]);
  return y;
}

} // namespace tessera::interpret
