// The walk over the graph: what is needed for the outputs, in the file's order, each node by its
// rule.
#include "tessera/import/onnx/import.h"

#include "tessera/import/onnx/rules.h"
#include "tessera/support/file.h"
#include "tessera/support/suggest.h"

#include "onnx/checker.h"
#include "onnx/defs/schema.h"
#include "onnx/shape_inference/implementation.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>

namespace fs = std::filesystem;
namespace tessera::onnx_import {
namespace {

constexpr int64_t kFirstOpset = 7, kLastOpset = 22;
/// Arrays above this are inputs, not constants, of a one-node model, and empty for shape inference.
constexpr int64_t kSmallArray = 1 << 20;

bool defaultDomain(const std::string &domain) { return domain.empty() || domain == "ai.onnx"; }

void setShape(onnx::ValueInfoProto &info, DType type, const Shape *shape) {
  auto *tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnxOfDtype(type));
  if (!shape)
    return;
  tensor->clear_shape();
  for (int64_t d : *shape)
    tensor->mutable_shape()->add_dim()->set_dim_value(d);
  tensor->mutable_shape();
}

class Importer {
public:
  Importer(const fs::path &path, const ImportOptions &options, onnx::ModelProto &model)
      : options_(options), model_(model), proto_(model.graph()),
        graph_(
            ir::Module::create(options.modelName.empty() ? path.stem().string() : options.modelName,
                               ir::kTopState),
            path.filename().string()) {}

  Result<ir::Module> run();

private:
  void problem(std::string code, const std::string &where, std::string message,
               std::string hint = {}) {
    errors_.add(Diagnostic{std::move(code), graph_.file + (where.empty() ? "" : ": " + where),
                           std::move(message), std::move(hint)});
  }
  void readOpset();
  void indexNames();
  void chooseOutputs();
  void markNeeded();
  void addInputs();
  std::string inputShapesExample() const;
  /// The value is known; false after a problem with it.
  bool provide(const std::string &name, const Node &user);
  void importNode(int64_t index);
  void standIn(const Node &n);
  void addReturn();
  void check();
  const std::map<std::string, Shape> &inferredShapes();
  std::string writeRepro(const Node &n);

  const ImportOptions &options_;
  onnx::ModelProto &model_;
  const onnx::GraphProto &proto_;
  Graph graph_;
  Error errors_;
  std::map<std::string, int64_t> producers_; ///< ONNX name to node index
  std::map<std::string, const onnx::TensorProto *> initializers_;
  std::vector<const onnx::ValueInfoProto *> inputs_; ///< without weights
  std::vector<std::string> outputs_;
  std::vector<bool> needed_;
  std::set<std::string> used_; ///< names that needed nodes or outputs read
  std::optional<std::map<std::string, Shape>> inferred_;
};

void Importer::readOpset() {
  for (const auto &o : model_.opset_import())
    if (defaultDomain(o.domain()))
      graph_.opset = o.version();
  if (graph_.opset == 0)
    problem("bad-model", "", "states no opset of the ONNX domain",
            "export it again with opset 7 to 22");
  else if (graph_.opset < kFirstOpset || graph_.opset > kLastOpset)
    problem("bad-model", "",
            "has opset " + std::to_string(graph_.opset) + ", supported are " +
                std::to_string(kFirstOpset) + " to " + std::to_string(kLastOpset),
            "export it again, or convert it with onnx.version_converter");
  if (proto_.sparse_initializer_size())
    problem("bad-model", "", "holds sparse weights, which are not supported", "store them densely");
}

void Importer::indexNames() {
  for (const auto &t : proto_.initializer())
    if (!initializers_.emplace(t.name(), &t).second)
      problem("bad-model", "tensor '" + t.name() + "'", "is stored twice");
  std::set<std::string> seen;
  for (const auto &i : proto_.input()) {
    if (!seen.insert(i.name()).second)
      problem("bad-model", "input '" + i.name() + "'", "is listed twice");
    else if (!initializers_.count(i.name()))
      inputs_.push_back(&i);
  }
  for (int64_t n = 0; n < proto_.node_size(); ++n)
    for (const auto &o : proto_.node(int(n)).output()) {
      if (o.empty())
        continue;
      Node node(graph_, proto_.node(int(n)), n);
      if (!producers_.emplace(o, n).second || seen.count(o) || initializers_.count(o)) {
        node.problem("bad-model", "its output '" + o + "' is the name of another tensor",
                     "names of tensors must be unique");
        errors_.add(node.errors());
      }
    }
}

void Importer::chooseOutputs() {
  if (options_.outputNames.empty()) {
    for (const auto &o : proto_.output())
      outputs_.push_back(o.name());
    if (outputs_.empty())
      problem("bad-model", "", "has no outputs", "choose tensors with --output_names");
    for (const auto &o : outputs_)
      if (!producers_.count(o) && !initializers_.count(o) &&
          llvm::none_of(inputs_, [&](auto *i) { return i->name() == o; }))
        problem("bad-model", "output '" + o + "'", "is computed by no node");
    return;
  }
  std::vector<std::string> names;
  for (const auto &[name, node] : producers_)
    names.push_back(name);
  for (const auto &o : options_.outputNames) {
    if (std::ranges::count(outputs_, o))
      problem("bad-flag", "--output_names", "names '" + o + "' twice");
    else if (producers_.count(o))
      outputs_.push_back(o);
    else {
      std::string hint = didYouMean(o, names);
      problem("bad-flag", "--output_names", "no node computes a tensor '" + o + "'",
              hint.empty() ? "give names of tensors of the ONNX graph" : hint);
    }
  }
}

void Importer::markNeeded() {
  needed_.assign(size_t(proto_.node_size()), false);
  std::vector<std::string> open = outputs_;
  while (!open.empty()) {
    std::string name = std::move(open.back());
    open.pop_back();
    used_.insert(name);
    auto it = producers_.find(name);
    if (it == producers_.end() || needed_[size_t(it->second)])
      continue;
    needed_[size_t(it->second)] = true;
    for (const auto &i : proto_.node(int(it->second)).input())
      if (!i.empty())
        open.push_back(i);
  }
}

/// "[[1,3,H,W]]": what is fixed as it is, the rest to be filled in.
std::string Importer::inputShapesExample() const {
  std::string text = "[";
  for (const auto *i : inputs_) {
    text += text.size() > 1 ? ",[" : "[";
    const auto &dims = i->type().tensor_type().shape();
    for (int d = 0; d < dims.dim_size(); ++d) {
      text += d ? "," : "";
      if (dims.dim(d).has_dim_value() && dims.dim(d).dim_value() > 0)
        text += std::to_string(dims.dim(d).dim_value());
      else
        text += dims.dim_size() == 4 ? std::string(1, "1CHW"[d])
                : d                  ? "D" + std::to_string(d)
                                     : "1";
    }
    text += dims.dim_size() ? "]" : "1,C,H,W]";
  }
  return text + "]";
}

void Importer::addInputs() {
  const auto &given = options_.inputShapes;
  if (!given.empty() && given.size() != inputs_.size()) {
    std::string names;
    for (const auto *i : inputs_)
      names += (names.empty() ? "'" : ", '") + i->name() + "'";
    problem("bad-flag", "--input_shapes",
            "holds " + std::to_string(given.size()) + " shapes, the model has " +
                std::to_string(inputs_.size()) + " inputs (" + names + ")",
            "e.g. --input_shapes \"" + inputShapesExample() + "\"");
    return;
  }
  for (size_t k = 0; k < inputs_.size(); ++k) {
    const auto &info = *inputs_[k];
    std::string where = "input '" + info.name() + "'";
    bool isUsed = used_.count(info.name());
    if (!isUsed && !options_.outputNames.empty())
      continue; // cut off with the outputs that read it
    if (!info.type().has_tensor_type()) {
      problem("bad-model", where, "is not a tensor");
      continue;
    }
    const auto &tensor = info.type().tensor_type();
    auto type = dtypeOfOnnx(tensor.elem_type());
    if (!type) {
      problem("bad-model", where,
              "has element type " + onnxTypeName(tensor.elem_type()) +
                  ", which has no numbers here");
      continue;
    }
    Shape shape;
    std::string stated;
    bool known = tensor.has_shape();
    for (const auto &d : tensor.shape().dim()) {
      bool fixed = d.has_dim_value() && d.dim_value() > 0;
      shape.push_back(fixed ? d.dim_value() : -1);
      stated += (stated.empty() ? "" : "x") + (fixed ? std::to_string(d.dim_value())
                                               : d.has_dim_param() && !d.dim_param().empty()
                                                   ? d.dim_param()
                                                   : std::string("?"));
      known = known && fixed;
    }
    if (!given.empty()) {
      const Shape &want = given[k];
      bool fits = !tensor.has_shape() || want.size() == shape.size();
      for (size_t d = 0; fits && tensor.has_shape() && d < want.size(); ++d)
        fits = shape[d] == -1 || shape[d] == want[d];
      if (!fits) {
        problem("bad-flag", where,
                "has shape " + stated + ", --input_shapes says " + shapeText(want),
                "only axes that are not fixed can be chosen, e.g. --input_shapes \"" +
                    inputShapesExample() + "\"");
        continue;
      }
      shape = want;
      stated = shapeText(want);
    } else if (!known) {
      problem("bad-flag", where,
              tensor.has_shape() ? "has shape " + stated + ", which is not fixed" : "has no shape",
              "fix it with --input_shapes \"" + inputShapesExample() + "\"");
      continue;
    }
    auto count = checkedCount(shape);
    if (!count || *count == 0 || *count > (int64_t{1} << 32)) {
      problem("bad-shape", where,
              "has shape " + shapeText(shape) +
                  ", every size must be at least 1 and all elements at most 2^32");
      continue;
    }
    auto t = ir::floatType(graph_.module.context(), shape);
    auto arg =
        graph_.module.main().getBody().front().addArgument(t, graph_.builder.getUnknownLoc());
    auto op = graph_.builder.create<top::InputOp>(
        ir::nameLoc(graph_.module.context(), graph_.unique(info.name())), t, arg);
    ir::setId(op, graph_.nextId++);
    ir::setOrigin(op, {});
    Value v;
    v.name = info.name();
    v.type = *type;
    v.shape = shape;
    v.ir = op.getOutput();
    graph_.values[v.name] = v;
  }
}

bool Importer::provide(const std::string &name, const Node &user) {
  if (graph_.values.count(name))
    return true;
  Value v;
  v.name = name;
  v.broken = true;
  if (auto it = initializers_.find(name); it != initializers_.end()) {
    auto t = tensorOf(*it->second, graph_.file + ": tensor '" + name + "'");
    if (t) {
      v.type = t->dtype();
      v.shape = t->shape();
      v.data = std::move(*t);
      v.broken = false;
    } else {
      errors_.add(t.error());
    }
    graph_.values[name] = std::move(v);
    return true;
  }
  Diagnostic d{"bad-model", user.where(), "", ""};
  if (auto it = producers_.find(name); it != producers_.end()) {
    Node producer(graph_, proto_.node(int(it->second)), it->second);
    if (it->second >= user.index) {
      d.message =
          "its input '" + name + "' is computed by a later node" +
          (it->second == user.index ? " (itself)"
                                    : ", " + producer.where().substr(graph_.file.size() + 2));
      d.hint = "the graph has a cycle or its nodes are not in order of execution";
    } else {
      d.code = "unsupported-attribute";
      d.message = "its input '" + name + "' is a further result of " +
                  producer.where().substr(graph_.file.size() + 2) + ", which is not supported";
    }
  } else {
    std::vector<std::string> names;
    for (const auto &[n, x] : producers_)
      names.push_back(n);
    for (const auto &[n, x] : initializers_)
      names.push_back(n);
    for (const auto *i : inputs_)
      names.push_back(i->name());
    if (llvm::is_contained(names, name)) // an input that had its problem
      return graph_.values[name] = v, true;
    std::string near = closest(name, names);
    d.message = "its input '" + name +
                "' is neither an input of the graph, a weight nor computed by a node";
    d.hint = near.empty() ? "the file is incomplete; export it again"
                          : "did the writer mean '" + near + "'?";
  }
  errors_.add(d);
  graph_.values[name] = std::move(v);
  return false;
}

void Importer::importNode(int64_t index) {
  Node n(graph_, proto_.node(int(index)), index);
  bool known = true;
  for (const auto &i : n.proto.input())
    if (!i.empty()) {
      provide(i, n);
      known = known && !graph_.values.at(i).broken;
    }
  const NodeRule *rule = defaultDomain(n.proto.domain()) ? ruleOf(n.proto.op_type()) : nullptr;
  if (!rule) {
    n.problem("unsupported-op",
              "op type " + n.proto.op_type() +
                  (defaultDomain(n.proto.domain()) ? "" : " of domain '" + n.proto.domain() + "'") +
                  " is not supported",
              "replace it in the model, or end the network before it with --output_names");
  } else {
    std::set<std::string> seen;
    for (const auto &a : n.proto.attribute()) {
      if (!seen.insert(a.name()).second)
        n.problem("bad-node", "attribute " + a.name() + " is given twice");
      else if (llvm::none_of(rule->attributes, [&](const char *r) { return a.name() == r; }))
        n.problem("unsupported-attribute",
                  "attribute " + a.name() + " is " + attributeText(a) + ", which " +
                      n.proto.op_type() + " is not known to have",
                  "remove the attribute");
    }
    if (known && !n.failed())
      rule->import(n);
  }
  if (n.failed()) {
    bool unsupported = false;
    for (const auto &d : n.errors().diagnostics())
      unsupported = unsupported || d.code == "unsupported-op" ||
                    d.code == "unsupported-attribute" || d.code == "not-constant";
    std::string repro = unsupported ? writeRepro(n) : "";
    for (auto d : n.errors().diagnostics()) {
      if (!repro.empty())
        d.hint += (d.hint.empty() ? "" : "; ") + ("one-node model: " + repro);
      errors_.add(d);
    }
    if (unsupported && known)
      standIn(n);
  }
  // What is still unknown stays silent below: its cause has been told.
  if (n.failed() || !known)
    for (const auto &o : n.proto.output())
      if (!o.empty() && !graph_.values.count(o)) {
        Value v;
        v.name = o;
        v.broken = true;
        graph_.values[o] = v;
      }
}

/// Gives the results of an unsupported node the shapes that ONNX infers, so that the nodes behind
/// it are checked too. The module is never handed out then.
void Importer::standIn(const Node &n) {
  for (const auto &o : n.proto.output()) {
    auto it = inferredShapes().find(o);
    if (o.empty() || it == inferredShapes().end())
      continue;
    Value v;
    v.name = o;
    v.shape = it->second;
    v.ir = graph_.builder.create<top::WeightOp>(graph_.builder.getUnknownLoc(),
                                                ir::floatType(graph_.module.context(), v.shape));
    graph_.values[o] = v;
  }
}

const std::map<std::string, Shape> &Importer::inferredShapes() {
  if (inferred_)
    return *inferred_;
  inferred_.emplace();
  auto known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  if (graph_.opset > known[""].second)
    return *inferred_;
  onnx::ModelProto light;
  light.set_ir_version(model_.ir_version());
  *light.mutable_opset_import() = model_.opset_import();
  *light.mutable_graph()->mutable_node() = proto_.node();
  *light.mutable_graph()->mutable_output() = proto_.output();
  for (const auto *i : inputs_) {
    auto *info = light.mutable_graph()->add_input();
    *info = *i;
    if (auto v = graph_.values.find(i->name()); v != graph_.values.end())
      setShape(*info, v->second.type, &v->second.shape);
  }
  for (const auto &t : proto_.initializer()) {
    auto *copy = light.mutable_graph()->add_initializer();
    if (int64_t(t.ByteSizeLong()) <= kSmallArray) {
      *copy = t;
    } else {
      copy->set_name(t.name());
      copy->set_data_type(t.data_type());
      *copy->mutable_dims() = t.dims();
    }
  }
  // The library divides by these without a look.
  for (const auto &node : light.graph().node())
    for (const auto &a : node.attribute())
      for (const char *name :
           {"strides", "dilations", "kernel_shape", "group", "blocksize", "num_outputs"})
        if (a.name() == name &&
            ((a.has_i() && a.i() < 1) || llvm::any_of(a.ints(), [](int64_t v) { return v < 1; })))
          return *inferred_;
  try {
    onnx::shape_inference::InferShapes(light);
  } catch (const std::exception &) {
    return *inferred_; // fewer nodes are checked, nothing else
  }
  auto take = [&](const onnx::ValueInfoProto &info) {
    const auto &t = info.type().tensor_type();
    Shape shape;
    for (const auto &d : t.shape().dim())
      shape.push_back(d.has_dim_value() ? d.dim_value() : -1);
    auto count = checkedCount(shape);
    if (t.has_shape() && t.elem_type() == onnx::TensorProto::FLOAT && count && *count > 0 &&
        *count <= (int64_t{1} << 32))
      (*inferred_)[info.name()] = shape;
  };
  for (const auto &info : light.graph().value_info())
    take(info);
  for (const auto &info : light.graph().output())
    take(info);
  return *inferred_;
}

std::string Importer::writeRepro(const Node &n) {
  if (options_.reproDir.empty())
    return "";
  onnx::ModelProto one;
  one.set_ir_version(model_.ir_version());
  one.set_producer_name("tessera");
  *one.mutable_opset_import() = model_.opset_import();
  auto *g = one.mutable_graph();
  g->set_name("repro");
  *g->add_node() = n.proto;
  std::set<std::string> done;
  for (const auto &i : n.proto.input()) {
    if (i.empty() || !done.insert(i).second)
      continue;
    const Value &v = graph_.values.at(i);
    if (v.constant() && int64_t(v.data->bytes().size()) <= kSmallArray) {
      auto *t = g->add_initializer();
      t->set_name(i);
      t->set_data_type(onnxOfDtype(v.type));
      for (int64_t d : v.shape)
        t->add_dims(d);
      t->set_raw_data(v.data->bytes().data(), v.data->bytes().size());
    } else {
      auto *info = g->add_input();
      info->set_name(i);
      setShape(*info, v.type, v.broken ? nullptr : &v.shape);
    }
  }
  for (const auto &o : n.proto.output())
    if (!o.empty()) {
      auto *info = g->add_output();
      info->set_name(o);
      auto it = inferredShapes().find(o);
      setShape(*info, DType::F32, it == inferredShapes().end() ? nullptr : &it->second);
    }
  std::string name =
      "node" + std::to_string(n.index) + "_" + n.proto.op_type() + "_" + n.proto.name();
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  std::error_code ec;
  fs::create_directories(options_.reproDir, ec);
  fs::path file = options_.reproDir / (name.substr(0, 80) + ".onnx");
  std::string bytes;
  if (ec || !one.SerializeToString(&bytes)) {
    problem("bad-file", "--repro",
            "cannot write to " + options_.reproDir.string() + (ec ? ": " + ec.message() : ""));
    return "";
  }
  if (auto s = writeText(file, bytes); !s) {
    errors_.add(s.error());
    return "";
  }
  return file.string();
}

void Importer::addReturn() {
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<mlir::Type> types;
  for (const auto &name : outputs_) {
    auto it = graph_.values.find(name);
    if (it == graph_.values.end() || it->second.broken) {
      if (errors_.empty())
        problem("unsupported-attribute", "output '" + name + "'",
                "is a further result of its node, which is not supported");
      continue;
    }
    if (it->second.constant()) {
      problem("bad-model", "output '" + name + "'", "is a constant: it depends on no input",
              "choose other tensors with --output_names");
      continue;
    }
    results.push_back(it->second.ir);
    types.push_back(it->second.ir.getType());
  }
  auto main = graph_.module.main();
  graph_.builder.create<mlir::func::ReturnOp>(graph_.builder.getUnknownLoc(), results);
  main.setFunctionType(
      graph_.builder.getFunctionType(main.getBody().front().getArgumentTypes(), types));
}

/// The library's own checker, behind ours, whose messages have a place. A graph that was cut may
/// hold anything behind the cut.
void Importer::check() {
  auto known = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  if (graph_.opset > known[""].second || !options_.outputNames.empty())
    return;
  // Some writers leave shapes out, which the checker minds and we have computed.
  auto complete = [&](onnx::ValueInfoProto &info) {
    auto it = graph_.values.find(info.name());
    if (it != graph_.values.end() && !it->second.broken && !info.type().tensor_type().has_shape())
      setShape(info, it->second.type, &it->second.shape);
  };
  for (auto &info : *model_.mutable_graph()->mutable_output())
    complete(info);
  for (auto &info : *model_.mutable_graph()->mutable_input())
    complete(info);
  try {
    if (model_.ir_version() <= onnx::IR_VERSION) {
      onnx::checker::check_model(model_);
      return;
    }
    // Only the number is newer: what the file format gained since is refused above.
    onnx::checker::CheckerContext context;
    std::unordered_map<std::string, int> opsets;
    for (const auto &o : model_.opset_import())
      opsets[o.domain()] = int(o.version());
    context.set_ir_version(onnx::IR_VERSION);
    context.set_opset_imports(opsets);
    onnx::checker::check_graph(proto_, context, onnx::checker::LexicalScopeContext());
  } catch (const std::exception &e) {
    std::string text = e.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    problem("bad-model", "", "ONNX's checker refuses it: " + text, "export it again");
  }
}

Result<ir::Module> Importer::run() {
  readOpset();
  indexNames();
  chooseOutputs();
  if (!errors_.empty())
    return fail(std::move(errors_));
  markNeeded();
  auto &block = graph_.module.main().getBody().front();
  graph_.builder.setInsertionPointToEnd(&block);
  addInputs();
  for (int64_t i = 0; i < proto_.node_size(); ++i)
    if (needed_[size_t(i)])
      importNode(i);
  addReturn();
  if (errors_.empty())
    check();
  if (!errors_.empty())
    return fail(std::move(errors_));
  TESSERA_TRY(graph_.module.verify(graph_.file));
  return std::move(graph_.module);
}

} // namespace

Result<ir::Module> importOnnx(const fs::path &path, const ImportOptions &options) {
  TESSERA_ASSIGN(auto model, readModel(path));
  return Importer(path, options, *model).run();
}

} // namespace tessera::onnx_import
