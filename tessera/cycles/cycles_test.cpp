#include "tessera/cycles/cycles.h"
#include "tessera/cycles/testing.h"
#include "tessera/support/file.h"
#include <gmock/gmock.h>
#include <random>
#include <sstream>

namespace tessera::cycles {
namespace {

using namespace isa;
using ::testing::HasSubstr;

struct Row {
  std::string source, kind;
  Command command;
  uint64_t cycles;
};

// golden.csv: source,engine,kind,words,cycles without any quotes.
std::vector<Row> goldenRows() {
  std::vector<Row> rows;
  auto text = readText(TESSERA_SOURCE_DIR "/tessera/cycles/testdata/golden.csv");
  EXPECT_TRUE(text) << text.error().text();
  std::istringstream lines(*text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::string source, engine, kind, words, cycles, word;
    for (std::string *cell : {&source, &engine, &kind, &words, &cycles})
      std::getline(cells, *cell, ',');
    std::vector<uint64_t> values;
    std::istringstream list(words);
    while (list >> word)
      values.push_back(std::stoull(word, nullptr, 16));
    auto c = makeCommand(engine == "TIU" ? Engine::Tiu : Engine::Gdma, values);
    EXPECT_TRUE(c) << line;
    if (c)
      rows.push_back({source, kind, *c, std::stoull(cycles)});
  }
  return rows;
}

TEST(Golden, EveryRowIsExact) {
  auto rows = goldenRows();
  ASSERT_EQ(rows.size(), 402u);
  for (const Row &row : rows) {
    EXPECT_EQ(commandCycles(row.command), row.cycles) << row.kind << " of " << row.source << "\n"
                                                      << disassemble(row.command);
    EXPECT_TRUE(priceIsMeasured(row.command)) << disassemble(row.command);
  }
}

Command conv(uint32_t id, uint32_t dep, uint64_t h = 86, uint64_t w = 256) {
  sCONV f;
  f.res0_n = 1, f.res0_c = 3, f.res0_h = h, f.res0_w = w;
  f.opd0_c = 3, f.opd1_h = f.opd1_w = 1;
  f.opd0_h = h, f.opd0_w = w;
  f.res_op_x_str = f.res_op_y_str = 1;
  f.res0_prec = 4;
  Command c = command(f);
  setIds(c, id, dep);
  return c;
}

Command load(uint32_t id, uint32_t dep, uint64_t c, uint64_t w) {
  Command command = loadCommand(c, w);
  setIds(command, id, dep);
  return command;
}

/// Calls body(command) for 20000 commands of any form and random words, an eighth of their bits
/// set.
template <class Body> void eachGarbage(Body body) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    Command c;
    c.form = Form(random() % kFormCount);
    c.engine = engineOf(c.form);
    for (int w = 0; w < info(c.form).bits / 64; ++w)
      c.words[size_t(w)] = random() & random() & random();
    body(c);
  }
}

TEST(Price, WorkedExamples) {
  // cycles.md 4.
  EXPECT_EQ(commandCycles(conv(1, 0)), 5504u);
  EXPECT_EQ(commandCycles(load(1, 0, 64, 256)), 303u);
  EXPECT_EQ(commandCycles(load(1, 0, 16, 256)), 303u);
  EXPECT_EQ(commandCycles(load(1, 0, 64, 128)), 606u);
  EXPECT_EQ(commandCycles(load(1, 0, 8, 576)), 341u);
  EXPECT_EQ(commandCycles(load(1, 0, 16, 576)), 227u);
  // 100 us of the largest move must not overflow: 1024 planes of 65535x65535 bytes.
  auto big = decode<DMA_tensor>(load(1, 0, 1024, 65535));
  big.src_hsize = 65535, big.src_cstride = big.src_nstride = 65535u * 65535u;
  big.dst_hstride = 65535;
  // floor(1024 * 65535^2 * 4 / P / (58e9 / 2^30)) with P = 4, taken apart by hand.
  unsigned __int128 bytes = (unsigned __int128)(1024) * 65535 * 65535;
  EXPECT_EQ(commandCycles(command(big)), uint64_t((bytes << 30) / 58000000000ull));
}

TEST(Price, OfCommandsTheProfilesLack) {
  // What the vendor's price functions answer for 1x130x10x33 (three slots).
  auto sized = [](auto f, uint64_t type) {
    f.res0_n = 1, f.res0_c = 130, f.res0_h = 10, f.res0_w = 33;
    f.res0_addr = 0;
    if constexpr (requires { f.res0_prec; })
      f.res0_prec = type;
    if constexpr (requires { f.opd0_prec; })
      f.opd0_prec = type;
    return f;
  };
  EXPECT_EQ(commandCycles(command(sized(sLIN{}, 2))), 63u);
  EXPECT_EQ(commandCycles(command(sized(sLIN{}, 1))), 33u);
  EXPECT_EQ(commandCycles(command(sized(sCMP{}, 2))), 126u);
  EXPECT_EQ(commandCycles(command(sized(sCMP{}, 0))), 36u);
  auto sfu = sized(sSFU{}, 2);
  sfu.tsk_eu_typ = 13, sfu.opd1_n = 3;
  EXPECT_EQ(commandCycles(command(sfu)), 189u);
  sfu.tsk_eu_typ = 15;
  EXPECT_EQ(commandCycles(command(sfu)), 63u);
  sfu.tsk_eu_typ = 17, sfu.opd1_n = 5;
  EXPECT_EQ(commandCycles(command(sfu)), 1890u);
  auto trans = sized(sTRANSBC{}, 2); // its source has 130 columns, or 33 channels
  EXPECT_EQ(commandCycles(command(trans)), 10u * 9);
  trans.tsk_eu_typ = 1;
  EXPECT_EQ(commandCycles(command(trans)), 10u * 3);
}

TEST(Price, EveryFormHasOneAndSaysHowItIsKnown) {
  for (int i = 0; i < kFormCount; ++i)
    withForm(Form(i), [&]<class T>(const T &fields) {
      Command c = command(fields);
      if (isSystem(c)) {
        EXPECT_EQ(commandCycles(c), 0u) << info(c.form).name;
      } else {
        EXPECT_GE(commandCycles(c), 1u) << info(c.form).name;
      }
      EXPECT_LT(commandCycles(c), 100u) << info(c.form).name; // nothing to do
    });
  EXPECT_TRUE(priceIsMeasured(conv(1, 0)));
  EXPECT_FALSE(priceIsMeasured(command(sMM{})));
  EXPECT_FALSE(priceIsMeasured(command(LAR{})));
  EXPECT_FALSE(priceIsMeasured(command(DMA_scatter{})));
}

TEST(Price, GarbageHasAPriceToo) {
  eachGarbage([](const Command &c) {
    (void)commandCycles(c);
    (void)traffic(c);
  });
}

TEST(Traffic, KnowsItsDirection) {
  Traffic t = traffic(load(1, 0, 16, 576));
  EXPECT_EQ(t.direction, Direction::Load);
  EXPECT_EQ(t.bytes, 16u * 576);
  auto store = decode<DMA_tensor>(load(1, 0, 16, 576));
  store.src_data_format = 2;
  setDestinationAddress(store, chip::kL2Base);
  setSourceAddress(store, chip::kLmemBase);
  EXPECT_EQ(traffic(command(store)).direction, Direction::Store);
  EXPECT_EQ(traffic(command(store)).bytes, 16u * 576 * 4);
  EXPECT_EQ(traffic(conv(1, 0)).bytes, 0u);
}

TEST(Work, CountsProductsThatMeetNoInsertedZero) {
  Work w = work(conv(1, 0)); // 1x1, 3 channels to 3, 86x256
  EXPECT_EQ(w.unit, Unit::Cube);
  EXPECT_EQ(w.done, 86u * 256 * 3 * 3);
  EXPECT_EQ(w.peak, 64.0 * 64 * 4);
  auto f = decode<sCONV>(conv(1, 0, 8, 8)); // a 2x2 transposed convolution of stride 2
  f.opd1_h = f.opd1_w = 2, f.opd0_x_ins0 = f.opd0_y_ins0 = 1;
  f.opd0_h = f.opd0_w = 4;
  f.opd0_up_pad = f.opd0_dn_pad = f.opd0_lf_pad = f.opd0_rt_pad = 1;
  EXPECT_EQ(work(command(f)).done, 8u * 8 * 3 * 3); // one tap of four an output
  EXPECT_EQ(work(load(1, 0, 16, 576)).done, 16u * 576);
  EXPECT_EQ(work(load(1, 0, 16, 576)).unit, Unit::Transfer);
  EXPECT_EQ(work(endCommand(Engine::Tiu, 1)).unit, Unit::None);
  eachGarbage(
      [](const Command &c) { EXPECT_TRUE(isSystem(c) || work(c).peak > 0) << disassemble(c); });
}

TEST(Timeline, EnginesWaitForEachOtherOnlyById) {
  // Loads of 303 cycles, convolutions of 5504.
  std::vector<Command> gdma = {load(1, 0, 64, 256), load(2, 0, 64, 256), load(3, 1, 64, 256),
                               load(4, 2, 64, 256), endCommand(Engine::Gdma, 5)};
  std::vector<Command> tiu = {conv(1, 1), conv(2, 2), endCommand(Engine::Tiu, 3)};
  auto t = timeline(tiu, gdma);
  ASSERT_TRUE(t) << t.error().text();
  ASSERT_EQ(t->tiu.size(), 3u);
  ASSERT_EQ(t->gdma.size(), 5u);
  EXPECT_EQ(t->gdma[0].start, 0u);
  EXPECT_EQ(t->gdma[0].end, 303u);
  EXPECT_EQ(t->gdma[1].start, 303u); // beside the first convolution
  EXPECT_EQ(t->tiu[0].start, 303u);
  EXPECT_EQ(t->tiu[0].end, 303u + 5504);
  EXPECT_EQ(t->tiu[1].start, t->tiu[0].end);
  EXPECT_EQ(t->gdma[2].start, t->tiu[0].end);
  EXPECT_EQ(t->gdma[3].start, t->tiu[1].end);
  EXPECT_EQ(t->totalCycles, 303u + 2 * 5504 + 303);
  EXPECT_EQ(t->tiuBusy, 2u * 5504);
  EXPECT_EQ(t->gdmaBusy, 4u * 303);
  EXPECT_EQ(t->gdmaBytes, 4u * 16384);
  EXPECT_EQ(t->loadBytes, t->gdmaBytes);
  EXPECT_EQ(t->gdma[4].start, t->gdma[4].end);
  auto nothing = timeline({}, {});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->totalCycles, 0u);
}

TEST(Timeline, NamesADeadlock) {
  std::vector<Command> tiu = {conv(1, 1)}, gdma = {load(1, 1, 64, 256)};
  auto both = timeline(tiu, gdma);
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().diagnostics().size(), 2u);
  EXPECT_THAT(both.error().text(),
              HasSubstr("TIU stream, instruction 1 (CONV): error[deadlock]: waits for id 1 of the "
                        "GDMA stream, which stops at id 0"));
  std::vector<Command> late = {conv(1, 3)}, free = {load(1, 0, 64, 256)};
  auto one = timeline(late, free);
  ASSERT_FALSE(one);
  EXPECT_THAT(one.error().text(),
              HasSubstr("waits for id 3 of the GDMA stream, which stops at id 1"));
}

TEST(Timeline, RefusesIdsThatDoNotAscend) {
  std::vector<Command> tiu = {conv(2, 0), conv(2, 0)};
  auto t = timeline(tiu, {});
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().text(), HasSubstr("TIU stream, instruction 2 (CONV): error[bad-stream]: id "
                                          "2 follows id 2"));
}

} // namespace
} // namespace tessera::cycles
