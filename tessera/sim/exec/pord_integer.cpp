// sPorD of integers.
#include "tessera/sim/exec/pord_job.h"
#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::exec {

using isa::sPorD;
using numerics::Rounding;

Status pordIntegers(const PordJob &j) {
  const sPorD &f = j.f;
  bool isSigned = f.opd0_sign;
  auto load = [isSigned](int16_t *out, const uint8_t *p, int64_t count) {
    kernels::widen(out, p, count, isSigned);
  };
  auto read = [isSigned](uint8_t b) { return isSigned ? int16_t(int8_t(b)) : int16_t(b); };
  if (j.type != Type::Int8)
    return unsupported("pooling or depthwise of int16 or int32");
  if (chip::isFloat(j.to))
    return unsupported("pooling or depthwise of integers into floats");
  bool isMax = j.op == kMax, average = j.op == kAverage, relu = j.op == kDepthwiseRelu;
  // Immediates count by their low 8 bits. res1 holds the depthwise shift in bits 8..15.
  uint8_t insertByte = uint8_t(f.res1_addr);
  // An average's shift is a whole word; a negative one shifts nothing.
  int shift = isMax || j.regions ? 0
              : average          ? std::max(0, int32_t(uint32_t(f.opd2_addr)))
                                 : int(f.res1_addr >> 8 & 0xFF);
  auto mode = average ? Rounding::HalfUp : Rounding(f.opd2_n_str);
  if (!isMax && !j.regions && f.opd2_n_str > 6)
    return unsupported(fmt::format("rounding code {}", f.opd2_n_str));
  int64_t bits = chip::bitsOf(j.to);
  // Depthwise: the sum is 32 bits wide, and signed where any operand is.
  bool signedSum = isSigned || (j.depthwise() && (f.opd1_sign || (!j.regions && f.opd2_sign)));
  IntRange range = rangeOf(bits, signedSum && !relu);
  int64_t width = j.d.w, stride = j.window.x.stride;
  if (j.taps() > 16384)
    return unsupported(fmt::format("a kernel of {} cells", j.taps()));
  int64_t scale = average ? int64_t(f.opd1_addr & 0xFF) : 1;
  planes<int16_t>(j, [&](int64_t n, int64_t c, std::vector<int16_t> &plane) {
    const uint8_t *edge = j.edge.plane(0, c);
    extend<int16_t>(j, plane, n, c, read(edge[0]), read(j.edge.immediate ? insertByte : edge[1]),
                    load);
    const uint8_t *weight = j.weight.plane(0, c);
    int64_t bias = 0;
    if (!j.bias.immediate)
      bias = f.opd2_sign ? int64_t(loadAs<int32_t>(j.bias.plane(0, c)))
                         : int64_t(loadAs<uint32_t>(j.bias.plane(0, c)));
    // Sums that need no bias, scale or shift go straight to bytes.
    bool direct = bits == 8 && bias == 0 && scale == 1 && !relu && shift == 0;
    std::vector<int32_t> sum(width);
    std::vector<int64_t> v(direct ? 0 : width);
    for (int64_t oy = 0; oy < j.d.h; ++oy) {
      std::fill(sum.begin(), sum.end(), isMax ? INT32_MIN : 0);
      taps(j, plane, oy, [&](const int16_t *row, int64_t k) {
        if (isMax)
          return kernels::maximum(sum.data(), row, stride, width);
        // At most 2^14 cells of at most 2^16 each: 32 bits hold the sum.
        uint8_t byte = j.weight.immediate ? weight[0] : weight[k];
        int32_t w = average ? 1 : f.opd1_sign ? int32_t(int8_t(byte)) : int32_t(byte);
        if (w != 0)
          kernels::accumulate(sum.data(), row, stride, w, width);
      });
      uint8_t *out = j.res.plane(n, c) + oy * width * j.res.size;
      if (direct) {
        kernels::clampToBytes(out, sum.data(), width, int32_t(range.lo), int32_t(range.hi));
        continue;
      }
      for (int64_t x = 0; x < width; ++x) {
        int64_t t = sum[x] * scale + bias;
        if (!average)
          t = signedSum ? int64_t(int32_t(uint64_t(t))) : int64_t(uint32_t(uint64_t(t)));
        t = relu ? std::max<int64_t>(t, 0) : t;
        v[x] = shift ? numerics::shiftRight(t, std::min(shift, 63), mode) : t;
      }
      if (!j.regions || bits == 8) // a region's 16 bits wrap
        saturateRun(v.data(), width, range);
      storeInts(out, j.res.size, v.data(), width, bits);
    }
  });
  return {};
}

} // namespace tessera::sim::exec
