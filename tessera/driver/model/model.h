#pragma once
// One face for a network at any stage: an ONNX file, a top or tpu module, a bmodel. No MLIR here,
// so that the program and the scorer compile quickly.
#include "tessera/image/image.h"
#include "tessera/image/preprocess.h"
#include "tessera/tensor/tensor.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tessera::bmodel {
struct Model;
}
namespace tessera::driver {

/// Run time of a bmodel's first net and stage in ms by the cycle preset in force, its command
/// groups one after the other. Errors of the decoder and of an id deadlock.
Result<double> estimateMilliseconds(const bmodel::Model &model);

/// Pre-processing given on the command line; unset fields leave what the file holds.
struct RecipeFlags {
  std::optional<std::vector<double>> mean, scale;
  std::optional<std::string> pixelFormat, channelFormat, padType;
  std::optional<std::vector<int64_t>> resizeDims;
  std::optional<bool> keepAspectRatio;
  std::optional<int64_t> padValue;
  bool any() const;
  void apply(Preprocess &recipe) const;
};

/// What the numbers of an output mean, which decides how a mask is made of them.
enum class OutputKind { Logits, Probability, Classes };
const char *outputKindName(OutputKind kind); ///< "logits", "probability", "classes"
std::optional<OutputKind> outputKindFrom(const std::string &name);

struct InputInfo {
  std::string name;
  Shape shape;
  Preprocess recipe;
  bool recipeKnown =
      true; ///< false: a bmodel without a recipe and no flags; the defaults are a guess
  std::vector<Shape> otherShapes{}; ///< of a bmodel's further stages; images take `shape`
  DType stored = DType::F32;        ///< an array of it is taken as it is, others as real values
  bool takes(const Shape &s) const {
    return s == shape || std::find(otherShapes.begin(), otherShapes.end(), s) != otherShapes.end();
  }
};

struct OutputInfo {
  std::string name;
  OutputKind kind = OutputKind::Logits;
};

struct OpenOptions {
  RecipeFlags flags;
  std::vector<Shape> inputShapes;       ///< ONNX; of a bmodel: the stage that images take
  std::vector<std::string> outputNames; ///< ONNX only
  std::string net;                      ///< of a bmodel of several
};

class Model;
/// Opens an .onnx or .mlir file, which takes the compiler rooms.
using OpenModule = Result<std::unique_ptr<Model>> (*)(const std::filesystem::path &path,
                                                      const OpenOptions &options);
Result<std::unique_ptr<Model>> openModule(const std::filesystem::path &path,
                                          const OpenOptions &options);

class Model {
public:
  virtual ~Model() = default;
  /// By the file's ending: .onnx and .mlir by `openModule`, .bmodel here. Errors located in the
  /// file.
  static Result<std::unique_ptr<Model>> open(const std::filesystem::path &path,
                                             const OpenOptions &options, OpenModule openModule);

  const std::filesystem::path &path() const { return path_; }
  const std::vector<InputInfo> &inputs() const { return inputs_; }
  const std::vector<OutputInfo> &outputs() const { return outputs_; }
  virtual const char *stage() const = 0; ///< "onnx", "top", "tpu", "bmodel"
  /// Estimated run time in ms by the cycle model; only a bmodel has one.
  virtual std::optional<double> milliseconds() const { return std::nullopt; }
  /// True if run() may be called from several threads at once.
  virtual bool concurrent() const { return false; }
  /// Memory of one run at most, in bytes, beside what all share; 0 = not known.
  virtual uint64_t runBytes() const { return 0; }
  /// @param inputs by input name; F32 of the input's shape. @param all also inner tensors, in op
  /// order, integers as real values.
  virtual Result<TensorMap> run(const TensorMap &inputs, bool all) = 0;

  /// A picture -> the network's only input, by its recipe. Error for a network of several
  /// inputs.
  /// `where` names the picture in messages.
  Result<TensorMap> preprocessImage(const Image &image, const std::string &where) const;
  /// Image, .npy or .npz -> inputs by name; npy and npz are taken as they are (shape checked).
  Result<TensorMap> readInput(const std::filesystem::path &path) const;

protected:
  std::filesystem::path path_;
  std::vector<InputInfo> inputs_;
  std::vector<OutputInfo> outputs_;
};

} // namespace tessera::driver
