// DMA_matrix and its short form: loads and stores, transposed or not.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {
namespace {

Case matrix(Draw &d) {
  isa::DMA_matrix f;
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  f.src_data_format = uint64_t(type);
  f.stride_enable = d.chance(0.7);
  f.cmd_special_function = d.chance(0.3);
  setMask(f, drawMask(d));
  bool loads = d.chance(), free = f.stride_enable == 1;
  int64_t rows = d.size(60, 6), columns = d.size(600, 30);
  if (d.chance(0.2))
    std::swap(rows, columns);
  int64_t batches = f.cmd_special_function ? columns : rows;
  int64_t across = f.cmd_special_function ? rows : columns;
  int64_t w = d.chance(0.3) ? across : d.between(1, std::min<int64_t>(across + 3, 40));
  Shape spread{batches, chip::ceilDiv(across, w), 1, w};
  Spot local = drawSpot(d, spread, size,
                        {.flat = false,
                         .freeStrides = free,
                         .packedRows = true,
                         .repeats = loads,
                         .batchRoom = true});
  int64_t rowStride = columns + (d.chance() ? d.between(0, 50) : 0);
  if (loads && d.chance(0.05))
    rowStride = d.between(0, columns);
  if (!free)
    rowStride = columns;
  Spot flat = drawSpot(d, {1, 1, rows, std::max(columns, rowStride)}, size,
                       {.local = false, .constant = loads, .freeStrides = false});
  if (d.chance()) {
    isa::sDMA_matrix g;
    g.src_data_format = f.src_data_format;
    g.stride_enable = f.stride_enable;
    g.cmd_special_function = f.cmd_special_function;
    g.localmem_mask_l32 = f.localmem_mask_l32;
    g.localmem_mask_h32 = f.localmem_mask_h32;
    g.src_hsize_dst_hsize = uint64_t(rows);
    g.src_wsize_dst_wsize = uint64_t(columns);
    g.src_hstride_dst_hstride = uint64_t(rowStride);
    g.dst_nstride_src_nstride = uint64_t(local.strides.n);
    g.dst_cstride_src_cstride = uint64_t(local.strides.c);
    g.dst_nsize_src_nsize = uint64_t(spread.n);
    g.dst_csize_src_csize = uint64_t(spread.c);
    g.dst_wsize_src_wsize = uint64_t(spread.w);
    isa::setSourceAddress(g, loads ? flat.address : local.address);
    isa::setDestinationAddress(g, loads ? local.address : flat.address);
    return {isa::command(g), {}, {}};
  }
  Shape system{d.between(0, 3), d.between(0, 3), rows, columns};
  chip::LocalLayout rowStrides{d.between(0, 9), d.between(0, 9), rowStride, d.between(0, 3)};
  spread.h = d.between(0, 3); // these count for nothing
  local.strides.h = d.between(0, 9);
  local.strides.w = d.between(0, 3);
  if (loads) {
    setSource(f, system), setDestination(f, spread);
    setSourceStrides(f, rowStrides), setDestinationStrides(f, local.strides);
  } else {
    setSource(f, spread), setDestination(f, system);
    setSourceStrides(f, local.strides), setDestinationStrides(f, rowStrides);
  }
  isa::setSourceAddress(f, loads ? flat.address : local.address);
  isa::setDestinationAddress(f, loads ? local.address : flat.address);
  return {isa::command(f), {}, {}};
}

const Registered kMatrix({"gdma_matrix", matrix, {isa::Form::DMA_matrix, isa::Form::sDMA_matrix}});

} // namespace
} // namespace tessera::soak
