// sPorD: pooling and depthwise convolution.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"
#include "test/soak/generate/window.h"

namespace tessera::soak {
namespace {

using chip::Type;

enum Op : uint64_t { kDepthwise = 0, kAverage = 1, kDepthwiseRelu = 2, kMax = 4 };

Case pord(Draw &d) {
  isa::sPorD f;
  Case c;
  f.tsk_eu_typ = d.pick({kDepthwise, kAverage, kDepthwiseRelu, kMax});
  bool depthwise = f.tsk_eu_typ == kDepthwise || f.tsk_eu_typ == kDepthwiseRelu;
  bool isFloat = d.chance(0.4);
  Type type = isFloat ? d.pick({Type::Fp32, Type::Fp16, Type::Bf16}) : Type::Int8;
  Type to = isFloat ? type : d.pick({Type::Int8, Type::Int16, Type::Int32});
  if (isFloat && d.chance(0.05)) // the source's bits all the same
    to = sameSize(d, type);
  int64_t size = chip::bytesOf(type);
  f.opd0_prec = uint64_t(type);
  f.res0_prec = uint64_t(to);
  if (!isFloat) {
    f.opd0_sign = d.chance();
    f.opd1_sign = d.chance();
    f.opd2_sign = d.chance();
  }
  int64_t mode = d.chance(0.6) ? 0 : d.between(1, 3);
  int64_t lane = d.between(0, 63), n, ch, inBytes, outBytes;
  Axis y, x;
  for (;;) {
    n = d.size(4, 2);
    ch = d.size(200, 9);
    bool padded = d.chance();
    y = drawAxis(d, padded, mode, 60, 9);
    x = drawAxis(d, padded, mode, 60, 9);
    inBytes = chip::alignedLaneBytes(lane, n, ch, y.in, x.in, size);
    outBytes = chip::alignedLaneBytes(lane, n, ch, y.out, x.out, chip::bytesOf(to));
    int64_t work = n * ch * (y.out * x.out * y.kernel * x.kernel + 4 * y.in * x.in);
    if (work < (d.chance(0.02) ? 2000000 : 60000) && inBytes < 60000 && outBytes < 60000)
      break;
  }
  f.pad_mode = uint64_t(mode);
  f.kernel_rotate = d.chance(0.3);
  f.res0_n = n, f.res0_c = ch;
  setWindow(f, y, x);
  LaneRoom room(d);
  int64_t inAt = room.take(inBytes), outAt = room.take(outBytes);
  f.opd0_addr = chip::localAddress(lane, inAt);
  f.res0_addr = chip::localAddress(lane, outAt);
  Floats floats(d, c, type);
  floats.operand(lane, ch, inAt, inBytes);
  if (depthwise) {
    if (d.chance(0.1)) {
      f.opd1_const = 1;
      f.opd1_addr = floats.immediate(0.3);
    } else {
      int64_t bytes = size * chip::slots(lane, ch) * y.kernel * x.kernel;
      int64_t at = room.take(bytes, size);
      f.opd1_addr = chip::localAddress(lane, at);
      floats.operand(lane, ch, at, bytes);
    }
    if (d.chance(0.6)) {
      int64_t itemBytes = isFloat ? size : 4, bytes = itemBytes * chip::slots(lane, ch);
      int64_t at = room.take(bytes, itemBytes);
      f.opd2_addr = chip::localAddress(lane, at);
      floats.addend(type, lane, ch, at, bytes);
    } else {
      f.opd2_const = 1;
    }
    if (!isFloat)
      f.res1_addr = uint64_t(d.between(0, 31)) << 8 | (d.bits() & 0xFF);
    f.opd2_n_str = uint64_t(d.between(0, 6));
  } else if (f.tsk_eu_typ == kAverage) {
    f.opd1_const = 1;
    f.opd1_addr = floats.immediate(0.3);
    f.opd2_const = d.chance();
    f.opd2_addr = isFloat ? 0 : d.chance(0.02) ? uint32_t(d.bits()) : uint64_t(d.between(0, 31));
    f.opd2_n_str = uint64_t(d.between(0, 6));
  } else {
    f.opd1_const = d.chance();
    f.opd2_const = d.chance();
  }
  if (d.chance(0.3)) {
    int64_t bytes = 2 * size * chip::slots(lane, ch), at = room.take(bytes, size);
    f.opd3_addr = chip::localAddress(lane, at);
    floats.operand(lane, ch, at, bytes);
  } else {
    f.opd3_const = 1;
    f.opd3_addr = floats.immediate(0.3);
    if (isFloat)
      f.res1_addr = floats.immediate(0.3);
    else if (!depthwise)
      f.res1_addr = uint32_t(d.bits());
  }
  c.command = either(d, isa::command(f));
  return c;
}

const Registered kPord({"pord", pord, {isa::Form::sPorD, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
