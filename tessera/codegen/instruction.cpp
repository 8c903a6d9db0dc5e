#include "tessera/codegen/instruction.h"

#include <algorithm>

namespace tessera::codegen {

uint64_t GlobalBox::end() const {
  int64_t last = 0;
  for (int i = 0; i < 4; ++i)
    last += (size[i] - 1) * stride[i];
  return offset + uint64_t((last + 1) * elementBytes);
}

bool GlobalBox::mayOverlap(const GlobalBox &o) const {
  if (buffer < 0 || o.buffer < 0 || buffer != o.buffer)
    return false; // distinct buffers that are alive together never share bytes
  if (begin() >= o.end() || o.begin() >= end())
    return false;
  // Row tiles of one tensor interleave over the channels: compare them inside one channel plane.
  int64_t plane = stride[1] * elementBytes;
  if (size[0] == 1 && o.size[0] == 1 && plane > 0 && plane == o.stride[1] * o.elementBytes) {
    auto extent = [](const GlobalBox &b) {
      return ((b.size[2] - 1) * b.stride[2] + (b.size[3] - 1) * b.stride[3] + 1) * b.elementBytes;
    };
    int64_t a0 = int64_t(offset) % plane, b0 = int64_t(o.offset) % plane;
    int64_t a1 = a0 + extent(*this), b1 = b0 + extent(o);
    if (a1 <= plane && b1 <= plane && (a1 <= b0 || b1 <= a0))
      return false;
    if (a1 <= plane && b1 <= plane) { // same rows: do the channels meet?
      int64_t ac = int64_t(offset) / plane, bc = int64_t(o.offset) / plane;
      if (ac + size[1] <= bc || bc + o.size[1] <= ac)
        return false;
      // Columns of equal row pitch: compare inside one row.
      int64_t row = stride[2] * elementBytes;
      if (row > 0 && row == o.stride[2] * o.elementBytes) {
        int64_t ra = a0 % row, rb = b0 % row;
        int64_t ea = ra + ((size[3] - 1) * stride[3] + 1) * elementBytes;
        int64_t eb = rb + ((o.size[3] - 1) * o.stride[3] + 1) * o.elementBytes;
        if (ea <= row && eb <= row && (ea <= rb || eb <= ra))
          return false;
      }
    }
  }
  return true;
}

LocalTensor LocalTensor::window(int64_t row0, int64_t rows, int64_t column0,
                                int64_t columns) const {
  LocalTensor t = *this;
  if (rows == h && columns == w)
    return t;
  t.plane = planeElements();
  t.pitch = rowPitch();
  t.address += uint32_t((row0 * t.pitch + column0) * elementBytes());
  t.h = rows;
  t.w = columns;
  return t;
}

LocalTensor LocalTensor::slotRange(int64_t first, int64_t count) const {
  LocalTensor t = *this;
  t.address += uint32_t(first * planeElements() * elementBytes());
  t.c = std::min(c - first * chip::kLanes, count * chip::kLanes);
  return t;
}

chip::Type typeCode(DType t) {
  switch (t) {
  case DType::I8:
  case DType::U8:
    return chip::Type::Int8;
  case DType::I16:
  case DType::U16:
    return chip::Type::Int16;
  case DType::I32:
  case DType::U32:
    return chip::Type::Int32;
  case DType::F32:
    return chip::Type::Fp32;
  case DType::F16:
    return chip::Type::Fp16;
  case DType::BF16:
    return chip::Type::Bf16;
  default:
    TESSERA_CHECK(false, std::string("no command type for ") + dtypeName(t));
  }
}

} // namespace tessera::codegen
