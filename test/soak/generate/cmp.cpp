// sCMP: fused compare and select.
#include "test/soak/generate/elementwise.h"

namespace tessera::soak {
namespace {

Case cmp(Draw &d) {
  constexpr std::array kTypes = {Type::Int8, Type::Int16, Type::Int32,
                                 Type::Fp32, Type::Fp16,  Type::Bf16};
  Type compared = d.pick(kTypes), selected = d.pick(kTypes);
  isa::sCMP f;
  f.tsk_eu_typ = uint64_t(d.between(22, 26));
  bool two = f.tsk_eu_typ == 22 || f.tsk_eu_typ == 25;
  f.opd0_prec = uint64_t(compared), f.opd2_prec = uint64_t(selected);
  f.opd0_sign = d.chance();
  Shape s = drawShape(d);
  int64_t lane = d.between(0, 63);
  std::vector<Patch> patches;
  LaneRoom room(d);
  auto bytes = [&](int64_t at, int64_t size) {
    return chip::alignedLaneBytes(at, s.n, s.c, s.h, s.w, size);
  };
  while (bytes(lane, 4) > 20000)
    s.w = (s.w + 1) / 2, s.c = (s.c + 1) / 2;
  f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c);
  f.res0_h = uint64_t(s.h), f.res0_w = uint64_t(s.w);
  auto result = [&](Type type) {
    int64_t size = chip::bytesOf(type);
    return chip::localAddress(lane, room.take(bytes(lane, size), d.chance(0.7) ? 64 : size));
  };
  f.res0_addr = result(two ? compared : selected);
  f.res1_addr = two ? result(selected) : 0;
  // An operand: a tensor, a value a channel, an immediate, or the first result itself.
  bool telling = d.chance(0.7);
  auto operand = [&](Type type, uint64_t &address, uint64_t &isConst, uint64_t *str) {
    int64_t at = drawLane(d, lane), size = chip::bytesOf(type), total = bytes(at, size);
    if (d.chance(0.2)) {
      isConst = 1;
      uint32_t above = size == 4 ? 0 : uint32_t(d.bits()) << 8 * size;
      address = (drawValue(d, type) & ((uint64_t{1} << 8 * size) - 1)) | above;
      return;
    }
    if (str) {
      *str = d.pick({0, 0, 1, 2, 3});
      if (*str >= 2)
        total = size * chip::slots(at, s.c);
    }
    if (d.chance(0.1) && total <= bytes(lane, 1)) {
      address = chip::localAddress(at, chip::offsetOf(f.res0_addr) / size * size);
      return;
    }
    address = chip::localAddress(at, room.take(total, d.chance(0.7) ? 64 : size));
    if (telling)
      patchValues(d, patches, address, total, s.c, type);
  };
  operand(compared, f.opd0_addr, f.opd0_const, &f.opd0_str);
  operand(compared, f.opd1_addr, f.opd1_const, &f.opd1_str);
  operand(selected, f.opd2_addr, f.opd2_const, nullptr);
  operand(selected, f.opd3_addr, f.opd3_const, nullptr);
  return {either(d, isa::command(f)), std::move(patches), {}};
}

const Registered kCmp({"cmp", cmp, {isa::Form::sCMP, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
