#include "tessera/cli/verb.h"
#include "tessera/image/side_by_side.h"

#include <fmt/format.h>

namespace tessera::cli {
namespace {

struct EvalArguments {
  std::filesystem::path model, images, masks, reference, output, picture;
  int64_t pictureRows = 4;
  int64_t count = 0;
  RecipeArguments recipe;
  ShapeArguments shapes;
  DecideArguments decide;
};

Result<Answer> eval(const EvalArguments &a, const Compiler &compiler) {
  if (a.masks.empty() && a.reference.empty())
    return fail("usage", "tessera eval", "--masks or --reference is required",
                "--reference MODEL alone takes that network's masks as the truth");
  TESSERA_TRY(checkEnding("--picture", a.picture, ".png"));
  TESSERA_TRY(keepInputs({a.model, a.images, a.masks, a.reference}, {a.picture, a.output}));
  TESSERA_ASSIGN(driver::OpenOptions open, openOptions(a.recipe, a.shapes));
  TESSERA_ASSIGN(auto model, driver::Model::open(a.model, open, compiler.openModule));
  evaluate::Options options;
  options.images = a.images;
  options.masks = a.masks;
  options.count = a.count;
  options.output = a.output;
  options.pictures = a.picture.empty() ? 0 : a.pictureRows;
  TESSERA_ASSIGN(options.decide, a.decide.parse());
  std::unique_ptr<driver::Model> reference;
  if (!a.reference.empty()) {
    // An .onnx reference needs flags as the model does; other files hold their recipe.
    driver::OpenOptions referenceOpen;
    if (a.reference.extension() == ".onnx")
      referenceOpen = open;
    TESSERA_ASSIGN(reference, driver::Model::open(a.reference, referenceOpen, compiler.openModule));
    options.reference = reference.get();
  }
  noteUnknownRecipe(*model);
  TESSERA_ASSIGN(evaluate::Scores s, evaluate::evaluate(*model, options));
  Answer answer;
  answer.json["model"] = a.model.string();
  answer.json["count"] = s.images.size();
  answer.json["dice"] = s.dice;
  answer.json["iou"] = s.iou;
  answer.json["ms"] = s.ms ? nlohmann::ordered_json(*s.ms) : nlohmann::ordered_json(nullptr);
  answer.json["score"] =
      s.score ? nlohmann::ordered_json(*s.score) : nlohmann::ordered_json(nullptr);
  if (s.referenceDice)
    answer.json["reference_dice"] = *s.referenceDice;
  const evaluate::ImageScore *worst = &s.images.front();
  for (const evaluate::ImageScore &i : s.images) {
    answer.json["images"].push_back({{"image", i.image}, {"dice", i.dice}, {"iou", i.iou}});
    if (i.dice < worst->dice)
      worst = &i;
  }
  answer.lines.push_back(fmt::format("{} images, Dice {:.6f}, IoU {:.6f}; worst {:.6f} ({})",
                                     s.images.size(), s.dice, s.iou, worst->dice, worst->image));
  if (s.referenceDice)
    answer.lines.push_back(
        fmt::format("reference {}: Dice {:.6f}", a.reference.string(), *s.referenceDice));
  if (s.score) {
    answer.lines.push_back(fmt::format("{:.3f} ms, score {:.4f}", *s.ms, *s.score));
    sayPreset(answer);
  }
  if (!a.picture.empty()) {
    std::vector<SideBySideRow> rows;
    for (const evaluate::Pictured &r : s.pictures)
      rows.push_back({r.image, r.truth, r.reference, r.mask});
    TESSERA_TRY(writeImagePng(a.picture, sideBySide(rows)));
    answer.json["picture"] = a.picture.string();
    answer.lines.push_back(a.picture.string() + ": image, truth, reference, mask, differences");
  }
  return answer;
}

} // namespace

void addEval(Program &p) {
  auto a = std::make_shared<EvalArguments>();
  CLI::App *verb =
      addVerb(p, "eval", "images + masks -> mean Dice and IoU, ms, score = 100 Dice + 300 - ms",
              "  tessera eval --model unet_int8.bmodel --images images --masks masks\n"
              "  tessera eval --model unet.onnx --pixel_format rgb --scale "
              "0.0039216,0.0039216,0.0039216 \\\n"
              "      --images images --masks masks --json\n"
              "  tessera eval --model small.bmodel --images images --reference full.mlir "
              "--largest_component --median 9\n");
  verb->add_option("--model", a->model, ".onnx, .mlir or .bmodel")->required();
  verb->add_option("--images", a->images, "folder of images")->required();
  verb->add_option("--masks", a->masks,
                   "folder of masks: the image's stem, optional _mask, any image format");
  verb->add_option("--reference", a->reference,
                   "a network to score beside the model; without --masks its masks are the truth");
  verb->add_option("--output", a->output, "folder for the masks as PNG");
  verb->add_option("--picture", a->picture,
                   "PNG of the first images side by side with all masks and their differences");
  verb->add_option("--picture_rows", a->pictureRows, "images in that picture (default 4)")
      ->check(wholeNumber(1, 64));
  verb->add_option("--count", a->count, "first so many images (default: all)")
      ->check(wholeNumber(0, INT32_MAX));
  a->shapes.add(verb);
  a->shapes.addNet(verb);
  a->recipe.add(verb);
  a->decide.add(verb);
  addCycles(p, verb);
  onRun(p, verb, [a, &p] { return eval(*a, p.compiler); });
}

} // namespace tessera::cli
