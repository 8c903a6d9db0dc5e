#include "tessera/codegen/depthwise.h"

#include "tessera/codegen/window.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace tessera::codegen {

int64_t depthwiseBiasBytes(DType filter) { return dtypeIsFloat(filter) ? dtypeSize(filter) : 4; }

ConvBlockLayout depthwiseBlockLayout(int64_t channels, int64_t cells, bool bias, DType filter) {
  ConvBlockLayout b;
  int64_t slots = chip::slots(0, channels);
  if (!dtypeIsFloat(filter))
    b.bias = (slots - 1) * chip::kEuBytes + 12;
  b.filter = b.bias + (bias ? depthwiseBiasBytes(filter) * slots : 0);
  b.slotBytes = cells * dtypeSize(filter);
  b.width = chip::alignUp(b.filter + slots * b.slotBytes, chip::kEuBytes);
  return b;
}

ConvBlock packDepthwiseBlock(const Tensor &filter, const Tensor *bias,
                             std::span<const int32_t> multiplier, std::span<const int32_t> rshift,
                             int64_t c0, int64_t c1) {
  bool floats = dtypeIsFloat(filter.dtype());
  int64_t cells = filter.dim(2) * filter.dim(3), biasBytes = depthwiseBiasBytes(filter.dtype());
  ConvBlockLayout l = depthwiseBlockLayout(c1 - c0, cells, bias != nullptr, filter.dtype());
  Tensor stored = bias ? bias->converted(floats ? filter.dtype() : DType::I32) : Tensor();
  ConvBlock b;
  b.rows = std::min(c1 - c0, chip::kLanes);
  b.width = l.width;
  b.bytes.assign(size_t(b.rows * b.width), 0);
  for (int64_t c = c0; c < c1; ++c) {
    int64_t slot = (c - c0) / chip::kLanes;
    uint8_t *row = b.bytes.data() + (c - c0) % chip::kLanes * b.width;
    if (!floats)
      putRequantTriple(row + slot * chip::kEuBytes, multiplier, rshift, c);
    if (bias)
      std::memcpy(row + l.bias + biasBytes * slot, stored.bytes().data() + biasBytes * c,
                  size_t(biasBytes));
    std::memcpy(row + l.filter + slot * l.slotBytes, filter.bytes().data() + c * l.slotBytes,
                size_t(l.slotBytes));
  }
  return b;
}

bool biasFitsSum(const Tensor &filter, const Tensor &bias) {
  int64_t sum = filter.dim(2) * filter.dim(3) * 255 * 255, most = 0;
  for (int32_t b : bias.as<int32_t>())
    most = std::max(most, std::abs(int64_t(b)));
  return sum + most <= INT32_MAX;
}

Instruction convolveDepthwise(const ConvSlice &s) {
  TESSERA_CHECK(s.input.isAligned() && !s.accumulate, "depthwise slice");
  isa::sPorD f;
  f.kernel_rotate = s.rotate;
  bool floats = dtypeIsFloat(s.input.dtype);
  f.opd0_sign = !floats && signBit(s.input.dtype);
  f.opd1_sign = !floats && s.weightsSigned;
  f.opd2_sign = !floats;
  f.opd2_n_str = uint64_t(numerics::Rounding::HalfUp);
  f.res0_prec = uint64_t(typeCode(s.accumulator.dtype));
  f.opd0_prec = uint64_t(typeCode(s.input.dtype));
  f.opd2_const = !s.bias;
  if (s.bias)
    f.opd2_addr = s.bias->begin;
  f.opd3_const = !s.padTable;
  f.opd3_addr = s.padTable ? s.padTable->begin : uint32_t(s.padValue) & (floats ? ~0u : 0xFFu);
  setWindow(f, s.input, s.y, s.x, s.axisY, s.axisX, s.accumulator);
  f.opd1_addr = s.weights;
  Instruction i{isa::command(f),
                {s.input.range(), {s.weights, uint32_t(s.weights + s.weightBytes)}},
                {s.accumulator.range()},
                {},
                {}};
  if (s.bias)
    i.reads.push_back(*s.bias);
  if (s.padTable)
    i.reads.push_back(*s.padTable);
  return i;
}

} // namespace tessera::codegen
