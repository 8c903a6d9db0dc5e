// The vendor's binaries through our decoder and our clock: every start, end and byte count of its
// profile, and every bit of its streams.
#include "tessera/bmodel/bmodel.h"
#include "tessera/cycles/cycles.h"
#include "tessera/support/file.h"
#include <filesystem>
#include <gmock/gmock.h>
#include <regex>
#include <sstream>

namespace tessera {
namespace {

using isa::Command;
using isa::Engine;

struct Case {
  const char *name;
  uint64_t cycles; ///< total_cycle of its profile
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

class VendorProfile : public ::testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    folder = std::filesystem::path(TESSERA_SHARED_DIR) / "oracle/cases" / GetParam().name;
    if (!std::filesystem::exists(folder))
      GTEST_SKIP() << "needs " << folder << ", which is not part of the project";
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".bmodel") {
        auto model = bmodel::read(entry.path());
        ASSERT_TRUE(model) << model.error().text();
        ASSERT_EQ(model->nets.size(), 1u);
        ASSERT_EQ(model->nets[0].stages.size(), 1u);
        for (const auto &subnet : model->nets[0].stages[0].subnets)
          groups.insert(groups.end(), subnet.groups.begin(), subnet.groups.end());
      }
    ASSERT_EQ(groups.size(), 1u);
    auto decode = [](Engine engine, const std::vector<uint8_t> &bytes, uint32_t count,
                     std::vector<Command> &to) {
      auto stream = isa::decodeStream(engine, bytes, count);
      ASSERT_TRUE(stream) << stream.error().text();
      to = std::move(*stream);
    };
    decode(Engine::Tiu, groups[0].tiu, groups[0].tiuCount, tiu);
    decode(Engine::Gdma, groups[0].gdma, groups[0].gdmaCount, gdma);
  }

  std::filesystem::path folder;
  std::vector<bmodel::CommandGroup> groups;
  std::vector<Command> tiu, gdma;
};

TEST_P(VendorProfile, StreamsRoundTripAndObeyTheRules) {
  EXPECT_EQ(isa::encodeStream(Engine::Tiu, tiu), groups[0].tiu);
  EXPECT_EQ(isa::encodeStream(Engine::Gdma, gdma), groups[0].gdma);
  EXPECT_EQ(isa::endCommand(Engine::Tiu, uint32_t(tiu.size())), tiu.back());
  EXPECT_EQ(isa::endCommand(Engine::Gdma, uint32_t(gdma.size())), gdma.back());
  for (const auto *stream : {&tiu, &gdma})
    for (const Command &c : *stream) {
      isa::withForm(c.form, [&]<class T>(const T &) {
        EXPECT_EQ(isa::command(isa::decode<T>(c)), c) << isa::disassemble(c);
      });
      auto status = isa::verify(c);
      EXPECT_TRUE(status) << status.error().text() << "\n" << isa::disassemble(c);
    }
}

TEST_P(VendorProfile, EveryCommandRunsWhenTheVendorSays) {
  auto timeline = cycles::timeline(tiu, gdma);
  ASSERT_TRUE(timeline) << timeline.error().text();
  EXPECT_EQ(timeline->totalCycles, GetParam().cycles);
  auto text = readText(folder / "compiler_profile_0.txt");
  ASSERT_TRUE(text) << text.error().text();
  const std::regex row(
      R"(\|(\w+)\|s:(\d+)\|b:(\d+)\|g:(\d+)\|e:(\d+)\|t:(\d+)(\|dr:(\d)\|sz:(\d+))?)");
  const std::regex summary(R"(S2L:(\d+)\|dr\[1\] L2S:(\d+))");
  size_t rows = 0;
  for (std::sregex_iterator it(text->begin(), text->end(), row), none; it != none; ++it, ++rows) {
    const auto &m = *it;
    bool moves = m[7].matched;
    size_t id = std::stoul(moves ? m[4] : m[3]);
    ASSERT_TRUE(id >= 1 && id <= (moves ? gdma : tiu).size()) << m[0];
    const Command &c = (moves ? gdma : tiu)[id - 1];
    const cycles::TimedCommand &timed = (moves ? timeline->gdma : timeline->tiu)[id - 1];
    EXPECT_EQ(timed.start, std::stoull(m[2])) << m[0] << "\n" << isa::disassemble(c);
    EXPECT_EQ(timed.end - 1, std::stoull(m[5])) << m[0] << "\n" << isa::disassemble(c);
    EXPECT_TRUE(cycles::priceIsMeasured(c)) << isa::disassemble(c);
    if (moves) {
      EXPECT_EQ(int(cycles::traffic(c).direction), std::stoi(m[8])) << isa::disassemble(c);
      EXPECT_EQ(cycles::traffic(c).bytes, std::stoull(m[9])) << isa::disassemble(c);
    }
  }
  EXPECT_EQ(rows, tiu.size() + gdma.size() - 2); // all but the two ends
  std::smatch total;
  ASSERT_TRUE(std::regex_search(*text, total, summary));
  EXPECT_EQ(timeline->loadBytes, std::stoull(total[1]));
  EXPECT_EQ(timeline->storeBytes, std::stoull(total[2]));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, VendorProfile,
    ::testing::Values(Case{"unet8_int8", 371238}, Case{"unet8_int8_asymmetric", 377240},
                      Case{"unet8_f16", 446354}, Case{"unet8_bf16", 446354},
                      Case{"unet8_f32", 1920131}, Case{"residual_int8", 449851},
                      Case{"residual_f16", 482566}, Case{"prisma_int8", 1746938}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace tessera
