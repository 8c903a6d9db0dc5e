#include "tessera/profile/profile.h"
#include "tessera/cli/verb.h"
#include "tessera/support/file.h"

#include <fmt/format.h>

namespace tessera::cli {

void addProfile(Program &p) {
  struct Arguments {
    std::filesystem::path model, output;
    std::string format = "summary", net;
    int64_t stage = 0;
    int64_t rows = 20;
    std::vector<std::string> whatIf;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App *verb = addVerb(
      p, "profile", "where a .bmodel's cycles go: by op, kind of command and command",
      "  tessera profile unet_int8.bmodel\n"
      "  tessera profile unet_int8.bmodel --format text -o compiler_profile_0.txt\n"
      "  tessera profile vendor.bmodel --format json -o profile.json\n"
      "  tessera profile unet_int8.bmodel --format chrome -o trace.json   # ui.perfetto.dev\n");
  verb->add_option("model", a->model, ".bmodel, ours or the vendor's")->required();
  verb->add_option("--format", a->format,
                   "summary (default), text (the vendor's compiler_profile layout), json, or "
                   "chrome (trace for Perfetto)")
      ->check(CLI::IsMember({"summary", "text", "json", "chrome"}));
  verb->add_option("-o,--output", a->output, "write to this file instead of standard output");
  verb->add_option("--net", a->net, "name of the network, of a .bmodel that holds several");
  verb->add_option("--stage", a->stage, "which of several input sizes (default 0)")
      ->check(wholeNumber(0, 1 << 20));
  verb->add_option("--rows", a->rows, "rows of each table of the summary (default 20)")
      ->check(wholeNumber(1, 1 << 30));
  verb->add_option("--what-if", a->whatIf,
                   "NAME=NUMBER: a constant of the preset changed, e.g. lanes=128, bandwidth=1.5 "
                   "(a factor), clock_hz=950000000, CONV.int8.start_cycles=40; may be given often")
      ->allow_extra_args(false);
  addCycles(p, verb);
  onRun(p, verb, [a]() -> Result<Answer> {
    TESSERA_TRY(keepInputs({a->model}, {a->output}));
    TESSERA_ASSIGN(bmodel::Model model, bmodel::read(a->model));
    TESSERA_TRY(bmodel::select(model, {a->net, {}}, a->model.string()));
    TESSERA_ASSIGN(profile::Profile profile,
                   profile::profile(model, size_t(a->stage), a->model.string()));
    std::string instead;
    if (!a->whatIf.empty()) {
      instead = fmt::format("{:.6f} ms by {}", profile.milliseconds(), profile.preset.name);
      TESSERA_ASSIGN(cycles::Preset changed, cycles::changed(profile.preset, a->whatIf));
      cycles::setInForce(std::move(changed));
      TESSERA_ASSIGN(profile, profile::profile(model, size_t(a->stage), a->model.string()));
      instead = fmt::format("what-if: {:.6f} ms instead of {}\n", profile.milliseconds(), instead);
    }
    auto dump = [](const nlohmann::ordered_json &j) {
      return j.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    };
    std::string text;
    if (a->format == "text")
      text = profile::compilerProfileText(profile);
    else if (a->format == "json")
      text = dump(profile::profileJson(profile));
    else if (a->format == "chrome")
      text = dump(profile::chromeTrace(profile));
    else
      text = instead + profile::summaryText(profile, size_t(a->rows));
    Answer answer;
    answer.json = {
        {"net", profile.net},
        {"cycles", profile.totalCycles},
        {"ms", profile.milliseconds()},
        {"commands", profile.total.commands},
        {"preset", {{"name", profile.preset.name}, {"exact_for", profile.preset.exact}}}};
    if (!a->output.empty()) {
      TESSERA_TRY(writeText(a->output, text));
      answer.json["output"] = a->output.string();
      answer.lines.push_back(fmt::format("{}: {} commands, {:.6f} ms", a->output.string(),
                                         profile.total.commands, profile.milliseconds()));
      sayPreset(answer);
    } else {
      text.pop_back();
      answer.json["text"] = text;
      answer.lines.push_back(text);
    }
    return answer;
  });
}

} // namespace tessera::cli
