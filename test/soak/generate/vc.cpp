// sVC: an operation of every element of one vector with every element of another.
#include "test/soak/generate/elementwise.h"

namespace tessera::soak {
namespace {

Case vc(Draw &d) {
  Mix m;
  do
    m = drawMix(d);
  while (m.operands != 2 || m.op == 18);
  isa::sVC f;
  int64_t channels = d.size(70, 5), width = d.size(20, 5), last = d.between(1, width);
  while (channels * width > 200)
    channels = (channels + 1) / 2;
  Shape s{(channels - 1) * width + last, d.size(130, 5), 1, d.size(70, 8)};
  int64_t sizes[3] = {chip::bytesOf(m.res), chip::bytesOf(m.a), chip::bytesOf(m.b)};
  int64_t lanes[3] = {d.between(0, 63), 0, 0};
  for (int i : {1, 2})
    lanes[i] = drawLane(d, lanes[0]);
  Shape left{1, channels, 1, width}, right{1, s.c, 1, s.w};
  auto bytes = [](const Shape &t, int64_t lane, int64_t size) {
    return chip::alignedLaneBytes(lane, t.n, t.c, t.h, t.w, size);
  };
  while (bytes(s, lanes[0], sizes[0]) > 100000)
    s.c = right.c = (s.c + 1) / 2, s.w = right.w = (s.w + 1) / 2;
  LaneRoom room(d);
  std::vector<Patch> patches;
  auto place = [&](const Shape &t, int i) {
    int64_t n = bytes(t, lanes[i], sizes[i]);
    return uint64_t(chip::localAddress(lanes[i], room.take(n, d.chance(0.8) ? 64 : sizes[i])));
  };
  f.tsk_eu_typ = m.op;
  f.res0_prec = uint64_t(m.res), f.opd0_prec = uint64_t(m.a), f.opd1_prec = uint64_t(m.b);
  f.opd0_sign = m.signA, f.opd1_sign = m.signB, f.opd2_n_str = m.code;
  f.res0_addr = place(s, 0), f.opd0_addr = place(left, 1), f.opd1_addr = place(right, 2);
  if (d.chance(0.05))
    f.res0_addr = chip::localAddress(lanes[0], chip::offsetOf(f.opd1_addr));
  f.res0_c = uint64_t(s.c), f.res0_w = uint64_t(s.w);
  f.opd0_c = uint64_t(channels), f.opd0_w = uint64_t(width), f.opd1_w = uint64_t(last);
  if (d.chance(0.7)) {
    patchValues(d, patches, f.opd0_addr, bytes(left, lanes[1], sizes[1]), channels, m.a);
    patchValues(d, patches, f.opd1_addr, bytes(right, lanes[2], sizes[2]), s.c, m.b);
  }
  return {either(d, isa::command(f)), std::move(patches), {}};
}

const Registered kVc({"vc", vc, {isa::Form::sVC, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
