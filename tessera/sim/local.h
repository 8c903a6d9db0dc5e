#pragma once
// Tensors in local memory as instructions name them, and loops over their rows. Lanes are
// independent: every loop runs lanes side by side and each lane's elements in n, slot, h, w order,
// so that an instruction working in place sees what the chip's own order gives.
#include "tessera/sim/machine.h"
#include "tessera/support/parallel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>

namespace tessera::sim {

using chip::LocalLayout;
using chip::Type;

struct Dims {
  int64_t n = 1, c = 1, h = 1, w = 1;
  /// The largest int64 where there are more: sizes of damaged commands.
  int64_t count() const {
    __extension__ typedef __int128 Wide;
    Wide all = Wide(n * c) * (h * w);
    return all > INT64_MAX ? INT64_MAX : int64_t(all);
  }
};

/// No tensor of an instruction has more elements, repeated ones included.
inline constexpr int64_t kMaxElements = int64_t(1) << 28;

/// A checked tensor: every element lies in local memory.
struct Local {
  uint8_t *memory = nullptr; ///< of lane 0
  int64_t startLane = 0, offset = 0, size = 1;
  LocalLayout strides; ///< elements
  int64_t extent = 0;  ///< bytes of a lane from the first element to the last
  int64_t lanes = 0;   ///< that hold an element

  /// Element (n, c, 0, 0).
  uint8_t *plane(int64_t n, int64_t c) const {
    int64_t lane = (startLane + c) % chip::kLanes, slot = (startLane + c) / chip::kLanes;
    return memory + lane * chip::kLaneBytes + offset + size * (n * strides.n + slot * strides.c);
  }
  template <class T> T *at(int64_t n, int64_t c, int64_t h = 0, int64_t w = 0) const {
    return reinterpret_cast<T *>(plane(n, c) + size * (h * strides.h + w * strides.w));
  }
};

/// `address` as TIU commands write it. Errors "bad-address": outside local memory, past the end of
/// a lane, or an empty shape; `what` names the operand.
inline Result<Local> local(Machine &m, const char *what, uint64_t address, Dims d, int64_t size,
                           LocalLayout strides) {
  if (address >= uint64_t(chip::kLmemBytes))
    return fail("bad-address", what, fmt::format("local address 0x{:x} is past 16 MiB", address));
  if (d.n < 1 || d.c < 1 || d.h < 1 || d.w < 1)
    return fail("bad-shape", what, fmt::format("{}x{}x{}x{} has no elements", d.n, d.c, d.h, d.w));
  // Zero strides could otherwise name more elements than anyone can walk.
  if (d.count() > kMaxElements)
    return fail("bad-shape", what,
                fmt::format("{}x{}x{}x{} is more than local memory can hold", d.n, d.c, d.h, d.w));
  Local t{m.lane(0), chip::laneOf(address), chip::offsetOf(address), size, strides, 0};
  if (t.offset % size)
    return fail(
        "bad-address", what,
        fmt::format("address 0x{:x} is no multiple of the element's {} bytes", address, size));
  int64_t last = (d.n - 1) * strides.n + (chip::slots(t.startLane, d.c) - 1) * strides.c +
                 (d.h - 1) * strides.h + (d.w - 1) * strides.w;
  if (t.offset + size * (last + 1) > chip::kLaneBytes)
    return fail("bad-address", what,
                fmt::format("{}x{}x{}x{} of {} bytes at lane {} offset 0x{:x} needs {} bytes of a "
                            "lane that has {}",
                            d.n, d.c, d.h, d.w, size, t.startLane, t.offset,
                            t.offset + size * (last + 1), chip::kLaneBytes));
  t.extent = size * (last + 1);
  t.lanes = std::min(d.c, chip::kLanes);
  m.note({what, true, address, d.n, d.c, d.h, d.w, strides, size});
  return t;
}

inline Result<Local> alignedLocal(Machine &m, const char *what, uint64_t address, Dims d,
                                  int64_t size) {
  return local(m, what, address, d, size,
               chip::alignedLayout(chip::laneOf(address), d.n, d.c, d.h, d.w, size));
}
inline Result<Local> compactLocal(Machine &m, const char *what, uint64_t address, Dims d,
                                  int64_t size) {
  return local(m, what, address, d, size,
               chip::compactLayout(chip::laneOf(address), d.n, d.c, d.h, d.w));
}

/// Fewer elements than this are not worth a task.
inline constexpr int64_t kSerialElements = 8192;

/// body(first channel): the caller walks first, first + 64, ... below c, which share one lane.
template <class Body> void forLanes(int64_t c, int64_t elements, Body body) {
  int64_t lanes = std::min(c, chip::kLanes);
  if (elements <= kSerialElements) {
    for (int64_t k = 0; k < lanes; ++k)
      body(k);
    return;
  }
  parallelFor(lanes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      body(k);
  });
}

/// One operand of a row loop: a tensor, or an immediate repeated everywhere.
struct Operand {
  Local tensor;
  bool immediate = false;
  uint32_t value = 0;

  static Operand of(Local t) { return {t, false, 0}; }
  static Operand constant(uint32_t v) {
    Operand o;
    o.immediate = true;
    o.value = v;
    o.tensor.strides = {};
    return o;
  }
  const uint8_t *plane(int64_t n, int64_t c) const {
    return immediate ? reinterpret_cast<const uint8_t *>(&value) : tensor.plane(n, c);
  }
};

/// Calls row(pointers, count) for every longest run of elements with one stride per operand:
/// pointers[i] is operand i's first element, strides in bytes are strides[i]. Operand 0 is the
/// result. `row` gets (std::array<uint8_t *, N>, std::array<int64_t, N>, int64_t count).
template <size_t N, class Row>
void forRows(Dims d, const std::array<Operand, N> &operands, Row row) {
  bool flat = true; // h and w of every operand run on with one stride
  std::array<int64_t, N> step{}, rowStep{};
  for (size_t i = 0; i < N; ++i) {
    const Local &t = operands[i].tensor;
    step[i] = t.size * t.strides.w;
    rowStep[i] = t.size * t.strides.h;
    flat = flat && (d.h == 1 || t.strides.h == d.w * t.strides.w);
  }
  int64_t rows = flat ? 1 : d.h, count = flat ? d.h * d.w : d.w;
  // A single column is a row of its own with the h stride.
  if (!flat && d.w == 1) {
    rows = 1;
    count = d.h;
    step = rowStep;
  }
  forLanes(d.c, d.count(), [&](int64_t first) {
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t c = first; c < d.c; c += chip::kLanes) {
        std::array<uint8_t *, N> p;
        for (size_t i = 0; i < N; ++i)
          p[i] = const_cast<uint8_t *>(operands[i].plane(n, c));
        for (int64_t h = 0; h < rows; ++h) {
          row(p, step, count);
          for (size_t i = 0; i < N; ++i)
            p[i] += rowStep[i];
        }
      }
  });
}

/// Whether two tensors may share bytes. Looks at the bytes of a lane only: operands mostly start at
/// one lane, so that more would be said apart than is worth knowing.
inline bool overlap(const Local &a, const Local &b) {
  return a.offset < b.offset + b.extent && b.offset < a.offset + a.extent;
}

/// Points the tensor at a copy of `lanes` lanes made now. Every copy is of the same bytes at the
/// same place, so all operands of an instruction share one.
inline void copyAside(Machine &m, Local &t, int64_t lanes, int64_t extent) {
  uint8_t *copy = m.scratch(2, size_t(chip::kLmemBytes));
  for (int64_t c = 0; c < lanes && t.memory != copy; ++c) {
    int64_t at = (t.startLane + c) % chip::kLanes * chip::kLaneBytes + t.offset;
    std::memcpy(copy + at, t.memory + at, size_t(extent));
  }
  t.memory = copy;
}

/// The chip reads all operands before it writes a result. Copies each of `operands` that shares
/// bytes of a lane with a result; immediates are passed over.
inline void detach(Machine &m, std::initializer_list<const Local *> results,
                   std::initializer_list<Local *> operands) {
  for (Local *t : operands)
    for (const Local *w : results)
      if (t->memory && overlap(*t, *w))
        copyAside(m, *t, t->lanes, t->extent);
}

/// The same for element-wise instructions, whose operands may be the result element for element.
/// Dims are those of the result; what repeats has zero strides.
inline void detach(Machine &m, Dims d, std::initializer_list<const Operand *> results,
                   std::initializer_list<Operand *> operands) {
  auto end = [&](const Local &t) {
    return t.offset +
           t.size * ((d.n - 1) * t.strides.n + (chip::slots(t.startLane, d.c) - 1) * t.strides.c +
                     (d.h - 1) * t.strides.h + (d.w - 1) * t.strides.w + 1);
  };
  // One place for every element.
  auto distinct = [&](const LocalLayout &l) {
    int64_t row = (d.w - 1) * l.w, plane = row + (d.h - 1) * l.h,
            slots = plane + (chip::ceilDiv(d.c, chip::kLanes))*l.c;
    return (d.w == 1 || l.w > 0) && (d.h == 1 || l.h > row) && (d.c == 1 || l.c > plane) &&
           (d.n == 1 || l.n > slots - l.c);
  };
  for (Operand *o : operands) {
    if (o->immediate)
      continue;
    Local &t = o->tensor;
    int64_t last = end(t);
    bool copies = false;
    for (const Operand *r : results) {
      const Local &w = r->tensor;
      bool apart = last <= w.offset || end(w) <= t.offset;
      bool same = t.startLane == w.startLane && t.offset == w.offset && t.size == w.size &&
                  t.strides == w.strides && distinct(w.strides);
      copies |= !apart && !same;
    }
    if (copies)
      copyAside(m, t, std::min(d.c, chip::kLanes), last - t.offset);
  }
}

} // namespace tessera::sim
