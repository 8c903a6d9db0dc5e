// Where to stop: breaks and watched addresses.
#include "tessera/debug/debugger.h"

#include "tessera/debug/commands.h"
#include "tessera/debug/operand.h"
#include "tessera/support/suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::debug {

using isa::Engine;

Result<Debugger::Range> Debugger::parseRange(const std::string &word, uint64_t defaultBytes) const {
  auto bad = [&](const std::string &why) {
    return fail("bad-address", "'" + word.substr(0, 80) + "'", why,
                "write 0x100001000+64, or l3+0x40+16 for byte 0x40 of lane 3");
  };
  auto number = [](const std::string &s) -> std::optional<uint64_t> {
    bool hex = s.starts_with("0x") || s.starts_with("0X");
    std::string digits = hex ? s.substr(2) : s;
    if (digits.empty() || digits.size() > 12 ||
        digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") != digits.npos)
      return std::nullopt;
    return std::stoull(digits, nullptr, hex ? 16 : 10);
  };
  std::vector<std::string> parts;
  for (size_t at = 0; at <= word.size();) {
    size_t end = std::min(word.find('+', at), word.size());
    parts.push_back(word.substr(at, end - at));
    at = end + 1;
  }
  Range r;
  r.text = word;
  r.bytes = defaultBytes;
  bool lane = parts[0].size() > 1 && (parts[0][0] == 'l' || parts[0][0] == 'L') &&
              std::isdigit(uint8_t(parts[0][1]));
  if (parts.size() > (lane ? 3 : 2))
    return bad("has too many parts");
  auto first = number(lane ? parts[0].substr(1) : parts[0]);
  if (!first)
    return bad("is no address");
  if (lane) {
    auto offset = parts.size() > 1 ? number(parts[1]) : std::optional<uint64_t>(0);
    if (*first >= uint64_t(chip::kLanes) || !offset || *offset >= uint64_t(chip::kLaneBytes))
      return bad("is outside local memory (64 lanes of 256 KiB)");
    r.address = chip::kLmemBase + chip::localAddress(int64_t(*first), int64_t(*offset));
    parts.erase(parts.begin());
  } else {
    r.address = *first < uint64_t(chip::kLmemBytes) ? chip::kLmemBase + *first : *first;
  }
  if (parts.size() > 1) {
    auto bytes = number(parts[1]);
    if (!bytes || *bytes == 0 || *bytes > (uint64_t(1) << 30))
      return bad("has a bad number of bytes");
    r.bytes = *bytes;
  }
  return r;
}

std::vector<std::string> Debugger::opNames() const {
  std::set<std::string> names;
  for (const bmodel::Layer &l : origins_.layers)
    names.insert({l.type, l.label(), l.tensor});
  for (size_t k = 0; k < steps_->size(); ++k)
    names.insert(isa::operationName(steps_->command(k)));
  names.erase("");
  return {names.begin(), names.end()};
}

Result<std::string> Debugger::breakAt(const Words &words) {
  if (words.size() < 2)
    return fail("bad-command", "break", "says not where",
                "e.g. break Conv2D, break tiu:17, or "
                "break write 0x100001000+64");
  Break b;
  const std::string &what = words[1];
  if (what == "write") {
    if (words.size() < 3)
      return fail("bad-command", "break write", "says not where", "give an address");
    TESSERA_ASSIGN(b.range, parseRange(words[2], 1));
    if (chip::spaceOf(b.range.address) == chip::Space::None)
      return fail("bad-address", words[2], "is no memory of the chip");
    b.kind = Break::Write;
    b.text = "write " + words[2];
  } else if (what.starts_with("tiu:") || what.starts_with("gdma:")) {
    b.kind = Break::Id;
    b.engine = what[0] == 't' ? Engine::Tiu : Engine::Gdma;
    TESSERA_ASSIGN(uint64_t id, parseCount({what.substr(what.find(':') + 1)}, 0, 0));
    b.id = uint32_t(std::min<uint64_t>(id, UINT32_MAX));
    bool there = false;
    uint32_t highest = 0;
    for (size_t k = 0; k < steps_->size(); ++k)
      if (steps_->at(k).place.engine == b.engine) {
        there = there || isa::commandId(steps_->command(k)) == b.id;
        highest = std::max(highest, isa::commandId(steps_->command(k)));
      }
    if (!there)
      return fail("bad-command", what, "is no command of the model",
                  fmt::format("ids of the {} go to {}", isa::engineName(b.engine), highest));
    b.text = what;
  } else {
    for (size_t l = 0; l < origins_.layers.size(); ++l)
      if (const bmodel::Layer &layer = origins_.layers[l];
          what == layer.tensor || what == layer.type || what == layer.label())
        b.layers.insert(int32_t(l));
    if (b.layers.empty()) {
      std::vector<std::string> names = opNames();
      if (std::find(names.begin(), names.end(), what) == names.end()) {
        std::string guess = didYouMean(what, names);
        return fail("bad-command", "'" + what.substr(0, 200) + "'",
                    origins_.known() ? "is no op, tensor or kind of command of the model"
                                     : "is no kind of command; the file does not name its ops",
                    guess.empty() ? "ops lists the ops, list the commands" : guess);
      }
      b.operation = what;
    }
    b.text = what;
  }
  b.number = ++numbers_;
  breaks_.push_back(b);
  return fmt::format("break {} at {}", b.number, b.text);
}

Result<std::string> Debugger::watch(const Words &words) {
  if (words.size() != 2)
    return fail("bad-command", "watch", "wants one address", "e.g. watch 0x100001000+16");
  Break b;
  b.kind = Break::Watch;
  TESSERA_ASSIGN(b.range, parseRange(words[1], 4));
  if (b.range.bytes > 1 << 20)
    return fail("bad-address", words[1], "is more than 1 MiB", "watch a part");
  TESSERA_ASSIGN(b.old, bytesOf(b.range));
  b.text = "watch " + words[1];
  b.number = ++numbers_;
  breaks_.push_back(b);
  return fmt::format("watch {} on {} bytes at {}", b.number, b.range.bytes, words[1]);
}

Result<std::string> Debugger::remove(const Words &words) {
  if (words.size() < 2) {
    size_t n = breaks_.size();
    breaks_.clear();
    return fmt::format("{} taken away", n);
  }
  TESSERA_ASSIGN(uint64_t number, parseCount(words, 1, 0));
  if (std::erase_if(breaks_, [&](const Break &b) { return uint64_t(b.number) == number; }) == 0)
    return fail("bad-command", words[1], "is no break or watch", "breaks lists them");
  return fmt::format("{} taken away", number);
}

Result<std::string> Debugger::breaks(const Words &) {
  std::string s;
  for (const Break &b : breaks_)
    s += fmt::format("{}{} {}", s.empty() ? "" : "\n", b.number, b.text);
  return s.empty() ? "none" : s;
}

std::optional<std::string> Debugger::stopsHere() {
  if (steps_->done())
    return std::nullopt;
  const runtime::Steps::At &at = steps_->at(steps_->position());
  const isa::Command &c = steps_->command(steps_->position());
  bmodel::Origin o = origins_.of(at.place.engine, at.group, at.place.index);
  for (const Break &b : breaks_) {
    bool stop = false;
    if (b.kind == Break::Id)
      stop = at.place.engine == b.engine && isa::commandId(c) == b.id;
    else if (b.kind == Break::Op)
      stop = b.operation.empty() ? b.layers.count(o.layer) && !entered_.count({o.layer, o.slice})
                                 : isa::operationName(c) == b.operation;
    if (stop)
      return fmt::format("break {} at {}", b.number, b.text);
  }
  return std::nullopt;
}

} // namespace tessera::debug
