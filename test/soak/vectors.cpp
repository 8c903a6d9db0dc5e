#include "test/soak/vectors.h"

#include "tessera/sim/sim.h"
#include "tessera/support/file.h"

#include <charconv>
#include <fmt/format.h>
#include <sstream>

namespace tessera::soak {
namespace {

std::string hex(const std::vector<uint8_t> &bytes) {
  static const char *digits = "0123456789abcdef";
  std::string s;
  for (uint8_t b : bytes)
    s += digits[b >> 4], s += digits[b & 15];
  return s;
}

bool unhex(const std::string &s, std::vector<uint8_t> &out) {
  if (s.size() % 2)
    return false;
  for (size_t i = 0; i < s.size(); i += 2) {
    unsigned v = 0;
    if (std::from_chars(s.data() + i, s.data() + i + 2, v, 16).ptr != s.data() + i + 2)
      return false;
    out.push_back(uint8_t(v));
  }
  return true;
}

Patch patchAt(uint64_t place, std::vector<uint8_t> bytes) {
  bool local = place < kLocalBytes;
  return {local, local ? place : place - kLocalBytes, std::move(bytes)};
}

} // namespace

uint64_t hashOf(const uint8_t *p, uint64_t size) {
  uint64_t a = size, b = ~size;
  for (uint64_t i = 0; i < size; ++i) {
    a = mix(a, p[i]);
    b = (b ^ p[i]) * 0x100000001B3u;
  }
  return mix(a, b);
}

Result<Recording> readRecording(const std::string &path) {
  TESSERA_ASSIGN(std::string text, readText(path));
  Recording out;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream in(line);
    std::string word, data;
    in >> word >> std::hex;
    bool good = true;
    uint64_t place = 0;
    if (word.empty())
      continue;
    if (word == "class") {
      good = bool(in >> out.name >> word >> std::dec >> out.fill);
    } else if (word == "command") {
      std::vector<uint64_t> words;
      in >> word;
      for (uint64_t w; in >> w;)
        words.push_back(w);
      auto command = isa::makeCommand(word == "TIU" ? isa::Engine::Tiu : isa::Engine::Gdma, words);
      if (!command)
        return fail("bad-file", fmt::format("{} line {}", path, number), command.error().text());
      out.vectors.push_back({{*command, {}, {}}, {}});
    } else if (out.vectors.empty()) {
      good = false;
    } else if (word == "tolerance") {
      Tolerance t;
      int type, nan;
      good =
          bool(in >> std::dec >> type >> nan >> t.ulp >> t.absolute >> t.laneOffset >> t.laneBytes);
      t.type = chip::Type(type);
      t.nan = nan != 0;
      out.vectors.back().input.tolerance = t;
    } else if (word == "patch" || word == "bytes") {
      std::vector<uint8_t> bytes;
      good = in >> place >> data && unhex(data, bytes) && place + bytes.size() <= kPlaces;
      if (word == "patch")
        out.vectors.back().input.patches.push_back(patchAt(place, std::move(bytes)));
      else
        out.vectors.back().changes.push_back({place, bytes.size(), std::move(bytes)});
    } else if (word == "hash") {
      Changed c{};
      good = in >> c.place >> std::dec >> c.size >> std::hex >> c.hash && c.place < kPlaces &&
             c.size <= kPlaces - c.place;
      out.vectors.back().changes.push_back(c);
    } else {
      good = false;
    }
    if (!good)
      return fail("bad-file", fmt::format("{} line {}", path, number), "'" + word + "' is broken");
  }
  return out;
}

Status writeRecording(const std::string &path, const Recording &r) {
  std::string s = fmt::format("class {} fill {}\n", r.name, r.fill);
  for (const Vector &v : r.vectors) {
    const isa::Command &c = v.input.command;
    s += fmt::format("command {}", isa::engineName(c.engine));
    size_t words = c.words.size();
    while (words > 1 && c.words[words - 1] == 0)
      --words;
    for (size_t i = 0; i < words; ++i)
      s += fmt::format(" {:x}", c.words[i]);
    s += "\n";
    if (const auto &t = v.input.tolerance)
      s += fmt::format("tolerance {} {} {} {} {} {}\n", int(t->type), int(t->nan), t->ulp,
                       t->absolute, t->laneOffset, t->laneBytes);
    for (const Patch &p : v.input.patches)
      if (!p.bytes.empty())
        s += fmt::format("patch {:x} {}\n", placeOf(p), hex(p.bytes));
    for (const Changed &x : v.changes)
      s += x.bytes.empty() ? fmt::format("hash {:x} {} {:x}\n", x.place, x.size, x.hash)
                           : fmt::format("bytes {:x} {}\n", x.place, hex(x.bytes));
  }
  return writeText(path, s);
}

Replay::Replay() : ours_(memoriesOf(machine_)), wanted_(memoriesOf(expected_)) {}

std::string Replay::play(uint64_t seed, const Vector &v) {
  if (!isFilled_ || filled_ != seed) {
    fill(ours_, seed);
    copy(ours_, wanted_);
    filled_ = seed;
    isFilled_ = true;
  }
  writePatches(ours_, v.input.patches);
  writePatches(wanted_, v.input.patches);
  std::string difference;
  if (Status s = sim::execute(machine_, v.input.command); !s)
    difference = "refused: " + s.error().text();
  auto name = [&](uint64_t place) {
    return fmt::format("{}: {:02x}, expected {:02x}", placeName(place), *ours_.at(place),
                       *wanted_.at(place));
  };
  for (const Changed &c : v.changes) {
    uint8_t *to = wanted_.at(c.place, c.size), *from = ours_.at(c.place, c.size);
    if (c.bytes.empty()) {
      if (difference.empty() && hashOf(from, c.size) != c.hash)
        difference = fmt::format("{}: {} bytes have another hash", placeName(c.place), c.size);
      std::memcpy(to, from, c.size);
    } else {
      std::memcpy(to, c.bytes.data(), c.size);
    }
  }
  std::vector<Span> spans = differences(ours_, wanted_);
  for (Span s : spans)
    if (difference.empty() && !(v.input.tolerance && within(*v.input.tolerance, ours_, wanted_, s)))
      difference = name(s.begin);
  // Back to the random bytes, wherever either was touched.
  auto restore = [&](uint64_t place, uint64_t size) {
    for (const Memories *m : {&ours_, &wanted_})
      fill(m->at(place, size), seed, place, size);
  };
  for (Span s : spans)
    restore(s.begin, s.end - s.begin);
  for (const Changed &c : v.changes)
    restore(c.place, c.size);
  for (const Patch &p : v.input.patches)
    restore(placeOf(p), p.bytes.size());
  return difference;
}

} // namespace tessera::soak
