#include "tessera/cli/verb.h"

namespace tessera::cli {

void addExplain(Program &p) {
  auto o = std::make_shared<driver::ExplainOptions>();
  CLI::App *verb = addVerb(
      p, "explain", "why a network compiles as it does, what else could be done, what would help",
      "  tessera explain unet_bm1684x_int8_sym_final.mlir\n"
      "  tessera explain unet_bm1684x_int8_sym_final.mlir --what-if local_bytes=131072\n"
      "  tessera explain unet_bm1684x_int8_sym_final.mlir --write_pins pins.json\n"
      "  tessera deploy --mlir unet.mlir --calibration_table unet_cali_table --model unet.bmodel "
      "--pins pins.json\n");
  verb->add_option("mlir", o->mlir, "the _final.mlir or _tpu.mlir that deploy wrote")->required();
  verb->add_option("--others", o->others, "alternatives shown for each choice (default 3)")
      ->check(wholeNumber(0, 1000));
  verb->add_option("--pins", o->search.pinFile, "choices to keep: a file as --write_pins leaves");
  verb->add_option("--write_pins", o->writePins, "write the choices made to this .json file");
  verb->add_option("--what-if", o->whatIf,
                   "NAME=NUMBER: a constant of the cycle preset changed, e.g. lanes=128, "
                   "bandwidth=1.5 (a factor), clock_hz=950000000, or local_bytes=131072 (of a "
                   "lane); the network is planned anew. May be given often")
      ->allow_extra_args(false);
  addCycles(p, verb);
  onRun(p, verb, [o, &p]() -> Result<Answer> {
    TESSERA_TRY(checkEnding("--write_pins", o->writePins, ".json"));
    TESSERA_TRY(keepInputs({o->mlir, o->search.pinFile}, {o->writePins}));
    TESSERA_ASSIGN(driver::Report r, p.compiler.explain(*o));
    return Answer{r.json, r.lines};
  });
}

} // namespace tessera::cli
