#pragma once
// Gather and scatter differ in which side's rows are numbered.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {

/// `numbered`: rows that the index chooses from; `walked`: rows of the index and of the other side.
template <class F> Case drawRows(Draw &d, F f, bool gather) {
  Case out;
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  f.src_data_format = uint64_t(type);
  f.stride_enable = d.chance(0.6);
  f.constant_value = d.bits() & 0xFFFFFFFF;
  setMask(f, drawMask(d));
  int64_t channels = d.size(130, 5), w = d.size(200, 9);
  int64_t numbered = d.chance(0.02) ? d.between(1, 70000) : d.size(60, 7), walked = d.size(80, 7);
  if (numbered * w * channels * size > 1000000)
    channels = 1, w = std::min<int64_t>(w, 3);
  int64_t srcChannels = channels, indexChannels = channels;
  if (d.chance(0.75))
    (d.chance(0.6) ? indexChannels : srcChannels) = 1;
  Shape src{1, srcChannels, gather ? numbered : walked, w};
  Shape dst{1, channels, gather ? walked : numbered, w}, index{1, indexChannels, walked, 1};
  bool free = f.stride_enable == 1;
  Wanted rows{.constant = true, .freeStrides = free, .packedRows = true, .repeats = true};
  Spot from = drawSpot(d, src, size, rows);
  Spot numbers = drawSpot(d, index, 4, rows);
  rows.constant = false;
  Spot to = drawSpot(d, dst, size, rows);
  meet(d, from, to, size);
  if (!free && numbers.isLocal())
    numbers.strides = chip::alignedLayout(chip::laneOf(numbers.address - chip::kLmemBase), 1,
                                          index.c, index.h, 1, 4);
  // The numbers, most of them of rows that exist.
  int64_t lane = chip::laneOf(numbers.address - chip::kLmemBase);
  if (chip::spaceOf(numbers.address) != chip::Space::Static)
    for (int64_t c = 0; c < index.c; ++c)
      for (int64_t h = 0; h < index.h; ++h) {
        uint32_t row = d.chance(0.9)   ? uint32_t(d.between(0, numbered - 1))
                       : d.chance(0.7) ? uint32_t(d.between(0, numbered + 3))
                                       : uint32_t(d.bits());
        int64_t slot = numbers.isLocal() ? (lane + c) / chip::kLanes : c;
        int64_t at = 4 * (slot * numbers.strides.c + h * numbers.strides.h);
        Patch p{numbers.isLocal(), 0, {}};
        if (p.local)
          p.offset = chip::localAddress((lane + c) % chip::kLanes,
                                        chip::offsetOf(numbers.address - chip::kLmemBase) + at);
        else if (chip::spaceOf(numbers.address) == chip::Space::L2)
          p.offset = kL2Offset + numbers.address - chip::kL2Base + uint64_t(at);
        else
          p.offset = numbers.address - chip::kGlobalBase + uint64_t(at);
        for (int b : {0, 1, 2, 3})
          p.bytes.push_back(uint8_t(row >> 8 * b));
        // Rows that lie one behind the other become one patch.
        if (Patch *last = out.patches.empty() ? nullptr : &out.patches.back();
            last && h > 0 && last->offset + last->bytes.size() == p.offset)
          last->bytes.insert(last->bytes.end(), p.bytes.begin(), p.bytes.end());
        else
          out.patches.push_back(std::move(p));
      }
  f.src_csize = uint64_t(src.c), f.src_hsize = uint64_t(src.h), f.src_wsize = uint64_t(w);
  f.dst_csize = uint64_t(d.chance(0.9) ? dst.c : d.between(0, 9));
  f.dst_hsize = uint64_t(dst.h), f.dst_wsize = uint64_t(d.chance(0.9) ? w : d.between(0, 9));
  f.index_csize = uint64_t(index.c);
  f.index_hsize = uint64_t(d.chance(0.9) ? index.h : d.between(0, 9));
  f.src_cstride = uint64_t(from.strides.c), f.src_hstride = uint64_t(from.strides.h);
  f.dst_cstride = uint64_t(to.strides.c), f.dst_hstride = uint64_t(to.strides.h);
  f.index_cstride = uint64_t(numbers.strides.c), f.index_hstride = uint64_t(numbers.strides.h);
  isa::setSourceAddress(f, from.address);
  isa::setDestinationAddress(f, to.address);
  f.index_start_addr_l32 = numbers.address & 0xFFFFFFFF;
  f.index_start_addr_h8 = numbers.address >> 32;
  out.command = isa::command(f);
  return out;
}

} // namespace tessera::soak
