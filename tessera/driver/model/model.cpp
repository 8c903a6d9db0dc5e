#include "tessera/driver/model/model.h"

#include "tessera/bmodel/bmodel.h"
#include "tessera/cycles/cycles.h"
#include "tessera/isa/isa.h"
#include "tessera/runtime/runtime.h"
#include "tessera/tensor/npz.h"

#include <algorithm>
#include <cmath>

namespace fs = std::filesystem;
namespace tessera::driver {
namespace {

class BmodelModel : public Model {
public:
  BmodelModel(const fs::path &path, runtime::Session session, const RecipeFlags &flags)
      : session_(std::move(session)) {
    path_ = path;
    const bmodel::Stage &stage = session_.model().nets.front().stages.front();
    const nlohmann::ordered_json &recipe = session_.model().recipe;
    for (const bmodel::TensorInfo &t : stage.inputs) {
      InputInfo info{t.name, t.shape, {}, flags.any()};
      info.stored = t.dtype;
      if (recipe.is_object() && recipe.contains("inputs"))
        for (const auto &j : recipe["inputs"])
          if (j.value("name", "") == t.name)
            if (auto p =
                    preprocessFromJson(j.value("preprocess", nlohmann::ordered_json::object()))) {
              info.recipe = *p;
              info.recipeKnown = true;
            }
      flags.apply(info.recipe);
      for (const bmodel::Stage &other : session_.model().nets.front().stages)
        for (const bmodel::TensorInfo &o : other.inputs)
          if (o.name == t.name && o.shape != t.shape)
            info.otherShapes.push_back(o.shape);
      inputs_.push_back(std::move(info));
    }
    for (const bmodel::TensorInfo &t : stage.outputs) {
      OutputInfo info{t.name, dtypeIsFloat(t.dtype) ? OutputKind::Logits : OutputKind::Classes};
      if (recipe.is_object() && recipe.contains("outputs"))
        for (const auto &j : recipe["outputs"])
          if (j.value("name", "") == t.name)
            info.kind = outputKindFrom(j.value("kind", "")).value_or(info.kind);
      outputs_.push_back(std::move(info));
    }
  }
  const char *stage() const override { return "bmodel"; }
  std::optional<double> milliseconds() const override {
    auto ms = estimateMilliseconds(session_.model());
    return ms ? std::optional(*ms) : std::nullopt;
  }
  bool concurrent() const override { return true; }
  uint64_t runBytes() const override { return session_.runBytes(); }
  Result<TensorMap> run(const TensorMap &inputs, bool all) override {
    runtime::RunOptions options;
    options.dumpAllTensors = all;
    return session_.run(inputs, options);
  }

private:
  runtime::Session session_;
};

std::string inputNames(const std::vector<InputInfo> &inputs) {
  std::string s;
  for (const InputInfo &i : inputs)
    s += (s.empty() ? "'" : ", '") + i.name + "'";
  return s;
}

} // namespace

bool RecipeFlags::any() const {
  return mean || scale || pixelFormat || channelFormat || padType || resizeDims ||
         keepAspectRatio || padValue;
}

void RecipeFlags::apply(Preprocess &r) const {
  if (mean)
    r.mean = *mean;
  if (scale)
    r.scale = *scale;
  if (pixelFormat)
    r.pixelFormat = *pixelFormat;
  if (channelFormat)
    r.channelFormat = *channelFormat;
  if (padType)
    r.padType = *padType;
  if (resizeDims)
    r.resizeDims = *resizeDims;
  if (keepAspectRatio)
    r.keepAspectRatio = *keepAspectRatio;
  if (padValue)
    r.padValue = *padValue;
}

const char *outputKindName(OutputKind kind) {
  switch (kind) {
  case OutputKind::Logits:
    return "logits";
  case OutputKind::Probability:
    return "probability";
  case OutputKind::Classes:
    return "classes";
  }
  return "";
}

std::optional<OutputKind> outputKindFrom(const std::string &name) {
  for (OutputKind k : {OutputKind::Logits, OutputKind::Probability, OutputKind::Classes})
    if (name == outputKindName(k))
      return k;
  return std::nullopt;
}

Result<double> estimateMilliseconds(const bmodel::Model &model) {
  uint64_t cycles = 0;
  for (const bmodel::SubNet &subnet : model.nets.front().stages.front().subnets)
    for (const bmodel::CommandGroup &g : subnet.groups) {
      TESSERA_ASSIGN(auto tiu, isa::decodeStream(isa::Engine::Tiu, g.tiu, g.tiuCount));
      TESSERA_ASSIGN(auto gdma, isa::decodeStream(isa::Engine::Gdma, g.gdma, g.gdmaCount));
      TESSERA_ASSIGN(auto timeline, cycles::timeline(tiu, gdma));
      cycles += timeline.totalCycles;
    }
  return cycles::inForce().milliseconds(cycles);
}

Result<std::unique_ptr<Model>> Model::open(const fs::path &path, const OpenOptions &options,
                                           OpenModule openModule) {
  std::string kind = path.extension().string();
  if (kind != ".onnx" && !options.outputNames.empty())
    return fail("bad-option", path.string(), "--output_names goes with an .onnx file",
                "outputs of " + (kind.empty() ? "this file" : kind + " files") + " are fixed");
  if (kind != ".onnx" && kind != ".bmodel" && !options.inputShapes.empty())
    return fail("bad-option", path.string(),
                "--input_shapes goes with an .onnx file, and with a .bmodel of several shapes",
                "shapes of " + (kind.empty() ? "this file" : kind + " files") + " are fixed");
  if (kind != ".bmodel" && !options.net.empty())
    return fail("bad-option", path.string(), "--net goes with a .bmodel of several networks", "");
  if (kind == ".onnx" || kind == ".mlir")
    return openModule(path, options);
  if (kind == ".bmodel") {
    TESSERA_ASSIGN(runtime::Session session,
                   runtime::Session::open(path, {options.net, options.inputShapes}));
    return std::make_unique<BmodelModel>(path, std::move(session), options.flags);
  }
  return fail("bad-file", path.string(), "is no model: unknown ending '" + kind + "'",
              "give an .onnx, .mlir or .bmodel file");
}

Result<TensorMap> Model::preprocessImage(const Image &image, const std::string &where) const {
  if (inputs_.size() != 1)
    return fail("bad-input", where,
                "is one image, the network has " + std::to_string(inputs_.size()) +
                    " inputs: " + inputNames(inputs_),
                "give an .npz with an array for each");
  const InputInfo &in = inputs_.front();
  bool nhwc = in.recipe.channelFormat == "nhwc";
  if (in.shape.size() != 4 || in.shape[0] != 1)
    return fail("bad-input", path_.string() + ": input '" + in.name + "'",
                "has shape " + shapeText(in.shape) + ", an image fills 1xCxHxW only",
                "give an .npz instead");
  TESSERA_ASSIGN(Tensor t, preprocess(image, in.recipe, in.shape[nhwc ? 3 : 1],
                                      in.shape[nhwc ? 1 : 2], in.shape[nhwc ? 2 : 3]));
  TensorMap map;
  map.set(in.name, std::move(t));
  return map;
}

Result<TensorMap> Model::readInput(const fs::path &path) const {
  std::string kind = path.extension().string();
  TensorMap given, map;
  if (kind == ".npz") {
    TESSERA_ASSIGN(given, readNpz(path));
  } else if (kind == ".npy") {
    if (inputs_.size() != 1)
      return fail("bad-input", path.string(),
                  "is one array, the network has " + std::to_string(inputs_.size()) +
                      " inputs: " + inputNames(inputs_),
                  "give an .npz with an array for each");
    TESSERA_ASSIGN(Tensor t, readNpy(path));
    given.set(inputs_.front().name, std::move(t));
  } else {
    TESSERA_ASSIGN(Image image, readImage(path));
    return preprocessImage(image, path.string());
  }
  Error errors;
  for (const InputInfo &in : inputs_) {
    const Tensor *t = given.find(in.name);
    if (!t) {
      std::string has;
      for (const auto &[name, tensor] : given)
        has += (has.empty() ? "'" : ", '") + name + "'";
      errors.add(Diagnostic{"bad-input", path.string(), "has no array '" + in.name + "'",
                            "it holds " + (has.empty() ? "nothing" : has)});
    } else if (!in.takes(t->shape())) {
      std::string shapes = shapeText(in.shape);
      for (const Shape &other : in.otherShapes)
        shapes += " or " + shapeText(other);
      errors.add(Diagnostic{"bad-input", path.string() + ": array '" + in.name + "'",
                            "has shape " + shapeText(t->shape()) + ", the network takes " + shapes,
                            ""});
    } else if (t->dtype() == in.stored && in.stored != DType::F32) {
      map.set(in.name, *t);
    } else {
      Tensor values = t->converted(DType::F32);
      auto f = values.as<float>();
      if (auto bad = std::count_if(f.begin(), f.end(), [](float v) { return !std::isfinite(v); });
          bad > 0)
        errors.add(Diagnostic{"non-finite", path.string() + ": array '" + in.name + "'",
                              "holds " + std::to_string(bad) +
                                  " value(s) that are NaN, infinite or beyond f32",
                              "look for a division by zero where it was made"});
      map.set(in.name, std::move(values));
    }
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return map;
}

} // namespace tessera::driver
