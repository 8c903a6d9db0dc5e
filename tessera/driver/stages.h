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
  bool oneChannelHead = false; ///< two classes as one channel: their difference
  RecipeFlags recipe;
  std::filesystem::path testInput, testResult; ///< empty: no test run
  std::filesystem::path repro;                 ///< folder for one-node models of refused nodes
  std::vector<std::string> without;            ///< passes of optimize to leave out
  std::string compose = "pays";   ///< transposed convolutions with the next: never, pays, always
  std::filesystem::path imported; ///< empty, or where to write the module before all rewrites
  std::vector<std::filesystem::path> patterns; ///< the user's rewrites (docs/patterns.md)
  bool uncheckedPatterns = false;              ///< they may change what the network computes
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

/// How the scheduler searches.
struct SearchOptions {
  std::vector<std::string> without; ///< rewrites not to do: names of kDeployRewrites
  std::filesystem::path pinFile;    ///< choices to keep (explain/pins.h)
  int64_t localBytes = 0;           ///< of a lane; 0: the chip's
  bool cache = false;               ///< take what an earlier search found, keep what this one finds
};

struct DeployOptions {
  std::filesystem::path mlir, calibrationTable, quantizeTable, model;
  std::string quantize = "INT8", chip = "bm1684x";
  std::filesystem::path testInput, testReference;
  double toleranceCosine = 0.8, toleranceEuclid = 0.5;
  bool compareAll = false;
  bool quantInput = false, quantOutput = false; ///< inputs and outputs as stored, without Casts
  bool profile = false;                         ///< also compiler_profile_0.txt beside the bmodel
  SearchOptions search;
};
/// Rewrites that can be left out, each with what it does.
inline constexpr std::pair<const char *, const char *> kDeployRewrites[] = {
    {"tie_scales", "tensors that only a Concat reads take its scale"},
    {"unfold", "convolutions of few input channels run over their unfolded windows"},
    {"stack", "convolutions of few channels run over bands of rows side by side in the lanes"},
    {"phases",
     "transposed convolutions run as one plain convolution for each remainder by the stride"},
    {"groups", "chains of layers stay in local memory"}};

/// top + table -> tpu module, schedule, bmodel. With a test input: interpreter and simulator must
/// agree in every bit; with a reference, its tensors must be as like as the tolerances ask.
Result<Report> deploy(const DeployOptions &options);

struct ExplainOptions {
  std::filesystem::path mlir; ///< tpu module; one that deploy left as _final.mlir says its choices
  SearchOptions search;
  std::filesystem::path writePins; ///< file for the choices
  std::vector<std::string> whatIf; ///< NAME=NUMBER: a constant of the preset, or local_bytes
  int64_t others = 3;              ///< alternatives a choice
};
/// Why the module compiles as it does (explain/explain.h): report.lines is the text, report.json
/// the same for programs.
Result<Report> explain(const ExplainOptions &options);

} // namespace tessera::driver
