#include "tessera/import/onnx/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <climits>
#include <fstream>

namespace fs = std::filesystem;
namespace tessera::onnx_import {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 40;

std::string valueOf(const onnx::TensorProto &t, const std::string &key) {
  for (const auto &e : t.external_data())
    if (e.key() == key)
      return e.value();
  return "";
}

std::optional<uint64_t> number(const std::string &text) {
  if (text.empty() || text.size() > 18 ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::stoull(text);
}

/// The file named by the tensor must lie in the model's folder: a model is data, it may not make us
/// read any other file of the user.
Status loadExternal(onnx::TensorProto &t, const fs::path &model) {
  std::string where = model.filename().string() + ": tensor '" + t.name() + "'";
  std::string location = valueOf(t, "location");
  fs::path relative = fs::path(location).lexically_normal();
  if (location.empty() || relative.is_absolute() || *relative.begin() == "..")
    return fail("bad-model", where,
                "its external data lies at '" + location +
                    "', which is not a path inside the model's folder");
  fs::path path = model.parent_path() / relative;
  std::error_code ec;
  uint64_t size = fs::file_size(path, ec);
  if (ec)
    return fail("bad-file", where,
                "its external data file " + path.string() + " cannot be read: " + ec.message(),
                "keep the data file beside the model");
  uint64_t offset = 0, length = 0;
  std::string offsetText = valueOf(t, "offset"), lengthText = valueOf(t, "length");
  auto o = number(offsetText), l = number(lengthText);
  if ((!o && !offsetText.empty()) || (!l && !lengthText.empty()))
    return fail("bad-model", where,
                "its external data has offset '" + offsetText + "' and length '" + lengthText +
                    "', which are not both numbers");
  offset = o.value_or(0);
  if (offset > size)
    return fail("bad-file", where,
                "its external data starts at byte " + std::to_string(offset) + " of " +
                    path.string() + ", which has " + std::to_string(size) + " bytes");
  length = l.value_or(size - offset);
  if (length > size - offset || length > uint64_t(INT_MAX))
    return fail("bad-file", where,
                "its external data needs " + std::to_string(length) + " bytes from byte " +
                    std::to_string(offset) + " of " + path.string() + ", which has " +
                    std::to_string(size) + " bytes");
  std::ifstream in(path, std::ios::binary);
  std::string bytes(length, '\0');
  if (!in.seekg(std::streamoff(offset)) || !in.read(bytes.data(), std::streamsize(length)))
    return fail("bad-file", where, "reading " + path.string() + " failed");
  t.set_raw_data(std::move(bytes));
  t.clear_external_data();
  t.set_data_location(onnx::TensorProto::DEFAULT);
  return {};
}

template <class Stored, class To, class Field> bool copyField(const Field &field, Tensor &out) {
  if (int64_t(field.size()) != out.count())
    return false;
  auto to = out.as<To>();
  for (int64_t i = 0; i < out.count(); ++i)
    to[size_t(i)] = To(Stored(field.Get(int(i))));
  return true;
}

} // namespace

Result<std::unique_ptr<onnx::ModelProto>> readModel(const fs::path &path) {
  std::error_code ec;
  if (fs::is_directory(path, ec))
    return fail("bad-file", path.string(), "is a folder, not an ONNX file");
  auto size = fs::file_size(path, ec);
  if (ec)
    return fail("bad-file", path.string(), "cannot be read: " + ec.message());
  if (size > uint64_t(INT_MAX))
    return fail("bad-file", path.string(),
                "has " + std::to_string(size) + " bytes, protobuf files end at 2 GiB",
                "save the weights as external data (onnx.save with save_as_external_data=True)");
  FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return fail("bad-file", path.string(), std::string("cannot be read: ") + std::strerror(errno));
  auto model = std::make_unique<onnx::ModelProto>();
  bool parsed = false;
  {
    google::protobuf::LogSilencer silence; // its messages would repeat ours without a place
    google::protobuf::io::FileInputStream stream(fileno(file));
    google::protobuf::io::CodedInputStream coded(&stream);
    coded.SetTotalBytesLimit(INT_MAX);
    parsed = model->ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage() &&
             stream.GetErrno() == 0;
  }
  std::fclose(file);
  if (!parsed)
    return fail("bad-file", path.string(),
                "is not a whole ONNX model (" + std::to_string(size) +
                    " bytes): it is truncated or of another format",
                "copy or export it again; onnx.checker.check_model shows the same");
  if (!model->has_graph() || (model->graph().node_size() == 0 && model->graph().output_size() == 0))
    return fail("bad-file", path.string(), "holds no ONNX graph",
                "give the file that torch.onnx.export or another exporter wrote");

  Error errors;
  auto load = [&](onnx::TensorProto &t) {
    if (t.data_location() != onnx::TensorProto::EXTERNAL)
      return;
    if (auto s = loadExternal(t, path); !s)
      errors.add(s.error());
  };
  for (auto &t : *model->mutable_graph()->mutable_initializer())
    load(t);
  for (auto &node : *model->mutable_graph()->mutable_node())
    for (auto &a : *node.mutable_attribute())
      if (a.has_t())
        load(*a.mutable_t());
  if (!errors.empty())
    return fail(std::move(errors));
  return model;
}

std::optional<DType> dtypeOfOnnx(int type) {
  using T = onnx::TensorProto;
  switch (type) {
  case T::FLOAT:
    return DType::F32;
  case T::FLOAT16:
    return DType::F16;
  case T::BFLOAT16:
    return DType::BF16;
  case T::DOUBLE:
    return DType::F64;
  case T::INT8:
    return DType::I8;
  case T::UINT8:
    return DType::U8;
  case T::INT16:
    return DType::I16;
  case T::UINT16:
    return DType::U16;
  case T::INT32:
    return DType::I32;
  case T::UINT32:
    return DType::U32;
  case T::INT64:
    return DType::I64;
  case T::UINT64:
    return DType::U64;
  case T::BOOL:
    return DType::Bool;
  default:
    return std::nullopt;
  }
}

int onnxOfDtype(DType type) {
  using T = onnx::TensorProto;
  switch (type) {
  case DType::F32:
    return T::FLOAT;
  case DType::F16:
    return T::FLOAT16;
  case DType::BF16:
    return T::BFLOAT16;
  case DType::F64:
    return T::DOUBLE;
  case DType::I8:
    return T::INT8;
  case DType::U8:
    return T::UINT8;
  case DType::I16:
    return T::INT16;
  case DType::U16:
    return T::UINT16;
  case DType::I32:
    return T::INT32;
  case DType::U32:
    return T::UINT32;
  case DType::I64:
    return T::INT64;
  case DType::U64:
    return T::UINT64;
  case DType::Bool:
    return T::BOOL;
  }
  return T::UNDEFINED;
}

std::string onnxTypeName(int type) {
  if (onnx::TensorProto::DataType_IsValid(type))
    return onnx::TensorProto::DataType_Name(onnx::TensorProto::DataType(type));
  return "element type " + std::to_string(type);
}

std::optional<int64_t> checkedCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t d : shape)
    if (d < 0)
      return std::nullopt;
  for (int64_t d : shape) {
    if (d == 0)
      return 0;
    if (count > kMostElements / d)
      return std::nullopt;
    count *= d;
  }
  return count;
}

Result<Tensor> tensorOf(const onnx::TensorProto &proto, const std::string &where) {
  auto dtype = dtypeOfOnnx(proto.data_type());
  if (!dtype)
    return fail("bad-model", where,
                "has element type " + onnxTypeName(proto.data_type()) +
                    ", which has no numbers here",
                "use FLOAT weights and integer shapes");
  Shape shape(proto.dims().begin(), proto.dims().end());
  auto count = checkedCount(shape);
  if (!count)
    return fail("bad-model", where, "has impossible dims " + shapeText(shape));
  // What is stored is compared with the dims before memory is asked for.
  int64_t have = 0;
  bool raw = proto.has_raw_data();
  bool packed = *dtype != DType::F32 && *dtype != DType::F64 && *dtype != DType::I64 &&
                *dtype != DType::U64 && *dtype != DType::U32;
  if (raw)
    have = int64_t(proto.raw_data().size()) / dtypeSize(*dtype);
  else if (*dtype == DType::F32)
    have = proto.float_data_size();
  else if (*dtype == DType::F64)
    have = proto.double_data_size();
  else if (*dtype == DType::I64)
    have = proto.int64_data_size();
  else if (packed)
    have = proto.int32_data_size();
  else
    have = proto.uint64_data_size();
  if (have != *count || (raw && int64_t(proto.raw_data().size()) != have * dtypeSize(*dtype)))
    return fail("bad-model", where,
                "has dims " + shapeText(shape) + " (" + std::to_string(*count) +
                    " elements), but holds data for " + std::to_string(have),
                "export the model again; its weights are incomplete");
  Tensor t(*dtype, shape);
  if (*count == 0)
    return t;
  if (raw) {
    std::memcpy(t.bytes().data(), proto.raw_data().data(), proto.raw_data().size());
    return t;
  }
  bool ok = true;
  switch (*dtype) {
  case DType::F32:
    ok = copyField<float, float>(proto.float_data(), t);
    break;
  case DType::F64:
    ok = copyField<double, double>(proto.double_data(), t);
    break;
  case DType::I64:
    ok = copyField<int64_t, int64_t>(proto.int64_data(), t);
    break;
  case DType::U64:
    ok = copyField<uint64_t, uint64_t>(proto.uint64_data(), t);
    break;
  case DType::U32:
    ok = copyField<uint32_t, uint32_t>(proto.uint64_data(), t);
    break;
  case DType::I32:
    ok = copyField<int32_t, int32_t>(proto.int32_data(), t);
    break;
  case DType::F16:
  case DType::BF16:
  case DType::U16:
    ok = copyField<uint16_t, uint16_t>(proto.int32_data(), t);
    break;
  case DType::I16:
    ok = copyField<int16_t, int16_t>(proto.int32_data(), t);
    break;
  case DType::I8:
    ok = copyField<int8_t, int8_t>(proto.int32_data(), t);
    break;
  case DType::U8:
  case DType::Bool:
    ok = copyField<uint8_t, uint8_t>(proto.int32_data(), t);
    break;
  }
  TESSERA_CHECK(ok, "tensor data changed its size");
  return t;
}

} // namespace tessera::onnx_import
