#pragma once
// Small ONNX models for tests, and the module imported from them as text.
#include "tessera/import/onnx/import.h"
#include "tessera/support/testing.h"

#include "onnx/onnx_pb.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tessera::onnx_import::testing {

/// One node's attributes are set with a(...); constants are initializers.
class Builder {
public:
  explicit Builder(int64_t opset = 13) {
    model.set_ir_version(opset > 17 ? 10 : opset > 8 ? 7 : 4);
    auto *o = model.add_opset_import();
    o->set_domain("");
    o->set_version(opset);
    graph().set_name("test");
  }
  onnx::GraphProto &graph() { return *model.mutable_graph(); }

  Builder &input(const std::string &name, const Shape &shape, int type = onnx::TensorProto::FLOAT) {
    setType(*graph().add_input(), name, shape, type);
    return *this;
  }
  /// A size below 1 is left open.
  Builder &output(const std::string &name, int type = onnx::TensorProto::FLOAT) {
    auto *o = graph().add_output();
    o->set_name(name);
    o->mutable_type()->mutable_tensor_type()->set_elem_type(type);
    return *this;
  }
  Builder &floats(const std::string &name, const Shape &shape, std::vector<float> values = {}) {
    auto *t = tensor(name, shape, onnx::TensorProto::FLOAT);
    values.resize(size_t(elementCount(shape)), 0.5f);
    t->set_raw_data(values.data(), values.size() * sizeof(float));
    return *this;
  }
  Builder &ints(const std::string &name, const std::vector<int64_t> &values) {
    return intTensor(name, {int64_t(values.size())}, values);
  }
  Builder &intTensor(const std::string &name, const Shape &shape,
                     const std::vector<int64_t> &values) {
    auto *t = tensor(name, shape, onnx::TensorProto::INT64);
    for (int64_t v : values)
      t->add_int64_data(v);
    return *this;
  }
  Builder &node(const std::string &op, const std::vector<std::string> &in,
                const std::vector<std::string> &out, const std::string &name = "") {
    auto *n = graph().add_node();
    n->set_op_type(op);
    n->set_name(name.empty() ? op + "_" + out[0] : name);
    for (const auto &i : in)
      n->add_input(i);
    for (const auto &o : out)
      n->add_output(o);
    return *this;
  }
  Builder &a(const std::string &name, int64_t v) {
    attr(name, onnx::AttributeProto::INT)->set_i(v);
    return *this;
  }
  Builder &f(const std::string &name, float v) {
    attr(name, onnx::AttributeProto::FLOAT)->set_f(v);
    return *this;
  }
  Builder &s(const std::string &name, const std::string &v) {
    attr(name, onnx::AttributeProto::STRING)->set_s(v);
    return *this;
  }
  Builder &is(const std::string &name, const std::vector<int64_t> &v) {
    auto *a = attr(name, onnx::AttributeProto::INTS);
    for (int64_t x : v)
      a->add_ints(x);
    return *this;
  }
  Builder &fs(const std::string &name, const std::vector<float> &v) {
    auto *a = attr(name, onnx::AttributeProto::FLOATS);
    for (float x : v)
      a->add_floats(x);
    return *this;
  }

  std::filesystem::path write(const std::string &stem = "net") const {
    static const ScratchFolder folder;
    auto path = folder / (stem + ".onnx");
    std::ofstream out(path, std::ios::binary);
    model.SerializeToOstream(&out);
    return path;
  }
  Result<ir::Module> load(const ImportOptions &options = {}) const {
    return importOnnx(write(), options);
  }
  /// The module's text without ids and types of the module header; the errors' text if it fails.
  std::string text(const ImportOptions &options = {}) const {
    auto m = load(options);
    return m ? m->text() : "errors:\n" + m.error().text();
  }

  onnx::ModelProto model;

private:
  static void setType(onnx::ValueInfoProto &info, const std::string &name, const Shape &shape,
                      int type) {
    info.set_name(name);
    auto *t = info.mutable_type()->mutable_tensor_type();
    t->set_elem_type(type);
    t->mutable_shape();
    for (int64_t d : shape)
      if (d > 0)
        t->mutable_shape()->add_dim()->set_dim_value(d);
      else
        t->mutable_shape()->add_dim()->set_dim_param("dyn");
  }
  onnx::TensorProto *tensor(const std::string &name, const Shape &shape, int type) {
    auto *t = graph().add_initializer();
    t->set_name(name);
    t->set_data_type(type);
    for (int64_t d : shape)
      t->add_dims(d);
    return t;
  }
  onnx::AttributeProto *attr(const std::string &name, onnx::AttributeProto::AttributeType type) {
    auto *a = graph().mutable_node(graph().node_size() - 1)->add_attribute();
    a->set_name(name);
    a->set_type(type);
    return a;
  }
};

} // namespace tessera::onnx_import::testing
