// sSG: gather, scatter and select in a lane. Indices are drawn inside their tables, since the
// vendor's simulator refuses all others.
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

struct Generator {
  Draw &d;
  LaneRoom room{d};
  isa::sSG f{};
  std::vector<Patch> patches{};
  int64_t lane = startLane(d);
  Shape s{d.size(4, 2), d.size(130, 5), 1, d.size(300, 12)};
  int64_t size = 1;

  /// Operands mostly start where the result does.
  int64_t someLane() { return d.chance(0.85) ? lane : startLane(d); }
  uint64_t aligned(int64_t at, int64_t n, int64_t c, int64_t h, int64_t w, int64_t bytes) {
    return chip::localAddress(at, room.take(chip::alignedLaneBytes(at, n, c, h, w, bytes)));
  }
  void flags() {
    f.opd3_const = d.chance();
    f.opd2_const = d.chance();
    f.opd2_addr = uint32_t(d.bits());
  }
  /// An index below `items`, or all ones where that names none.
  uint32_t index(int64_t items, int64_t bytes) {
    int64_t none = (int64_t(1) << 8 * bytes) - 1;
    if (f.opd3_const && d.chance(0.15))
      return uint32_t(none);
    return uint32_t(d.between(0, std::min(items, none) - 1));
  }
  /// A scatter fills the element that an all-ones index names, so there has to be one.
  void noFill(int64_t items, int64_t bytes) {
    if (bytes == 2 || items < 256)
      f.opd2_const = 0;
  }
  int64_t indexType() {
    bool wide = d.chance();
    f.opd1_prec = uint64_t(wide ? Type::Int16 : Type::Int8);
    return wide ? 2 : 1;
  }

  void pl(uint64_t op) {
    bool isScatter = op >= 3, isPlane = op == 1 || op == 4;
    flags();
    int64_t h = isPlane ? d.size(40, 4) : 1, w = d.size(300, 12), count = d.size(300, 12);
    int64_t bytes = isPlane ? 4 : indexType();
    if (isPlane)
      f.opd1_prec = uint64_t(Type::Int16);
    if (isScatter)
      noFill(isPlane ? 0 : w, bytes);
    f.opd1_c = uint64_t(count), f.opd1_w = 1;
    f.opd0_h = uint64_t(isScatter ? 1 : h), f.opd0_w = uint64_t(isScatter ? count : w);
    f.res0_h = uint64_t(isScatter ? h : 1), f.res0_w = uint64_t(isScatter ? w : count);
    if (!isPlane) // the heights are not looked at
      f.opd0_h = uint64_t(d.size(3)), f.res0_h = uint64_t(d.size(3));
    f.res0_addr = aligned(lane, s.n, s.c, isScatter ? h : 1, int64_t(f.res0_w), size);
    int64_t from = someLane();
    f.opd0_addr = aligned(from, s.n, s.c, isScatter ? 1 : h, int64_t(f.opd0_w), size);
    int64_t at = d.chance(0.7) ? 0 : startLane(d);
    f.opd1_addr = chip::localAddress(at, room.take(chip::slots(at, count) * bytes));
    auto layout = chip::compactLayout(at, 1, count, 1, 1);
    for (int64_t k = 0; k < count; ++k) {
      uint32_t v = isPlane ? index(w, 2) | index(h, 2) << 16 : index(w, bytes);
      patches.push_back(planePatch(f.opd1_addr, layout, bytes, 0, k, {v}));
    }
  }

  void rectangle() {
    flags();
    int64_t h = d.size(40, 6), w = d.size(60, 9), kh = d.size(5, 3), kw = d.size(5, 3);
    f.opd0_h = uint64_t(h), f.opd0_w = uint64_t(w);
    f.opd3_addr = uint32_t(kh << 16 | kw);
    int64_t count = int64_t(f.opd1_c = f.res0_w = uint64_t(d.size(100, 6)));
    f.res0_h = uint64_t(d.size(3));
    f.opd1_prec = uint64_t(d.pick({Type::Int8, Type::Int16}));
    auto layout = chip::rowAlignedLayout(lane, s.n, s.c, kh * kw, count, size);
    f.res0_addr = chip::localAddress(lane, room.take(s.n * layout.n * size));
    f.opd0_addr = aligned(someLane(), s.n, s.c, h, w, size);
    int64_t at = d.chance(0.7) ? 0 : startLane(d);
    f.opd1_addr = chip::localAddress(at, room.take(chip::slots(at, count) * 8));
    auto corners = chip::compactLayout(at, 1, count, 1, 4);
    for (int64_t k = 0; k < count; ++k) {
      auto x0 = uint32_t(d.between(0, w - 1)), y0 = uint32_t(d.between(0, h - 1));
      auto last = [&](uint32_t first, int64_t limit) {
        return uint32_t(d.chance(0.1) ? d.between(0, limit - 1) : d.between(first, limit - 1));
      };
      uint32_t x1 = last(x0, w), y1 = last(y0, h);
      if (f.opd3_const && d.chance(0.2))
        (d.chance() ? x0 : y0) = 0xFFFF;
      patches.push_back(planePatch(f.opd1_addr, corners, 2, 0, k, {x0, y0, x1, y1}));
    }
  }

  /// opd0 of the PE variants: one row a channel, or one a lane.
  uint64_t row(int64_t at, int64_t w) {
    f.opd0_h = 1, f.opd0_w = uint64_t(w);
    f.opd0_str = d.pick({0, 4});
    return aligned(at, 1, s.c, 1, w, size);
  }
  /// A tensor of small unsigned integers in the aligned layout.
  template <class Value> void integers(uint64_t address, int64_t w, int64_t bytes, Value value) {
    auto layout = chip::alignedLayout(chip::laneOf(address), s.n, s.c, 1, w, bytes);
    for (int64_t n = 0; n < s.n; ++n)
      for (int64_t c = 0; c < s.c; ++c) {
        std::vector<uint32_t> v(static_cast<size_t>(w));
        for (auto &x : v)
          x = value();
        patches.push_back(planePatch(address, layout, bytes, n, c, v));
      }
  }

  void pe(uint64_t op) {
    bool isScatter = op == 6 || op == 14;
    flags();
    int64_t w = d.size(300, 12), count = d.size(300, 12), bytes = indexType();
    if (isScatter)
      noFill(w, bytes);
    f.opd1_c = uint64_t(s.c), f.opd1_w = uint64_t(count);
    f.res0_h = 1, f.res0_w = uint64_t(isScatter ? w : count);
    f.res0_addr = aligned(lane, s.n, s.c, 1, int64_t(f.res0_w), size);
    f.opd0_addr = row(someLane(), isScatter ? count : w);
    f.opd1_addr = aligned(someLane(), s.n, s.c, 1, count, bytes);
    integers(f.opd1_addr, count, bytes, [&] { return index(w, bytes); });
  }

  /// The four tables lie in the lower half of the lane, everything else in the upper one.
  void multiGather() {
    flags();
    int64_t w = d.size(60, 12), count = d.size(60, 12), bytes = indexType();
    f.opd0_str = s.c + lane <= chip::kLanes ? d.pick({0, 4, 5}) : 4;
    f.opd0_h = f.res0_h = 1, f.opd0_w = uint64_t(w);
    f.opd1_c = uint64_t(d.size(5)), f.opd1_w = f.res0_w = uint64_t(count);
    int64_t at = lane;
    auto upper = [&](int64_t start, int64_t itemBytes) {
      int64_t offset = chip::kLaneBytes * 3 / 4 + (itemBytes == size ? 0 : 0x8000);
      return chip::localAddress(start, offset);
    };
    f.res0_addr = chip::localAddress(lane, chip::kLaneBytes * 3 / 4);
    f.opd1_addr = upper(someLane(), -1);
    f.opd0_addr = chip::localAddress(at, d.between(0, 100) * 64);
    auto layout = chip::alignedLayout(at, 1, s.c, 1, w, size);
    for (int64_t c = 0; c < s.c; ++c) {
      if (f.opd0_str == 4 && c >= chip::kLanes)
        break;
      int64_t slot = f.opd0_str == 4 ? 0 : (at + c) / chip::kLanes;
      std::vector<uint8_t> values(static_cast<size_t>(w * size));
      for (auto &v : values)
        v = uint8_t(d.bits());
      for (int64_t copy = 0; copy < 4; ++copy)
        patches.push_back(
            {true,
             uint64_t((at + c) % chip::kLanes * chip::kLaneBytes + chip::offsetOf(f.opd0_addr) +
                      copy * 0x8000 + slot * layout.c * size),
             values});
    }
    integers(f.opd1_addr, count, bytes, [&] { return index(w, bytes); });
  }

  void maskSelect() {
    flags();
    int64_t w = d.size(300, 12);
    auto type = d.pick({Type::Int8, Type::Int16, Type::Int32});
    int64_t bytes = chip::bytesOf(type);
    f.opd1_prec = uint64_t(type);
    f.opd1_c = uint64_t(s.c), f.opd1_w = uint64_t(w);
    f.res0_h = 1, f.res0_w = uint64_t(w);
    f.res0_addr = aligned(lane, s.n, s.c, 1, int64_t(f.res0_w), size);
    f.opd0_addr = row(someLane(), w);
    f.opd1_addr = aligned(someLane(), s.n, s.c, 1, w, bytes);
    integers(f.opd1_addr, w, bytes, [&] { return d.chance() ? 0 : uint32_t(d.bits()); });
    int64_t at = someLane();
    f.res1_addr = chip::localAddress(at, room.take(2 * s.n * chip::slots(at, s.c)));
  }

  void nonzero() {
    flags();
    auto from = d.pick({Type::Int8, Type::Int16, Type::Int32}),
         to = d.pick({Type::Int16, Type::Int32});
    f.opd0_prec = uint64_t(from), f.res0_prec = uint64_t(to);
    f.opd0_str = d.pick({0, 0, 4});
    f.opd0_h = f.res0_h = 1, f.opd0_w = f.res0_w = uint64_t(s.w);
    f.res0_addr = aligned(lane, s.n, s.c, 1, s.w, chip::bytesOf(to));
    f.opd0_addr = aligned(someLane(), s.n, s.c, 1, s.w, chip::bytesOf(from));
    integers(f.opd0_addr, s.w, chip::bytesOf(from),
             [&] { return d.chance() ? 0 : uint32_t(d.bits()); });
    int64_t at = someLane();
    f.res1_addr = chip::localAddress(at, room.take(2 * s.n * chip::slots(at, s.c)));
  }

  void pingPong() {
    flags();
    f.res0_prec = uint64_t(Type::Int16), f.opd0_prec = uint64_t(d.pick({Type::Int8, Type::Int16}));
    int64_t bytes = indexType(), w = d.chance() ? d.between(256, 300) : d.size(255, 9);
    if (w < 256 || bytes == 2) // then all ones would lie outside
      f.opd3_const = 0;
    f.opd0_h = 1, f.res0_h = 1, f.opd0_w = uint64_t(d.size(20)), f.res0_w = uint64_t(w);
    f.opd1_c = uint64_t(s.c), f.opd1_w = uint64_t(s.w);
    f.res0_addr = f.opd0_addr = aligned(lane, s.n, s.c, 1, w, 2);
    f.opd1_addr = aligned(someLane(), s.n, s.c, 1, s.w, bytes);
    integers(f.opd1_addr, s.w, bytes, [&] { return index(w, bytes); });
  }

  Case make() {
    f.cmd_short = 1, f.cmd_id_en = 1, f.tsk_typ = 6;
    uint64_t op = f.tsk_eu_typ =
        uint64_t(d.pick({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16}));
    auto type = d.pick({Type::Int8, Type::Fp16, Type::Fp32, Type::Int16, Type::Int32, Type::Bf16});
    f.res0_prec = f.opd0_prec = uint64_t(type);
    size = chip::bytesOf(type);
    f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c);
    switch (op) {
    case 2:
      rectangle();
      break;
    case 7:
      multiGather();
      break;
    case 8:
    case 15:
      maskSelect();
      break;
    case 9:
    case 16:
      nonzero();
      break;
    case 10:
      pingPong();
      break;
    default:
      op < 5 ? pl(op) : pe(op);
    }
    return {either(d, isa::command(f), /*resultOnly=*/true), std::move(patches), {}};
  }
};

Case sg(Draw &d) { return Generator{d}.make(); }

const Registered kSg({"sg", sg, {isa::Form::sSG, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
