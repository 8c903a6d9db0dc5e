#include "tessera/explain/explain.h"
#include "tessera/driver/compile.h"
#include "tessera/explain/pins.h"
#include "tessera/support/file.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace tessera::driver {
namespace {

/// A what-if of this stage's; the others are of the preset. Returns whether it was one.
Result<bool> takeLocalBytes(const std::string &text, SearchOptions &search) {
  constexpr std::string_view kName = "local_bytes=";
  if (!text.starts_with(kName))
    return false;
  const char *begin = text.data() + kName.size(), *end = text.data() + text.size();
  int64_t bytes = 0;
  auto [at, error] = std::from_chars(begin, end, bytes);
  if (error != std::errc() || at != end || bytes < 1024 || bytes > chip::kLaneBytes)
    return fail("bad-option", "--what-if " + text,
                fmt::format("local_bytes is a whole number from 1024 to {}, a lane's memory",
                            chip::kLaneBytes));
  search.localBytes = bytes;
  return true;
}

/// Whether a schedule makes these choices.
bool makes(const Compiled &c, const std::vector<schedule::Pin> &pins) {
  auto name = [&](int32_t l) {
    return c.network.tensors[size_t(c.network.layers[size_t(l)].output)].name;
  };
  size_t met = 0, choices = 0;
  for (const schedule::Choice &choice : c.plan.choices) {
    choices += !choice.taken.cut.empty();
    met += std::ranges::any_of(pins, [&](const schedule::Pin &pin) {
      return pin.first == name(choice.first) && pin.last == name(choice.last) &&
             pin.cut == choice.taken.cut;
    });
  }
  return met == pins.size() && met == choices;
}

} // namespace

Result<Report> explain(const ExplainOptions &o) {
  TESSERA_TRY(checkWithout(o.search));
  TESSERA_ASSIGN(ir::Module tpu, ir::Module::load(o.mlir));
  if (tpu.state().find("TPU") == std::string::npos)
    return fail("bad-file", o.mlir.string(), "is no tpu module",
                "give the _final.mlir or _tpu.mlir that `tessera deploy` wrote");
  SearchOptions search = o.search;
  TESSERA_ASSIGN(Compiled compiled, compile(tpu, search));
  // What a person had pinned was not the search's own choice.
  if (auto pins = annotatedPins(tpu);
      !pins.empty() && o.search.pinFile.empty() && !makes(compiled, pins)) {
    TESSERA_ASSIGN(compiled, compile(tpu, search, std::move(pins)));
  }
  TESSERA_ASSIGN(profile::Profile p, profile::profile(compiled.emitted.model, 0, o.mlir.string()));
  explain::Explanation e = explain::explain(compiled.network, compiled.plan, p, size_t(o.others));
  Report report{e.json, {}};
  if (!o.writePins.empty()) {
    TESSERA_TRY(
        writeText(o.writePins, explain::pinsJson(compiled.network, compiled.plan).dump(1) + "\n"));
    report.json["pins"] = o.writePins.string();
  }
  // What-if: searched anew, as the best choices may be others.
  if (!o.whatIf.empty()) {
    std::vector<std::string> constants;
    for (const std::string &text : o.whatIf) {
      TESSERA_ASSIGN(bool taken, takeLocalBytes(text, search));
      if (!taken)
        constants.push_back(text);
    }
    TESSERA_ASSIGN(cycles::Preset changed, cycles::changed(p.preset, constants));
    cycles::setInForce(std::move(changed));
    TESSERA_ASSIGN(Compiled other, compile(tpu, search));
    TESSERA_ASSIGN(profile::Profile q, profile::profile(other.emitted.model, 0, o.mlir.string()));
    report.json["what_if"] = {
        {"changes", o.whatIf}, {"cycles", q.totalCycles}, {"ms", q.milliseconds()}};
    std::string changes;
    for (const std::string &text : o.whatIf)
      changes += (changes.empty() ? "" : ", ") + text;
    report.lines.push_back(fmt::format("what-if {}: {:.6f} ms instead of {:.6f} ms, planned anew",
                                       changes, q.milliseconds(), p.milliseconds()));
  }
  e.text.pop_back();
  report.lines.push_back(std::move(e.text));
  return report;
}

} // namespace tessera::driver
