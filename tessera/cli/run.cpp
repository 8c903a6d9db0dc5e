#include "tessera/cli/verb.h"
#include "tessera/debug/trace.h"
#include "tessera/evaluate/batch.h"
#include "tessera/support/file.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;
namespace tessera::cli {
namespace {

struct RunArguments {
  std::vector<fs::path> inputs;
  fs::path dataList, model, output, mask, saveInput, trace;
  bool dumpAll = false, resume = false, overwrite = false;
  RecipeArguments recipe;
  ShapeArguments shapes;
  DecideArguments decide;
};

/// One file a line; empty lines are none.
Result<std::vector<fs::path>> readList(const fs::path &list) {
  TESSERA_ASSIGN(std::string text, readText(list));
  std::vector<fs::path> files;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
      line.pop_back();
    if (!line.empty())
      files.push_back(line);
  }
  if (files.empty())
    return fail("no-images", list.string(), "names no file", "write one input a line");
  return files;
}

nlohmann::ordered_json shapesOf(const TensorMap &tensors) {
  nlohmann::ordered_json shapes;
  for (const auto &[name, tensor] : tensors)
    shapes[name] = tensor.shape();
  return shapes;
}

/// A second run for the trace alone, so that the first one is as fast as ever.
Status writeTrace(driver::Model &model, const RunArguments &a) {
  TESSERA_ASSIGN(TensorMap inputs, model.readInput(a.inputs.front()));
  TESSERA_ASSIGN(auto shapes, a.shapes.shapes());
  TESSERA_ASSIGN(runtime::Session session,
                 runtime::Session::open(a.model, {a.shapes.net, std::move(shapes)}));
  return writeAtomically(a.trace, [&](const fs::path &path) -> Status {
    std::ofstream out(path, std::ios::binary);
    auto run = debug::trace(session, inputs, [&](const std::string &line) -> Status {
      out << line << '\n';
      return {};
    });
    if (!run)
      return fail(run.error());
    if (!out.flush())
      return fail("write-failed", a.trace.string(), "cannot be written");
    return {};
  });
}

Result<Answer> runOne(driver::Model &model, const RunArguments &a,
                      const evaluate::JobOptions &options) {
  // A PNG as output is the mask.
  bool png = a.output.extension() == ".png";
  if (png && !a.mask.empty())
    return fail("usage", "tessera run",
                "--output ends in .png, which is the mask, and --mask is given too",
                "let --output end in .npz");
  if (!png)
    TESSERA_TRY(checkEnding("--output", a.output, ".npz"));
  TESSERA_TRY(checkEnding("--mask", a.mask, ".png"));
  TESSERA_TRY(checkEnding("--save_input", a.saveInput, ".npz"));
  if (!a.trace.empty())
    TESSERA_TRY(writeTrace(model, a));
  evaluate::Job job{a.inputs.front(), png ? fs::path() : a.output, png ? a.output : a.mask,
                    a.saveInput};
  TESSERA_ASSIGN(TensorMap outputs, evaluate::runJob(model, job, options));
  Answer answer;
  answer.json["input"] = job.input.string();
  if (!job.output.empty()) {
    answer.json["output"] = job.output.string();
    answer.lines.push_back(fmt::format("{}: {} tensor(s)", job.output.string(), outputs.size()));
  }
  answer.json["tensors"] = shapesOf(outputs);
  if (!job.mask.empty()) {
    answer.json["mask"] = job.mask.string();
    answer.lines.push_back(job.mask.string() + ": mask");
  }
  return answer;
}

Result<Answer> runMany(driver::Model &model, const RunArguments &a,
                       const std::vector<fs::path> &inputs, const evaluate::JobOptions &job) {
  evaluate::BatchOptions options{job, a.output, a.mask,
                                 a.resume      ? evaluate::Journal::Start::Resume
                                 : a.overwrite ? evaluate::Journal::Start::Overwrite
                                               : evaluate::Journal::Start::Fresh};
  TESSERA_ASSIGN(evaluate::BatchReport report, evaluate::runBatch(model, inputs, options));
  Answer answer;
  for (const auto &item : report.items) {
    nlohmann::ordered_json j{{"input", item.job.input.string()},
                             {"state", item.already ? "already"
                                       : item.done  ? "done"
                                                    : "failed"}};
    if (!item.job.output.empty())
      j["output"] = item.job.output.string();
    if (!item.job.mask.empty())
      j["mask"] = item.job.mask.string();
    if (!item.error.empty())
      j["error"] = item.error.text();
    answer.json["runs"].push_back(std::move(j));
  }
  answer.json["done"] = report.done;
  answer.json["already"] = report.already;
  answer.json["failed"] = report.failed;
  answer.json["side_by_side"] = report.sideBySide;
  answer.lines.push_back(fmt::format(
      "{} inputs: {} done{}{}", report.items.size(), report.done,
      report.already ? fmt::format(", {} already there", report.already) : "",
      report.failed
          ? fmt::format(", {} failed (see above; --resume tries them again)", report.failed)
          : ""));
  answer.exitCode = report.failed ? 1 : 0;
  return answer;
}

Result<Answer> run(const RunArguments &a, const Compiler &compiler) {
  TESSERA_ASSIGN(driver::OpenOptions open, openOptions(a.recipe, a.shapes));
  evaluate::JobOptions options;
  TESSERA_ASSIGN(options.decide, a.decide.parse());
  options.all = a.dumpAll;
  std::vector<fs::path> given = a.inputs;
  if (!a.dataList.empty()) {
    TESSERA_ASSIGN(given, readList(a.dataList));
  }
  if (given.empty())
    return fail("usage", "tessera run", "--input or --data_list is required", "");
  std::vector<fs::path> read = given;
  read.push_back(a.model);
  read.push_back(a.dataList);
  TESSERA_TRY(keepInputs(read, {a.output, a.mask, a.saveInput, a.trace}));
  bool many = given.size() > 1 || !a.dataList.empty() || fs::is_directory(given.front());
  if (many) { // before the network is loaded
    TESSERA_ASSIGN(given, evaluate::expandInputs(given));
  }
  TESSERA_ASSIGN(auto model, driver::Model::open(a.model, open, compiler.openModule));
  if (a.output.empty() && a.mask.empty() && a.trace.empty())
    return fail("usage", "tessera run", "--output, --mask or --trace is required", "");
  if (!a.trace.empty() && (many || a.model.extension() != ".bmodel"))
    return fail("usage", "tessera run",
                "--trace goes with a .bmodel, whose commands it lists, and one input", "");
  if (!std::all_of(given.begin(), given.end(), evaluate::isArrayFile))
    noteUnknownRecipe(*model);
  if (!many) {
    if (a.resume || a.overwrite)
      return fail("usage", "tessera run",
                  std::string(a.resume ? "--resume" : "--overwrite") + " goes with several inputs",
                  "one input's files are replaced in any case");
    return runOne(*model, a, options);
  }
  if (!a.saveInput.empty())
    return fail("usage", "tessera run", "--save_input goes with one input, not with several", "");
  if (a.resume && a.overwrite)
    return fail("usage", "tessera run", "--resume and --overwrite exclude each other", "");
  return runMany(*model, a, given, options);
}

} // namespace

void addRun(Program &p) {
  auto a = std::make_shared<RunArguments>();
  CLI::App *verb =
      addVerb(p, "run", "inputs through a network at any stage -> npz and mask PNG",
              "  tessera run --input car.jpg --model unet_int8.bmodel --output car.npz --mask "
              "car_mask.png\n"
              "  tessera run --input images --model unet.onnx --scale "
              "0.0039216,0.0039216,0.0039216 --mask masks\n"
              "  tessera run --input images --model unet_int8.bmodel --mask masks --resume\n"
              "  tessera run --input unet_in_f32.npz --model unet.mlir --output all.npz "
              "--dump_all_tensors\n");
  auto *input = verb->add_option(
      "--input", a->inputs,
      "images, .npy or .npz files (arrays are never pre-processed), folders of them");
  verb->add_option("--data_list", a->dataList,
                   "text file with one such file a line, instead of --input")
      ->excludes(input);
  verb->add_option("--model", a->model, ".onnx, .mlir or .bmodel")->required();
  verb->add_option("--output", a->output,
                   "npz for the outputs (a .png: the mask; of several inputs: a folder)");
  verb->add_option("--mask", a->mask,
                   "PNG for the mask, at the picture's size (of several inputs: a folder)");
  verb->add_option("--save_input", a->saveInput,
                   "npz for what the network sees, after pre-processing");
  verb->add_flag("--dump_all_tensors", a->dumpAll, "also inner tensors");
  verb->add_flag("--resume", a->resume,
                 "of several inputs: go on with a run that was stopped; inputs that are done stay");
  verb->add_flag("--overwrite", a->overwrite,
                 "of several inputs: start anew in a folder that holds outputs");
  verb->add_option(
      "--trace", a->trace,
      "text file: one line a command of a .bmodel, what it read and wrote, with hashes");
  a->shapes.add(verb);
  a->shapes.addNet(verb);
  a->recipe.add(verb);
  a->decide.add(verb);
  onRun(p, verb, [a, &p] { return run(*a, p.compiler); });
}

} // namespace tessera::cli
