#pragma once
// Private to sCONV: the decoded command with its operands found and checked, and its two
// arithmetics.
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"
#include "tessera/sim/window.h"

namespace tessera::sim::exec {

struct ConvJob {
  isa::sCONV f;
  int64_t n, ic, oc;
  Window window;
  std::vector<int32_t> rows, columns; ///< extended positions to input positions
  Type type, to;
  Local src, weight, res;
  Operand bias; ///< opd2: kernel zero point, int16 bias or fp32 bias, one per output channel
  Operand edge; ///< opd3: pad and insert pairs per input channel

  int64_t taps() const { return window.y.kernel * window.x.kernel; }
  int64_t outCount() const { return window.y.out * window.x.out; }
  /// Weight row of (kernel row, column) after kernel_rotate.
  int64_t tapIndex(int64_t ky, int64_t kx) const {
    int64_t at = ky * window.x.kernel + kx;
    return f.kernel_rotate ? taps() - 1 - at : at;
  }
  /// Offset in elements of weight (o, i, tap) from the lane offset: blocks of IC input channels.
  const uint8_t *weightAt(int64_t o, int64_t i, int64_t tap) const {
    int64_t block = chip::cubeInputs(type);
    return weight.plane(0, o) + weight.size * ((i / block * taps() + tap) * block + i % block);
  }
};

struct ConvTail;
/// 8-bit inputs: exact sums, then the result forms of sections 4.1 and 4.3 (conv_integer.cpp), and
/// what the tail does with them.
Status convIntegers(Machine &m, const ConvJob &j, const ConvTail &tail);
/// fp32, fp16 and bf16 inputs in the cube's order, section 8 (conv_float.cpp).
Status convFloats(Machine &m, const ConvJob &j);

} // namespace tessera::sim::exec
