// sCONV: convolution on the matrix cube, integers and floats.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"
#include "test/soak/generate/window.h"

namespace tessera::soak {
namespace {

using chip::Type;

Case conv(Draw &d) {
  isa::sCONV f;
  Case c;
  bool isFloat = d.chance(0.4);
  Type type = isFloat ? d.pick({Type::Fp32, Type::Fp16, Type::Bf16}) : Type::Int8;
  int64_t size = chip::bytesOf(type), cube = chip::cubeInputs(type);
  f.opd0_prec = uint64_t(type);
  f.tsk_eu_typ = isFloat ? 0 : d.pick({0, 0, 1, 2});
  bool shifts = f.tsk_eu_typ != 0;
  Type to = isFloat  ? (d.chance() ? type : Type::Fp32)
            : shifts ? d.pick({Type::Int8, Type::Int16, Type::Int32})
                     : d.pick({Type::Int32, Type::Int32, Type::Int16, Type::Int8});
  f.res0_prec = uint64_t(to);
  if (!isFloat) {
    f.opd0_sign = d.chance();
    f.opd1_sign = d.chance();
    f.opd2_sign = d.chance();
  }
  int64_t n, ic, oc;
  Axis y, x;
  LaneRoom room(d);
  int64_t lane, inLane, inBytes, weightBytes, previousBytes;
  f.opd0_str = d.chance(0.3) ? 3 : 0;
  int64_t mode = d.chance(0.6) ? 0 : d.between(1, 3);
  chip::LocalLayout in{};
  for (;;) {
    n = d.size(4, 2);
    ic = d.size(d.chance(0.9) ? 130 : 300, 9);
    oc = d.size(130, 9);
    bool padded = d.chance();
    y = drawAxis(d, padded, mode, 40, 7);
    x = drawAxis(d, padded, mode, 40, 7);
    lane = d.chance(0.3) ? 0 : d.between(0, 63);
    inLane = type == Type::Fp32 && d.chance() ? d.between(0, 63) : 0;
    if (f.opd0_str == 0) {
      in = chip::alignedLayout(inLane, n, ic, y.in, x.in, size);
    } else { // any order of axes, with gaps
      in.w = d.pick({1, 1, 1, 2, 3});
      in.h = in.w * x.in + d.between(0, 3);
      in.c = in.h * y.in + d.between(0, 5);
      in.n = in.c * chip::slots(inLane, ic) + d.between(0, 5);
      if (d.chance(0.1))
        in.h = 0;
      if (d.chance(0.1))
        in.c = 0;
    }
    inBytes = size * (1 + (n - 1) * in.n + (chip::slots(inLane, ic) - 1) * in.c +
                      (y.in - 1) * in.h + (x.in - 1) * in.w);
    weightBytes = size * chip::slots(lane, oc) * chip::alignUp(ic, cube) * y.kernel * x.kernel;
    previousBytes = chip::alignedLaneBytes(lane, n, oc, y.out, x.out, 4);
    // Work of the slower simulator: some milliseconds.
    int64_t work = n * ic * oc * y.out * x.out * y.kernel * x.kernel;
    if (work < (d.chance(0.02) ? 4000000 : 300000) && inBytes < 60000 && weightBytes < 60000 &&
        previousBytes < 60000 && in.n < 65536)
      break;
  }
  f.pad_mode = uint64_t(mode);
  f.kernel_rotate = d.chance(0.3);
  f.res0_n = n, f.res0_c = oc, f.opd0_c = ic;
  setWindow(f, y, x);
  if (f.opd0_str == 3) {
    f.opd0_n_str = in.n, f.opd0_c_str = in.c, f.opd0_h_str = in.h, f.opd0_w_str = in.w;
  }
  int64_t inAt = room.take(inBytes), outAt = room.take(previousBytes);
  f.opd0_addr = chip::localAddress(inLane, inAt);
  f.res0_addr = chip::localAddress(lane, outAt);
  Floats floats(d, c, type);
  floats.operand(inLane, ic, inAt, inBytes);
  if (d.chance(0.05)) {
    f.opd1_const = 1;
    f.opd1_addr = floats.immediate();
  } else {
    int64_t at = room.take(weightBytes);
    f.opd1_addr = chip::localAddress(lane, at);
    floats.operand(lane, oc, at, weightBytes);
  }
  // Bias, or the kernel zero point.
  int64_t itemBytes = isFloat ? 4 : shifts ? 2 : 1;
  if (d.chance(isFloat || shifts ? 0.7 : 0.3)) {
    int64_t bytes = itemBytes * chip::slots(lane, oc), at = room.take(bytes, 4);
    f.opd2_addr = chip::localAddress(lane, at);
    floats.addend(Type::Fp32, lane, oc, at, bytes);
  } else {
    f.opd2_const = 1;
    f.opd2_addr = isFloat || d.chance() ? 0 : uint32_t(d.bits());
  }
  // Shift, or what pads and fills in.
  if (shifts) {
    f.opd3_const = 1;
    f.opd3_addr = uint64_t(d.between(0, 31));
    f.res1_addr = d.chance() ? 0 : uint32_t(d.bits());
  } else if (d.chance(0.3)) {
    int64_t bytes = 2 * size * chip::slots(inLane, ic), at = room.take(bytes, 4);
    f.opd3_addr = chip::localAddress(inLane, at);
    floats.operand(inLane, ic, at, bytes);
  } else {
    f.opd3_const = 1;
    f.opd3_addr = floats.immediate(0.5);
    f.res1_addr = floats.immediate(0.5);
  }
  f.res_add = d.chance(0.2);
  if (f.res_add)
    floats.addend(Type::Fp32, lane, oc, outAt, previousBytes);
  c.command = either(d, isa::command(f));
  return c;
}

const Registered kConv({"conv", conv, {isa::Form::sCONV, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
