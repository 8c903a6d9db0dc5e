#include "tessera/cli/verb.h"

namespace tessera::cli {

void addCalibrate(Program &p) {
  auto o = std::make_shared<driver::CalibrateOptions>();
  CLI::App *verb =
      addVerb(p, "calibrate", "images -> calibration table",
              "  tessera calibrate unet.mlir --dataset images --input_num 32 -o unet_cali_table\n");
  verb->add_option("mlir", o->mlir, "the module that transform wrote; its pre-processing is used")
      ->required();
  auto *dataset = verb->add_option("--dataset", o->dataset,
                                   "folder of images, .npy or .npz files, taken in name order");
  auto *list = verb->add_option("--data_list", o->dataList,
                                "text file with one such file a line, instead of --dataset");
  dataset->excludes(list);
  verb->add_option("--input_num", o->inputNum, "use the first so many (default: all)")
      ->check(wholeNumber(0, INT32_MAX));
  verb->add_option("-o,--calibration_table", o->output, "the table to write")->required();
  verb->add_option("--cali_method", o->method, "kl (default) or max")
      ->check(CLI::IsMember({"kl", "max"}));
  verb->add_option("--histogram_bin_num", o->histogramBins,
                   "bins of the KL histogram (default 2048)")
      ->check(wholeNumber(128, 65536));
  verb->add_flag("--allow_dead", o->allowDead,
                 "go on where a tensor is zero in all images (threshold 1) and say so");
  onRun(p, verb, [=, &p]() -> Result<Answer> {
    if (o->dataset.empty() && o->dataList.empty())
      return fail("usage", "tessera calibrate", "--dataset or --data_list is required", "");
    TESSERA_TRY(keepInputs({o->mlir, o->dataList}, {o->output}));
    TESSERA_ASSIGN(driver::Report r, p.compiler.calibrate(*o));
    return Answer{r.json, r.lines};
  });
}

} // namespace tessera::cli
