#include "tessera/cli/verb.h"
#include "tessera/cycles/fit.h"
#include "tessera/profile/measured.h"
#include "tessera/support/file.h"
#include "tessera/support/suggest.h"

#include <fmt/format.h>

namespace tessera::cli {
namespace {

struct FitArguments {
  std::vector<std::string> profiles, keep;
  std::vector<std::filesystem::path> models;
  std::string name = "fitted";
  std::filesystem::path output;
};

Result<std::set<cycles::Kind>> kindsOf(const std::vector<std::string> &names) {
  std::set<cycles::Kind> kinds;
  std::vector<std::string> known;
  for (size_t k = 0; k < cycles::kKinds; ++k)
    known.emplace_back(cycles::kindName(cycles::Kind(k)));
  for (const std::string &name : names) {
    auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      return fail("bad-option", "--keep", "'" + name + "' is no kind of command",
                  didYouMean(name, known));
    kinds.insert(cycles::Kind(at - known.begin()));
  }
  return kinds;
}

/// "3 + steps * 1.5 cycles", "bytes / 54.0167"
std::string costText(cycles::Kind kind, const cycles::Cost &c) {
  std::string s = c.start.num ? fmt::format("{:.6g} + ", c.start.value()) : "";
  return s + (cycles::countsBytes(kind) ? fmt::format("bytes / {:.8g}", 1 / c.perUnit.value())
                                        : fmt::format("steps * {:.8g}", c.perUnit.value()));
}

Result<Answer> fitCycles(const FitArguments &a) {
  std::vector<std::filesystem::path> inputs(a.profiles.begin(), a.profiles.end());
  inputs.insert(inputs.end(), a.models.begin(), a.models.end());
  TESSERA_TRY(checkEnding("-o", a.output, ".json"));
  TESSERA_TRY(keepInputs(inputs, {a.output}));
  for (const cycles::Preset &p : cycles::presets())
    if (p.name == a.name)
      return fail("bad-option", "--name", "'" + a.name + "' is a preset of the program", "");
  if (!a.models.empty() && a.models.size() != a.profiles.size())
    return fail("usage", "tessera fit-cycles",
                fmt::format("{} profiles and {} --model", a.profiles.size(), a.models.size()),
                "give --model once for each profile, in their order, or not at all");
  TESSERA_ASSIGN(std::set<cycles::Kind> keep, kindsOf(a.keep));
  const cycles::Preset &base = cycles::inForce();
  std::vector<profile::Measured> measured;
  std::vector<cycles::Sample> samples;
  Error errors; // of all files
  for (size_t i = 0; i < a.profiles.size(); ++i) {
    std::optional<bmodel::Model> model;
    if (!a.models.empty()) {
      TESSERA_ASSIGN(model, bmodel::read(a.models[i]));
    }
    auto m = profile::readMeasured(a.profiles[i], model ? &*model : nullptr);
    if (!m) {
      errors.add(m.error());
      continue;
    }
    samples.insert(samples.end(), m->samples.begin(), m->samples.end());
    measured.push_back(std::move(*m));
  }
  if (!errors.empty())
    return fail(std::move(errors));
  TESSERA_ASSIGN(cycles::Fit fit, cycles::fit(samples, base, keep));

  Answer answer;
  size_t exact = 0;
  answer.json["kinds"] = nlohmann::ordered_json::array();
  answer.lines.push_back(fmt::format("{:<18} {:>6} {:>6} {:>10} {:>9}  {}", "kind", "rows", "exact",
                                     "rms", "worst", "cycles"));
  for (const cycles::KindFit &k : fit.kinds) {
    using How = cycles::KindFit::How;
    exact += k.exact;
    const char *how = k.how == How::Kept ? "kept" : k.how == How::Exact ? "exact" : "least squares";
    const cycles::Cost &cost = fit.preset.cost(k.kind);
    answer.lines.push_back(fmt::format(
        "{:<18} {:>6} {:>6} {:>10.2f} {:>9}  {} ({}){}", cycles::kindName(k.kind), k.rows, k.exact,
        k.rms, k.worst, costText(k.kind, cost), how, k.worst ? "; worst: " + k.worstWhere : ""));
    answer.json["kinds"].push_back({{"kind", cycles::kindName(k.kind)},
                                    {"rows", k.rows},
                                    {"exact", k.exact},
                                    {"rms", k.rms},
                                    {"worst", k.worst},
                                    {"how", how}});
    if (k.worst)
      answer.json["kinds"].back()["worst_at"] = k.worstWhere;
  }
  answer.lines.push_back(fmt::format("{} of {} kinds measured; the others are those of {}",
                                     fit.kinds.size(), cycles::kKinds, base.name));
  // What the constants make of whole runs, where waits count too.
  double worst = 0;
  std::string files;
  for (size_t i = 0; i < measured.size(); ++i) {
    TESSERA_ASSIGN(uint64_t given, measured[i].estimate(fit.preset));
    double off =
        measured[i].totalCycles ? 100 * (double(given) / double(measured[i].totalCycles) - 1) : 0;
    worst = std::abs(off) > std::abs(worst) ? off : worst;
    files += (i ? ", " : "") + a.profiles[i];
    answer.lines.push_back(fmt::format("{}: {} cycles measured, {} by the preset ({:+.3f} %)",
                                       a.profiles[i], measured[i].totalCycles, given, off));
    answer.json["profiles"].push_back(
        {{"file", a.profiles[i]}, {"measured", measured[i].totalCycles}, {"estimated", given}});
  }
  fit.preset.name = a.name;
  fit.preset.about = fmt::format("fitted to {} on the constants of {}", files, base.name);
  fit.preset.exact = fmt::format("{} of {} commands of {}, totals within {:.3f} %", exact,
                                 samples.size(), files, std::abs(worst));
  TESSERA_TRY(writeText(a.output, cycles::presetText(fit.preset)));
  answer.json["output"] = a.output.string();
  answer.json["preset"] = {{"name", fit.preset.name}, {"exact_for", fit.preset.exact}};
  answer.lines.push_back(a.output.string() + ": " + fit.preset.basis());
  return answer;
}

} // namespace

void addFitCycles(Program &p) {
  auto a = std::make_shared<FitArguments>();
  CLI::App *verb = addVerb(
      p, "fit-cycles", "constants of the cycle model from measured profiles",
      "  tessera profile unet_int8.bmodel --format json -o board.json   # then put measured times "
      "in\n"
      "  tessera fit-cycles board.json --name board -o board_cycles.json\n"
      "  tessera fit-cycles compiler_profile_0.txt --model vendor.bmodel -o vendor_cycles.json\n"
      "  tessera profile unet_int8.bmodel --cycles board_cycles.json\n");
  verb->add_option("profiles", a->profiles,
                   "measured profiles: JSON as tessera profile writes it, or the vendor's text")
      ->required();
  verb->add_option("--model", a->models, "the .bmodel of each profile, in order; texts need it")
      ->allow_extra_args(false);
  verb->add_option("--keep", a->keep, "a kind whose constants stay as they are; may be given often")
      ->allow_extra_args(false);
  verb->add_option("--name", a->name, "of the preset (default: fitted)");
  verb->add_option("-o,--output", a->output, "the preset to write, .json")->required();
  addCycles(p, verb);
  onRun(p, verb, [a]() -> Result<Answer> { return fitCycles(*a); });
}

} // namespace tessera::cli
