// Convolutions done in one pass with what follows, against the same commands one by one: all of
// local memory, operands overlapping in every way.
#include "tessera/sim/plan.h"

#include "tessera/sim/exec/exec.h"
#include "tessera/sim/kernels/conv.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace tessera::sim {
namespace {

using Rng = std::mt19937;

int64_t pick(Rng &rng, int64_t lo, int64_t hi) {
  return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
}

/// Convolution, bias and requantize on random tensors. Operands lie at one of `places` offsets
/// each: few places make them meet.
std::vector<isa::Command> chain(Rng &rng, int64_t places, int64_t spacing) {
  int64_t lane = pick(rng, 0, 2) ? 0 : pick(rng, 0, 63);
  auto address = [&](int64_t startLane) {
    int64_t at = pick(rng, 0, places - 1) * spacing + (pick(rng, 0, 3) ? 0 : 64 * pick(rng, 0, 9));
    return uint32_t(chip::localAddress(startLane, at));
  };
  isa::sCONV c;
  c.opd0_sign = pick(rng, 0, 1);
  c.opd1_sign = pick(rng, 0, 3) != 0;
  c.opd2_const = c.opd3_const = 1;
  c.opd2_addr = pick(rng, 0, 4) ? 0 : pick(rng, 0, 255);
  c.opd3_addr = pick(rng, 0, 2) ? 0 : pick(rng, 0, 255);
  c.res0_prec = 4;
  c.res_add = pick(rng, 0, 5) == 0;
  c.opd0_up_pad = c.opd0_dn_pad = c.opd0_lf_pad = c.opd0_rt_pad = 1;
  c.res_op_y_str = c.res_op_x_str = 1;
  c.kernel_rotate = pick(rng, 0, 1);
  c.opd0_y_ins0 = c.opd0_x_ins0 = pick(rng, 0, 3) == 0;
  c.res0_n = pick(rng, 0, 3) ? 1 : 2;
  c.res0_c = pick(rng, 1, 80);
  c.opd0_c = pick(rng, 1, 70);
  c.opd0_h = pick(rng, 1, 9);
  c.opd0_w = pick(rng, 1, 20);
  c.opd1_h = c.opd1_w = pick(rng, 1, 3);
  c.res0_h = (c.opd0_h - 1) * (c.opd0_y_ins0 + 1) + 4 - c.opd1_h;
  c.res0_w = (c.opd0_w - 1) * (c.opd0_x_ins0 + 1) + 4 - c.opd1_w;
  c.opd0_addr = address(0);
  c.opd1_addr = address(lane);
  c.res0_addr = address(lane);
  isa::sAR a;
  a.tsk_eu_typ = 15;
  a.tsk_opd_num = 2;
  a.res0_prec = a.opd0_prec = a.opd1_prec = 4;
  a.opd0_sign = a.opd1_sign = 1;
  a.opd0_str = 3;
  a.opd0_c_str = 1;
  a.res0_n = c.res0_n;
  a.res0_c = c.res0_c;
  a.res0_h = c.res0_h;
  a.res0_w = c.res0_w;
  a.res0_addr = pick(rng, 0, 1) ? c.res0_addr : address(lane);
  a.opd1_addr = pick(rng, 0, 9) ? c.res0_addr : address(lane);
  a.opd0_addr = address(lane) + 4 * uint32_t(pick(rng, 0, 3));
  isa::sRQDQ r;
  r.tsk_eu_typ = 1;
  r.opd0_sign = 1;
  r.opd0_prec = 4;
  r.opd2_sign = pick(rng, 0, 1);
  r.opd2_n_str = pick(rng, 0, 1) ? 5 : pick(rng, 0, 6);
  r.res0_n = c.res0_n;
  r.res0_c = c.res0_c;
  r.res0_h = c.res0_h;
  r.res0_w = c.res0_w;
  bool biased = pick(rng, 0, 4) != 0;
  r.opd0_addr = biased ? a.res0_addr : c.res0_addr;
  r.res0_addr = pick(rng, 0, 5) ? address(lane) : uint32_t(r.opd0_addr);
  r.opd1_addr = address(lane);
  std::vector<isa::Command> list{isa::command(c)};
  if (biased)
    list.push_back(isa::command(a));
  if (pick(rng, 0, 5))
    list.push_back(isa::command(r));
  return list;
}

std::string text(const std::vector<isa::Command> &list) {
  std::string out;
  for (const isa::Command &c : list)
    out += isa::disassemble(c) + "\n";
  return out;
}

TEST(Plan, OnePassLeavesTheMemoryOfCommandsOneByOne) {
  constexpr uint32_t kSeed = 20240611;
  std::printf("seed %u\n", kSeed);
  Rng rng(kSeed);
  std::vector<uint32_t> noise(size_t(chip::kLmemBytes / 4 + 4096));
  std::generate(noise.begin(), noise.end(), [&] { return uint32_t(rng()); });
  Machine together, alone;
  int done[4] = {}, refused = 0;
  for (int i = 0; i < 240; ++i) {
    // Far apart, so that all can go in one pass; or crowded.
    bool crowded = i % 2;
    std::vector<isa::Command> list =
        chain(rng, crowded ? pick(rng, 1, 4) : 8, crowded ? pick(rng, 1, 40) * 64 : 0x8000);
    kernels::setConvKernel(kernels::convKernels()[size_t(i) % kernels::convKernels().size()].name);
    for (Machine *m : {&together, &alone})
      std::memcpy(m->localMemory().data(), noise.data() + i, size_t(chip::kLmemBytes));
    Plan plan = *Plan::make(list, {});
    int64_t seen = 0;
    RunHooks watch{[&](const Machine &, const Place &, const isa::Command &) {
      ++seen;
      return Status{};
    }};
    Status a = plan.run(together), b = plan.run(alone, &watch);
    ASSERT_EQ(bool(a), bool(b)) << "chain " << i;
    if (!a) {
      EXPECT_EQ(a.error().text(), b.error().text());
      ++refused;
      continue;
    }
    ASSERT_EQ(seen, int64_t(list.size()));
    ASSERT_EQ(std::memcmp(together.localMemory().data(), alone.localMemory().data(),
                          size_t(chip::kLmemBytes)),
              0)
        << "chain " << i << "\n"
        << text(list);
    std::vector<const isa::Command *> commands;
    for (const isa::Command &c : list)
      commands.push_back(&c);
    auto count = exec::convChain(together, commands);
    ASSERT_TRUE(count);
    ++done[*count];
  }
  kernels::setConvKernel("");
  std::printf("%d alone, %d of two, %d of three, %d refused\n", done[1], done[2], done[3], refused);
  for (int length : {1, 2, 3})
    EXPECT_GT(done[length], 10);
  EXPECT_LT(refused, 60);
}

TEST(Plan, UnknownCommandsAreNamedBeforeAnythingRuns) {
  auto unknown = isa::makeCommand(isa::Engine::Tiu, std::array{uint64_t(1) | uint64_t(7) << 41});
  ASSERT_TRUE(unknown);
  auto plan = Plan::make({*unknown, *unknown}, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().diagnostics().size(), 2u);
}

} // namespace
} // namespace tessera::sim
