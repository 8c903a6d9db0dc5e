#pragma once
// What every pass works with: the module, its constants, names, origins and notes.
#include "tessera/ir/top/shapes.h"
#include "tessera/optimize/optimize.h"

#include <optional>

namespace tessera::optimize {

class Rewriter {
public:
  Rewriter(ir::Module &module, OptimizeReport &report) : module(module), report_(report) {}

  /// All ops of main but its return, in program order; a snapshot.
  std::vector<mlir::Operation *> ops() const;
  /// The array of a Weight, null for anything else.
  const Tensor *constant(mlir::Value v) const;
  /// A new Weight named `name` (made unique by a number) in front of `before`.
  mlir::Value createWeight(mlir::Operation *before, const std::string &name, const Tensor &array);
  mlir::Value createWeight(mlir::Operation *before, const std::string &name, Shape shape,
                           const std::vector<double> &values);
  /// The only op that reads v, once; null if there are several readings or none.
  static mlir::Operation *onlyReader(mlir::Value v);
  /// v is a result of main.
  static bool isOutput(mlir::Value v);

  /// `survivor` also stands for what `gone` stood for.
  static void mergeOrigin(mlir::Operation *survivor, mlir::Operation *gone);
  /// `survivor` takes over result, name and origin of the op after it; `last` is erased.
  void absorbNext(mlir::Operation *survivor, mlir::Operation *last);
  /// `op` does nothing: its readers read `by`. As a network output it leaves its name to the op in
  /// front of it. Returns false, and leaves `op`, where that would rename an input, a constant or
  /// an output.
  bool removeNoop(mlir::Operation *op, mlir::Value by);
  static void rename(mlir::Operation *op, const std::string &name);

  void note(mlir::Operation *op, const std::string &text);
  void count() { ++rewrites; }

  ir::Module &module;
  int64_t rewrites = 0; ///< of the pass that is running
  Composition composition = Composition::Never;

private:
  OptimizeReport &report_;
};

/// A pass: one file named as the pass, one line in pipeline.cpp.
struct Pass {
  const char *name;
  void (*run)(Rewriter &);
};

void foldConstants(Rewriter &);
void removeNoops(Rewriter &);
void mergeSlices(Rewriter &);
void foldPad(Rewriter &);
void foldBatchNorm(Rewriter &);
void fuseRelu(Rewriter &);
void foldCrop(Rewriter &);
void foldPreprocess(Rewriter &);
void composeUpconv(Rewriter &);
void shareConstants(Rewriter &);
void removeDead(Rewriter &);
void renumber(Rewriter &);

/// The op as x * scale + offset per channel of its activation (axis 1), in double.
struct Affine {
  mlir::Value input;
  std::vector<double> scale, offset; ///< one per channel
  bool relu = false;                 ///< followed by max(., 0)
  bool isIdentity() const;
};
/// Add, Sub, Mul, Div with a per-channel or scalar constant on one side, Scale, BatchNorm; nothing
/// for other ops, for constant / x, and where a coefficient is not finite.
std::optional<Affine> affineOf(const Rewriter &r, mlir::Operation *op);

std::vector<double> toDouble(const Tensor &t);
bool allFinite(const std::vector<double> &values); ///< also as f32

} // namespace tessera::optimize
