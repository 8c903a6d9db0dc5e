#include "tessera/codegen/transfer.h"

#include "tessera/cycles/cycles.h"

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
  return {t.address, t.slots() * t.planeElements(), t.planeElements(), t.rowPitch(), 1};
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

namespace {

/// A lane's `width` bytes as `count` pieces of `columns` elements and a rest.
struct Pieces {
  DType dtype;
  int64_t columns, count, rest;
};
Pieces cutRow(int64_t rows, int64_t width) {
  // Wide elements, because a size field counts elements; pieces of whole 64 bytes where there are
  // several, all nearly as long.
  DType dtype = width % 4 == 0 ? DType::I32 : DType::I8;
  int64_t all = width / dtypeSize(dtype), unit = chip::kEuBytes / dtypeSize(dtype);
  int64_t columns = all;
  if (rows * all > chip::kMaxDim) {
    int64_t most = chip::kMaxDim / rows / unit * unit;
    columns = chip::alignUp(chip::ceilDiv(all, chip::ceilDiv(all, most)), unit);
  }
  return {dtype, columns, all / columns, all % columns};
}

/// `count` matrix rows of a piece of `columns` elements for every lane.
Instruction loadPieces(const GlobalBox &from, DType dtype, int64_t rows, uint32_t address) {
  auto columns = uint64_t(from.size[3] / rows), count = uint64_t(from.size[2]);
  isa::DMA_matrix d;
  d.stride_enable = 1;
  d.src_data_format = uint64_t(typeCode(dtype));
  d.src_hsize = count;
  d.src_wsize = d.src_hstride = uint64_t(from.size[3]);
  d.dst_nsize = count;
  d.dst_csize = uint64_t(rows);
  d.dst_wsize = d.dst_nstride = d.dst_cstride = columns;
  isa::setSourceAddress(d, kUnbound);
  isa::setDestinationAddress(d, chip::kLmemBase + address);
  auto bytes = uint32_t(count * columns * uint64_t(dtypeSize(dtype)));
  return {isa::command(d), {}, {{address, address + bytes}}, from, {}};
}

} // namespace

Instructions loadRows(int32_t buffer, uint64_t offset, int64_t rows, int64_t width,
                      uint32_t address) {
  Instructions list;
  Pieces p = cutRow(rows, width);
  int64_t e = dtypeSize(p.dtype);
  auto add = [&](int64_t count, int64_t columns) {
    int64_t row = rows * columns;
    Instruction matrix =
        loadPieces({buffer, offset, e, {1, 1, count, row}, {count * row, count * row, row, 1}},
                   p.dtype, rows, address);
    Instruction tensor =
        load({buffer, offset, e, {count, rows, 1, columns}, {row, columns, columns, 1}}, p.dtype,
             {address, columns, columns, columns, 1});
    bool cheaper = cycles::commandCycles(tensor.command) < cycles::commandCycles(matrix.command);
    list.push_back(std::move(cheaper ? tensor : matrix));
    offset += uint64_t(count * row * e);
    address += uint32_t(count * columns * e);
  };
  add(p.count, p.columns);
  if (p.rest > 0)
    add(1, p.rest);
  return list;
}

std::vector<uint8_t> packRows(std::span<const uint8_t> bytes, int64_t rows, int64_t width) {
  Pieces p = cutRow(rows, width);
  int64_t piece = p.columns * dtypeSize(p.dtype);
  std::vector<uint8_t> packed;
  packed.reserve(bytes.size());
  for (int64_t x = 0; x < width; x += piece)
    for (int64_t r = 0; r < rows; ++r) {
      auto part = bytes.subspan(size_t(r * width + x), size_t(std::min(piece, width - x)));
      packed.insert(packed.end(), part.begin(), part.end());
    }
  return packed;
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
