// sMM2: matrix multiply with one matrix row per channel.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

Case mm2(Draw &d) {
  isa::sMM2 f;
  Case c;
  f.tsk_eu_typ = uint64_t(d.between(4, 6));
  Type type = d.pick({Type::Int8, Type::Fp16, Type::Bf16});
  bool isFloat = type != Type::Int8;
  Type to = !isFloat ? Type::Int32 : d.chance() ? type : Type::Fp32;
  int64_t size = chip::bytesOf(type);
  f.opd0_prec = uint64_t(type), f.res0_prec = uint64_t(to);
  if (!isFloat)
    f.opd0_sign = d.chance(), f.opd1_sign = d.chance();
  bool leftTurned = f.tsk_eu_typ == 6, rightTurned = f.tsk_eu_typ != 4;
  int64_t lane = d.chance(0.3) ? 0 : d.between(0, 63), rows, columns, inner, left, right, res;
  do {
    rows = d.size(200, 9), columns = d.size(200, 9), inner = d.size(200, 40);
    left = chip::alignedLaneBytes(lane, 1, leftTurned ? inner : rows, 1, leftTurned ? rows : inner,
                                  size);
    right = chip::alignedLaneBytes(lane, 1, rightTurned ? columns : inner, 1,
                                   rightTurned ? inner : columns, size);
    res = chip::alignedLaneBytes(lane, 1, leftTurned ? columns : rows, 1,
                                 leftTurned ? rows : columns, 4);
  } while (rows * columns * inner > (d.chance(0.02) ? 1000000 : 50000));
  LaneRoom room(d);
  bool tame = isFloat && d.chance(0.8);
  int centre = drawCentre(d, type);
  auto place = [&](int64_t atLane, int64_t count, int64_t bytes, Type t, int scale) {
    int64_t at = room.take(bytes);
    if (tame)
      patchFloats(d, c.patches, t, atLane, count, at, bytes, scale);
    return chip::localAddress(atLane, at);
  };
  auto immediate = [&] { return tame ? drawFloat(d, type, 3, true, centre) : uint32_t(d.bits()); };
  if (d.chance(0.1)) {
    f.opd0_const = 1, f.opd0_addr = immediate();
  } else {
    f.opd0_addr = place(lane, 64, left, type, centre);
  }
  if (d.chance(0.1)) {
    f.opd1_const = 1, f.opd1_addr = immediate();
  } else {
    f.opd1_addr = place(lane, 64, right, type, centre);
  }
  f.res_add = d.chance(0.3);
  f.res0_c = leftTurned ? columns : rows, f.res0_w = leftTurned ? rows : columns;
  f.opd1_c = rightTurned ? columns : inner, f.opd1_w = rightTurned ? inner : columns;
  f.res0_addr = place(lane, 64, res, f.res_add ? Type::Fp32 : to, 2 * centre);
  if (!isFloat && d.chance()) {
    f.opd2_addr = chip::localAddress(lane, room.take(256));
  } else {
    f.opd2_const = 1;
    f.opd2_addr = isFloat ? 0 : d.chance() ? uint32_t(d.bits()) : 0;
  }
  c.command = either(d, isa::command(f));
  return c;
}

const Registered kMm2({"mm2", mm2, {isa::Form::sMM2, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
