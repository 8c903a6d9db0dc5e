#include "fuzz/targets.h"

#include "tessera/cycles/cycles.h"
#include "tessera/profile/measured.h"
#include "tessera/runtime/runtime.h"
#include "tessera/sim/plan.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tessera::fuzz {
namespace {

/// Commands that cost more are only checked, not run: a legal command may take hours.
constexpr uint64_t kMostCycles = 50'000;
/// Tensors of more bytes are not bound: global memory is 8 GiB and may be named by a legal file.
constexpr uint64_t kMostTensorBytes = uint64_t(64) << 20;

/// "code: message" with numbers, quoted names and all that is not text taken out.
std::string signatureOf(const Diagnostic &d) {
  std::string out = d.code + ": ";
  bool quoted = false, number = false;
  for (char c : d.message) {
    if (c == '\'')
      quoted = !quoted;
    bool goesOn = number && (std::isxdigit(uint8_t(c)) || c == 'x');
    number = goesOn || std::isdigit(uint8_t(c));
    if (!quoted && !goesOn && std::isprint(uint8_t(c)))
      out += number ? '#' : c;
  }
  return out.substr(0, 80);
}

/// Notes how a step ended; true when it went well.
class Judge {
public:
  template <class R> bool passes(const char *step, const R &result) {
    if (result)
      return true;
    refused(step, result.error());
    return false;
  }
  void refused(const char *step, const Error &e) {
    if (e.empty())
      broken(std::string(step) + ": an error without a diagnostic");
    for (const Diagnostic &d : e.diagnostics()) {
      if (d.code.empty() || d.where.empty() || d.message.empty())
        broken(std::string(step) + ": an error without code, place or message: " + d.text());
      outcome_.signature = std::string(step) + " " + signatureOf(d);
    }
  }
  void broken(std::string what) {
    if (outcome_.broken.empty())
      outcome_.broken = std::move(what);
  }
  void ended(const char *how) { outcome_.signature = how; }
  Outcome take() { return std::move(outcome_); }

private:
  Outcome outcome_;
};

uint64_t add(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

/// Cycles, or what stands for the host's work where it takes more: polynomials of any length are
/// priced as one step an element.
uint64_t cost(const isa::Command &c) {
  uint64_t cycles = cycles::commandCycles(c);
  bool long_ = c.form == isa::Form::TIU_long;
  if (isa::operationName(c) == "SFU.taylor")
    cycles *= std::max<uint64_t>(1, long_ ? isa::decode<isa::TIU_long>(c).opd1_n
                                          : isa::decode<isa::sSFU>(c).opd1_n);
  return cycles;
}

uint64_t price(std::span<const isa::Command> commands) {
  uint64_t cycles = 0;
  for (const isa::Command &c : commands)
    cycles = add(cycles, cost(c));
  return cycles;
}

Outcome container(std::span<const uint8_t> bytes) {
  Judge judge;
  auto model = bmodel::parse(Bytes(bytes.begin(), bytes.end()), "fuzzed.bmodel");
  if (!judge.passes("parse", model))
    return judge.take();
  if (bmodel::infoText(*model).empty() ||
      bmodel::infoJson(*model)
          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
          .empty())
    judge.broken("a model without a description");
  if (auto again = bmodel::serialize(*model); judge.passes("serialize", again)) {
    auto back = bmodel::parse(*again, "written.bmodel");
    if (!back)
      judge.broken("what was written is not read: " + back.error().text());
  }
  auto session = runtime::Session::create(*model, "fuzzed.bmodel");
  if (!judge.passes("create", session))
    return judge.take();
  uint64_t cycles = 0;
  for (const bmodel::Stage &stage : model->nets[0].stages)
    for (const bmodel::SubNet &net : stage.subnets)
      for (const bmodel::CommandGroup &g : net.groups) {
        if (auto s = isa::decodeStream(isa::Engine::Tiu, g.tiu, g.tiuCount); s && !g.tiu.empty())
          cycles = add(cycles, price(*s));
        if (auto s = isa::decodeStream(isa::Engine::Gdma, g.gdma, g.gdmaCount);
            s && !g.gdma.empty())
          cycles = add(cycles, price(*s));
      }
  const bmodel::Stage &first = model->nets[0].stages[0];
  uint64_t tensors = 0;
  for (const auto *list : {&first.inputs, &first.outputs})
    for (const bmodel::TensorInfo &t : *list)
      tensors = add(tensors, uint64_t(elementCount(t.shape)) * 4);
  if (cycles > kMostCycles || tensors > kMostTensorBytes) {
    judge.ended("loaded, too large to run");
    return judge.take();
  }
  TensorMap inputs;
  for (const bmodel::TensorInfo &t : first.inputs)
    inputs.set(t.name, Tensor(t.dtype, t.shape));
  for (bool all : {false, true}) {
    auto outputs = session->run(inputs, {.dumpAllTensors = all});
    if (judge.passes(all ? "dump" : "run", outputs))
      judge.ended("runs");
    else
      break;
  }
  return judge.take();
}

Outcome stream(std::span<const uint8_t> bytes) {
  Judge judge;
  uint32_t length = 0;
  if (bytes.size() >= 4)
    std::memcpy(&length, bytes.data(), 4);
  bytes = bytes.subspan(std::min<size_t>(4, bytes.size()));
  length = std::min<uint32_t>(length, uint32_t(bytes.size()));
  std::vector<isa::Command> streams[2];
  bool decoded = true;
  for (isa::Engine e : {isa::Engine::Tiu, isa::Engine::Gdma}) {
    auto part = e == isa::Engine::Tiu ? bytes.first(length) : bytes.subspan(length);
    auto commands = isa::decodeStream(e, part);
    if (!judge.passes("decode", commands)) {
      decoded = false;
      continue;
    }
    auto again = isa::decodeStream(e, isa::encodeStream(e, *commands));
    if (!again || *again != *commands)
      judge.broken("a stream that is read and written differs");
    streams[int(e)] = std::move(*commands);
  }
  if (!decoded)
    return judge.take();
  uint64_t cycles = 0;
  for (const auto &s : streams)
    for (const isa::Command &c : s) {
      if (isa::disassemble(c).empty())
        judge.broken("a command without text");
      (void)cycles::traffic(c);
      if (Status v = isa::verify(c); !v)
        judge.refused("verify", v.error());
      cycles = add(cycles, cost(c));
    }
  if (auto t = cycles::timeline(streams[0], streams[1]); !t)
    judge.refused("timeline", t.error());
  auto plan = sim::Plan::make(streams[0], streams[1]);
  if (!judge.passes("plan", plan))
    return judge.take();
  if (cycles > kMostCycles) {
    judge.ended("planned, too large to run");
    return judge.take();
  }
  // One machine for all: making 18 MiB of fresh pages costs more than most streams.
  static const std::vector<uint8_t> constants(4096, 3);
  static sim::Machine machine = [] {
    sim::Machine m;
    TESSERA_CHECK(m.mapGlobal(chip::kGlobalBase, 1 << 20).has_value(), "map");
    TESSERA_CHECK(m.mapReadOnly(chip::kGlobalBase + (2 << 20), constants).has_value(), "map");
    return m;
  }();
  if (judge.passes("run", plan->run(machine)))
    judge.ended("runs");
  return judge.take();
}

/// A preset that was accepted is written and read as itself, and prices commands.
void use(Judge &judge, const cycles::Preset &preset) {
  auto again = cycles::parsePreset(cycles::presetText(preset), "written.json");
  if (!again || !(*again == preset))
    judge.broken("a preset that is written and read differs");
  const bmodel::CommandGroup &g = profiledModel().nets[0].stages[0].subnets[0].groups[0];
  auto tiu = isa::decodeStream(isa::Engine::Tiu, g.tiu),
       gdma = isa::decodeStream(isa::Engine::Gdma, g.gdma);
  if (!cycles::timeline(*tiu, *gdma, preset))
    judge.broken("a timeline that depends on the preset");
  judge.ended("used");
}

Outcome preset(std::span<const uint8_t> bytes) {
  Judge judge;
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  std::vector<std::string> changes;
  while (!text.empty() && text.front() != '{') {
    changes.emplace_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), changes.back().size() + 1));
  }
  auto read = cycles::parsePreset(text, "fuzzed.json");
  if (!judge.passes("parse", read))
    return judge.take();
  use(judge, *read);
  if (auto changed = cycles::changed(*read, changes); judge.passes("change", changed))
    use(judge, *changed);
  return judge.take();
}

Outcome profile(std::span<const uint8_t> bytes) {
  Judge judge;
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  auto measured = profile::parseMeasured(text, "fuzzed_profile", &profiledModel());
  if (!judge.passes("read", measured))
    return judge.take();
  auto fit = cycles::fit(measured->samples, cycles::presets().front(), {});
  if (!judge.passes("fit", fit))
    return judge.take();
  use(judge, fit->preset);
  if (auto sum = measured->estimate(fit->preset); !sum)
    judge.refused("estimate", sum.error());
  return judge.take();
}

} // namespace

const bmodel::Model &profiledModel() {
  static const bmodel::Model model = [] {
    std::vector<isa::Command> streams[2];
    auto add = [&](isa::Command c, uint32_t dep) {
      auto &s = streams[int(c.engine)];
      isa::setIds(c, uint32_t(s.size() + 1), dep);
      s.push_back(c);
    };
    for (uint64_t k = 1; k <= 3; ++k) { // three sizes of each: what a fit needs
      isa::DMA_tensor load;
      load.stride_enable = load.nchw_copy = 1;
      load.src_nsize = load.src_hsize = 1, load.src_csize = 64, load.src_wsize = 256 * k;
      load.src_cstride = load.src_nstride = load.src_hstride = 256 * k, load.src_wstride = 1;
      load.dst_cstride = load.dst_nstride = load.dst_hstride = 256 * k, load.dst_wstride = 1;
      isa::setSourceAddress(load, chip::kGlobalBase);
      isa::setDestinationAddress(load, chip::kLmemBase);
      add(isa::command(load), uint32_t(streams[0].size()));
      isa::sCONV conv;
      conv.res0_n = 1, conv.res0_c = conv.opd0_c = 64, conv.res0_h = conv.opd0_h = 16 * k;
      conv.res0_w = conv.opd0_w = 16, conv.opd1_h = conv.opd1_w = 1, conv.res0_prec = 4;
      add(isa::command(conv), uint32_t(k));
    }
    for (isa::Engine e : {isa::Engine::Tiu, isa::Engine::Gdma})
      streams[int(e)].push_back(isa::endCommand(e, uint32_t(streams[int(e)].size() + 1)));
    bmodel::Model m;
    bmodel::SubNet sub;
    sub.groups.push_back({isa::encodeStream(isa::Engine::Tiu, streams[0]),
                          isa::encodeStream(isa::Engine::Gdma, streams[1]),
                          uint32_t(streams[0].size()), uint32_t(streams[1].size())});
    m.nets.emplace_back().stages.emplace_back().subnets.push_back(std::move(sub));
    return m;
  }();
  return model;
}

std::span<const Target> targets() {
  static const Target list[] = {
      {"container", container}, {"stream", stream}, {"preset", preset}, {"profile", profile}};
  return list;
}

} // namespace tessera::fuzz
