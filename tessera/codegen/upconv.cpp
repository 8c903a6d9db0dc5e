#include "tessera/codegen/upconv.h"

#include "tessera/codegen/arith.h"

#include <algorithm>
#include <cstring>

namespace tessera::codegen {
namespace {

/// Rows and columns [y0, y1) x [x0, x1) of sum = acc + the bias vector at `bias`, integers
/// saturated.
Instruction addBiasAt(const LocalTensor &acc, uint32_t bias, const LocalTensor &sum, int64_t y0,
                      int64_t y1, int64_t x0, int64_t x1) {
  isa::Strides layout = isa::toStrides(chip::alignedLayout(0, 1, acc.c, acc.h, acc.w, 4));
  auto at = [&](const LocalTensor &t) {
    return uint32_t(t.address + 4 * (y0 * int64_t(layout.h) + x0));
  };
  ArithOperand vector{
      false, bias, acc.dtype, isa::toStrides(chip::perChannelLayout()), {bias, bias + 4}};
  ArithOperand from{false, at(acc), acc.dtype, layout, acc.range()};
  LocalTensor to{at(sum), acc.dtype, acc.c, y1 - y0, x1 - x0};
  Instruction i =
      arith(acc.dtype == DType::I32 ? Arith::AddSat : Arith::Add, to, vector, from, {}, layout);
  i.writes = {sum.range()};
  return i;
}

struct Segment {
  int64_t begin, end, kind; ///< outputs of one phase, counted from the band's first; their class
};
/// The outputs of phase `p` of a band in runs of one bias class.
std::vector<Segment> segments(const UpConvBand &b, int64_t p) {
  std::vector<Segment> list;
  const AxisSlice &s = b.phase[size_t(p)].skipSlice;
  for (int64_t i = s.out0; i < s.out1; ++i) {
    int64_t cell = 2 * i + p;
    int64_t kind = cell == 0 ? 1 : cell == 2 * b.in - 1 ? 2 : cell == 2 * b.in ? 3 : 0;
    if (!list.empty() && list.back().kind == kind)
      ++list.back().end;
    else
      list.push_back({i - s.out0, i - s.out0 + 1, kind});
  }
  return list;
}

} // namespace

UpConvLayout UpConvLayout::of(int64_t oc, int64_t ic, int64_t skipChannels, int64_t biases,
                              DType filter) {
  UpConvLayout l;
  int64_t cube = chip::cubeInputs(typeCode(filter)), size = dtypeSize(filter);
  l.slots = chip::slots(0, oc);
  l.bias = dtypeIsFloat(filter) ? 0 : (l.slots - 1) * chip::kEuBytes + 12;
  l.low = chip::alignUp(l.bias + 4 * l.slots * biases, chip::kEuBytes);
  l.lowSlotBytes = chip::alignUp(chip::alignUp(ic, cube) * 4 * size, chip::kEuBytes);
  l.skip = l.low + 4 * l.slots * l.lowSlotBytes;
  l.skipSlotBytes = chip::alignUp(chip::alignUp(skipChannels, cube) * 9 * size, chip::kEuBytes);
  l.width = l.skip + l.slots * l.skipSlotBytes;
  return l;
}

int64_t upConvBiases(const Tensor &bias) {
  if (bias.empty())
    return 0;
  auto b = bias.as<uint32_t>();
  for (size_t i = 0; i < b.size(); ++i)
    if (b[i] != b[i / 16 * 16])
      return 16;
  return 1;
}

std::vector<uint8_t> packUpConv(const Tensor &low, const Tensor &skip, const Tensor &bias,
                                std::span<const int32_t> multiplier,
                                std::span<const int32_t> rshift, int64_t oc0, int64_t oc1,
                                int64_t biases) {
  int64_t oc = low.dim(1), ic = low.dim(2), skipChannels = skip.dim(1);
  UpConvLayout l = UpConvLayout::of(oc1 - oc0, ic, skipChannels, biases, low.dtype());
  std::vector<uint8_t> bytes(size_t(std::min(oc1 - oc0, chip::kLanes) * l.width));
  // Blocks of the input channels of a step, in each the kernel's cells, in each the channels.
  int64_t cube = chip::cubeInputs(typeCode(low.dtype())), size = dtypeSize(low.dtype());
  auto put = [&](uint8_t *to, const uint8_t *from, int64_t channels, int64_t cells) {
    for (int64_t i = 0; i < channels; ++i)
      for (int64_t k = 0; k < cells; ++k)
        std::memcpy(to + ((i / cube * cells + k) * cube + i % cube) * size,
                    from + (i * cells + k) * size, size_t(size));
  };
  for (int64_t o = oc0; o < oc1; ++o) {
    int64_t slot = (o - oc0) / chip::kLanes;
    uint8_t *row = bytes.data() + (o - oc0) % chip::kLanes * l.width;
    if (!dtypeIsFloat(low.dtype())) {
      putRequantTriple(row + l.tripleAt(slot), multiplier, rshift, o);
    }
    for (int64_t k = 0; k < biases; ++k)
      std::memcpy(row + l.biasAt(slot, k / 4, k % 4), bias.as<uint32_t>().data() + o * 16 + k, 4);
    for (int64_t phase = 0; phase < 4; ++phase)
      put(row + l.lowAt(slot, phase), low.bytes().data() + (phase * oc + o) * ic * 4 * size, ic, 4);
    put(row + l.skipAt(slot), skip.bytes().data() + o * skipChannels * 9 * size, skipChannels, 9);
  }
  return bytes;
}

UpConvBand UpConvBand::of(int64_t in, int64_t out, int64_t out0, int64_t out1) {
  TESSERA_CHECK(out / 2 == in && out0 % 2 == 0 && out0 < out1, "a band of an UpConv");
  UpConvBand b{in, out, out0, out1, in, 0, out, 0, {}};
  for (int64_t p = 0; p < 2; ++p) {
    Phase &f = b.phase[size_t(p)];
    int64_t count = (out - p + 1) / 2, first = out0 / 2, last = (out1 - p + 1) / 2;
    f.low = {in, count, 0, 1, 1, 2, 1 - p};
    f.skip = {out, count, 0, 2, 1, 3, 1 - p};
    if (first >= last)
      continue;
    auto low = sliceAxis(f.low, first, last), skip = sliceAxis(f.skip, first, last);
    TESSERA_CHECK(low && skip, "an UpConv's window sees no input");
    f.lowSlice = *low;
    f.skipSlice = *skip;
    b.low0 = std::min(b.low0, low->in0);
    b.low1 = std::max(b.low1, low->in1);
    b.skip0 = std::min(b.skip0, skip->in0);
    b.skip1 = std::max(b.skip1, skip->in1);
  }
  return b;
}

Instructions upConv(const UpConvSlice &s) {
  Instructions list;
  const UpConvLayout &l = s.layout;
  for (int64_t slot = 0; slot < l.slots; ++slot) {
    LocalTensor result = s.result.slotRange(slot, 1);
    for (int64_t phase = 0; phase < 4; ++phase) {
      const UpConvBand::Phase &y = s.y.phase[size_t(phase / 2)], &x = s.x.phase[size_t(phase % 2)];
      int64_t rows = y.skipSlice.outputs(), columns = x.skipSlice.outputs();
      if (rows == 0 || columns == 0)
        continue;
      bool floats = dtypeIsFloat(result.dtype);
      LocalTensor acc{s.accumulator, floats ? DType::F32 : DType::I32, result.c, rows, columns};
      LocalTensor sum = acc;
      auto convolution = [&](const LocalTensor &input, const AxisSlice &sliceY,
                             const AxisSlice &sliceX, const WindowAxis &axisY,
                             const WindowAxis &axisX, int64_t row0, int64_t column0, int64_t at,
                             int64_t bytes, bool accumulate) {
        ConvSlice c;
        c.input =
            input.window(sliceY.in0 - row0, sliceY.inputs(), sliceX.in0 - column0, sliceX.inputs());
        c.y = sliceY;
        c.x = sliceX;
        c.axisY = axisY;
        c.axisX = axisX;
        c.weights = uint32_t(s.constants + at);
        c.weightBytes = bytes;
        c.accumulate = accumulate;
        c.accumulator = acc;
        list.push_back(convolve(c));
      };
      convolution(s.low, y.lowSlice, x.lowSlice, y.low, x.low, s.y.low0, s.x.low0,
                  l.lowAt(slot, phase), l.lowSlotBytes, false);
      convolution(s.skip, y.skipSlice, x.skipSlice, y.skip, x.skip, s.y.skip0, s.x.skip0,
                  l.skipAt(slot), l.skipSlotBytes, true);
      if (s.biases > 0) {
        sum.address = s.sum;
        auto bias = [&](int64_t row, int64_t column) {
          return uint32_t(s.constants + l.biasAt(slot, row, column));
        };
        list.push_back(floats ? addBiasAt(acc, bias(0, 0), sum, 0, rows, 0, columns)
                              : addBias(acc, bias(0, 0), sum));
        // The border again, from the sums that the first pass left as they were.
        if (s.biases > 1)
          for (const Segment &r : segments(s.y, phase / 2))
            for (const Segment &c : segments(s.x, phase % 2))
              if (r.kind || c.kind)
                list.push_back(
                    addBiasAt(acc, bias(r.kind, c.kind), sum, r.begin, r.end, c.begin, c.end));
      }
      LocalTensor plane{s.plane, result.dtype, result.c, rows, columns};
      if (!floats) {
        list.push_back(requantize(sum, uint32_t(s.constants + l.tripleAt(slot)), plane));
      } else {
        if (result.dtype == DType::F32)
          plane = sum;
        else
          list.push_back(castTo(plane, sum, numerics::Rounding::HalfEven));
        if (s.relu)
          list.push_back(
              arith(Arith::Max, plane, tensorOperand(plane), immediateOperand(0, plane.dtype)));
      }
      list.push_back(interleave(plane, 2, 2, phase / 2, phase % 2, result));
    }
  }
  return list;
}

} // namespace tessera::codegen
