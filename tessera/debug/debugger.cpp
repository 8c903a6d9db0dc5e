// State and movement; where to stop lies in breaks.cpp, what is shown in inspect.cpp.
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

Result<std::vector<uint8_t>> Debugger::bytesOf(const Range &r) {
  TESSERA_ASSIGN(const uint8_t *p, steps_->machine().bytes(r.address, r.bytes));
  return std::vector<uint8_t>(p, p + r.bytes);
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
