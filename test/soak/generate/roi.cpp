// sPorD over regions of interest: one result a box of a table in local memory.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

enum Op : uint64_t { kDepthwise = 5, kAverage = 6, kMax = 7 };

struct Plane {
  int64_t h, w, kh, kw;
};

/// First column and row, last column and row: mostly within the plane; sometimes empty, wider than
/// its window, or running on behind the end of a row.
std::vector<uint16_t> drawBox(Draw &d, const Plane &p) {
  for (;;) {
    int64_t x = d.between(0, p.w - (d.chance(0.9) ? 1 : 0)), y = d.between(0, p.h - 1);
    auto last = [&](int64_t first, int64_t size, int64_t kernel) {
      return d.chance(0.7)    ? d.between(first, size - 1 + (first == size))
             : d.chance(0.95) ? std::max<int64_t>(0, first + d.between(-1, kernel))
                              : 65535;
    };
    int64_t x1 = last(x, p.w, p.kw), y1 = last(y, p.h, p.kh);
    int64_t right = std::min(x1, x + p.kw - 1), low = std::min(y1, y + p.kh - 1);
    if (right < x || low < y || low * p.w + right < p.h * p.w)
      return {uint16_t(x), uint16_t(y), uint16_t(x1), uint16_t(y1)};
  }
}

Case roi(Draw &d) {
  isa::sPorD f;
  Case c;
  f.tsk_eu_typ = d.pick({kDepthwise, kAverage, kMax});
  bool isFloat = d.chance(0.4);
  Type type = isFloat ? d.pick({Type::Fp32, Type::Fp16, Type::Bf16}) : Type::Int8;
  Type to = isFloat ? type : d.pick({Type::Int8, Type::Int16, Type::Int32});
  if (isFloat && f.tsk_eu_typ != kDepthwise && d.chance(0.1)) // the source's bits all the same
    to = sameSize(d, type);
  int64_t size = chip::bytesOf(type);
  f.opd0_prec = uint64_t(type);
  f.res0_prec = uint64_t(to);
  f.opd0_sign = d.chance();
  f.opd1_sign = d.chance();
  f.opd2_sign = d.chance();
  int64_t lane = d.between(0, 63), n, ch, boxes, inBytes, outBytes;
  Plane p;
  for (;;) {
    n = d.size(4, 2), ch = d.size(200, 9), boxes = d.size(150, 9);
    p = {d.size(60, 9), d.size(60, 9), d.size(9, 3), d.size(9, 3)};
    inBytes = chip::alignedLaneBytes(lane, n, ch, p.h, p.w, size);
    outBytes = chip::alignedLaneBytes(lane, n, ch, 1, boxes, chip::bytesOf(to));
    int64_t work = n * ch * (boxes * p.kh * p.kw + 4 * p.h * p.w);
    if (work < (d.chance(0.02) ? 2000000 : 60000) && inBytes < 60000 && outBytes < 60000)
      break;
  }
  f.kernel_rotate = d.chance(0.3);
  f.res0_n = n, f.res0_c = ch, f.res0_w = boxes;
  f.opd0_h = p.h, f.opd0_w = p.w, f.opd1_h = p.kh, f.opd1_w = p.kw;
  // What sliding windows have and regions have not counts for nothing.
  f.res0_h = d.chance(0.8) ? 1 : d.between(1, 5);
  f.pad_mode = d.bits() & 3;
  f.res_op_y_str = d.bits() & 15, f.res_op_x_str = d.bits() & 15;
  if (d.chance(0.3)) {
    f.opd1_y_ins0 = d.bits() & 15, f.opd1_x_ins0 = d.bits() & 15;
    f.opd0_y_ins0 = d.bits() & 7, f.opd0_x_ins0 = d.bits() & 7;
    f.opd0_up_pad = d.bits() & 15, f.opd0_dn_pad = d.bits() & 15;
    f.opd0_lf_pad = d.bits() & 15, f.opd0_rt_pad = d.bits() & 15;
  }
  f.opd2_n_str = d.bits() & 7;
  f.res1_addr = uint32_t(d.bits());
  LaneRoom room(d);
  int64_t inAt = room.take(inBytes), outAt = room.take(outBytes);
  f.opd0_addr = chip::localAddress(lane, inAt);
  f.res0_addr = chip::localAddress(lane, outAt);
  Floats floats(d, c, type);
  floats.operand(lane, ch, inAt, inBytes);
  f.opd1_const = 1;
  f.opd1_addr = floats.immediate(0.3);
  if (f.tsk_eu_typ == kDepthwise && d.chance(0.9)) {
    int64_t bytes = size * chip::slots(lane, ch) * p.kh * p.kw, at = room.take(bytes, size);
    f.opd1_const = 0;
    f.opd1_addr = chip::localAddress(lane, at);
    floats.operand(lane, ch, at, bytes);
  }
  f.opd2_addr = floats.immediate(0.3); // pads
  f.opd2_const = d.chance();
  int64_t tableLane = startLane(d);
  f.opd3_addr = chip::localAddress(
      tableLane, room.take(8 * chip::slots(tableLane, boxes), d.chance(0.8) ? 64 : 2));
  f.opd3_const = d.chance();
  for (int64_t i = 0; i < boxes; ++i)
    c.patches.push_back(patch(f.opd3_addr, i, 8, drawBox(d, p)));
  c.command = either(d, isa::command(f), /*resultOnly=*/true);
  return c;
}

const Registered kRoi({"roi", roi, {isa::Form::sPorD, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
