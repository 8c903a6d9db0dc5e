#include "tessera/profile/measured.h"
#include "tessera/profile/profile.h"
#include "tessera/support/file.h"
#include <filesystem>
#include <gmock/gmock.h>
#include <random>

namespace tessera::profile {
namespace {

using namespace isa;
using ::testing::HasSubstr;

/// A load and a convolution that waits for it, in one group.
bmodel::Model tiny() {
  DMA_tensor load;
  load.stride_enable = load.nchw_copy = 1;
  load.src_nsize = load.src_hsize = 1, load.src_csize = 64, load.src_wsize = 256;
  load.src_cstride = load.src_nstride = load.src_hstride = 256, load.src_wstride = 1;
  load.dst_cstride = load.dst_nstride = load.dst_hstride = 256, load.dst_wstride = 1;
  setSourceAddress(load, chip::kGlobalBase);
  setDestinationAddress(load, chip::kLmemBase);
  sCONV conv;
  conv.res0_n = 1, conv.res0_c = conv.opd0_c = 64, conv.res0_h = conv.opd0_h = 16;
  conv.res0_w = conv.opd0_w = 16, conv.opd1_h = conv.opd1_w = 1, conv.res0_prec = 4;
  Command g = command(load), t = command(conv);
  setIds(g, 1, 0);
  setIds(t, 1, 1);
  std::vector<Command> tiu = {t, endCommand(Engine::Tiu, 2)};
  std::vector<Command> gdma = {g, endCommand(Engine::Gdma, 2)};
  bmodel::Model m;
  bmodel::SubNet sub;
  sub.groups.push_back({encodeStream(Engine::Tiu, tiu), encodeStream(Engine::Gdma, gdma), 2, 2});
  bmodel::Stage stage;
  stage.subnets.push_back(std::move(sub));
  bmodel::Net net;
  net.stages.push_back(std::move(stage));
  m.nets.push_back(std::move(net));
  return m;
}

class Files : public ::testing::Test {
protected:
  std::string file(const std::string &text) {
    EXPECT_TRUE(writeText(path_, text));
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }
  const std::string path_ = (std::filesystem::temp_directory_path() /
                             ("measured_" + std::to_string(std::random_device{}())))
                                .string();
};

TEST_F(Files, BothFormsGiveTheSame) {
  auto model = tiny();
  auto p = profile(model, 0, "tiny");
  ASSERT_TRUE(p) << p.error().text();
  auto json = readMeasured(file(profileJson(*p).dump()), nullptr);
  ASSERT_TRUE(json) << json.error().text();
  auto text = readMeasured(file(compilerProfileText(*p)), &model);
  ASSERT_TRUE(text) << text.error().text();
  for (const Measured *m : {&*json, &*text}) {
    EXPECT_EQ(m->totalCycles, p->totalCycles);
    EXPECT_EQ(*m->estimate(cycles::inForce()), p->totalCycles);
    ASSERT_EQ(m->samples.size(), 2u);
    for (const cycles::Sample &s : m->samples)
      EXPECT_EQ(s.cycles, cycles::commandCycles(s.command));
  }
}

TEST_F(Files, MistakesAreLocated) {
  auto model = tiny();
  std::string text = compilerProfileText(*profile(model, 0, "tiny"));
  auto refused = [&](const std::string &from, const std::string &to, const std::string &says) {
    std::string broken = text;
    size_t at = broken.find(from);
    ASSERT_NE(at, broken.npos) << from;
    auto m = readMeasured(file(broken.replace(at, from.size(), to)), &model);
    ASSERT_FALSE(m) << to;
    EXPECT_THAT(m.error().text(), HasSubstr(says));
    EXPECT_THAT(m.error().text(), HasSubstr("error[bad-profile]"));
  };
  refused("|t:303", "|t:300", "line 5: error[bad-profile]: runs from 0 to 302 and took 300");
  refused("|b:1|g:1", "|b:7|g:1", "the bmodel has no tiu command 7 that waits for 1");
  refused("|e:302", "|e:x", "no number below 2^40");
  refused("|e:302", "", "no '|e:' at column");
  refused("ENGINE_BD", "ENGINE", "a command before the line of engines");
  size_t line = text.find("unknown_op|CONV");
  ASSERT_NE(line, text.npos);
  refused(text.substr(line, text.find(' ', line) - line), "", "0 of the bmodel's 1 tiu commands");
  refused(text, "", "holds 0 of the 1 command groups");
  auto without = readMeasured(file(text), nullptr);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().text(), HasSubstr("--model"));
}

TEST_F(Files, GarbageIsRefusedOrFitted) {
  auto model = tiny();
  auto p = profile(model, 0, "tiny");
  ASSERT_TRUE(p);
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const std::string &text : {profileJson(*p)["commands"].dump(), compilerProfileText(*p)})
    for (int i = 0; i < 300; ++i) {
      std::string broken = text;
      for (int k = 0; k < 3; ++k)
        broken[random() % broken.size()] = "0123456789|:{}[],ae "[random() % 20];
      if (text[0] == '[')
        broken = "{\"commands\": " + broken + "}";
      auto m = readMeasured(file(broken), &model);
      if (m)
        (void)cycles::fit(m->samples, cycles::presets().front(), {});
      else
        EXPECT_FALSE(m.error().text().empty());
    }
}

} // namespace
} // namespace tessera::profile
