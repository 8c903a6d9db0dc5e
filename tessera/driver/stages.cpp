// The pipeline on one page.
#include "tessera/driver/stages.h"

#include "tessera/bmodel/bmodel.h"
#include "tessera/calibrate/calibrate.h"
#include "tessera/driver/compile.h"
#include "tessera/driver/patterns.h"
#include "tessera/driver/recipe.h"
#include "tessera/image/image.h"
#include "tessera/import/onnx/import.h"
#include "tessera/interpret/interpret.h"
#include "tessera/optimize/optimize.h"
#include "tessera/profile/profile.h"
#include "tessera/quantize/quantize.h"
#include "tessera/runtime/runtime.h"
#include "tessera/support/file.h"
#include "tessera/support/progress.h"
#include "tessera/tensor/compare.h"
#include "tessera/tensor/npz.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace fs = std::filesystem;
namespace tessera::driver {
namespace {

// Outputs of two runs side by side; fails where they are less like than asked.
struct Likeness {
  double cosine = 1, euclid = 1;
  std::string worst; ///< name of the tensor with the lowest cosine
  int64_t compared = 0;
};

std::string withoutSuffix(const std::string &name) {
  return name.ends_with("_f32") ? name.substr(0, name.size() - 4) : name;
}

/// Compares each tensor of `ours` with the one of `reference` under its name, or its name without
/// "_f32".
Result<Likeness> compareMaps(const TensorMap &ours, const TensorMap &reference) {
  Likeness result;
  for (const auto &[name, tensor] : ours) {
    const Tensor *other = reference.find(name);
    if (!other)
      other = reference.find(withoutSuffix(name));
    if (!other || other->count() != tensor.count())
      continue;
    TESSERA_ASSIGN(Comparison c, compareTensors(tensor, *other));
    ++result.compared;
    if (c.cosine < result.cosine) {
      result.cosine = c.cosine;
      result.worst = name;
    }
    result.euclid = std::min(result.euclid, c.euclid);
  }
  return result;
}

/// Images, .npy and .npz files directly inside `folder`, sorted by name.
Result<std::vector<fs::path>> listSamples(const fs::path &folder) {
  TESSERA_ASSIGN(std::vector<fs::path> files, listImages(folder));
  std::error_code ec;
  for (const auto &entry : fs::directory_iterator(folder, ec))
    if (entry.path().extension() == ".npz" || entry.path().extension() == ".npy")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Result<ir::Module> loadModule(const fs::path &file) {
  if (file.extension() != ".mlir")
    return fail("bad-file", file.string(), "is not an .mlir file",
                "give the module that `tessera transform` wrote");
  return ir::Module::load(file);
}

fs::path beside(const fs::path &file, const std::string &name) { return file.parent_path() / name; }

} // namespace

Result<Report> transform(const TransformOptions &o) {
  Report report;
  if (o.modelDef.extension() != ".onnx")
    return fail("bad-file", o.modelDef.string(), "is not an .onnx file",
                "export the network to ONNX first");
  // Import: ONNX semantics, unfused, so that the network before the rewrites can be compared with.
  onnx_import::ImportOptions import;
  import.modelName = o.modelName;
  import.inputShapes = o.inputShapes;
  import.outputNames = o.outputNames;
  import.reproDir = o.repro;
  TESSERA_ASSIGN(ir::Module module, onnx_import::importOnnx(o.modelDef, import));
  applyRecipe(module, o.recipe);
  if (!o.imported.empty())
    TESSERA_TRY(module.save(o.imported, o.imported.stem().string() + "_weight.npz"));
  ir::Module imported = module.clone();
  TESSERA_TRY(applyPatterns(module, o, report));
  // Rewrites: fold BatchNorm, ReLU and pre-processing nodes.
  optimize::OptimizeOptions how;
  how.skip = o.without;
  how.compose = o.compose == "always" ? optimize::Composition::Always
                : o.compose == "pays" ? optimize::Composition::WherePays
                                      : optimize::Composition::Never;
  TESSERA_ASSIGN(optimize::OptimizeReport rewrites, optimize::optimize(module, how));
  if (o.oneChannelHead) {
    TESSERA_ASSIGN(std::string note, optimize::oneChannelHead(module));
    rewrites.notes.push_back(note);
  }
  std::string weights = o.modelName + "_top_f32_all_weight.npz";
  TESSERA_TRY(module.save(o.mlir, weights));
  int64_t ops = 0;
  module.main().walk([&](mlir::Operation *op) {
    ops += !llvm::isa<top::WeightOp, mlir::func::FuncOp, mlir::func::ReturnOp>(op);
  });
  report.json["mlir"] = o.mlir.string();
  report.json["weights"] = beside(o.mlir, weights).string();
  report.json["ops"] = ops;
  report.lines.push_back(fmt::format("{}: {} ops, weights in {}", o.mlir.string(), ops, weights));
  for (const std::string &note : rewrites.notes) {
    report.json["notes"].push_back(note);
    report.lines.push_back("note: " + note);
  }
  if (o.testInput.empty())
    return report;

  // Test run: the rewrites must not change what the network computes.
  TESSERA_ASSIGN(auto model, Model::open(o.mlir, {}, openModule));
  TESSERA_ASSIGN(TensorMap input, model->readInput(o.testInput));
  fs::path inputFile = beside(o.mlir, o.modelName + "_in_f32.npz");
  TESSERA_TRY(writeNpz(inputFile, input));
  TESSERA_ASSIGN(TensorMap after, model->run(input, /*all=*/true));
  TESSERA_ASSIGN(TensorMap before, interpret::Runner(imported).run(input));
  double worst = 0;
  for (const auto &[name, tensor] : before)
    if (const Tensor *t = after.find(name)) {
      TESSERA_ASSIGN(Comparison c, compareTensors(tensor, *t));
      worst = std::max(worst, c.maxAbsDiff);
    }
  report.json["test"] = {{"input", inputFile.string()}, {"max_abs_difference", worst}};
  report.lines.push_back(
      fmt::format("rewritten network against the imported one: largest difference {:.3g}", worst));
  if (!o.testResult.empty()) {
    TESSERA_TRY(writeNpz(o.testResult, after));
    report.json["test"]["result"] = o.testResult.string();
    report.lines.push_back("all tensors in " + o.testResult.string());
  }
  return report;
}

Result<Report> calibrate(const CalibrateOptions &o) {
  TESSERA_ASSIGN(ir::Module module, loadModule(o.mlir));
  if (module.state() != ir::kTopState)
    return fail("bad-module", o.mlir.string(), "is in state " + module.state(),
                "calibrate the file that `tessera transform` wrote");
  TESSERA_ASSIGN(auto model, Model::open(o.mlir, {}, openModule));
  std::vector<fs::path> files;
  if (!o.dataList.empty()) {
    TESSERA_ASSIGN(std::string text, readText(o.dataList));
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min(text.find('\n', at), text.size());
      std::string line = text.substr(at, end - at);
      while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
        line.pop_back();
      if (!line.empty())
        files.emplace_back(line);
      at = end + 1;
    }
  } else {
    TESSERA_ASSIGN(files, listSamples(o.dataset));
  }
  if (o.inputNum > 0 && files.size() > size_t(o.inputNum))
    files.resize(o.inputNum);
  if (files.empty())
    return fail("no-images", (o.dataset.empty() ? o.dataList : o.dataset).string(),
                "holds no image, .npy or .npz file", "");
  calibrate::Options options;
  options.method = o.method;
  options.bins = o.histogramBins;
  options.allowDead = o.allowDead;
  TESSERA_ASSIGN(
      calibrate::Table table,
      calibrate::calibrate(
          module, files.size(), [&](size_t i) { return model->readInput(files[i]); }, options));
  table.model = o.mlir.filename().string();
  TESSERA_TRY(calibrate::writeTable(o.output, table));
  Report report;
  report.json = {
      {"table", o.output.string()}, {"images", files.size()}, {"tensors", table.rows.size()}};
  report.lines.push_back(fmt::format("{}: thresholds of {} tensors from {} images, method {}",
                                     o.output.string(), table.rows.size(), files.size(), o.method));
  for (const std::string &note : table.notes) {
    report.json["notes"].push_back(note);
    report.lines.push_back("note: " + note);
  }
  return report;
}

Result<Report> deploy(const DeployOptions &o) {
  Report report;
  TESSERA_TRY(checkWithout(o.search));
  TESSERA_ASSIGN(ir::Module top, loadModule(o.mlir));
  // Quantize.
  quantize::Thresholds thresholds;
  quantize::Modes modes;
  if (!o.quantizeTable.empty()) {
    TESSERA_ASSIGN(modes, quantize::readQtable(o.quantizeTable));
  }
  if (o.quantize == "INT8" ||
      std::ranges::any_of(modes, [](const auto &m) { return m.second == "INT8"; })) {
    if (o.calibrationTable.empty())
      return fail("missing-table", o.mlir.string(), "INT8 needs --calibration_table",
                  "make one: tessera calibrate " + o.mlir.string() +
                      " --dataset FOLDER -o cali_table");
    TESSERA_ASSIGN(calibrate::Table table, calibrate::readTable(o.calibrationTable));
    for (const calibrate::Row &row : table.rows)
      thresholds[row.name] = {row.threshold, row.min, row.max};
  }
  TESSERA_ASSIGN(quantize::Quantized quantized,
                 quantize::quantize(top, thresholds,
                                    {o.quantize, o.chip, does(o.search, "tie_scales"), o.quantInput,
                                     o.quantOutput, modes},
                                    o.mlir.string()));
  ir::Module &tpu = quantized.module;
  keepOutputKinds(top, tpu);
  std::string suffix = "int8_sym";
  if (o.quantize != "INT8") {
    suffix = o.quantize;
    std::ranges::transform(suffix, suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  }
  std::string base = top.name() + "_" + o.chip + "_" + suffix;
  fs::path folder = o.model.empty() ? o.mlir : o.model;
  fs::path tpuFile = beside(folder, base + "_tpu.mlir");
  TESSERA_TRY(tpu.save(tpuFile, base + "_tpu_weights.npz"));
  report.json["tpu"] = tpuFile.string();
  report.lines.push_back(tpuFile.string() + ": " + o.quantize);
  for (const std::string &note : quantized.notes) {
    report.json["notes"].push_back(note);
    report.lines.push_back("note: " + note);
  }
  // Schedule and emit.
  if (!o.model.empty()) {
    TESSERA_ASSIGN(Compiled compiled, compile(tpu, o.search));
    emit::Emitted &emitted = compiled.emitted;
    addOnnxNodes(emitted, top);
    TESSERA_TRY(writeText(beside(o.model, o.model.stem().string() + "_ids.json"),
                          emitted.ids.dump() + "\n"));
    TESSERA_TRY(bmodel::write(o.model, emitted.model));
    // The same module with the choices on its ops, for people and for explain.
    annotate(tpu, compiled);
    fs::path finalFile = beside(o.model, base + "_final.mlir");
    TESSERA_TRY(writeText(finalFile, tpu.text()));
    report.json["final"] = finalFile.string();
    TESSERA_ASSIGN(double ms, estimateMilliseconds(emitted.model));
    const bmodel::Stage &stage = emitted.model.nets.front().stages.front();
    if (o.profile) {
      TESSERA_ASSIGN(profile::Profile p, profile::profile(emitted.model, 0, o.model.string()));
      fs::path file = beside(o.model, "compiler_profile_0.txt");
      TESSERA_TRY(writeText(file, profile::compilerProfileText(p)));
      report.json["profile"] = file.string();
      report.lines.push_back(file.string() + ": cycles of every command");
    }
    report.json["bmodel"] = o.model.string();
    report.json["ms"] = ms;
    report.json["coeff_bytes"] = stage.coeff.size();
    report.json["neuron_bytes"] = stage.ctxSize;
    report.lines.push_back(fmt::format(
        "{}: {:.3f} ms by the cycle model, weights {:.2f} MiB, tensors {:.2f} MiB",
        o.model.string(), ms, stage.coeff.size() / 1048576.0, stage.ctxSize / 1048576.0));
  }
  if (o.testInput.empty())
    return report;

  // Prove: interpreter and simulator agree in every bit; the reference is as like as asked.
  TESSERA_ASSIGN(auto interpreted, Model::open(tpuFile, {}, openModule));
  TESSERA_ASSIGN(TensorMap input, interpreted->readInput(o.testInput));
  TESSERA_ASSIGN(TensorMap tensors, interpreted->run(input, /*all=*/true));
  fs::path tensorFile = beside(folder, base + "_tpu_outputs.npz");
  TESSERA_TRY(writeNpz(tensorFile, tensors));
  report.json["test"]["tpu_outputs"] = tensorFile.string();
  if (!o.model.empty()) {
    TESSERA_ASSIGN(auto simulated, Model::open(o.model, {}, openModule));
    TESSERA_ASSIGN(TensorMap outputs, simulated->run(input, /*all=*/false));
    fs::path outputFile = beside(folder, base + "_model_outputs.npz");
    TESSERA_TRY(writeNpz(outputFile, outputs));
    Error errors;
    for (const auto &[name, tensor] : outputs) {
      const Tensor *t = tensors.find(name);
      TESSERA_CHECK(t, "the bmodel has an output the tpu module lacks");
      TESSERA_ASSIGN(Comparison c, compareTensors(tensor, *t));
      if (!c.equal())
        errors.add(Diagnostic{"not-equal", o.model.string() + ": tensor '" + name + "'",
                              fmt::format("simulator and interpreter differ in {} of {} elements, "
                                          "first at flat index {}",
                                          c.differing, c.count, c.worstIndex),
                              "this is a bug of Tessera; please report the model"});
    }
    if (!errors.empty())
      return fail(std::move(errors));
    report.json["test"]["model_outputs"] = outputFile.string();
    report.json["test"]["equal"] = true;
    report.lines.push_back("simulator and interpreter agree in every element of " +
                           std::to_string(outputs.size()) + " output(s)");
  }
  if (!o.testReference.empty()) {
    TESSERA_ASSIGN(TensorMap reference, readNpz(o.testReference));
    TensorMap ours;
    for (const auto &[name, tensor] : tensors) {
      bool isOutput = std::any_of(interpreted->outputs().begin(), interpreted->outputs().end(),
                                  [&](const OutputInfo &i) { return i.name == name; });
      if (o.compareAll || isOutput)
        ours.set(name, tensor);
    }
    TESSERA_ASSIGN(Likeness like, compareMaps(ours, reference));
    if (like.compared == 0)
      return fail("bad-reference", o.testReference.string(), "holds none of the tensors to compare",
                  "give the file of transform's --test_result");
    report.json["test"]["cosine"] = like.cosine;
    report.json["test"]["euclid"] = like.euclid;
    report.lines.push_back(
        fmt::format("against the reference: cosine {:.6f}, Euclid {:.6f} over {} tensor(s)",
                    like.cosine, like.euclid, like.compared));
    if (like.cosine < o.toleranceCosine || like.euclid < o.toleranceEuclid)
      return fail(
          "tolerance", o.testReference.string(),
          fmt::format(
              "cosine {:.6f} and Euclid {:.6f} are below --tolerance {},{}; the least like is '{}'",
              like.cosine, like.euclid, o.toleranceCosine, o.toleranceEuclid, like.worst),
          "look at that tensor's threshold, or lower --tolerance");
  }
  return report;
}

} // namespace tessera::driver
