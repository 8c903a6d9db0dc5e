#pragma once
// The pipeline on one page: each stage reads a file, writes a file, and says what it did. No MLIR
// here.
#include "tessera/driver/model/model.h"

#include <nlohmann/json.hpp>

namespace tessera::driver {

/// What a stage has to tell: facts for --json, lines for people.
struct Report {
  nlohmann::ordered_json json;
  std::vector<std::string> lines;
};

struct TransformOptions {
  std::string modelName;
  std::filesystem::path modelDef, mlir;
  std::vector<Shape> inputShapes;
  std::vector<std::string> outputNames;
  RecipeFlags recipe;
  std::filesystem::path testInput, testResult; ///< empty: no test run
  std::filesystem::path repro;                 ///< folder for one-node models of refused nodes
  std::string compose = "pays"; ///< transposed convolutions with the next: never, pays, always
};
/// ONNX -> optimised top module. With a test input: writes NAME_in_f32.npz beside `mlir`, runs the
/// network before and after the rewrites, compares, writes all tensors to `testResult`.
Result<Report> transform(const TransformOptions &options);

struct CalibrateOptions {
  std::filesystem::path mlir, dataset, dataList, output;
  int64_t inputNum = 0; ///< 0 = all images
  std::string method = "kl";
  int histogramBins = 2048;
  bool allowDead = false; ///< tensors that are zero in all images get threshold 1 and a note
};
/// Images -> calibration table.
Result<Report> calibrate(const CalibrateOptions &options);

struct DeployOptions {
  std::filesystem::path mlir, calibrationTable, model;
  std::string quantize = "INT8", chip = "bm1684x";
  std::filesystem::path testInput, testReference;
  double toleranceCosine = 0.8, toleranceEuclid = 0.5;
  bool compareAll = false;
  bool profile = false;             ///< also compiler_profile_0.txt beside the bmodel
  std::vector<std::string> without; ///< rewrites not to do: names of kDeployRewrites
};
/// Rewrites that can be left out, each with what it does.
inline constexpr std::pair<const char *, const char *> kDeployRewrites[] = {
    {"tie_scales", "tensors that only a Concat reads take its scale"},
    {"unfold", "convolutions of few input channels run over their unfolded windows"},
    {"stack", "convolutions of few channels run over bands of rows side by side in the lanes"},
    {"groups", "chains of layers stay in local memory"}};

/// top + table -> tpu module, schedule, bmodel. With a test input: interpreter and simulator must
/// agree in every bit; with a reference, its tensors must be as like as the tolerances ask.
Result<Report> deploy(const DeployOptions &options);

} // namespace tessera::driver
