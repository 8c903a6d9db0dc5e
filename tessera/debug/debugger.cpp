// State and movement; what is shown lies in inspect.cpp.
#include "tessera/debug/debugger.h"

#include "tessera/debug/commands.h"
#include "tessera/debug/operand.h"
#include "tessera/support/suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::debug {

using isa::Engine;

Result<Debugger> Debugger::make(runtime::Session session, TensorMap inputs) {
  Debugger d(std::move(session), std::move(inputs));
  TESSERA_TRY(d.restart());
  TESSERA_ASSIGN(d.origins_, bmodel::origins(d.session_.model(), d.steps_->stage()));
  return d;
}

Status Debugger::restart() {
  TESSERA_ASSIGN(runtime::Steps steps, session_.begin(inputs_));
  steps_.emplace(std::move(steps));
  auto table = bmodel::tensorTable(session_.model(), steps_->stage());
  if (table) {
    capture_.emplace(std::move(*table));
    TESSERA_TRY(capture_->start(steps_->machine()));
  } else if (table.error().diagnostics().front().code == "no-tensor-table") {
    noTensors_ = table.error().diagnostics().front().message;
  } else {
    return fail(table.error());
  }
  entered_.clear();
  broken_ = false;
  for (Break &b : breaks_)
    if (b.kind == Break::Watch) {
      TESSERA_ASSIGN(b.old, bytesOf(b.range));
    }
  return {};
}

const std::vector<Debugger::Command> &Debugger::commands() {
  static const std::vector<Command> list = {
      {"help", "h", "[COMMAND]", "what there is, or one command with an example", "help break",
       &Debugger::help},
      {"break", "b", "OP | tiu:ID | gdma:ID | write ADDRESS[+BYTES]",
       "stop before an op (its tensor, type or Conv2D_19; once a slice), before every command of a "
       "kind (CONV), before a command, or after one that writes to a range",
       "break tiu:17", &Debugger::breakAt},
      {"watch", "w", "ADDRESS[+BYTES]",
       "stop after a command that changed these bytes (4 unless told), and show both",
       "watch l0+0x100+16", &Debugger::watch},
      {"delete", "d", "[NUMBER]", "take a break or watch away, or all", "delete 2",
       &Debugger::remove},
      {"breaks", "", "", "the breaks and watches there are", "breaks", &Debugger::breaks},
      {"step", "s", "[tiu|gdma] [COUNT]", "run a command, or until that engine has run COUNT",
       "step tiu 3", &Debugger::step},
      {"next", "n", "[COUNT]", "run to the next op", "next", &Debugger::next},
      {"continue", "c", "", "run to the next break, watch or the end", "continue", &Debugger::goOn},
      {"restart", "", "", "stand before the first command again; breaks stay", "restart",
       &Debugger::startAgain},
      {"compare", "", "REF.npz [TOLERANCE]",
       "run until a command completes part of a tensor that differs from the file's: names tensor, "
       "element, command and both values",
       "compare unet_bm1684x_int8_sym_tpu_outputs.npz", &Debugger::compare},
      {"info", "i", "", "the next command: op, cycles, every field", "info", &Debugger::info},
      {"last", "", "", "the last command with what it read and wrote", "last", &Debugger::last},
      {"list", "l", "[COUNT]", "the commands to come (10 unless told)", "list 20", &Debugger::list},
      {"ops", "", "", "the ops of the model", "ops", &Debugger::ops},
      {"tensors", "t", "", "the tensors that can be printed, and which are whole", "tensors",
       &Debugger::tensorList},
      {"print", "p", "TENSOR[i,j,a:b,:] | ADDRESS TYPE SHAPE [packed|aligned|compact]",
       "values of a tensor, or of memory (packed in system memory, aligned in local memory unless "
       "told)",
       "print l0+0x0 i8 1x3x4x8", &Debugger::print},
      {"picture", "", "WHAT FILE.png", "the channels of the same as grey tiles",
       "picture output_Conv out.png", &Debugger::picture},
      {"save", "", "WHAT FILE.npz", "the same as an array in a file", "save output_Conv out.npz",
       &Debugger::save},
      {"quit", "q", "", "leave", "quit", &Debugger::quit}};
  return list;
}

Result<std::string> Debugger::run(const std::string &line) {
  Words words;
  size_t at = 0;
  std::string text = line.substr(0, line.find(" #")); // a comment
  while ((at = text.find_first_not_of(" \t\r\n", at)) != text.npos) {
    size_t end = text.find_first_of(" \t\r\n", at);
    // Indices may hold blanks: NAME[0, 1]
    if (size_t open = text.find('[', at); open < end)
      if (size_t close = text.find(']', open); close != text.npos)
        end = text.find_first_of(" \t\r\n", close);
    words.push_back(text.substr(at, end - at));
    if (end == text.npos)
      break;
    at = end;
  }
  if (words.empty() || words[0].front() == '#')
    return std::string();
  std::vector<std::string> names;
  for (const Command &c : commands()) {
    if (words[0] == c.name || (*c.shortName && words[0] == c.shortName))
      return (this->*c.run)(words);
    names.push_back(c.name);
  }
  std::string guess = didYouMean(words[0], names);
  return fail("bad-command", "'" + words[0].substr(0, 80) + "'", "is no command",
              guess.empty() ? "help lists what there is" : guess);
}

Result<std::string> Debugger::help(const Words &words) {
  std::string s;
  for (const Command &c : commands()) {
    if (words.size() > 1) {
      if (words[1] == c.name || words[1] == c.shortName)
        return fmt::format("{}{} {}\n  {}\n  e.g. {}", c.name,
                           *c.shortName ? fmt::format(", {}", c.shortName) : "", c.arguments,
                           c.about, c.example);
      continue;
    }
    s += fmt::format("{:<9}{:<3} {}\n{:13}{}\n", c.name, c.shortName, c.arguments, "", c.about);
  }
  if (words.size() > 1) {
    std::vector<std::string> names;
    for (const Command &c : commands())
      names.push_back(c.name);
    return fail("bad-command", "'" + words[1].substr(0, 80) + "'", "is no command",
                didYouMean(words[1], names));
  }
  return s + "An ADDRESS is 0x100001000 in system memory, l3+0x40 byte 0x40 of lane 3, or a local "
             "address as commands write it; +BYTES behind it makes a range.";
}

Result<uint64_t> Debugger::parseCount(const Words &words, size_t at, uint64_t fallback) const {
  if (at >= words.size())
    return fallback;
  const std::string &w = words[at];
  if (w.empty() || w.size() > 12 || w.find_first_not_of("0123456789") != w.npos || w == "0")
    return fail("bad-command", "'" + w.substr(0, 80) + "'", "is no count", "give 1 or more");
  return std::stoull(w);
}

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

Result<std::vector<uint8_t>> Debugger::bytesOf(const Range &r) {
  TESSERA_ASSIGN(const uint8_t *p, steps_->machine().bytes(r.address, r.bytes));
  return std::vector<uint8_t>(p, p + r.bytes);
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

Result<std::optional<std::string>> Debugger::advance() {
  if (broken_)
    return fail("stopped", where(), "the simulator refused this command", "restart begins again");
  const size_t k = steps_->position();
  const runtime::Steps::At at = steps_->at(k);
  bmodel::Origin o = origins_.of(at.place.engine, at.group, at.place.index);
  entered_.insert({o.layer, o.slice});
  if (Status s = steps_->step(); !s) {
    broken_ = true;
    return fail(s.error());
  }
  if (capture_)
    TESSERA_TRY(capture_->after(steps_->machine(), at.group, at.place));
  std::string why;
  auto add = [&](const std::string &text) { why += (why.empty() ? "" : "\n") + text; };
  for (Break &b : breaks_) {
    if (b.kind == Break::Write) {
      for (const sim::OperandUse &use : steps_->operands())
        if (use.written() && touches(steps_->machine(), use, b.range.address, b.range.bytes)) {
          add(fmt::format("break {}: {} wrote to {}", b.number, commandText(k), b.range.text));
          break;
        }
    } else if (b.kind == Break::Watch) {
      TESSERA_ASSIGN(std::vector<uint8_t> now, bytesOf(b.range));
      if (now == b.old)
        continue;
      size_t first =
          size_t(std::mismatch(now.begin(), now.end(), b.old.begin()).first - now.begin());
      auto hex = [&](const std::vector<uint8_t> &v) {
        std::string s;
        for (size_t i = first; i < v.size() && i < first + 16; ++i)
          s += fmt::format(" {:02x}", v[i]);
        return s;
      };
      add(fmt::format("watch {}: {} changed {}\n  byte {}: old{}\n{:>{}} new{}", b.number,
                      commandText(k), b.range.text, first, hex(b.old), "",
                      fmt::formatted_size("  byte {}:", first), hex(now)));
      b.old = std::move(now);
    }
  }
  return why.empty() ? std::optional<std::string>() : std::optional(why);
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

namespace {
std::string joined(const std::string &a, const std::string &b) {
  return a.empty() ? b : a + "\n" + b;
}
} // namespace

Result<std::string> Debugger::step(const Words &words) {
  bool one = words.size() > 1 && (words[1] == "tiu" || words[1] == "gdma");
  TESSERA_ASSIGN(uint64_t count, parseCount(words, one ? 2 : 1, 1));
  if (words.size() > (one ? 3 : 2))
    return fail("bad-command", "step", "has too many words", "e.g. step tiu 3");
  Engine engine = one && words[1] == "gdma" ? Engine::Gdma : Engine::Tiu;
  std::string why;
  if (steps_->done())
    return "the run has ended; restart begins again";
  for (uint64_t k = 0; k < count && !steps_->done();) {
    k += !one || steps_->at(steps_->position()).place.engine == engine;
    TESSERA_ASSIGN(auto stop, advance());
    if (stop) {
      why = *stop;
      break;
    }
  }
  return joined(why, where());
}

Result<std::string> Debugger::next(const Words &words) {
  TESSERA_ASSIGN(uint64_t count, parseCount(words, 1, 1));
  for (; count > 0 && !steps_->done(); --count) {
    const bmodel::Layer *here = layerOf(steps_->position());
    while (!steps_->done() && layerOf(steps_->position()) == here) {
      TESSERA_ASSIGN(auto stop, advance());
      if (stop)
        return joined(*stop, where());
    }
  }
  return where();
}

Result<std::string> Debugger::goOn(const Words &) {
  if (steps_->done())
    return "the run has ended; restart begins again";
  while (!steps_->done()) {
    TESSERA_ASSIGN(auto stop, advance());
    if (!stop)
      stop = stopsHere();
    if (stop)
      return joined(*stop, where());
  }
  return where();
}

Result<std::string> Debugger::startAgain(const Words &) {
  TESSERA_TRY(restart());
  return where();
}

Result<std::string> Debugger::quit(const Words &) {
  quit_ = true;
  return std::string();
}

const bmodel::Layer *Debugger::layerOf(size_t k) const {
  const runtime::Steps::At &at = steps_->at(k);
  return origins_.layer(at.place.engine, at.group, at.place.index);
}

std::string Debugger::commandText(size_t k) const {
  const runtime::Steps::At &at = steps_->at(k);
  const isa::Command &c = steps_->command(k);
  const bmodel::Layer *layer = layerOf(k);
  bmodel::Origin o = origins_.of(at.place.engine, at.group, at.place.index);
  std::string s =
      fmt::format("{}:{} {} of {}", at.place.engine == Engine::Tiu ? "tiu" : "gdma",
                  isa::commandId(c), isa::operationName(c), layer ? layer->label() : "unknown op");
  if (layer && layer->slices > 1 && o.slice >= 0)
    s += fmt::format(" slice {}", o.slice);
  if (at.group > 0)
    s += fmt::format(" (group {})", at.group);
  return s;
}

std::string Debugger::where() const {
  if (steps_->done())
    return fmt::format("end: all {} commands have run", steps_->size());
  return fmt::format("before {} ({} of {})", commandText(steps_->position()),
                     steps_->position() + 1, steps_->size());
}

} // namespace tessera::debug
