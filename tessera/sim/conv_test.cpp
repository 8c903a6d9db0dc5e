// Every convolution kernel this host can run, against plain loops over the logical tensors.
#include "tessera/isa/isa.h"
#include "tessera/sim/kernels/conv.h"
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/sim.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace tessera::sim {
namespace {

using Rng = std::mt19937;

int64_t pick(Rng &rng, int64_t lo, int64_t hi) {
  return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
}

/// A convolution as logical tensors, and the command that does it.
struct Problem {
  int64_t n = 1, ic = 3, oc = 2, ih = 5, iw = 6, kh = 3, kw = 3, sy = 1, sx = 1, dy = 1, dx = 1;
  int64_t iy = 0, ix = 0, up = 1, down = 1, left = 1, right = 1, kzp = 0, pad = 0, insert = 0;
  bool inputSigned = true, weightSigned = true, rotate = false, add = false;
  int startLane = 0; ///< of weights and result

  int64_t oh() const {
    return ((ih - 1) * (iy + 1) + 1 + up + down - ((kh - 1) * dy + 1)) / sy + 1;
  }
  int64_t ow() const {
    return ((iw - 1) * (ix + 1) + 1 + left + right - ((kw - 1) * dx + 1)) / sx + 1;
  }
  bool valid() const {
    return (ih - 1) * (iy + 1) + 1 + up + down >= (kh - 1) * dy + 1 &&
           (iw - 1) * (ix + 1) + 1 + left + right >= (kw - 1) * dx + 1;
  }
  std::string text() const {
    return fmt::format(
        "n{} ic{} oc{} in{}x{} k{}x{} s{}x{} d{}x{} ins{}x{} pad{},{},{},{} kzp{} {}{} "
        "rotate{} add{} lane{}",
        n, ic, oc, ih, iw, kh, kw, sy, sx, dy, dx, iy, ix, up, down, left, right, kzp,
        inputSigned ? "s8" : "u8", weightSigned ? "s8" : "u8", rotate, add, startLane);
  }
};

constexpr int64_t kWeights = 0x18000, kResult = 0x28000;

isa::sCONV command(const Problem &p) {
  isa::sCONV f;
  f.opd0_sign = p.inputSigned;
  f.opd1_sign = p.weightSigned;
  f.opd2_sign = f.opd2_const = f.opd3_const = 1;
  f.opd2_addr = uint32_t(p.kzp);
  f.opd3_addr = uint32_t(p.pad);
  f.res1_addr = uint32_t(p.insert);
  f.res0_prec = 4;
  f.res_add = p.add;
  f.kernel_rotate = p.rotate;
  f.opd0_up_pad = p.up;
  f.opd0_dn_pad = p.down;
  f.opd0_lf_pad = p.left;
  f.opd0_rt_pad = p.right;
  f.res_op_y_str = p.sy;
  f.res_op_x_str = p.sx;
  f.opd1_y_ins0 = p.dy - 1;
  f.opd1_x_ins0 = p.dx - 1;
  f.opd0_y_ins0 = p.iy;
  f.opd0_x_ins0 = p.ix;
  f.res0_n = p.n;
  f.res0_c = p.oc;
  f.res0_h = p.oh();
  f.res0_w = p.ow();
  f.opd0_c = p.ic;
  f.opd0_h = p.ih;
  f.opd0_w = p.iw;
  f.opd1_h = p.kh;
  f.opd1_w = p.kw;
  f.opd0_addr = 0;
  f.opd1_addr = chip::localAddress(p.startLane, kWeights);
  f.res0_addr = chip::localAddress(p.startLane, kResult);
  return f;
}

/// Fills local memory with the seed's bytes, runs, and compares the result and every other byte.
void check(const Problem &p, uint32_t seed) {
  SCOPED_TRACE(fmt::format("{}, kernel {}, seed {}", p.text(), kernels::convKernel().name, seed));
  static Machine m;
  // Random bytes, made once; the seed moves them.
  static const std::vector<uint32_t> noise = [] {
    Rng rng(1);
    std::vector<uint32_t> v(size_t(chip::kLmemBytes / 4 + 1024));
    std::generate(v.begin(), v.end(), [&] { return uint32_t(rng()); });
    return v;
  }();
  std::memcpy(m.localMemory().data(), noise.data() + seed % 1024, size_t(chip::kLmemBytes));
  auto inputLayout = chip::alignedLayout(0, p.n, p.ic, p.ih, p.iw, 1);
  auto resultLayout = chip::alignedLayout(p.startLane, p.n, p.oc, p.oh(), p.ow(), 4);
  int64_t row = chip::alignUp(p.ic, 64) * p.kh * p.kw;
  ASSERT_LE(p.n * inputLayout.n, kWeights);
  ASSERT_LE(chip::slots(p.startLane, p.oc) * row, kResult - kWeights);
  ASSERT_LE(4 * p.n * resultLayout.n, chip::kLaneBytes - kResult);
  std::vector<uint8_t> expected(m.localMemory().begin(), m.localMemory().end());
  auto value = [](uint8_t b, bool s) { return s ? int64_t(int8_t(b)) : int64_t(b); };
  auto input = [&](int64_t n, int64_t c, int64_t y, int64_t x) -> int64_t {
    y -= p.up;
    x -= p.left;
    if (y < 0 || x < 0 || y > (p.ih - 1) * (p.iy + 1) || x > (p.iw - 1) * (p.ix + 1))
      return value(uint8_t(p.pad), p.inputSigned);
    if (y % (p.iy + 1) || x % (p.ix + 1))
      return value(uint8_t(p.insert), p.inputSigned);
    return value(m.lane(c % 64)[n * inputLayout.n + c / 64 * inputLayout.c + y / (p.iy + 1) * p.iw +
                                x / (p.ix + 1)],
                 p.inputSigned);
  };
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t o = 0; o < p.oc; ++o) {
      int64_t lane = (p.startLane + o) % 64, slot = (p.startLane + o) / 64;
      const uint8_t *w = m.lane(lane) + kWeights + slot * row;
      for (int64_t y = 0; y < p.oh(); ++y)
        for (int64_t x = 0; x < p.ow(); ++x) {
          int64_t sum = 0;
          for (int64_t c = 0; c < p.ic; ++c)
            for (int64_t ky = 0; ky < p.kh; ++ky)
              for (int64_t kx = 0; kx < p.kw; ++kx) {
                int64_t tap = p.rotate ? (p.kh - 1 - ky) * p.kw + p.kw - 1 - kx : ky * p.kw + kx;
                int64_t weight =
                    value(w[(c / 64 * p.kh * p.kw + tap) * 64 + c % 64], p.weightSigned);
                sum += input(n, c, y * p.sy + ky * p.dy, x * p.sx + kx * p.dx) * (weight - p.kzp);
              }
          uint8_t *out = expected.data() + lane * chip::kLaneBytes + kResult +
                         4 * (n * resultLayout.n + slot * resultLayout.c + y * p.ow() + x);
          uint32_t previous;
          std::memcpy(&previous, out, 4);
          uint32_t result = uint32_t(sum) + (p.add ? previous : 0);
          std::memcpy(out, &result, 4);
        }
    }
  auto status = execute(m, isa::command(command(p)));
  ASSERT_TRUE(status) << status.error().text();
  auto memory = m.localMemory();
  auto differ = std::mismatch(memory.begin(), memory.end(), expected.begin()).first;
  EXPECT_EQ(differ - memory.begin(), int64_t(memory.size())) << "first difference";
}

class Kernels : public testing::Test {
protected:
  void TearDown() override { kernels::setConvKernel(""); }
  template <class F> void forAll(F f) {
    for (const kernels::ConvKernel &k : kernels::convKernels()) {
      ASSERT_TRUE(kernels::setConvKernel(k.name));
      f();
    }
  }
};

TEST_F(Kernels, SweptShapes) {
  std::vector<Problem> list;
  for (int64_t ic : {1, 2, 3, 4, 5, 64, 67})
    for (int64_t oc : {1, 3, 5, 8, 66})
      list.push_back({.ic = ic, .oc = oc});
  for (int64_t width : {1, 15, 16, 17, 47, 48, 49, 130})
    list.push_back({.ic = 6, .oc = 9, .ih = 7, .iw = width});
  list.push_back({.ic = 4, .oc = 4, .ih = 9, .iw = 11, .sy = 2, .sx = 3});
  list.push_back({.ic = 4, .oc = 4, .ih = 9, .iw = 11, .sy = 2, .sx = 2, .dy = 3, .dx = 2});
  list.push_back({.ic = 5, .oc = 3, .kh = 2, .kw = 2, .iy = 1, .ix = 1, .rotate = true});
  list.push_back({.ic = 5,
                  .oc = 3,
                  .kh = 1,
                  .kw = 1,
                  .sy = 2,
                  .sx = 2,
                  .up = 0,
                  .down = 0,
                  .left = 0,
                  .right = 0});
  // Padding that no kernel reaches across, over several tiles; zeros that are not multiplied.
  list.push_back({.ic = 4, .oc = 9, .ih = 30, .iw = 31, .kh = 1, .kw = 1});
  for (int64_t kernel : {1, 2, 3, 4})
    list.push_back(
        {.ic = 6, .oc = 9, .ih = 20, .iw = 21, .kh = kernel, .kw = kernel, .iy = 1, .ix = 1});
  list.push_back(
      {.ic = 6, .oc = 3, .ih = 6, .iw = 70, .kh = 3, .kw = 4, .dy = 2, .dx = 3, .iy = 3, .ix = 2});
  list.push_back(
      {.ic = 6, .oc = 3, .ih = 6, .iw = 7, .sy = 2, .iy = 1, .ix = 14, .left = 5, .right = 0});
  list.push_back({.n = 2, .ic = 70, .oc = 66, .pad = -7, .add = true, .startLane = 5});
  list.push_back({.ic = 9, .oc = 9, .kzp = -3, .pad = 100});
  list.push_back({.ic = 9, .oc = 9, .pad = 100, .inputSigned = false});
  list.push_back({.ic = 9, .oc = 9, .pad = 100, .weightSigned = false});
  list.push_back({.ic = 9, .oc = 9, .iy = 1, .ix = 2, .pad = -9, .insert = 17});
  forAll([&] {
    for (const Problem &p : list)
      check(p, 1);
  });
}

TEST_F(Kernels, RandomShapes) {
  uint32_t seed = 20240607;
  std::printf("seed %u\n", seed);
  forAll([&] {
    Rng rng(seed);
    for (int i = 0, done = 0; done < 25 && i < 1000; ++i) {
      Problem p{.n = pick(rng, 1, 2),
                .ic = pick(rng, 1, 90),
                .oc = pick(rng, 1, 80),
                .ih = pick(rng, 1, 14),
                .iw = pick(rng, 1, 40),
                .kh = pick(rng, 1, 4),
                .kw = pick(rng, 1, 4),
                .sy = pick(rng, 1, 3),
                .sx = pick(rng, 1, 3),
                .dy = pick(rng, 1, 2),
                .dx = pick(rng, 1, 2),
                .iy = pick(rng, 0, 2) / 2,
                .ix = pick(rng, 0, 2) / 2,
                .up = pick(rng, 0, 3),
                .down = pick(rng, 0, 3),
                .left = pick(rng, 0, 3),
                .right = pick(rng, 0, 3),
                .kzp = pick(rng, 0, 2) ? 0 : pick(rng, -128, 127),
                .pad = pick(rng, 0, 1) * pick(rng, -128, 127),
                .insert = pick(rng, 0, 1) * pick(rng, -128, 127),
                .inputSigned = pick(rng, 0, 1) != 0,
                .weightSigned = pick(rng, 0, 2) != 0,
                .rotate = pick(rng, 0, 1) != 0,
                .add = pick(rng, 0, 3) == 0,
                .startLane = int(pick(rng, 0, 63))};
      if (!p.valid())
        continue;
      ++done;
      check(p, uint32_t(seed + i));
    }
  });
}

TEST_F(Kernels, FinishedRowsFollowTheRule) {
  constexpr uint32_t kSeed = 20240613;
  std::printf("seed %u\n", kSeed);
  constexpr int32_t kLow = std::numeric_limits<int32_t>::min(),
                    kHigh = std::numeric_limits<int32_t>::max();
  forAll([&] {
    Rng rng(kSeed);
    auto number = [&] { // near an end of the range, small, or anything
      int64_t kind = pick(rng, 0, 3);
      return int32_t(kind == 0   ? kLow + pick(rng, 0, 3)
                     : kind == 1 ? kHigh - pick(rng, 0, 3)
                     : kind == 2 ? pick(rng, -9, 9)
                                 : pick(rng, kLow, kHigh));
    };
    for (int64_t count = 1; count < 200; ++count) {
      kernels::Requantize r{number(),
                            int8_t(pick(rng, 0, 3) ? pick(rng, -62, -1) : pick(rng, -128, 127)),
                            pick(rng, -300, 300), numerics::Rounding(pick(rng, 0, 6)),
                            rangeOf(8, pick(rng, 0, 1) != 0)};
      int32_t bias = number();
      auto size = size_t(count);
      std::vector<int32_t> sums(size), total(size + 1, 77);
      std::vector<uint8_t> out(size + 1, 77);
      std::generate(sums.begin(), sums.end(), number);
      kernels::convKernel().finish({total.data(), out.data(), sums.data(), count, bias, &r});
      for (size_t i = 0; i < size; ++i) {
        auto t = numerics::saturate<int32_t>(int64_t(sums[i]) + bias);
        ASSERT_EQ(total[i], t) << sums[i] << " + " << bias;
        ASSERT_EQ(out[i], uint8_t(kernels::requantizeOne(t, r)))
            << t << " * " << r.multiplier << " shifted by " << int(r.shift) << ", rounding "
            << int(r.mode);
      }
      ASSERT_EQ(total[size], 77);
      ASSERT_EQ(out[size], 77);
    }
  });
}

TEST(ConvErrors, NothingOutsideOfLocalMemoryIsRead) {
  Machine m;
  isa::sCONV f = command({.ic = 64, .oc = 64, .ih = 200, .iw = 2000});
  auto status = execute(m, isa::command(f));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().diagnostics().front().code, "bad-address");
  f = command({});
  f.res0_h = 60;
  status = execute(m, isa::command(f));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("CONV, height"), std::string::npos) << status.error().text();
}

TEST(Order, ADeadlockOfIdsIsNamed) {
  isa::sAR ar;
  isa::Command tiu = isa::command(ar), gdma = isa::command(isa::DMA_tensor{});
  isa::setIds(tiu, 1, 1);
  isa::setIds(gdma, 1, 1);
  Machine m;
  auto status = run(m, std::array{tiu}, std::array{gdma});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().diagnostics().front().code, "deadlock");
}

TEST(Execute, AnUnknownInstructionIsALocatedError) {
  Machine m;
  auto command = isa::makeCommand(isa::Engine::Tiu, std::array{uint64_t(1) | uint64_t(7) << 41});
  ASSERT_TRUE(command);
  auto status = run(m, std::array{*command}, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().diagnostics().front().code, "unsupported-instruction");
  EXPECT_NE(status.error().text().find("TIU stream, instruction 0"), std::string::npos)
      << status.error().text();
}

} // namespace
} // namespace tessera::sim
