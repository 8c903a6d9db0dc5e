#include "tessera/cli/verb.h"
#include "tessera/debug/debugger.h"
#include "tessera/support/file.h"

#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace tessera::cli {
namespace {

struct DebugArguments {
  std::filesystem::path model, input, script;
  std::vector<std::string> commands;
  RecipeArguments recipe;
  ShapeArguments shapes;
};

Result<Answer> debugRun(const DebugArguments &a, bool json) {
  TESSERA_ASSIGN(driver::OpenOptions open, openOptions(a.recipe, a.shapes));
  TESSERA_TRY(checkEnding("the model", a.model, ".bmodel"));
  TESSERA_ASSIGN(auto model, driver::Model::open(a.model, open, nullptr));
  if (a.input.extension() != ".npz" && a.input.extension() != ".npy")
    noteUnknownRecipe(*model);
  TESSERA_ASSIGN(TensorMap inputs, model->readInput(a.input));
  TESSERA_ASSIGN(runtime::Session session,
                 runtime::Session::open(a.model, {open.net, open.inputShapes}));
  TESSERA_ASSIGN(debug::Debugger debugger,
                 debug::Debugger::make(std::move(session), std::move(inputs)));
  std::vector<std::string> lines = a.commands;
  if (!a.script.empty()) {
    TESSERA_ASSIGN(std::string text, readText(a.script));
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
  }
  Answer answer;
  answer.json["commands"] = nlohmann::ordered_json::array();
  // Text goes out command by command, so that a person can answer it.
  auto execute = [&](const std::string &line, bool echo) {
    if (echo && !json)
      fmt::print("> {}\n", line);
    Result<std::string> said = debugger.run(line);
    if (!said)
      answer.exitCode = 1;
    if (json)
      answer.json["commands"].push_back(
          {{"command", line}, {said ? "text" : "error", said ? *said : said.error().text()}});
    else if (said && !said->empty())
      fmt::print("{}\n", *said);
    else if (!said)
      fmt::print("{}\n", said.error().text());
    std::fflush(stdout);
  };
  const bool terminal = ::isatty(0) && ::isatty(1);
  if (!json)
    fmt::print("{}\n", debugger.where());
  for (const std::string &line : lines)
    if (!debugger.finished())
      execute(line, true);
  if (terminal && !debugger.finished() && !json)
    fmt::print("help lists the commands\n");
  for (std::string line; !debugger.finished();) {
    if (terminal && !json) {
      fmt::print("(tessera) ");
      std::fflush(stdout);
    }
    if (!std::getline(std::cin, line))
      break;
    execute(line, !terminal);
  }
  return answer;
}

} // namespace

void addDebug(Program &p) {
  auto a = std::make_shared<DebugArguments>();
  CLI::App *verb = addVerb(
      p, "debug",
      "step through a .bmodel's commands on the simulator; commands from standard input",
      "  tessera debug unet_int8.bmodel --input car_in.npz\n"
      "  tessera debug unet_int8.bmodel --input car.jpg -c 'break Pool2D' -c continue -c info\n"
      "  tessera debug unet_int8.bmodel --input car_in.npz -c 'compare tpu_outputs.npz' "
      "< /dev/null\n"
      "  tessera debug vendor.bmodel --input in.npz --script look.txt < /dev/null\n");
  verb->add_option("model", a->model, ".bmodel, ours or the vendor's")->required();
  verb->add_option("--input", a->input, "image, .npy or .npz")->required();
  verb->add_option("-c,--command", a->commands, "a command to run first; may be given often")
      ->allow_extra_args(false);
  verb->add_option("-x,--script", a->script, "a file of commands, one a line, run after those");
  a->shapes.addNet(verb);
  a->recipe.add(verb);
  addCycles(p, verb);
  onRun(p, verb, [a, &p] { return debugRun(*a, p.json); });
}

} // namespace tessera::cli
