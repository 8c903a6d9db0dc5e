// Replays single commands against memory that the vendor's simulator produced for them
// (testdata/numerics_golden.csv: made from random and chosen data, one instruction a case).
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/sim.h"
#include "tessera/support/file.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace tessera::sim {
namespace {

struct Segment {
  bool global;
  int64_t lane, offset;
  std::vector<uint8_t> bytes;
};

struct Case {
  std::string group, name;
  isa::Command command;
  uint8_t fill;
  std::vector<Segment> inputs, outputs;
};

uint64_t hex(std::string_view s) {
  uint64_t v = 0;
  std::from_chars(s.data(), s.data() + s.size(), v, 16);
  return v;
}

std::vector<std::string> split(const std::string &s, char separator) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (char c : s) {
    if (c == '"' && separator == ',')
      quoted = !quoted;
    else if (c == separator && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::vector<Segment> segments(const std::string &text) {
  std::vector<Segment> out;
  for (const std::string &item : split(text, ' ')) {
    if (item.empty())
      continue;
    size_t dot = item.find('.'), equals = item.find('=');
    Segment s{item[0] == 'G',
              item[0] == 'G' ? 0 : std::stoll(item.substr(0, dot)),
              int64_t(hex(std::string_view(item).substr(dot + 1, equals - dot - 1))),
              {}};
    for (size_t i = equals + 1; i + 1 < item.size(); i += 2)
      s.bytes.push_back(uint8_t(hex(std::string_view(item).substr(i, 2))));
    out.push_back(std::move(s));
  }
  return out;
}

const std::vector<Case> &cases() {
  static const std::vector<Case> list = [] {
    std::vector<Case> out;
    auto text =
        readText(std::string(TESSERA_SOURCE_DIR) + "/tessera/sim/testdata/numerics_golden.csv");
    TESSERA_CHECK(text.has_value(), "numerics_golden.csv is missing");
    std::vector<std::string> lines = split(*text, '\n');
    for (size_t i = 1; i < lines.size(); ++i) {
      if (!lines[i].empty() && lines[i].back() == '\r')
        lines[i].pop_back();
      if (lines[i].empty())
        continue;
      std::vector<std::string> f = split(lines[i], ',');
      std::vector<uint64_t> words;
      for (const std::string &w : split(f[3], ' '))
        words.push_back(hex(w));
      auto command = isa::makeCommand(f[2] == "TIU" ? isa::Engine::Tiu : isa::Engine::Gdma, words);
      TESSERA_CHECK(command.has_value(), "golden command " + f[1]);
      out.push_back({f[0], f[1], *command, uint8_t(hex(f[4])), segments(f[5]), segments(f[6])});
    }
    return out;
  }();
  return list;
}

Machine &machine() {
  static Machine m = [] {
    Machine made;
    TESSERA_CHECK(made.mapGlobal(chip::kGlobalBase, 256 * 1024).has_value(), "map");
    return made;
  }();
  return m;
}

uint8_t *at(Machine &m, const Segment &s) {
  return s.global ? *m.bytes(chip::kGlobalBase + uint64_t(s.offset), s.bytes.size(), Access::Write)
                  : m.lane(s.lane) + s.offset;
}

/// Executes the case; the answer is "" when memory is as listed, else the first difference.
std::string replay(const Case &c) {
  Machine &m = machine();
  std::memset(m.localMemory().data(), c.fill, m.localMemory().size());
  if (c.group == "gdma")
    std::memset(*m.bytes(chip::kGlobalBase, 256 * 1024, Access::Write), c.fill, 256 * 1024);
  for (const Segment &s : c.inputs)
    std::memcpy(at(m, s), s.bytes.data(), s.bytes.size());
  if (Status status = execute(m, c.command); !status)
    return status.error().text();
  // NaN payloads are not compared (measured numerics, section 14).
  auto isNan = [](const uint8_t *p, size_t size) {
    uint32_t v = 0;
    std::memcpy(&v, p, size);
    return size == 4 ? (v & 0x7FFFFFFF) > 0x7F800000 : false;
  };
  bool floats =
      c.group == "conv_float" || c.group == "ar_float" || c.group == "cast" || c.group == "cmp";
  for (const Segment &s : c.outputs) {
    const uint8_t *p = at(m, s);
    for (size_t i = 0; i < s.bytes.size(); ++i) {
      if (p[i] == s.bytes[i])
        continue;
      size_t word = i / 4 * 4;
      if (floats && word + 4 <= s.bytes.size() && isNan(p + word, 4) &&
          isNan(s.bytes.data() + word, 4))
        continue;
      return fmt::format("lane {} offset 0x{:x}: {:02x}, expected {:02x}", s.lane,
                         s.offset + int64_t(i), p[i], s.bytes[i]);
    }
  }
  return "";
}

TEST(Golden, EveryKnownCommandLeavesTheVendorsMemory) {
  std::map<std::string, std::pair<int, int>> perGroup;
  std::map<std::string, int> skipped;
  for (const Case &c : cases()) {
    auto &[right, all] = perGroup[c.group];
    ++all;
    if (!executeFunction(c.command.form)) {
      ++skipped[fmt::format("{}: {} is not simulated yet", c.group, isa::operationName(c.command))];
      continue;
    }
    std::string difference = replay(c);
    EXPECT_EQ(difference, "") << c.group << ": " << c.name << "\n" << isa::disassemble(c.command);
    right += difference.empty();
  }
  for (const auto &[group, counts] : perGroup)
    std::printf("%-12s %3d of %3d equal\n", group.c_str(), counts.first, counts.second);
  for (const auto &[reason, count] : skipped)
    std::printf("skipped %d, %s\n", count, reason.c_str());
}

/// A test that cannot fail proves nothing: with another rounding code or sign a command must
/// differ.
TEST(Golden, AChangedRoundingIsSeen) {
  struct Mutation {
    const char *group, *prefix;
    unsigned bit, width;
    uint64_t value;
  };
  // sRQDQ opd2_n_str, sAR opd2_n_str, sPorD opd2_n_str, sCONV opd1_sign.
  for (const Mutation &x : {Mutation{"rq_int", "i32->i8 table round 5 shift -", 67, 6, 3},
                            Mutation{"ar_int", "mul_sat i", 87, 3, 2},
                            Mutation{"cast", "cast f32->i8 round 0", 87, 3, 4},
                            Mutation{"depthwise", "i8 round 5", 112, 3, 3},
                            Mutation{"conv_int8", "i8 x i8 pad", 51, 1, 0}}) {
    int tried = 0, seen = 0;
    for (const Case &c : cases()) {
      if (c.group != x.group || !c.name.starts_with(x.prefix) ||
          isa::getBits(c.command.words, x.bit, x.width) == x.value)
        continue;
      Case changed = c;
      isa::setBits(changed.command.words, x.bit, x.width, x.value);
      ++tried;
      seen += replay(changed) != "";
    }
    EXPECT_GT(tried, 0) << x.group << " " << x.prefix;
    EXPECT_GT(seen, 0) << x.group << " " << x.prefix;
  }
}

/// Damaged commands run or are refused; they never crash, hang or touch anything outside of memory.
TEST(Golden, DamagedCommandsNeverCrash) {
  constexpr uint32_t kSeed = 7;
  std::printf("seed %u\n", kSeed);
  std::mt19937 rng(kSeed);
  int refused = 0, tried = 4000;
  for (int i = 0; i < tried; ++i) {
    const Case &c = cases()[rng() % cases().size()];
    isa::Command damaged = c.command;
    unsigned bits = isa::info(c.command.form).bits;
    for (int flips = 1 + int(rng() % 4); flips > 0; --flips) {
      unsigned bit = 41 + rng() % (bits - 41); // ids do not matter
      isa::setBits(damaged.words, bit, 1, !isa::getBits(damaged.words, bit, 1));
    }
    refused += !execute(machine(), damaged).has_value();
  }
  EXPECT_GT(refused, tried / 20);
  EXPECT_LT(refused, tried);
}

} // namespace
} // namespace tessera::sim
