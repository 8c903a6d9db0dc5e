// Networks that the interpreter walks. A file of its own, so that a program that opens bmodels only
// links no compiler room.
#include "tessera/driver/recipe.h"
#include "tessera/import/onnx/import.h"
#include "tessera/interpret/interpret.h"

namespace fs = std::filesystem;
namespace tessera::driver {
namespace {

/// A module walked by the interpreter: ONNX, top or tpu.
class InterpretedModel : public Model {
public:
  InterpretedModel(const fs::path &path, ir::Module module, const char *stage,
                   const RecipeFlags &flags)
      : module_(std::move(module)), stage_(stage), runner_(module_) {
    path_ = path;
    inputs_ = inputsOf(module_);
    outputs_ = outputsOf(module_);
    for (InputInfo &i : inputs_)
      flags.apply(i.recipe);
  }
  const char *stage() const override { return stage_; }
  bool concurrent() const override { return true; }
  Result<TensorMap> run(const TensorMap &inputs, bool all) override {
    interpret::Runner::Options options;
    options.keepAll = all;
    TESSERA_ASSIGN(TensorMap tensors, runner_.run(inputs, options));
    return interpret::dequantized(tensors, runner_); // as a bmodel's run gives them
  }

private:
  ir::Module module_;
  const char *stage_;
  interpret::Runner runner_;
};

} // namespace

Result<std::unique_ptr<Model>> openModule(const fs::path &path, const OpenOptions &options) {
  if (path.extension() == ".onnx") {
    onnx_import::ImportOptions import;
    import.modelName = path.stem().string();
    import.inputShapes = options.inputShapes;
    import.outputNames = options.outputNames;
    TESSERA_ASSIGN(ir::Module module, onnx_import::importOnnx(path, import));
    return std::make_unique<InterpretedModel>(path, std::move(module), "onnx", options.flags);
  }
  TESSERA_ASSIGN(ir::Module module, ir::Module::load(path));
  const char *stage = module.state() == ir::kTopState ? "top" : "tpu";
  return std::make_unique<InterpretedModel>(path, std::move(module), stage, options.flags);
}

} // namespace tessera::driver
