#pragma once
// The ONNX file as protobuf, and its tensors as ours. Nothing here knows ops.
#include "tessera/tensor/tensor.h"

#include "onnx/onnx_pb.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace tessera::onnx_import {

/// Reads and parses a model of up to 2 GiB; arrays in external files are read into it. Errors
/// "bad-file" (missing, truncated, not ONNX) and "bad-model" (external data that cannot be read).
Result<std::unique_ptr<onnx::ModelProto>> readModel(const std::filesystem::path &path);

/// The stored array with ONNX's element type; errors "bad-model" at `where` for sizes that do not
/// match, negative or absurd dims, and element types without a DType (strings, complex, 8-bit
/// floats).
Result<Tensor> tensorOf(const onnx::TensorProto &proto, const std::string &where);

/// TensorProto::DataType to ours; nullopt for strings, complex numbers and types we have no numbers
/// for.
std::optional<DType> dtypeOfOnnx(int type);
int onnxOfDtype(DType type);
/// "FLOAT", "INT64", or the number for an unknown type.
std::string onnxTypeName(int type);

/// Elements of `shape`; nullopt for a negative size or more than 2^40 elements.
std::optional<int64_t> checkedCount(std::span<const int64_t> shape);

} // namespace tessera::onnx_import
