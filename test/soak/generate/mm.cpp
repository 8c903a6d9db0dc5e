// sMM: matrix multiply over matrices whose columns are spread over channels.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

Case mm(Draw &d) {
  isa::sMM f;
  Case c;
  f.tsk_eu_typ = d.pick({1, 1, 1, 2, 3});
  bool requantizes = f.tsk_eu_typ != 1;
  Type type = requantizes ? Type::Int8
                          : d.pick({Type::Int8, Type::Int16, Type::Int32, Type::Fp32, Type::Fp32});
  Type to = requantizes          ? d.pick({Type::Int8, Type::Int16, Type::Int32})
            : type == Type::Fp32 ? Type::Fp32
                                 : Type::Int32;
  bool isFloat = type == Type::Fp32;
  int64_t size = chip::bytesOf(type);
  f.opd0_prec = uint64_t(type), f.res0_prec = uint64_t(to);
  if (!isFloat)
    f.opd0_sign = d.chance(), f.opd1_sign = d.chance(), f.opd2_sign = d.chance();
  f.left_tran = d.chance(0.3);
  int64_t lane = d.chance(0.3) ? 0 : d.between(0, 63),
          leftLane = d.chance() ? lane : d.between(0, 63);
  int64_t stored, channels, width, last, rows, inner, resChannels, resWidth, leftBytes, rightBytes,
      resBytes;
  do {
    stored = d.size(40, 6), channels = d.size(140, 4), width = d.size(70, 8);
    last = d.between(1, width);
    resChannels = d.size(140, 5), resWidth = d.size(70, 8);
    int64_t columns = (channels - 1) * width + last;
    rows = f.left_tran ? columns : stored, inner = f.left_tran ? stored : columns;
    leftBytes = chip::alignedLaneBytes(leftLane, stored, channels, 1, width, size);
    rightBytes = chip::alignedLaneBytes(lane, inner, resChannels, 1, resWidth, size);
    resBytes = chip::alignedLaneBytes(lane, rows, resChannels, 1, resWidth, chip::bytesOf(to));
  } while (rows * inner * resChannels * resWidth > (d.chance(0.02) ? 2000000 : 100000) ||
           leftBytes > 40000 || rightBytes > 40000 || resBytes > 40000);
  f.opd0_n = stored, f.opd0_c = channels, f.opd0_w = width, f.opd1_w = last;
  f.res0_c = resChannels, f.res0_w = resWidth;
  LaneRoom room(d);
  bool tame = isFloat && d.chance(0.9);
  int centre = drawCentre(d, type);
  bool small = type == Type::Int32 && d.chance(); // sums that do not saturate: rounding shows
  auto place = [&](int64_t atLane, int64_t count, int64_t bytes, Type t, int scale) {
    int64_t at = room.take(bytes);
    if (tame)
      patchFloats(d, c.patches, t, atLane, count, at, bytes, scale);
    for (int64_t k = 0; small && t == Type::Int32 && k < std::min(count, chip::kLanes); ++k) {
      std::vector<uint32_t> words(size_t(bytes / 4));
      for (uint32_t &w : words)
        w = uint32_t(d.bits() % 256);
      c.patches.push_back(patch(chip::localAddress((atLane + k) % chip::kLanes, at), 0, 0, words));
    }
    return chip::localAddress(atLane, at);
  };
  if (d.chance(0.1)) {
    f.opd0_const = 1;
    f.opd0_addr = tame ? drawFloat(d, type, 3, true, centre) : uint32_t(d.bits());
  } else {
    f.opd0_addr = place(leftLane, channels, leftBytes, type, centre);
  }
  f.opd1_addr = place(lane, resChannels, rightBytes, type, centre);
  f.res0_addr = place(lane, resChannels, resBytes, to, 2 * centre);
  int64_t rowBytes = requantizes ? 2 : isFloat ? 4 : type == Type::Int32 ? 1 : 0;
  if (rowBytes && d.chance(0.6)) {
    f.opd2_addr = place(lane, resChannels,
                        chip::alignedLaneBytes(lane, 1, resChannels, 1, resWidth, rowBytes),
                        Type::Fp32, 2 * centre);
  } else {
    f.opd2_const = 1;
    f.opd2_addr = isFloat ? 0 : small ? uint8_t(-d.between(0, 9)) : uint32_t(d.bits());
  }
  f.opd2_n_str = uint64_t(d.between(0, 6));
  if (requantizes)
    f.opd3_addr = uint64_t(d.between(0, 31)) << 8;
  f.res_add =
      (isFloat || (requantizes && to == Type::Int16) || type == Type::Int32) && d.chance(0.3);
  c.command = either(d, isa::command(f));
  return c;
}

const Registered kMm({"mm", mm, {isa::Form::sMM, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
