#include "tessera/cli/verb.h"

namespace tessera::cli {

void addTransform(Program &p) {
  auto o = std::make_shared<driver::TransformOptions>();
  auto shapes = std::make_shared<ShapeArguments>();
  auto recipe = std::make_shared<RecipeArguments>();
  CLI::App *verb =
      addVerb(p, "transform", "ONNX -> top module (.mlir and weights)",
              "  tessera transform --model_name unet --model_def unet.onnx --input_shapes "
              "\"[[1,3,160,240]]\" \\\n"
              "      --scale 0.0039216,0.0039216,0.0039216 --pixel_format rgb --mlir unet.mlir\n"
              "  tessera transform --model_name unet --model_def unet.onnx --mlir unet.mlir \\\n"
              "      --test_input car.jpg --test_result unet_top_outputs.npz\n");
  verb->add_option("--model_name", o->modelName,
                   "name of the network; names the files beside --mlir")
      ->required();
  verb->add_option("--model_def", o->modelDef, "the .onnx file")->required();
  shapes->add(verb);
  verb->add_option("--mlir", o->mlir, "the module to write")->required();
  verb->add_option("--test_input", o->testInput,
                   "image, .npy or .npz to run the network on before and after the rewrites");
  verb->add_option("--test_result", o->testResult, "npz for all tensors of that run");
  verb->add_flag("--one_channel_head", o->oneChannelHead,
                 "a network that ends in two classes gives one channel: class 1 minus class 0");
  verb->add_option("--repro", o->repro, "folder for one-node models of nodes that are refused");
  verb->add_option("--compose", o->compose,
                   "transposed convolutions become one op with the 3x3 convolution behind their "
                   "concat: never, pays (where it takes fewer cycles), always")
      ->check(CLI::IsMember({"never", "pays", "always"}));
  verb->add_option("--without", o->without,
                   "rewrites not to do, separated by commas, e.g. fold_crop; a name that is none "
                   "lists them")
      ->delimiter(',');
  verb->add_option("--patterns", o->patterns,
                   "files of rewrites of your own, applied in turn (docs/patterns.md)");
  verb->add_flag("--unchecked_patterns", o->uncheckedPatterns,
                 "do not compare the network before and after them");
  verb->add_option("--imported", o->imported,
                   "module for the network as imported, which patterns are applied to");
  recipe->add(verb);
  onRun(p, verb, [=, &p]() -> Result<Answer> {
    if (std::any_of(o->modelName.begin(), o->modelName.end(),
                    [](unsigned char c) { return std::iscntrl(c); }))
      return fail("bad-option", "--model_name", "holds a control character",
                  "it becomes a part of file names");
    if (o->modelName.find_first_of("/\\") != std::string::npos)
      return fail("bad-option", "--model_name", "'" + o->modelName + "' holds a path separator",
                  "give a name; folders belong into --mlir");
    TESSERA_TRY(checkEnding("--mlir", o->mlir, ".mlir"));
    TESSERA_TRY(checkEnding("--test_result", o->testResult, ".npz"));
    TESSERA_TRY(checkEnding("--imported", o->imported, ".mlir"));
    std::vector<std::filesystem::path> inputs{o->modelDef, o->testInput};
    inputs.insert(inputs.end(), o->patterns.begin(), o->patterns.end());
    TESSERA_TRY(keepInputs(inputs, {o->mlir, o->testResult, o->imported}));
    if (!o->testResult.empty() && o->testInput.empty())
      return fail("usage", "tessera transform", "--test_result needs --test_input", "");
    TESSERA_ASSIGN(o->inputShapes, shapes->shapes());
    o->outputNames = shapes->names();
    TESSERA_ASSIGN(o->recipe, recipe->parse());
    TESSERA_ASSIGN(driver::Report r, p.compiler.transform(*o));
    return Answer{r.json, r.lines};
  });
}

} // namespace tessera::cli
