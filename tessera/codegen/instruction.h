#pragma once
// What codegen hands to the scheduler: command words whose local addresses are final, whose global
// addresses and ids are not, together with the memory they touch. Ids and dependencies are later
// derived from that alone (room emit), so it must cover every byte a command reads or writes.
#include "tessera/isa/isa.h"
#include "tessera/tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tessera::codegen {

/// Bytes [begin, end) of every lane. What TIU commands touch here starts at lane 0, so that an
/// offset in the lane is also the local address they write; a load may start at another lane, and
/// its range still means all of them.
struct LaneRange {
  uint32_t begin = 0, end = 0;
  bool overlaps(const LaneRange &o) const { return begin < o.end && o.begin < end; }
};

/// A strided box of a global buffer whose address is not known yet. Sizes and strides are in
/// elements, offset in bytes from the start of the buffer.
struct GlobalBox {
  int32_t buffer = -1; ///< -1: the command touches no global memory on this side
  uint64_t offset = 0;
  int64_t elementBytes = 1;
  std::array<int64_t, 4> size{1, 1, 1, 1}, stride{0, 0, 0, 0};

  uint64_t begin() const { return offset; }
  uint64_t end() const; ///< one behind the last byte
  /// False only if no byte is in both.
  bool mayOverlap(const GlobalBox &o) const;
};

/// [1,c,h,w] in local memory from lane 0, in the aligned layout (bm1684x.md 2.2) or as rows of a
/// larger tensor: then `plane` says how far its channel slots lie apart, `pitch` how far its rows,
/// and the address may be that of any element.
struct LocalTensor {
  uint32_t address = 0;
  DType dtype = DType::I8;
  int64_t c = 1, h = 1, w = 1;
  int64_t plane = 0;     ///< elements; 0: of the aligned layout
  int64_t pitch = 0;     ///< elements; 0: w. Only with `plane`
  bool repeated = false; ///< h = w = 1: an element-wise command reads it for every row and column

  int64_t elementBytes() const { return dtypeSize(dtype); }
  int64_t slots() const { return chip::slots(0, c); }
  int64_t planeElements() const {
    return plane ? plane : chip::alignedLayout(0, 1, c, h, w, elementBytes()).c;
  }
  int64_t rowPitch() const { return pitch ? pitch : w; }
  int64_t laneBytes() const {
    return plane ? ((slots() - 1) * plane + (h - 1) * rowPitch() + w) * elementBytes()
                 : chip::alignedLaneBytes(0, 1, c, h, w, elementBytes());
  }
  /// True if a command that knows no strides can take it.
  bool isAligned() const {
    return address % chip::kEuBytes == 0 && rowPitch() == w &&
           (slots() == 1 ||
            planeElements() == chip::alignedLayout(0, 1, c, h, w, elementBytes()).c);
  }
  LaneRange range() const { return {address, uint32_t(address + laneBytes())}; }
  /// Some rows and columns of every channel.
  LocalTensor window(int64_t row0, int64_t rows, int64_t column0, int64_t columns) const;
  /// The `count` channel slots from `first` (the last may be partly filled).
  LocalTensor slotRange(int64_t first, int64_t count) const;
};

/// A part of a tensor that is whole in local memory once its instruction has run, and that no
/// command stores: the only place where it can be seen.
struct LocalPart {
  LocalTensor tensor;
  std::array<int64_t, 4> begin{0, 0, 0, 0}; ///< of the part in the tensor, NCHW
};

struct Instruction {
  isa::Command command;
  std::vector<LaneRange> reads, writes; ///< local memory
  GlobalBox source, destination;        ///< GDMA only
  int32_t layer = -1, slice = -1;       ///< set by the scheduler
  std::vector<LocalPart> completes{};   ///< of its layer's result
};
using Instructions = std::vector<Instruction>;

/// chip type code of a DType the chip computes with (I8 U8 I16 U16 I32 F32 F16 BF16); internal
/// error otherwise.
chip::Type typeCode(DType t);
/// 1 for signed integers and floats: what sAR writes into its sign bits.
inline uint64_t signBit(DType t) { return dtypeIsSigned(t) ? 1 : 0; }

} // namespace tessera::codegen
