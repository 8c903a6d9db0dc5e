// Replays the stored vectors of every class (vectors/CLASS.txt) without the vendor's simulator, and
// holds the classes against the instruction table.
#include "test/soak/vectors.h"

#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <set>

namespace tessera::soak {
namespace {

std::string pathOf(std::string_view name) {
  return std::string(TESSERA_SOURCE_DIR) + "/test/soak/vectors/" + std::string(name) + ".txt";
}

Replay &replay() {
  static Replay r;
  return r;
}

class SoakReplay : public testing::TestWithParam<const Class *> {};

TEST_P(SoakReplay, LeavesTheVendorsMemory) {
  auto file = readRecording(pathOf(GetParam()->name));
  ASSERT_TRUE(file) << file.error().text() << "\nrecord it: tessera_soak --class "
                    << GetParam()->name << " --count 200 --record test/soak/vectors";
  EXPECT_GE(file->vectors.size(), 200u) << "200 commands a class are replayed";
  int wrong = 0;
  std::set<isa::Form> seen;
  for (size_t i = 0; i < file->vectors.size() && wrong < 5; ++i) {
    const Vector &v = file->vectors[i];
    seen.insert(v.input.command.form);
    if (std::string difference = replay().play(file->fill, v); !difference.empty()) {
      ++wrong;
      ADD_FAILURE() << "vector " << i << ": " << difference << "\n"
                    << isa::disassemble(v.input.command);
    }
  }
  for (isa::Form form : GetParam()->forms)
    EXPECT_TRUE(wrong || seen.contains(form)) << "no vector of form " << isa::info(form).name;
}

/// What the vendor's simulator runs breaks at most rules that only the manual has.
TEST_P(SoakReplay, CommandsObeyTheRules) {
  auto file = readRecording(pathOf(GetParam()->name));
  ASSERT_TRUE(file) << file.error().text();
  for (const Vector &v : file->vectors) {
    Status status = isa::verify(v.input.command);
    if (status)
      continue;
    for (const Diagnostic &d : status.error().diagnostics())
      EXPECT_EQ(d.code, "against-manual") << d.text() << "\n" << isa::disassemble(v.input.command);
  }
}

INSTANTIATE_TEST_SUITE_P(, SoakReplay, testing::ValuesIn([] {
                           std::vector<const Class *> list;
                           for (const Class &c : classes())
                             if (!c.forms.empty()) // "mixed" and "streams" draw from the others
                               list.push_back(&c);
                           return list;
                         }()),
                         [](const auto &info) { return std::string(info.param->name); });

/// A test that cannot fail proves nothing: another byte in the input must be seen.
TEST(Soak, AReplayThatDiffersSaysWhere) {
  auto file = readRecording(pathOf("ar"));
  ASSERT_TRUE(file) << file.error().text();
  int seen = 0, tried = 0;
  for (size_t i = 0; i < 20; ++i) {
    Vector v = file->vectors[i];
    if (v.changes.empty() || v.changes[0].bytes.empty())
      continue;
    v.changes[0].bytes[0] ^= 1;
    ++tried;
    seen += replay().play(file->fill, v).find("expected") != std::string::npos;
  }
  EXPECT_GT(tried, 0);
  EXPECT_EQ(seen, tried);
}

TEST(Soak, EveryFormHasAGeneratorOrAReason) {
  for (int i = 0; i < isa::kFormCount; ++i) {
    auto form = isa::Form(i);
    bool drawn = std::any_of(classes().begin(), classes().end(), [&](const Class &c) {
      return std::find(c.forms.begin(), c.forms.end(), form) != c.forms.end();
    });
    bool named = std::any_of(exempt().begin(), exempt().end(),
                             [&](const Exempt &e) { return e.form == form && !e.reason.empty(); });
    EXPECT_NE(drawn, named) << isa::info(form).name
                            << (drawn ? " is drawn and exempt"
                                      : " has neither generator nor reason");
  }
}

TEST(Soak, GeneratorsDrawTheSameEverywhere) {
  EXPECT_EQ(Draw(7).bits(), 0x63CBE1E459320DD7u);
  uint8_t whole[64], part[13];
  fill(whole, 5, 100, sizeof whole);
  fill(part, 5, 111, sizeof part);
  EXPECT_TRUE(std::equal(part, part + sizeof part, whole + 11));
  for (const Class &c : classes())
    for (uint64_t i = 0; i < 20; ++i) {
      Draw a(i), b(i);
      Case first = c.generate(a), second = c.generate(b);
      EXPECT_EQ(first.command, second.command) << c.name;
      EXPECT_TRUE(c.forms.empty() ||
                  std::find(c.forms.begin(), c.forms.end(), first.command.form) != c.forms.end())
          << c.name
          << " draws a form that it does not list: " << isa::info(first.command.form).name;
    }
}

} // namespace
} // namespace tessera::soak
