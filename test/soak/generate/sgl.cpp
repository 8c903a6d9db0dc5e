// sSGL: gather, scatter and select of whole rows.
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

Case sgl(Draw &d) {
  isa::sSGL f;
  f.cmd_short = 1, f.cmd_id_en = 1, f.tsk_typ = 6;
  uint64_t op = f.tsk_eu_typ = uint64_t(d.between(17, 19));
  auto type = d.pick({Type::Int8, Type::Fp16, Type::Fp32, Type::Int16, Type::Int32, Type::Bf16});
  int64_t size = chip::bytesOf(type), n = d.size(4, 2), c = d.size(130, 5), w = d.size(100, 9);
  // Rows beyond 255 let an all-ones index of 8 bits name one.
  auto rowCount = [&] {
    return d.chance(0.05) && n * c < 12 ? d.between(256, 260) : d.size(40, 6);
  };
  int64_t from = rowCount(), to = rowCount();
  if (c > chip::kLanes || from > 40 || to > 40) // else the rows outgrow the lane
    n = 1, w = std::min<int64_t>(w, 9);
  f.res0_prec = uint64_t(type);
  f.opd0_str = d.pick({3, 3, 4});
  f.opd3_const = d.chance(), f.opd2_const = d.chance(), f.opd2_addr = uint32_t(d.bits());
  f.res0_n = uint64_t(n), f.res0_c = uint64_t(c), f.res0_h = uint64_t(to), f.res0_w = uint64_t(w);
  f.opd0_h = uint64_t(from);
  LaneRoom room(d);
  int64_t lane = startLane(d);
  auto laneFor = [&] { return d.chance(0.85) ? lane : startLane(d); };
  auto rows = [&](int64_t at, int64_t batches, int64_t h) {
    auto l = chip::rowAlignedLayout(at, batches, c, h, w, size);
    return chip::localAddress(at, room.take(batches * l.n * size));
  };
  bool isMask = op == 19;
  f.res0_addr = rows(lane, n, isMask ? from : to);
  f.opd0_addr = rows(laneFor(), 1, from);
  auto indexType =
      isMask ? d.pick({Type::Int8, Type::Int16, Type::Int32}) : d.pick({Type::Int8, Type::Int16});
  f.opd1_prec = uint64_t(indexType);
  int64_t bytes = chip::bytesOf(indexType), count = op == 17 ? to : from,
          items = op == 17 ? from : to, at = laneFor();
  auto layout = chip::alignedLayout(at, n, c, count, 1, bytes);
  f.opd1_addr = chip::localAddress(at, room.take(n * layout.n * bytes));
  std::vector<Patch> patches;
  for (int64_t b = 0; b < n; ++b)
    for (int64_t k = 0; k < c; ++k) {
      std::vector<uint32_t> v(static_cast<size_t>(count));
      for (auto &x : v)
        x = isMask ? (d.chance() ? 0 : uint32_t(d.bits()))
            : items > 255 && d.chance(0.1)
                ? 255
                : uint32_t(d.between(0, std::min(items, int64_t(1) << 8 * bytes) - 1));
      patches.push_back(planePatch(f.opd1_addr, layout, bytes, b, k, v));
    }
  if (isMask) {
    int64_t start = laneFor();
    f.res1_addr = chip::localAddress(start, room.take(2 * n * chip::slots(start, c)));
  }
  return {displaced(d, isa::command(f), /*resultOnly=*/true), std::move(patches), {}};
}

const Registered kSgl({"sgl", sgl, {isa::Form::sSGL}});

} // namespace
} // namespace tessera::soak
