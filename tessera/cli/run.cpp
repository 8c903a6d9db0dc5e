#include "tessera/cli/verb.h"
#include "tessera/image/image.h"
#include "tessera/support/progress.h"
#include "tessera/tensor/npz.h"

#include <fmt/format.h>

namespace fs = std::filesystem;
namespace tessera::cli {
namespace {

struct RunArguments {
  fs::path input, model, output, mask, saveInput;
  bool dumpAll = false;
  RecipeArguments recipe;
  ShapeArguments shapes;
  DecideArguments decide;
};

bool isArray(const fs::path &p) { return p.extension() == ".npz" || p.extension() == ".npy"; }

Result<Answer> runOne(driver::Model &model, const RunArguments &a,
                      const evaluate::DecideOptions &decide, const fs::path &input,
                      const fs::path &output, const fs::path &mask) {
  // A picture is decoded once, for the network and for the size of its mask.
  Image picture;
  TensorMap inputs;
  if (isArray(input)) {
    TESSERA_ASSIGN(inputs, model.readInput(input));
  } else {
    TESSERA_ASSIGN(picture, readImage(input));
    TESSERA_ASSIGN(inputs, model.preprocessImage(picture, input.string()));
  }
  if (!a.saveInput.empty())
    TESSERA_TRY(writeNpz(a.saveInput, inputs));
  TESSERA_ASSIGN(TensorMap outputs, model.run(inputs, a.dumpAll));
  Answer answer;
  answer.json["input"] = input.string();
  if (!output.empty()) {
    TESSERA_TRY(writeNpz(output, outputs));
    answer.json["output"] = output.string();
    answer.lines.push_back(fmt::format("{}: {} tensor(s)", output.string(), outputs.size()));
  }
  for (const auto &[name, tensor] : outputs)
    answer.json["tensors"][name] = tensor.shape();
  if (!mask.empty()) {
    int width = picture.width, height = picture.height;
    if (isArray(input)) { // no picture: the output's own size
      const Tensor *t = outputs.find(model.outputs().front().name);
      width = static_cast<int>(t->shape().back());
      height = t->rank() > 1 ? static_cast<int>(t->shape()[t->rank() - 2]) : 1;
    }
    TESSERA_ASSIGN(Mask decided, evaluate::maskOf(model, outputs, width, height, decide));
    TESSERA_TRY(writeMaskPng(mask, decided));
    answer.json["mask"] = mask.string();
    answer.lines.push_back(mask.string() + ": mask");
  }
  return answer;
}

Result<Answer> run(const RunArguments &a, const Compiler &compiler) {
  TESSERA_ASSIGN(driver::OpenOptions open, openOptions(a.recipe, a.shapes));
  TESSERA_ASSIGN(auto decide, a.decide.parse());
  TESSERA_TRY(keepInputs({a.input, a.model}, {a.output, a.mask, a.saveInput}));
  TESSERA_ASSIGN(auto model, driver::Model::open(a.model, open, compiler.openModule));
  if (a.output.empty() && a.mask.empty())
    return fail("usage", "tessera run", "--output or --mask is required", "");
  bool isFolder = fs::is_directory(a.input);
  if (!isArray(a.input))
    noteUnknownRecipe(*model);
  if (!isFolder) {
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
    return runOne(*model, a, decide, a.input, png ? fs::path() : a.output, png ? a.output : a.mask);
  }
  if (!a.saveInput.empty())
    return fail("usage", "tessera run", "--save_input goes with one input, not a folder", "");
  TESSERA_ASSIGN(auto files, listImages(a.input));
  if (files.empty())
    return fail("no-images", a.input.string(), "holds no image", "");
  for (const fs::path &folder : {a.output, a.mask})
    if (std::error_code ec; !folder.empty() && !fs::create_directories(folder, ec) && ec)
      return fail("write-failed", folder.string(), "cannot be made: " + ec.message(),
                  "with a folder as input, outputs are folders too");
  Answer all;
  Progress progress("run " + a.model.filename().string(), files.size(), "images");
  for (const fs::path &f : files) {
    TESSERA_ASSIGN(
        Answer one,
        runOne(*model, a, decide, f,
               a.output.empty() ? fs::path() : a.output / (f.stem().string() + ".npz"),
               a.mask.empty() ? fs::path() : a.mask / (f.stem().string() + "_mask.png")));
    all.json["runs"].push_back(one.json);
    progress.advance();
  }
  all.lines.push_back(fmt::format("{} images", files.size()));
  return all;
}

} // namespace

void addRun(Program &p) {
  auto a = std::make_shared<RunArguments>();
  CLI::App *verb =
      addVerb(p, "run", "one input or a folder through a network at any stage -> npz and mask PNG",
              "  tessera run --input car.jpg --model unet_int8.bmodel --output car.npz --mask "
              "car_mask.png\n"
              "  tessera run --input images --model unet.onnx --scale "
              "0.0039216,0.0039216,0.0039216 --mask masks\n"
              "  tessera run --input unet_in_f32.npz --model unet.mlir --output all.npz "
              "--dump_all_tensors\n");
  verb->add_option("--input", a->input,
                   "image, folder of images, .npy or .npz (arrays are never pre-processed)")
      ->required();
  verb->add_option("--model", a->model, ".onnx, .mlir or .bmodel")->required();
  verb->add_option("--output", a->output,
                   "npz for the outputs (a .png: the mask; for a folder: a folder)");
  verb->add_option("--mask", a->mask,
                   "PNG for the mask, at the picture's size (for a folder: a folder)");
  verb->add_option("--save_input", a->saveInput,
                   "npz for what the network sees, after pre-processing");
  verb->add_flag("--dump_all_tensors", a->dumpAll, "also inner tensors");
  a->shapes.add(verb);
  a->shapes.addNet(verb);
  a->recipe.add(verb);
  a->decide.add(verb);
  onRun(p, verb, [a, &p] { return run(*a, p.compiler); });
}

} // namespace tessera::cli
