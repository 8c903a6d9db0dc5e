#pragma once
// Runs a module of either dialect on tensors: top in float, tpu in its stored types. This is the
// plain meaning of a network, which calibration measures and the simulator must equal.
#include "tessera/interpret/kernels/conv2d.h"
#include "tessera/ir/module.h"

#include <functional>
#include <memory>

namespace tessera::interpret {

class Runner {
public:
  /// Reads the whole module once; neither it nor MLIR is touched afterwards (weight buffers are
  /// shared). An op that cannot be run makes every run() return that error.
  explicit Runner(const ir::Module &module);
  Runner(Runner &&) noexcept;
  ~Runner();

  /// A non-weight tensor of main, in op order.
  struct TensorInfo {
    std::string name;
    std::string op; ///< with dialect, e.g. "top.Conv"
    Shape shape;
    DType dtype;
    double scale; ///< 0 unless quantized
  };
  const std::vector<TensorInfo> &tensors() const;
  std::vector<TensorInfo> inputs() const;
  std::vector<TensorInfo> outputs() const; ///< in the order of main's results

  struct Options {
    bool keepAll = false; ///< return every non-weight tensor, in op order, not only the outputs
    /// Called with every non-weight tensor in op order as soon as it is computed.
    std::function<void(const std::string &name, const Tensor &)> onTensor;
    bool singleThread = false; ///< for callers that run images side by side
    FloatPath floatPath = FloatPath::Fast;
  };
  /// `inputs` by the names of the Input ops, of their shapes; other types than f32 are converted by
  /// value. Results by tensor name in their stored type. A tensor is freed after its last reader
  /// unless kept. Thread-safe; results do not depend on the number of threads. Errors, all at once:
  /// missing, unknown or misshapen inputs ("bad-input").
  Result<TensorMap> run(const TensorMap &inputs, const Options &options) const;
  Result<TensorMap> run(const TensorMap &inputs) const { return run(inputs, Options()); }

private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

/// Quantized tensors as f32 (q * scale), f16 and bf16 ones too, others as they are: what TPU-MLIR's
/// npz files hold.
TensorMap dequantized(const TensorMap &tensors, const Runner &runner);

} // namespace tessera::interpret
