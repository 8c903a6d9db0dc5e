#include "tessera/codegen/transfer.h"

#include <algorithm>

namespace tessera::codegen {
namespace {

// Stands for every global address until it is bound, so that a command can be priced and verified
// before.
constexpr uint64_t kUnbound = chip::kGlobalBase;

// Lanes a move of c channels touches: every lane range is the same, so c matters only by its slots;
// channels that start behind lane 0 may go on in the next slot.
LaneRange localRange(const LocalSide &l, const std::array<int64_t, 4> &size, int64_t bytes) {
  int64_t last = (size[0] - 1) * l.n + (chip::slots(chip::laneOf(l.address), size[1]) - 1) * l.c +
                 (size[2] - 1) * l.h + (size[3] - 1) * l.w;
  int64_t begin = chip::offsetOf(l.address);
  return {uint32_t(begin), uint32_t(begin + (last + 1) * bytes)};
}

isa::DMA_tensor base(DType dtype) {
  isa::DMA_tensor d;
  d.stride_enable = 1;
  d.src_data_format = uint64_t(typeCode(dtype));
  return d;
}

void checkSizes(const std::array<int64_t, 4> &size) {
  for (int64_t s : size)
    TESSERA_CHECK(s >= 1 && s <= chip::kMaxDim, "transfer size out of range");
}

using Strides4 = std::array<int64_t, 4>;

/// A tensor of one shape from one side to the other; addresses are the caller's.
isa::DMA_tensor move(DType dtype, const std::array<int64_t, 4> &size, const Strides4 &source,
                     const Strides4 &destination) {
  checkSizes(size);
  auto d = base(dtype);
  d.nchw_copy = 1;
  d.src_nsize = uint64_t(size[0]);
  d.src_csize = uint64_t(size[1]);
  d.src_hsize = uint64_t(size[2]);
  d.src_wsize = uint64_t(size[3]);
  d.src_nstride = uint64_t(source[0]);
  d.src_cstride = uint64_t(source[1]);
  d.src_hstride = uint64_t(source[2]);
  d.src_wstride = uint64_t(source[3]);
  d.dst_nstride = uint64_t(destination[0]);
  d.dst_cstride = uint64_t(destination[1]);
  d.dst_hstride = uint64_t(destination[2]);
  d.dst_wstride = uint64_t(destination[3]);
  return d;
}

} // namespace

LocalSide localSide(const LocalTensor &t) {
  auto l = chip::alignedLayout(0, 1, t.c, t.h, t.w, t.elementBytes());
  return {t.address, l.n, l.c, l.h, l.w};
}

bool fitsTransfer(const GlobalBox &box) {
  for (int i = 0; i < 4; ++i)
    if (box.size[i] < 1 || box.size[i] > chip::kMaxDim || box.stride[i] < 0)
      return false;
  return box.stride[3] >= 1 && box.stride[3] * box.elementBytes <= chip::kMaxGdmaColumnStride;
}

Instruction load(const GlobalBox &from, DType dtype, const LocalSide &to) {
  auto d = move(dtype, from.size, from.stride, {to.n, to.c, to.h, to.w});
  isa::setSourceAddress(d, kUnbound);
  isa::setDestinationAddress(d, chip::kLmemBase + to.address);
  Instruction i{isa::command(d), {}, {localRange(to, from.size, dtypeSize(dtype))}, from, {}};
  i.source.elementBytes = dtypeSize(dtype);
  return i;
}

Instruction store(const LocalSide &from, DType dtype, const GlobalBox &to) {
  auto d = move(dtype, to.size, {from.n, from.c, from.h, from.w}, to.stride);
  isa::setSourceAddress(d, chip::kLmemBase + from.address);
  isa::setDestinationAddress(d, kUnbound);
  Instruction i{isa::command(d), {localRange(from, to.size, dtypeSize(dtype))}, {}, {}, to};
  i.destination.elementBytes = dtypeSize(dtype);
  return i;
}

Instructions loadRows(int32_t buffer, uint64_t offset, int64_t rows, int64_t width,
                      uint32_t address) {
  Instructions list;
  constexpr int64_t kPiece = 49152;
  for (int64_t x = 0; x < width; x += kPiece) {
    int64_t w = std::min(kPiece, width - x);
    GlobalBox from{buffer, offset + uint64_t(x), 1, {1, rows, 1, w}, {rows * width, width, w, 1}};
    list.push_back(load(from, DType::I8, {uint32_t(address + x), w, w, w, 1}));
  }
  return list;
}

Instruction fill(const GlobalBox &to, DType dtype, uint32_t value) {
  checkSizes(to.size);
  auto d = base(dtype);
  d.fill_constant_en = 1;
  d.constant_value = value;
  d.dst_nsize = uint64_t(to.size[0]);
  d.dst_csize = uint64_t(to.size[1]);
  d.dst_hsize = uint64_t(to.size[2]);
  d.dst_wsize = uint64_t(to.size[3]);
  d.dst_nstride = uint64_t(to.stride[0]);
  d.dst_cstride = uint64_t(to.stride[1]);
  d.dst_hstride = uint64_t(to.stride[2]);
  d.dst_wstride = uint64_t(to.stride[3]);
  isa::setDestinationAddress(d, kUnbound);
  Instruction i{isa::command(d), {}, {}, {}, to};
  i.destination.elementBytes = dtypeSize(dtype);
  return i;
}

} // namespace tessera::codegen
