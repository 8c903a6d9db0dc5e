#include "tessera/ir/module.h"

#include "tessera/support/file.h"
#include "tessera/tensor/npz.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

namespace fs = std::filesystem;
namespace tessera::ir {
namespace {

std::string placeOf(mlir::Location loc, const std::string &file) {
  if (auto name = llvm::dyn_cast<mlir::NameLoc>(loc))
    return file + ": tensor '" + name.getName().str() + "'";
  if (auto line = llvm::dyn_cast<mlir::FileLineColLoc>(loc))
    return file + ":" + std::to_string(line.getLine()) + ":" + std::to_string(line.getColumn());
  return file;
}

} // namespace

std::shared_ptr<mlir::MLIRContext> makeContext() {
  auto context = std::make_shared<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  context->loadDialect<mlir::func::FuncDialect, mlir::quant::QuantizationDialect, top::TopDialect,
                       tpu::TpuDialect>();
  return context;
}

Status collectErrors(mlir::MLIRContext *context, const std::string &where,
                     const std::function<mlir::LogicalResult()> &body) {
  Error errors;
  mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic &d) {
    if (d.getSeverity() == mlir::DiagnosticSeverity::Error)
      errors.add(Diagnostic{"bad-module", placeOf(d.getLocation(), where), d.str(), ""});
    return mlir::success();
  });
  bool ok = mlir::succeeded(body());
  if (ok && errors.empty())
    return {};
  if (errors.empty())
    errors.add(Diagnostic{"bad-module", where, "failed without a message", ""});
  return fail(std::move(errors));
}

Module Module::create(const std::string &name, const std::string &state) {
  Module m;
  m.context_ = makeContext();
  mlir::OpBuilder b(m.context());
  auto loc = b.getUnknownLoc();
  m.op_ = mlir::ModuleOp::create(loc, name);
  b.setInsertionPointToStart(m.op_->getBody());
  auto main = b.create<mlir::func::FuncOp>(loc, "main", b.getFunctionType({}, {}));
  main.addEntryBlock();
  m.setState(state);
  return m;
}

Result<Module> Module::parse(const std::string &text, const std::string &where) {
  Module m;
  m.context_ = makeContext();
  TESSERA_TRY(collectErrors(m.context(), where, [&] {
    m.op_ = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(m.context()), where);
    return mlir::success(static_cast<bool>(m.op_));
  }));
  // Every room walks one block of top or tpu ops that ends in a return.
  auto main = m.op().lookupSymbol<mlir::func::FuncOp>("main");
  if (!main || !main.getBody().hasOneBlock())
    return fail("bad-module", where, "has no func.func @main with one block",
                "is this a file written by `tessera transform`?");
  return m;
}

Result<Module> Module::load(const fs::path &path) {
  TESSERA_ASSIGN(auto text, readText(path));
  TESSERA_ASSIGN(auto m, parse(text, path.string()));
  std::string file = m.attribute("weight_file");
  if (file.empty())
    return fail("bad-module", path.string(), "names no top.weight_file",
                "is this a file written by `tessera transform`?");
  TESSERA_ASSIGN(m.weights, readNpz(path.parent_path() / file));
  // Weight ops and arrays must agree before anybody reads through them.
  Error errors;
  m.op().walk([&](mlir::Operation *op) {
    if (!llvm::isa<top::WeightOp, tpu::WeightOp>(op))
      return;
    std::string name = nameOf(op);
    const Tensor *t = m.weights.find(name);
    std::string where = path.string() + ": weight '" + name + "'";
    if (!t)
      errors.add(Diagnostic{"bad-module", where, "is missing from " + file,
                            "keep the npz that was written with this file"});
    else if (t->shape() != shapeOf(op->getResult(0)) || t->dtype() != dtypeOf(op->getResult(0)))
      errors.add(Diagnostic{"bad-module", where,
                            "is " + shapeText(t->shape()) + " " + dtypeName(t->dtype()) + " in " +
                                file + ", the text says " + shapeText(shapeOf(op->getResult(0))) +
                                " " + dtypeName(dtypeOf(op->getResult(0))),
                            "keep the npz that was written with this file"});
  });
  if (!errors.empty())
    return fail(std::move(errors));
  return m;
}

Status Module::save(const fs::path &path, const std::string &weightFile) {
  setAttribute("weight_file", weightFile);
  TESSERA_TRY(verify(path.string()));
  TESSERA_TRY(writeNpz(path.parent_path() / weightFile, weights));
  return writeText(path, text());
}

Status Module::verify(const std::string &where) {
  return collectErrors(context(), where, [&] { return mlir::verify(op()); });
}

mlir::func::FuncOp Module::main() const { return op().lookupSymbol<mlir::func::FuncOp>("main"); }
std::string Module::name() const { return op().getName().value_or("main").str(); }
std::string Module::state() const { return attribute("state"); }
void Module::setState(const std::string &state) { setAttribute("state", state); }

std::string Module::attribute(const std::string &key) const {
  auto a = op()->getAttrOfType<mlir::StringAttr>("top." + key);
  return a ? a.str() : "";
}

void Module::setAttribute(const std::string &key, const std::string &value) {
  op()->setAttr("top." + key, mlir::StringAttr::get(context(), value));
}

std::string Module::text() const {
  std::string s;
  llvm::raw_string_ostream out(s);
  // Local scope prints each tensor's name on its own line.
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(true, /*prettyForm=*/false).useLocalScope();
  op()->print(out, flags);
  out << "\n";
  return s;
}

Module Module::clone() const {
  Module m;
  m.context_ = context_;
  m.op_ = op().clone();
  m.weights = weights;
  return m;
}

std::string nameOf(mlir::Operation *op) {
  if (!op)
    return "";
  if (auto name = llvm::dyn_cast<mlir::NameLoc>(op->getLoc()))
    return name.getName().str();
  return "";
}
std::string nameOf(mlir::Value v) { return nameOf(v.getDefiningOp()); }
mlir::Location nameLoc(mlir::MLIRContext *context, const std::string &name) {
  return mlir::NameLoc::get(mlir::StringAttr::get(context, name));
}

int64_t idOf(mlir::Operation *op) {
  auto a = op->getAttrOfType<mlir::IntegerAttr>("id");
  return a ? a.getInt() : -1;
}
void setId(mlir::Operation *op, int64_t id) {
  op->setAttr("id", mlir::IntegerAttr::get(mlir::IntegerType::get(op->getContext(), 64), id));
}
std::vector<int64_t> originOf(mlir::Operation *op) {
  auto a = op->getAttrOfType<mlir::DenseI64ArrayAttr>("from");
  return a ? std::vector<int64_t>(a.asArrayRef()) : std::vector<int64_t>();
}
void setOrigin(mlir::Operation *op, std::vector<int64_t> from) {
  op->setAttr("from", mlir::DenseI64ArrayAttr::get(op->getContext(), from));
}

Shape shapeOf(mlir::Value v) {
  auto type = llvm::cast<mlir::RankedTensorType>(v.getType());
  return Shape(type.getShape().begin(), type.getShape().end());
}

DType dtypeOf(mlir::Value v) {
  mlir::Type t = llvm::cast<mlir::RankedTensorType>(v.getType()).getElementType();
  if (auto q = llvm::dyn_cast<mlir::quant::QuantizedType>(t))
    return q.isSigned() ? DType::I8 : DType::U8;
  if (t.isF32())
    return DType::F32;
  if (t.isF16())
    return DType::F16;
  if (t.isBF16())
    return DType::BF16;
  if (t.isUnsignedInteger(8))
    return DType::U8;
  if (t.isInteger(8))
    return DType::I8;
  if (t.isUnsignedInteger(16))
    return DType::U16;
  if (t.isInteger(16))
    return DType::I16;
  if (t.isInteger(64))
    return DType::I64;
  TESSERA_CHECK(t.isInteger(32), "element type without a DType");
  return DType::I32;
}

bool isQuantized(mlir::Value v) { return scaleOf(v) != 0; }

double scaleOf(mlir::Value v) {
  auto q = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(
      llvm::cast<mlir::RankedTensorType>(v.getType()).getElementType());
  return q ? q.getScale() : 0;
}

mlir::RankedTensorType floatType(mlir::MLIRContext *context, const Shape &shape) {
  return mlir::RankedTensorType::get(shape, mlir::Float32Type::get(context));
}

mlir::RankedTensorType quantType(mlir::MLIRContext *context, const Shape &shape, bool isSigned,
                                 double scale) {
  auto storage = mlir::IntegerType::get(context, 8);
  auto element = mlir::quant::UniformQuantizedType::get(
      isSigned ? mlir::quant::QuantizationFlags::Signed : 0, storage,
      mlir::Float32Type::get(context), scale, /*zeroPoint=*/0, isSigned ? -128 : 0,
      isSigned ? 127 : 255);
  return mlir::RankedTensorType::get(shape, element);
}

mlir::RankedTensorType plainType(mlir::MLIRContext *context, const Shape &shape, DType dtype) {
  auto integer = [&](unsigned width, bool isUnsigned) -> mlir::Type {
    return mlir::IntegerType::get(
        context, width, isUnsigned ? mlir::IntegerType::Unsigned : mlir::IntegerType::Signless);
  };
  mlir::Type element;
  switch (dtype) {
  case DType::F32:
    element = mlir::Float32Type::get(context);
    break;
  case DType::F16:
    element = mlir::Float16Type::get(context);
    break;
  case DType::BF16:
    element = mlir::BFloat16Type::get(context);
    break;
  case DType::I8:
    element = integer(8, false);
    break;
  case DType::U8:
    element = integer(8, true);
    break;
  case DType::I16:
    element = integer(16, false);
    break;
  case DType::U16:
    element = integer(16, true);
    break;
  case DType::I32:
    element = integer(32, false);
    break;
  default:
    TESSERA_CHECK(false, "no plain type for this DType");
  }
  return mlir::RankedTensorType::get(shape, element);
}

} // namespace tessera::ir
