#pragma once
// What the verbs share: each is one file that adds its subcommand and the function to run.
#include "tessera/cli/compiler.h"
#include "tessera/evaluate/evaluate.h"
#include "tessera/support/status.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>

namespace tessera::cli {

/// A verb's answer: printed as JSON with --json, else as lines. `exitCode` 1 where the answer is
/// "no".
struct Answer {
  nlohmann::ordered_json json;
  std::vector<std::string> lines;
  int exitCode = 0;
};

struct Program {
  const Compiler &compiler;
  CLI::App app;
  bool json = false;
  bool quiet = false;
  int threads = 0;
  std::string cycles;                     ///< a preset or a file of one; empty: the program's
  std::function<Result<Answer>()> chosen; ///< set by the verb that was parsed
};

/// Adds a subcommand with the common flags and the examples shown below its --help.
CLI::App *addVerb(Program &program, const std::string &name, const std::string &what,
                  const std::string &examples);
/// --cycles PRESET|FILE, for verbs that print an estimate: in force before the verb runs.
void addCycles(Program &program, CLI::App *verb);
/// Says of an estimate which preset it is by and where that is exact.
void sayPreset(Answer &answer);
/// Runs `body` when the verb was chosen.
void onRun(Program &program, CLI::App *verb, std::function<Result<Answer>()> body);

void addTransform(Program &);
void addCalibrate(Program &);
void addDeploy(Program &);
void addExplain(Program &);
void addRun(Program &);
void addEval(Program &);
void addSynth(Program &);
void addDis(Program &);
void addInfo(Program &);
void addCompare(Program &);
void addProfile(Program &);
void addFitCycles(Program &);
void addDebug(Program &);

/// Parses `argv` and runs the verb; messages on stderr. Exit codes: 0 done, 1 a mistake in the
/// input or an answer that is "no" (compare, tolerance).
int runProgram(int argc, const char *const *argv, const Compiler &compiler);

/// --mean, --scale, --pixel_format ... as TPU-MLIR spells them.
struct RecipeArguments {
  std::string mean, scale, pixelFormat, channelFormat, padType, resizeDims;
  bool keepAspectRatio = false;
  int64_t padValue = 0;
  CLI::App *verb = nullptr;
  void add(CLI::App *verb);
  Result<driver::RecipeFlags> parse() const;
};

/// --input_shapes "[[1,3,160,240]]" and --output_names a,b; for verbs that run a bmodel --net.
struct ShapeArguments {
  std::string inputShapes, outputNames, net;
  void add(CLI::App *verb);
  void addNet(CLI::App *verb);
  Result<std::vector<Shape>> shapes() const;
  std::vector<std::string> names() const;
};

/// What both say about how to open a network.
Result<driver::OpenOptions> openOptions(const RecipeArguments &recipe,
                                        const ShapeArguments &shapes);
/// On standard error, where images go in by the defaults because neither file nor flags hold a
/// recipe.
void noteUnknownRecipe(const driver::Model &model);

/// --threshold, --largest_component, --fill_holes, --opening K, --median K.
struct DecideArguments {
  double threshold = 0;
  CLI::Option *thresholdOption = nullptr;
  evaluate::DecideOptions options;
  void add(CLI::App *verb);
  Result<evaluate::DecideOptions> parse() const;
};

/// A check of a flag's text: a whole number in [low, high]; CLI11's own Range rounds and words it
/// badly.
CLI::Validator wholeNumber(int64_t low, int64_t high);
/// Error "overwrites-input" or "same-output" where a file to write is one that is read, or two are
/// one file. Empty paths are left out.
Status keepInputs(const std::vector<std::filesystem::path> &inputs,
                  const std::vector<std::filesystem::path> &outputs);
/// Error unless `file` is empty or ends in `ending`, by which the other verbs know what it holds.
Status checkEnding(const std::string &flag, const std::filesystem::path &file,
                   const std::string &ending);
/// Comma-separated numbers; error names `flag`.
Result<std::vector<double>> parseNumbers(const std::string &flag, const std::string &text);
/// "WxH".
Result<std::pair<int, int>> parseSize(const std::string &flag, const std::string &text);

} // namespace tessera::cli
