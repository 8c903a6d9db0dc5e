#include "tessera/cli/verb.h"

#include "tessera/cycles/preset.h"
#include "tessera/support/file.h"
#include "tessera/support/parallel.h"
#include "tessera/support/progress.h"
#include "tessera/support/suggest.h"

#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tessera::cli {
namespace {

// Ctrl-C leaves no half-written file behind.
void onSignal(int number) {
  removeUnfinishedFiles();
  ::_exit(128 + number);
}

// The host's word for a page of a mapped file that is no longer there.
void onLostPage(int) {
  constexpr char kText[] =
      "error[bad-file]: a file that was being read was cut shorter; run again\n";
  if (::write(STDERR_FILENO, kText, sizeof kText - 1) < 0)
    ::_exit(2);
  removeUnfinishedFiles();
  ::_exit(1);
}

void printError(const Error &e) { fmt::print(stderr, "{}\n", e.text()); }

/// An argument nobody knows: the verb or flag that was probably meant.
int explainUnknown(Program &p, int argc, const char *const *argv, const CLI::ParseError &error) {
  CLI::App *scope = &p.app;
  for (CLI::App *sub : p.app.get_subcommands())
    scope = sub;
  std::vector<std::string> known;
  bool atVerb = scope == &p.app;
  if (atVerb)
    for (const CLI::App *sub : p.app.get_subcommands([](const CLI::App *) { return true; }))
      known.push_back(sub->get_name());
  for (const CLI::Option *o : scope->get_options())
    for (const std::string &l : o->get_lnames())
      known.push_back("--" + l);
  std::vector<std::string> unknown;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word = word.substr(0, word.find('='));
    if (word.starts_with("--") && std::find(known.begin(), known.end(), word) == known.end())
      unknown.push_back(word);
    if (atVerb && i == 1 && !word.starts_with("-"))
      unknown.push_back(word);
  }
  std::string where = atVerb ? "tessera" : "tessera " + scope->get_name();
  std::string help = where + " --help lists what there is";
  if (unknown.empty()) {
    std::string what = atVerb ? "a verb is required" : error.what();
    printError(Error("usage", where, what, help));
    return 1;
  }
  for (const std::string &u : unknown) {
    bool flag = u.starts_with("-");
    std::string guess = didYouMean(u, known);
    printError(Error("usage", where, (flag ? "unknown flag '" : "unknown verb '") + u + "'",
                     guess.empty() ? help : guess));
    if (!flag) // the flags behind belong to the verb that was meant
      break;
  }
  return 1;
}

/// A flag with an empty text, mostly an unset shell variable, is a mistake and not the default.
Status refuseEmptyValues(const CLI::App &verb) {
  Error errors;
  for (const CLI::Option *o : verb.get_options())
    for (const std::string &value : o->results())
      if (value.empty())
        errors.add(Diagnostic{"usage", "tessera " + verb.get_name(), o->get_name() + " is empty",
                              "give a value or leave it out"});
  if (!errors.empty())
    return fail(std::move(errors));
  return {};
}

} // namespace

CLI::App *addVerb(Program &program, const std::string &name, const std::string &what,
                  const std::string &examples) {
  CLI::App *verb = program.app.add_subcommand(name, what);
  verb->footer("Examples:\n" + examples);
  verb->add_flag("--json", program.json, "print the result as JSON on standard output");
  verb->add_flag("--quiet", program.quiet, "no progress lines");
  verb->add_option("--threads", program.threads, "worker threads (default: all cores)")
      ->check(wholeNumber(0, 1024));
  return verb;
}

void addCycles(Program &program, CLI::App *verb) {
  verb->add_option("--cycles", program.cycles,
                   "cycle constants: a preset's name or file (default " +
                       cycles::presets().front().name + "; docs/cycles.md)");
}

void sayPreset(Answer &answer) {
  const cycles::Preset &p = cycles::inForce();
  answer.json["preset"] = {{"name", p.name}, {"exact_for", p.exact}};
  answer.lines.push_back("cycles by " + p.basis());
}

void onRun(Program &program, CLI::App *verb, std::function<Result<Answer>()> body) {
  verb->callback([&program, body = std::move(body)] { program.chosen = body; });
}

int runProgram(int argc, const char *const *argv, const Compiler &compiler) {
  std::signal(SIGINT, onSignal);
  std::signal(SIGTERM, onSignal);
  std::signal(SIGBUS, onLostPage);
  Program p{compiler};
  p.app.description(
      "Tessera " TESSERA_VERSION
      ": a segmentation network from ONNX to a BM1684X .bmodel, simulated and scored");
  p.app.set_version_flag("--version", "tessera " TESSERA_VERSION);
  p.app.require_subcommand(1);
  p.app.footer("tessera VERB --help shows a verb's flags and examples.");
  addTransform(p);
  addCalibrate(p);
  addDeploy(p);
  addExplain(p);
  addRun(p);
  addEval(p);
  addSynth(p);
  addInfo(p);
  addDis(p);
  addCompare(p);
  addProfile(p);
  addFitCycles(p);
  addDebug(p);
  try {
    p.app.parse(argc, argv);
  } catch (const CLI::Success &e) { // --help, --version
    return p.app.exit(e);
  } catch (const CLI::ParseError &e) {
    return explainUnknown(p, argc, argv, e);
  }
  for (const CLI::App *verb : p.app.get_subcommands())
    if (Status s = refuseEmptyValues(*verb); !s) {
      printError(s.error());
      return 1;
    }
  if (!p.cycles.empty()) {
    auto preset = cycles::preset(p.cycles);
    if (!preset) {
      printError(preset.error());
      return 1;
    }
    cycles::setInForce(std::move(*preset));
  }
  Progress::setEnabled(!p.quiet);
  if (p.threads > 0)
    setThreadCount(p.threads);
  auto start = std::chrono::steady_clock::now();
  Result<Answer> answer = p.chosen();
  if (!answer) {
    printError(answer.error());
    return 1;
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage); // ru_maxrss is in KiB
  if (p.json)
    answer->json["cost"] = {{"seconds", seconds}, {"peak_mib", usage.ru_maxrss / 1024.0}};
  else if (!p.quiet)
    fmt::print(stderr, "({:.2f} s, peak memory {:.0f} MiB)\n", seconds, usage.ru_maxrss / 1024.0);
  if (p.json)
    fmt::print("{}\n", answer->json.dump(2));
  else
    for (const std::string &line : answer->lines)
      fmt::print("{}\n", line);
  if (std::fflush(stdout) != 0) {
    printError(Error("write-failed", "standard output", "cannot be written"));
    return 1;
  }
  return answer->exitCode;
}

} // namespace tessera::cli
