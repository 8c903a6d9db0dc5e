#include "tessera/cli/verb.h"

namespace tessera::cli {

void addDeploy(Program &p) {
  auto o = std::make_shared<driver::DeployOptions>();
  auto tolerance = std::make_shared<std::string>("0.8,0.5");
  CLI::App *verb = addVerb(
      p, "deploy", "top module + calibration table -> tpu module and .bmodel",
      "  tessera deploy --mlir unet.mlir --quantize INT8 --calibration_table unet_cali_table \\\n"
      "      --chip bm1684x --model unet_int8.bmodel\n"
      "  tessera deploy --mlir unet.mlir --calibration_table unet_cali_table --model "
      "unet_int8.bmodel \\\n"
      "      --test_input unet_in_f32.npz --test_reference unet_top_outputs.npz --tolerance "
      "0.9,0.6\n"
      "  tessera deploy --mlir unet.mlir --quantize F16 --model unet_f16.bmodel\n");
  verb->add_option("--mlir", o->mlir, "the module that transform wrote")->required();
  verb->add_option("--quantize", o->quantize, "INT8 (default), F16, BF16 or F32");
  verb->add_option("--calibration_table", o->calibrationTable,
                   "the table that calibrate wrote (INT8)");
  verb->add_option("--quantize_table", o->quantizeTable,
                   "ops that get another precision: lines of a name and INT8, F16, BF16 or F32");
  verb->add_option("--chip,--processor", o->chip, "bm1684x (default)")
      ->check(CLI::IsMember({"bm1684x"}));
  verb->add_option("--model", o->model, "the .bmodel to write");
  verb->add_option("--test_input", o->testInput,
                   "image, .npy or .npz: interpreter and simulator must agree on it in every bit");
  verb->add_option("--test_reference", o->testReference,
                   "npz of transform's --test_result to compare with");
  verb->add_option("--tolerance", *tolerance,
                   "lowest cosine and Euclid likeness with the reference (default 0.8,0.5)");
  verb->add_flag("--compare_all", o->compareAll, "compare inner tensors with the reference too");
  verb->add_flag("--quant_input", o->quantInput,
                 "the .bmodel takes its inputs as 8 bits, without a cast (images and real values "
                 "are quantized when they are read)");
  verb->add_flag("--quant_output", o->quantOutput,
                 "the .bmodel gives its outputs as 8 bits, without a cast");
  verb->add_flag("--profile", o->profile,
                 "also compiler_profile_0.txt beside the .bmodel: the cycles of every command");
  std::string rewrites = "rewrites not to do, separated by commas";
  for (const auto &[name, does] : driver::kDeployRewrites)
    rewrites += std::string("; ") + name + ": " + does;
  verb->add_option("--without", o->search.without, rewrites)->delimiter(',');
  verb->add_option("--pins", o->search.pinFile,
                   "choices of the scheduler to keep: a file as explain --write_pins leaves");
  auto fresh = std::make_shared<bool>(false);
  verb->add_flag("--no_cache", *fresh,
                 "search anew: else what was found for the same network and options is taken "
                 "(folder: $TESSERA_CACHE, off: none; default ~/.cache/tessera)");
  addCycles(p, verb);
  onRun(p, verb, [=, &p]() -> Result<Answer> {
    o->search.cache = !*fresh;
    std::transform(o->quantize.begin(), o->quantize.end(), o->quantize.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    TESSERA_ASSIGN(auto numbers, parseNumbers("--tolerance", *tolerance));
    if (numbers.size() > 2)
      return fail("bad-option", "--tolerance", "'" + *tolerance + "' has more than two numbers",
                  "write cosine,euclid");
    o->toleranceCosine = numbers[0];
    o->toleranceEuclid = numbers.size() > 1 ? numbers[1] : -1;
    if (!o->testReference.empty() && o->testInput.empty())
      return fail("usage", "tessera deploy", "--test_reference needs --test_input", "");
    TESSERA_TRY(checkEnding("--model", o->model, ".bmodel"));
    TESSERA_TRY(keepInputs({o->mlir, o->calibrationTable, o->quantizeTable, o->testInput,
                            o->testReference, o->search.pinFile},
                           {o->model}));
    TESSERA_ASSIGN(driver::Report r, p.compiler.deploy(*o));
    Answer answer{r.json, r.lines};
    if (!o->model.empty())
      sayPreset(answer);
    return answer;
  });
}

} // namespace tessera::cli
