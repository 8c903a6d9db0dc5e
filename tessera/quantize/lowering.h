#pragma once
// What the per-op files of this room share: the module under construction, the table, the errors.
#include "tessera/numerics/requantize.h"
#include "tessera/quantize/quantize.h"

#include <optional>

namespace tessera::quantize {

class Lowering {
public:
  Lowering(const ir::Module &source, const Thresholds &thresholds, const Options &options,
           const std::string &where);

  Result<Quantized> run();

  /// Whether the op at hand is lowered to integers.
  bool integer() const { return mode_ == "INT8"; }
  /// The type of the op at hand where it is not.
  DType floating() const;
  const std::string &modeOf(mlir::Operation *op) const;
  /// Lowers the op at hand in F32, whatever its mode: for ops without another form.
  void inF32() { mode_ = "F32"; }
  /// The lowered value of a top value (never a weight) in the types of the op at hand: casts are
  /// made once for all who read it so.
  mlir::Value value(mlir::Value top);
  const Tensor &weight(mlir::Value top) const;
  bool isWeight(mlir::Value top) const;

  /// The quantized type the table gives to `op`'s result; an error and f32 if the table lacks it.
  /// The float type where the op at hand is not lowered to integers.
  mlir::RankedTensorType typeFromTable(mlir::Operation *op);
  /// The row of the Concat that alone reads `op`'s result (through Pads of zeros and resizes),
  /// where it has the same sign: written with the Concat's scale at once, the result is rounded
  /// once instead of twice. Else `own`.
  const Threshold &tied(mlir::Operation *op, const Threshold &own) const;
  /// The result type that keeps a lowered input's element type with the shape of `op`'s result.
  mlir::RankedTensorType typeLike(mlir::Value lowered, mlir::Operation *op);
  /// A lowered tensor's element type with another shape.
  static mlir::RankedTensorType resized(mlir::Value lowered, const Shape &shape) {
    return mlir::RankedTensorType::get(
        shape, llvm::cast<mlir::RankedTensorType>(lowered.getType()).getElementType());
  }
  mlir::RankedTensorType resultType(mlir::Operation *op, DType dtype, double scale);

  /// Creates a tpu op in place of `op`: its name, a fresh id, `from` = the top op's id.
  template <class TpuOp, class... Args> TpuOp create(mlir::Operation *op, Args &&...args) {
    return createNamed<TpuOp>(op, ir::nameOf(op), std::forward<Args>(args)...);
  }
  template <class TpuOp, class... Args>
  TpuOp createNamed(mlir::Operation *op, const std::string &name, Args &&...args) {
    auto result = builder.create<TpuOp>(ir::nameLoc(context(), name), std::forward<Args>(args)...);
    stamp(result, op);
    return result;
  }
  /// A tpu.Weight with its array.
  mlir::Value createWeight(mlir::Operation *op, const std::string &name, Tensor array);
  /// `lowered` rescaled by tpu.MulShift to the type of `like` unless it has it already.
  mlir::Value rescale(mlir::Operation *op, mlir::Value lowered, mlir::RankedTensorType like);

  /// An operand of a two-sided `op` in the result's shape and the types of the op at hand: a
  /// computed tensor repeated, a constant as a tensor (of 8 bits in steps of `scale` or more). Null
  /// where that has no form; then `op` was refused.
  mlir::Value operand(mlir::Operation *op, mlir::Value top, double scale = 0);
  /// `op` as TpuOp of two floats, behind it the ReLU that `op` ends in.
  template <class TpuOp>
  void lowerFloatPair(mlir::Operation *op, mlir::Value a, mlir::Value b, bool relu) {
    if (!a || !b)
      return; // refused
    std::string name = ir::nameOf(op) + (relu ? "_before_relu" : "");
    replaceRectified(op, createNamed<TpuOp>(op, name, typeFromTable(op), a, b), relu);
  }
  /// `lowered` repeated to `shape` where its own sizes are 1: by nearest resizes and Concats. Null
  /// where that has no form; then `op` was refused.
  mlir::Value broadcast(mlir::Operation *op, mlir::Value lowered, const Shape &shape);
  /// `op` as x * factor + bias by channel, factor and bias F32 [c], as a 1x1 convolution of each
  /// channel.
  void lowerPerChannel(mlir::Operation *op, mlir::Value input, const Tensor &factor,
                       const Tensor &bias, bool relu);
  /// a * b of lowered tensors of the result's shape.
  void lowerProduct(mlir::Operation *op, mlir::Value a, mlir::Value b, bool relu);
  /// A top value times a constant that repeats as NumPy has it.
  void lowerScaled(mlir::Operation *op, mlir::Value variable, const Tensor &factor, bool relu);
  /// A constant tensor: `array` repeated to `shape`; of 8 bits in steps of `scale`, or of more
  /// where its largest value asks for it. Null (and `op` refused) where it has none.
  mlir::Value constant(mlir::Operation *op, const Tensor &array, const Shape &shape,
                       double scale = 0);
  /// The same of a type that is given; what its range leaves out saturates.
  mlir::Value constantOf(mlir::Operation *op, const Tensor &array, mlir::RankedTensorType type);
  /// A constant operand of `op` as F32 [c] that does to channels of [n, c, ...] what it does by
  /// broadcasting; nullopt where it differs within a channel or the other operand (of shape
  /// `other`) is repeated too.
  std::optional<Tensor> perChannel(const Tensor &constant, const Shape &shape,
                                   const Shape &other) const;

  /// As tpu.Float, which computes in F32 what the top op does.
  void lowerAsFloat(mlir::Operation *op);

  /// Declares that `op`'s result is `lowered`.
  void replace(mlir::Operation *op, mlir::Value lowered) { values_[op->getResult(0)] = lowered; }
  /// With a ReLU behind it where `relu`.
  void replaceRectified(mlir::Operation *op, mlir::Value lowered, bool relu) {
    replace(op, relu ? mlir::Value(create<tpu::ReluOp>(op, lowered.getType(), lowered)) : lowered);
  }

  void refuse(mlir::Operation *op, const std::string &reason, const std::string &hint);
  /// The scales of `lowered` and of op's result, `scale`, have no common factor of 8 bits.
  void refuseScales(mlir::Operation *op, mlir::Value lowered, double scale);
  /// The factor of 8 bits from steps of `from`, in which `lowered` counts, to steps of `scale`. Far
  /// smaller ones add nothing; nullopt (and `op` refused) where the factor is too large.
  std::optional<numerics::MultiplierShift> factor(mlir::Operation *op, mlir::Value lowered,
                                                  double from, double scale);
  void note(mlir::Operation *op, const std::string &text);
  mlir::MLIRContext *context() const { return target_.context(); }

  mlir::OpBuilder builder;

private:
  void stamp(mlir::Operation *op, mlir::Operation *from);
  void lower(mlir::Operation *op);
  void lowerInput(top::InputOp op);
  mlir::Value cast(mlir::Value lowered, mlir::Operation *op, mlir::RankedTensorType to);
  mlir::Value lowerOutput(mlir::Value top);

  const ir::Module &source_;
  const Thresholds &thresholds_;
  const Options &options_;
  std::string where_;
  std::string mode_; ///< of the op at hand
  ir::Module target_;
  llvm::DenseMap<mlir::Value, mlir::Value> values_;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> casts_;
  llvm::DenseSet<mlir::Operation *> complained_; ///< those the table has no good row for
  std::vector<std::string> notes_;
  Error errors_;
  int64_t nextId_ = 0;
};

/// Lowers one op; registered by name in registry.cpp, one file an op family.
using LowerFunction = void (*)(Lowering &, mlir::Operation *);
LowerFunction findLowering(llvm::StringRef opName);

/// What Conv and Deconv share: weights as tpu.Weight ops, and the requantization (empty in
/// floats).
struct LoweredFilter {
  mlir::RankedTensorType type; ///< of the op's result
  mlir::Value filter, bias;    ///< bias is null if the op has none
  std::vector<int32_t> multiplier, rshift;
};
/// `filter` [oc, ...] and `bias` [oc] or null are the top op's operands, `input` its lowered input.
/// Nullopt where the op was refused or its table row is missing.
std::optional<LoweredFilter> lowerFilter(Lowering &l, mlir::Operation *op, mlir::Value input,
                                         mlir::Value filter, mlir::Value bias, bool relu);
/// The same of arrays; `bias` null if there is none.
std::optional<LoweredFilter> lowerFilter(Lowering &l, mlir::Operation *op, mlir::Value input,
                                         const Tensor &filter, const Tensor *bias, bool relu);

/// F32 of values that `type` holds. Nullopt where it does not; then `op` was refused, with `what`
/// for what they are.
std::optional<Tensor> roundedTo(Lowering &l, mlir::Operation *op, const char *what,
                                const Tensor &values, DType type);

/// lhs + sign * rhs.
void lowerSum(Lowering &l, mlir::Operation *op, mlir::Value lhs, mlir::Value rhs, bool relu,
              int sign);

} // namespace tessera::quantize
