#include "tessera/optimize/patterns.h"

#include "tessera/optimize/rewriter.h"
#include "tessera/support/file.h"
#include "tessera/support/suggest.h"

#include "mlir/Conversion/PDLToPDLInterp/PDLToPDLInterp.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDL/IR/PDLTypes.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <set>

namespace tessera::optimize {
namespace {

namespace pdl = mlir::pdl;

// What patterns can call. MLIR ends the program on calls that it does not know, so all of them are
// compared with this table first.
struct Native {
  const char *name, *operands, *results; ///< v: value, a: attribute, o: operation
};
constexpr Native kConstraints[] = {
    {"HasOneUse", "v", ""}, {"IsConstant", "v", ""}, {"ConstantIs", "va", ""}};
constexpr Native kRewrites[] = {{"CopyAttributes", "oo", ""}, {"ScaledConstant", "va", "v"}};

char kindOf(mlir::Type type) {
  return llvm::isa<pdl::ValueType>(type)       ? 'v'
         : llvm::isa<pdl::AttributeType>(type) ? 'a'
         : llvm::isa<pdl::OperationType>(type) ? 'o'
                                               : '?';
}
std::string kindsOf(mlir::TypeRange types) {
  std::string s;
  for (mlir::Type t : types)
    s += kindOf(t);
  return s;
}

// MLIR's parser calls itself for every bracket and ends the program where the stack does.
bool nestsTooDeep(const std::string &text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != 0 && std::strchr("{[(<", text[i]))
      ++depth;
    else if (text[i] != 0 && std::strchr("}])>", text[i]) &&
             !(text[i] == '>' && i > 0 && text[i - 1] == '-'))
      depth = std::max(0, depth - 1);
    if (depth > 100)
      return true;
  }
  return false;
}

/// Reads a file of patterns and refuses what MLIR would not survive.
class PatternFile {
public:
  PatternFile(mlir::MLIRContext *context, std::string where)
      : context_(context), where_(std::move(where)) {}

  Status read(const std::string &text) {
    if (nestsTooDeep(text))
      return fail("bad-pattern", where_, "nests more than 100 brackets",
                  "docs/patterns.md shows what a file of patterns looks like");
    context_->loadDialect<pdl::PDLDialect, mlir::pdl_interp::PDLInterpDialect>();
    TESSERA_TRY(collect([&] {
      module_ = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(context_), where_);
      return mlir::success(static_cast<bool>(module_));
    }));
    for (mlir::Operation &op : *module_->getBody()) {
      auto pattern = llvm::dyn_cast<pdl::PatternOp>(op);
      if (!pattern) {
        refuse(&op, "'" + op.getName().getStringRef().str() + "' where a pdl.pattern is meant",
               "a file of patterns holds nothing else");
        continue;
      }
      check(pattern);
      patterns.push_back(pattern);
    }
    if (patterns.empty() && errors_.empty())
      return fail("bad-pattern", where_, "holds no pdl.pattern", "docs/patterns.md shows one");
    if (!errors_.empty())
      return fail(std::move(errors_));
    for (pdl::PatternOp pattern : patterns)
      TESSERA_TRY(compiles(pattern));
    return {};
  }

  /// A module of one pattern.
  static mlir::OwningOpRef<mlir::ModuleOp> alone(pdl::PatternOp pattern) {
    mlir::OwningOpRef<mlir::ModuleOp> m = mlir::ModuleOp::create(pattern.getLoc());
    m->getBody()->push_back(pattern->clone());
    return m;
  }

  std::vector<pdl::PatternOp> patterns;

private:
  Status collect(const std::function<mlir::LogicalResult()> &body) const {
    Status status = ir::collectErrors(context_, where_, body);
    if (status)
      return status;
    Error errors;
    for (Diagnostic d : status.error().diagnostics()) {
      d.code = "bad-pattern";
      errors.add(d);
    }
    return fail(std::move(errors));
  }

  void refuse(mlir::Operation *op, const std::string &message, const std::string &hint) {
    std::string at = where_;
    if (auto loc = llvm::dyn_cast<mlir::FileLineColLoc>(op->getLoc()))
      at = fmt::format("{}:{}:{}", where_, loc.getLine(), loc.getColumn());
    errors_.add(Diagnostic{"bad-pattern", at, message, hint});
  }

  void check(pdl::PatternOp pattern) {
    checkRewrite(pattern.getRewriter());
    pattern.walk([&](mlir::Operation *op) {
      if (auto call = llvm::dyn_cast<pdl::ApplyNativeConstraintOp>(op))
        checkCall(op, call.getName().str(), kConstraints, "constraint");
      else if (auto call = llvm::dyn_cast<pdl::ApplyNativeRewriteOp>(op))
        checkCall(op, call.getName().str(), kRewrites, "rewrite");
      else if (auto operation = llvm::dyn_cast<pdl::OperationOp>(op))
        checkOperation(operation);
      else if (auto result = llvm::dyn_cast<pdl::ResultOp>(op)) {
        if (result.getIndex() != 0)
          refuse(op, "a second result", "ops of networks have one: pdl.result 0 of %op");
      } else if (llvm::isa<pdl::ResultsOp>(op))
        refuse(op, "pdl.results", "ops of networks have one: pdl.result 0 of %op");
      else if (llvm::isa<pdl::EraseOp>(op))
        refuse(op, "pdl.erase", "replace the root; what nobody reads any more goes by itself");
      else if (auto replace = llvm::dyn_cast<pdl::ReplaceOp>(op))
        if (!replace.getReplOperation() && kindsOf(replace.getReplValues().getTypes()) != "v")
          refuse(op, "a replacement that is not one tensor", "ops of networks have one result");
    });
  }

  // One replacement, of the root, at the end: MLIR trusts that nothing reads or replaces an op that
  // is gone.
  void checkRewrite(pdl::RewriteOp rewrite) {
    if (rewrite.getName() || rewrite.getBodyRegion().empty())
      return refuse(rewrite, "a rewrite by a function of the program",
                    "write the new ops between braces, ending in pdl.replace");
    mlir::Value root = rewrite.getRoot();
    auto matched = root ? root.getDefiningOp<pdl::OperationOp>() : pdl::OperationOp();
    if (!matched || !matched.getOpName())
      return refuse(rewrite, "a rewrite of no known op",
                    "write pdl.rewrite %root with a root that names its op");
    mlir::Block &body = rewrite.getBodyRegion().front();
    auto last = body.empty() ? pdl::ReplaceOp() : llvm::dyn_cast<pdl::ReplaceOp>(&body.back());
    int64_t replacements =
        llvm::count_if(body, [](mlir::Operation &op) { return llvm::isa<pdl::ReplaceOp>(op); });
    if (!last || replacements != 1 || last.getOpValue() != root)
      return refuse(rewrite, "a rewrite that does not end in its only pdl.replace, of its root",
                    "what nobody reads any more goes by itself");
    bool itself = last.getReplOperation() == root;
    for (mlir::Value by : last.getReplValues())
      if (auto result = by.getDefiningOp<pdl::ResultOp>())
        itself |= result.getParent() == root;
    if (itself)
      refuse(last, "a replacement by what is replaced", "nothing would stay of it");
  }

  void checkCall(mlir::Operation *op, const std::string &name, std::span<const Native> known,
                 const std::string &what) {
    std::vector<std::string> names;
    for (const Native &n : known) {
      names.push_back(n.name);
      if (name != n.name)
        continue;
      if (kindsOf(op->getOperandTypes()) != n.operands ||
          kindsOf(op->getResultTypes()) != n.results)
        refuse(op, fmt::format("'{}' with other operands or results than it has", name),
               "docs/patterns.md lists them");
      return;
    }
    refuse(op, fmt::format("there is no native {} '{}'", what, name), didYouMean(name, names));
  }

  void checkOperation(pdl::OperationOp op) {
    if (!op.getOpName())
      return;
    bool isNew = op->getParentOfType<pdl::RewriteOp>() != nullptr;
    if (isNew && (op.getTypeValues().size() != 1 ||
                  !llvm::isa<pdl::TypeType>(op.getTypeValues()[0].getType())))
      refuse(op, "a new op without its one result type",
             "write -> (%type : !pdl.type) with the type of what it replaces");
    std::string name = op.getOpName()->str();
    auto known = mlir::RegisteredOperationName::lookup(name, context_);
    if (!known || known->getDialectNamespace() != "top") {
      std::vector<std::string> names;
      for (mlir::RegisteredOperationName n : context_->getRegisteredOperations())
        if (n.getDialectNamespace() == "top")
          names.push_back(n.getStringRef().str());
      return refuse(op, "there is no op '" + name + "'", didYouMean(name, names));
    }
    if (isNew && (name == "top.Input" || name == "top.Weight"))
      refuse(op, "a new " + name, "inputs stay as they are; ScaledConstant makes constants");
    std::vector<std::string> names{"id", "from"};
    for (mlir::StringAttr attribute : known->getAttributeNames())
      names.push_back(attribute.str());
    for (mlir::Attribute a : op.getAttributeValueNames()) {
      std::string attribute = llvm::cast<mlir::StringAttr>(a).str();
      if (std::find(names.begin(), names.end(), attribute) == names.end())
        refuse(op, fmt::format("'{}' has no attribute '{}'", name, attribute),
               didYouMean(attribute, names));
    }
  }

  /// That MLIR can compile it: it ends the program where it cannot.
  Status compiles(pdl::PatternOp pattern) const {
    auto module = alone(pattern);
    return collect([&] {
      mlir::PassManager passes(context_);
      passes.addPass(mlir::createPDLToPDLInterpPass());
      return passes.run(*module);
    });
  }

  mlir::MLIRContext *context_;
  std::string where_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  Error errors_;
};

// New ops take the replaced op's name (readers know tensors by name) and origin.
struct Names : mlir::RewriterBase::Listener {
  std::vector<mlir::Operation *> inserted;
  std::string pattern;
  std::set<std::string> taken;
  int64_t applied = 0, made = 0;
  void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint) override {
    if (llvm::isa<top::WeightOp>(op)) // named by who makes it
      return;
    std::string name;
    do // a pattern of this name may have run before
      name = fmt::format("{}_{}", pattern, made++);
    while (!taken.insert(name).second);
    Rewriter::rename(op, name);
    inserted.push_back(op);
  }
  void notifyOperationReplaced(mlir::Operation *op, mlir::ValueRange by) override {
    for (mlir::Operation *n : inserted)
      ir::setOrigin(n, ir::originOf(op));
    mlir::Operation *source = by.empty() ? nullptr : by[0].getDefiningOp();
    if (source && llvm::is_contained(inserted, source))
      Rewriter::rename(source, ir::nameOf(op));
    inserted.clear();
  }
  void notifyPatternEnd(const mlir::Pattern &, mlir::LogicalResult done) override {
    applied += mlir::succeeded(done);
  }
};

void addNatives(mlir::PDLPatternModule &patterns, Rewriter &r) {
  patterns.registerConstraintFunction("HasOneUse", [](mlir::PatternRewriter &, mlir::Value v) {
    return mlir::success(v.hasOneUse());
  });
  patterns.registerConstraintFunction("IsConstant", [&r](mlir::PatternRewriter &, mlir::Value v) {
    return mlir::success(r.constant(v) != nullptr);
  });
  patterns.registerConstraintFunction(
      "ConstantIs", [&r](mlir::PatternRewriter &, mlir::Value v, mlir::Attribute wanted) {
        const Tensor *t = r.constant(v);
        auto number = llvm::dyn_cast<mlir::FloatAttr>(wanted);
        return mlir::success(t && number && std::ranges::all_of(toDouble(*t), [&](double d) {
                               return d == number.getValueAsDouble();
                             }));
      });
  patterns.registerRewriteFunction(
      "CopyAttributes", [](mlir::PatternRewriter &, mlir::Operation *from, mlir::Operation *to) {
        for (mlir::NamedAttribute a : from->getAttrs())
          if (a.getName() != "id" && a.getName() != "from")
            to->setAttr(a.getName(), a.getValue());
      });
  patterns.registerRewriteFunction(
      "ScaledConstant",
      [&r](mlir::PatternRewriter &p, mlir::Value v, mlir::Attribute by) -> mlir::Value {
        const Tensor *t = r.constant(v);
        auto number = llvm::dyn_cast<mlir::FloatAttr>(by);
        if (!t || !number) // its readers no longer verify
          return v;
        auto values = toDouble(*t);
        for (double &d : values)
          d *= number.getValueAsDouble();
        return r.createWeight(&*p.getInsertionPoint(), ir::nameOf(v) + "_scaled", Shape(t->shape()),
                              values);
      });
}

std::vector<std::string> inputNames(ir::Module &module) {
  std::vector<std::string> names;
  module.main().walk([&](top::InputOp op) { names.push_back(ir::nameOf(op)); });
  return names;
}

/// Outputs are known by name: what makes one now takes the name that it had.
Status keepOutputNames(ir::Module &module, const std::vector<std::string> &names,
                       const std::string &where) {
  auto results = module.main().getBody().front().getTerminator()->getOperands();
  for (size_t i = 0; i < names.size(); ++i) {
    mlir::Operation *op = results[unsigned(i)].getDefiningOp();
    if (op && ir::nameOf(op) == names[i])
      continue;
    bool other = std::count(results.begin(), results.end(), results[unsigned(i)]) > 1;
    if (!op || other || llvm::isa<top::InputOp, top::WeightOp>(op))
      return fail("bad-pattern", where,
                  fmt::format("makes the output '{}' the same tensor as an input, a constant or "
                              "another output",
                              names[i]),
                  "let the pattern match only where its root has readers");
    Rewriter::rename(op, names[i]);
  }
  return {};
}

Result<int64_t> applyPattern(ir::Module &module, pdl::PatternOp pattern, const std::string &name,
                             const std::string &where) {
  std::vector<std::string> outputs;
  for (mlir::Value v : module.main().getBody().front().getTerminator()->getOperands())
    outputs.push_back(ir::nameOf(v));
  auto inputs = inputNames(module);
  OptimizeReport notes;
  Rewriter rewriter(module, notes);
  mlir::PDLPatternModule compiled(PatternFile::alone(pattern));
  addNatives(compiled, rewriter);
  mlir::RewritePatternSet set(std::move(compiled));
  Names names;
  names.pattern = name;
  module.main().walk([&](mlir::Operation *op) { names.taken.insert(ir::nameOf(op)); });
  mlir::GreedyRewriteConfig config;
  config.enableRegionSimplification = mlir::GreedySimplifyRegionLevel::Disabled;
  config.maxNumRewrites = 2000;
  config.listener = &names;
  bool settled = true;
  TESSERA_TRY(ir::collectErrors(module.context(), where, [&] {
    settled =
        mlir::succeeded(mlir::applyPatternsAndFoldGreedily(module.main(), std::move(set), config));
    return mlir::success();
  }));
  if (!settled)
    return fail("bad-pattern", where, "never comes to an end",
                "what it makes must not match it again");
  if (inputNames(module) != inputs)
    return fail("bad-pattern", where, "takes an input of the network away",
                "a constant or a shape in its place is no rewrite");
  TESSERA_TRY(keepOutputNames(module, outputs, where));
  TESSERA_TRY(module.verify(where));
  return names.applied;
}

} // namespace

Result<std::vector<PassCount>> applyPatterns(ir::Module &module,
                                             const std::filesystem::path &file) {
  TESSERA_ASSIGN(std::string text, readText(file));
  PatternFile patterns(module.context(), file.string());
  TESSERA_TRY(patterns.read(text));
  std::vector<PassCount> counts;
  for (pdl::PatternOp pattern : patterns.patterns) {
    std::string name = pattern.getSymName() ? pattern.getSymName()->str()
                                            : fmt::format("pattern{}", counts.size() + 1);
    TESSERA_ASSIGN(
        int64_t applied,
        applyPattern(module, pattern, name, fmt::format("{}, pattern '{}'", file.string(), name)));
    counts.push_back({name, applied});
  }
  return counts;
}

} // namespace tessera::optimize
