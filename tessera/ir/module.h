#pragma once
// A network in MLIR with its weights, and its two files: NAME.mlir (text) and the npz beside it.
#include "tessera/ir/top/dialect.h"
#include "tessera/ir/tpu/dialect.h"
#include "tessera/tensor/tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <filesystem>
#include <memory>

namespace tessera::ir {

/// Which stage wrote a module; the attribute top.state.
inline constexpr const char *kTopState = "TOP_F32";     ///< top dialect, by import and optimize
inline constexpr const char *kTpuState = "TPU_LOWERED"; ///< tpu dialect, by quantize
inline constexpr const char *kFinalState =
    "TPU_ADDRESSED"; ///< tpu dialect with slices and addresses, by schedule

class Module {
public:
  /// `module @name` with state `state` and an empty `func.func @main`; types are set by the caller.
  static Module create(const std::string &name, const std::string &state);
  /// Parses and verifies text alone; `weights` stays empty. `where` names the text in errors.
  static Result<Module> parse(const std::string &text, const std::string &where);
  /// Parses and verifies the text and reads the weights its top.weight_file names (relative to the
  /// text's folder). Every op's error comes as a Diagnostic with file:line:column.
  static Result<Module> load(const std::filesystem::path &mlir);
  /// Writes the npz (`weightFile`, a file name in the same folder) first, then the text, both
  /// atomically.
  Status save(const std::filesystem::path &mlir, const std::string &weightFile);
  /// Verifier of all ops; errors as Diagnostics naming tensor and op.
  Status verify(const std::string &where);

  mlir::MLIRContext *context() const { return context_.get(); }
  mlir::ModuleOp op() const { return *op_; }
  mlir::func::FuncOp main() const;
  std::string name() const;
  std::string state() const;
  void setState(const std::string &state);
  /// String attributes of the module, prefix "top." added; empty if absent. E.g. "mode" = INT8,
  /// "chip".
  std::string attribute(const std::string &key) const;
  void setAttribute(const std::string &key, const std::string &value);
  std::string text() const;
  /// A deep copy in the same context.
  Module clone() const;

  TensorMap weights; ///< by tensor name, shapes and types as the Weight ops'

private:
  std::shared_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> op_;
};

/// A fresh context with func, quant, top and tpu loaded, single-threaded (determinism of ids and
/// errors).
std::shared_ptr<mlir::MLIRContext> makeContext();

/// Runs `body` with MLIR's diagnostics collected as ours; its errors are returned if it fails or
/// emits any.
Status collectErrors(mlir::MLIRContext *context, const std::string &where,
                     const std::function<mlir::LogicalResult()> &body);

/// Tensor names are NameLocs.
std::string nameOf(mlir::Operation *op);
std::string nameOf(mlir::Value v); ///< of its defining op
inline std::string nameOf(mlir::OpState op) { return nameOf(op.getOperation()); }
mlir::Location nameLoc(mlir::MLIRContext *context, const std::string &name);

/// Stable ids: `id` of every op, and `from`, the ids of the previous stage's ops (or ONNX node
/// indices) that it stands for. -1 / empty if unset.
int64_t idOf(mlir::Operation *op);
void setId(mlir::Operation *op, int64_t id);
std::vector<int64_t> originOf(mlir::Operation *op);
void setOrigin(mlir::Operation *op, std::vector<int64_t> from);

Shape shapeOf(mlir::Value v);
/// f32, f16, bf16, i32, si8/i8, ui8, !quant.uniform storage types.
DType dtypeOf(mlir::Value v);
/// Scale of a !quant.uniform value, 0 if it is not quantized.
double scaleOf(mlir::Value v);
bool isQuantized(mlir::Value v);
mlir::RankedTensorType floatType(mlir::MLIRContext *context, const Shape &shape);
/// tensor<shape x !quant.uniform<i8|u8:f32, scale>>, symmetric, full storage range.
mlir::RankedTensorType quantType(mlir::MLIRContext *context, const Shape &shape, bool isSigned,
                                 double scale);
/// tensor<shape x T> for I8 (si8... as i8), U8 (ui8), I16, U16, I32, F32, F16, BF16.
mlir::RankedTensorType plainType(mlir::MLIRContext *context, const Shape &shape, DType dtype);

} // namespace tessera::ir
