#include "tessera/codegen/conv2d.h"

#include "tessera/codegen/window.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tessera::codegen {
namespace {

/// Input channels side by side in a lane's weights.
int64_t cubeOf(DType filter) { return chip::cubeInputs(typeCode(filter)); }

} // namespace

ConvBlockLayout convBlockLayout(int64_t oc, int64_t ic, int64_t cells, bool tail, bool bias,
                                DType filter) {
  ConvBlockLayout b;
  int64_t slots = chip::slots(0, oc);
  if (dtypeIsFloat(filter)) {
    b.filter = chip::alignUp(bias ? 4 * slots : 0, chip::kEuBytes);
  } else if (tail) {
    b.bias = (slots - 1) * chip::kEuBytes + 12;
    b.filter = chip::alignUp(b.bias + (bias ? 4 * slots : 0), chip::kEuBytes);
  }
  b.slotBytes =
      chip::alignUp(chip::alignUp(ic, cubeOf(filter)) * cells * dtypeSize(filter), chip::kEuBytes);
  b.width = b.filter + slots * b.slotBytes;
  return b;
}

void putRequantTriple(uint8_t *to, std::span<const int32_t> multiplier,
                      std::span<const int32_t> rshift, int64_t o) {
  int32_t triple[3] = {multiplier[multiplier.size() == 1 ? 0 : size_t(o)],
                       -rshift[rshift.size() == 1 ? 0 : size_t(o)], 0};
  std::memcpy(to, triple, sizeof triple);
}

ConvBlock packConvBlock(const Tensor &filter, const Tensor *bias,
                        std::span<const int32_t> multiplier, std::span<const int32_t> rshift,
                        int64_t oc0, int64_t oc1, int64_t ic0, int64_t ic1, bool tail,
                        const std::vector<std::vector<int64_t>> &phases) {
  int64_t cells = filter.dim(2) * filter.dim(3), allIc = filter.dim(1);
  int64_t cube = cubeOf(filter.dtype()), size = dtypeSize(filter.dtype());
  ConvBlockLayout l =
      convBlockLayout(oc1 - oc0, ic1 - ic0, cells, tail, bias != nullptr, filter.dtype());
  ConvBlock b;
  b.rows = std::min(oc1 - oc0, chip::kLanes);
  b.width = l.width;
  b.bytes.assign(size_t(b.rows * b.width), 0);
  auto weights = filter.bytes();
  std::vector<std::vector<int64_t>> lists = phases;
  if (lists.empty()) {
    lists.emplace_back(size_t(cells));
    std::iota(lists[0].begin(), lists[0].end(), 0);
  }
  for (int64_t o = oc0; o < oc1; ++o) {
    int64_t lane = (o - oc0) % chip::kLanes, slot = (o - oc0) / chip::kLanes;
    uint8_t *row = b.bytes.data() + lane * b.width;
    if (dtypeIsFloat(filter.dtype())) {
      if (bias)
        std::memcpy(row + l.bias + 4 * slot, bias->as<float>().data() + o, 4);
    } else if (tail) {
      putRequantTriple(row + slot * chip::kEuBytes, multiplier, rshift, int64_t(o));
      if (bias)
        std::memcpy(row + l.bias + 4 * slot, bias->as<int32_t>().data() + o, 4);
    }
    int64_t begin = 0; // of a phase, all slots
    for (const std::vector<int64_t> &phase : lists) {
      auto count = int64_t(phase.size());
      int64_t slotBytes = l.slotBytes * count / cells;
      uint8_t *to = row + l.filter + begin + slot * slotBytes;
      begin += slotBytes * chip::slots(0, oc1 - oc0);
      for (int64_t i = ic0; i < ic1; ++i) {
        int64_t block = (i - ic0) / cube, inner = (i - ic0) % cube;
        const uint8_t *from = weights.data() + (o * allIc + i) * cells * size;
        for (int64_t k = 0; k < count; ++k)
          std::memcpy(to + ((block * count + k) * cube + inner) * size,
                      from + phase[size_t(k)] * size, size_t(size));
      }
    }
  }
  return b;
}

Tensor expandGroups(const Tensor &filter, int64_t group) {
  if (group == 1)
    return filter;
  int64_t oc = filter.dim(0), part = filter.dim(1),
          cells = filter.dim(2) * filter.dim(3) * dtypeSize(filter.dtype());
  Tensor dense(filter.dtype(), {oc, part * group, filter.dim(2), filter.dim(3)});
  for (int64_t o = 0; o < oc; ++o)
    std::memcpy(dense.bytes().data() + (o * part * group + o / (oc / group) * part) * cells,
                filter.bytes().data() + o * part * cells, size_t(part * cells));
  return dense;
}

Tensor unfoldFilter(const Tensor &filter, int64_t columns) {
  int64_t oc = filter.dim(0), ic = filter.dim(1), kw = filter.dim(3), rest = kw / columns,
          cells = filter.dim(2) * columns;
  Tensor flat(filter.dtype(), {oc, cells * ic, 1, rest});
  auto from = filter.bytes();
  auto to = flat.bytes();
  for (int64_t o = 0; o < oc; ++o)
    for (int64_t i = 0; i < ic; ++i)
      for (int64_t k = 0; k < cells; ++k)
        for (int64_t x = 0; x < rest; ++x)
          to[size_t(((o * cells + k) * ic + i) * rest + x)] =
              from[size_t(((o * ic + i) * cells + k) * rest + x)];
  return flat;
}

ConvBlock packPadTable(std::span<const int32_t> padValue, int64_t ic0, int64_t ic1, DType type) {
  ConvBlock b;
  int64_t pair = 2 * dtypeSize(type);
  b.rows = std::min(ic1 - ic0, chip::kLanes);
  b.width = pair * chip::slots(0, ic1 - ic0);
  b.bytes.assign(size_t(b.rows * b.width), 0);
  for (int64_t i = ic0; i < ic1; ++i)
    std::memcpy(
        &b.bytes[size_t((i - ic0) % chip::kLanes * b.width + (i - ic0) / chip::kLanes * pair)],
        &padValue[size_t(i)], size_t(pair / 2));
  return b;
}

WindowAxis WindowAxis::convolution(const Window2d &w, int axis, int64_t in, int64_t out) {
  return {in, out, 0, w.strides[axis], w.dilations[axis], w.kernel[axis], w.pads[axis]};
}
WindowAxis WindowAxis::transposed(const Window2d &w, int axis, int64_t in, int64_t out) {
  return {in,
          out,
          w.strides[axis] - 1,
          1,
          w.dilations[axis],
          w.kernel[axis],
          w.dilations[axis] * (w.kernel[axis] - 1) - w.pads[axis]};
}

std::optional<AxisSlice> sliceAxis(const WindowAxis &a, int64_t out0, int64_t out1) {
  // First and last cell of the extended input that the slice's windows cover.
  int64_t first = out0 * a.stride - a.padBefore;
  int64_t last = (out1 - 1) * a.stride - a.padBefore + a.extent() - 1;
  int64_t step = a.insert + 1;
  int64_t in0 = first <= 0 ? 0 : chip::ceilDiv(first, step);
  if (last < 0 || in0 >= a.in)
    return std::nullopt;
  int64_t in1 = std::min(last / step, a.in - 1) + 1;
  if (in1 <= in0)
    return std::nullopt;
  return AxisSlice{out0, out1, in0, in1, in0 * step - first, last - (in1 - 1) * step};
}

Instruction convolve(const ConvSlice &s) {
  isa::sCONV f;
  bool floats = dtypeIsFloat(s.input.dtype);
  f.opd0_sign = !floats && signBit(s.input.dtype);
  f.opd1_sign = !floats && s.weightsSigned;
  f.res_add = s.accumulate;
  f.kernel_rotate = s.rotate;
  f.res0_prec = uint64_t(typeCode(s.accumulator.dtype));
  f.opd0_prec = uint64_t(typeCode(s.input.dtype));
  f.opd2_const = !s.bias; // as an immediate: kernel zero point 0, no bias
  if (s.bias)
    f.opd2_addr = s.bias->begin;
  setWindow(f, s.input, s.y, s.x, s.axisY, s.axisX, s.accumulator);
  f.opd0_x_ins0 = uint64_t(s.axisX.insert);
  f.opd0_y_ins0 = uint64_t(s.axisY.insert);
  f.opd0_c = uint64_t(s.input.c);
  f.opd1_addr = s.weights;
  if (!s.input.isAligned()) {
    f.opd0_str = 3;
    f.opd0_c_str = s.input.slots() > 1 ? uint64_t(s.input.planeElements()) : 0;
    f.opd0_h_str = uint64_t(s.input.rowPitch());
    f.opd0_w_str = 1;
  }
  if (s.padTable) {
    f.opd3_addr = s.padTable->begin;
  } else {
    f.opd3_const = 1;
    f.opd3_addr = uint32_t(s.padValue);
  }
  Instruction i{isa::command(f),
                {s.input.range(), {s.weights, uint32_t(s.weights + s.weightBytes)}},
                {s.accumulator.range()},
                {},
                {}};
  if (s.padTable)
    i.reads.push_back(*s.padTable);
  if (s.bias)
    i.reads.push_back(*s.bias);
  if (s.accumulate)
    i.reads.push_back(s.accumulator.range());
  return i;
}

Instruction addBias(const LocalTensor &acc, uint32_t bias, const LocalTensor &sum) {
  isa::sAR f;
  f.tsk_eu_typ = 15;
  f.tsk_opd_num = 2;
  f.res0_prec = f.opd0_prec = f.opd1_prec = uint64_t(chip::Type::Int32);
  f.opd0_sign = f.opd1_sign = 1;
  f.opd0_str = 3;
  isa::setArStrides(f, isa::Operand::Opd0, isa::toStrides(chip::perChannelLayout()));
  f.res0_n = 1;
  f.res0_c = uint64_t(sum.c);
  f.res0_h = uint64_t(sum.h);
  f.res0_w = uint64_t(sum.w);
  f.res0_addr = sum.address;
  f.opd0_addr = bias;
  f.opd1_addr = acc.address;
  return {isa::command(f),
          {{bias, uint32_t(bias + 4 * acc.slots())}, acc.range()},
          {sum.range()},
          {},
          {}};
}

Instruction requantize(const LocalTensor &sum, uint32_t table, const LocalTensor &result) {
  isa::sRQDQ f;
  f.tsk_eu_typ = 1;
  f.opd0_sign = 1;
  f.opd2_sign = signBit(result.dtype);
  f.res0_prec = uint64_t(chip::Type::Int8);
  f.opd0_prec = uint64_t(chip::Type::Int32);
  f.opd2_n_str = uint64_t(numerics::Rounding::HalfUp);
  f.res0_addr = result.address;
  f.opd0_addr = sum.address;
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.opd1_addr = table;
  uint32_t tableEnd = uint32_t(table + (result.slots() - 1) * chip::kEuBytes + 12);
  return {isa::command(f), {sum.range(), {table, tableEnd}}, {result.range()}, {}, {}};
}

} // namespace tessera::codegen
