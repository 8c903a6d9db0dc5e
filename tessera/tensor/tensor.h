#pragma once
// Dense tensors on plain buffers: what every room passes around outside MLIR.
#include "tessera/support/status.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tessera {

enum class DType : uint8_t { F32, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64, F64, Bool };

int64_t dtypeSize(DType t);     ///< bytes of one element
const char *dtypeName(DType t); ///< "f32", "u8", ...
bool dtypeIsFloat(DType t);
bool dtypeIsSigned(DType t); ///< signed integers and floats

template <class T> constexpr DType dtypeOf();
template <> constexpr DType dtypeOf<float>() { return DType::F32; }
template <> constexpr DType dtypeOf<double>() { return DType::F64; }
template <> constexpr DType dtypeOf<int8_t>() { return DType::I8; }
template <> constexpr DType dtypeOf<uint8_t>() { return DType::U8; }
template <> constexpr DType dtypeOf<int16_t>() { return DType::I16; }
template <> constexpr DType dtypeOf<uint16_t>() { return DType::U16; }
template <> constexpr DType dtypeOf<int32_t>() { return DType::I32; }
template <> constexpr DType dtypeOf<uint32_t>() { return DType::U32; }
template <> constexpr DType dtypeOf<int64_t>() { return DType::I64; }
template <> constexpr DType dtypeOf<uint64_t>() { return DType::U64; }

using Shape = std::vector<int64_t>;
int64_t elementCount(std::span<const int64_t> shape);  ///< 1 for a scalar
std::string shapeText(std::span<const int64_t> shape); ///< "1x3x160x240"

/// A row-major tensor with a shared, 64-byte aligned buffer. Copies share the buffer; clone() does
/// not.
class Tensor {
public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape);
  template <class T> static Tensor of(Shape shape, std::span<const T> values) {
    Tensor t(dtypeOf<T>(), std::move(shape));
    std::memcpy(t.bytes().data(), values.data(), values.size_bytes());
    return t;
  }

  DType dtype() const { return dtype_; }
  const Shape &shape() const { return shape_; }
  int64_t dim(size_t i) const { return shape_[i]; }
  size_t rank() const { return shape_.size(); }
  int64_t count() const { return count_; }
  bool empty() const { return data_ == nullptr; } ///< no buffer at all (default-constructed)

  std::span<uint8_t> bytes() { return {data_.get(), size_t(count_ * dtypeSize(dtype_))}; }
  std::span<const uint8_t> bytes() const {
    return {data_.get(), size_t(count_ * dtypeSize(dtype_))};
  }
  /// Typed view; T must match dtype() (F16, BF16, Bool: use uint16_t or uint8_t).
  template <class T> std::span<T> as() {
    TESSERA_CHECK(sizeof(T) == size_t(dtypeSize(dtype_)),
                  "tensor viewed with another element size");
    return {reinterpret_cast<T *>(data_.get()), size_t(count_)};
  }
  template <class T> std::span<const T> as() const { return const_cast<Tensor *>(this)->as<T>(); }
  Tensor clone() const;
  /// Same buffer, other shape of equal element count.
  Tensor reshaped(Shape shape) const;
  /// Every element converted by value: integers and floats exact where they fit, float to integer
  /// truncates toward zero, F16/BF16 by numerics. Used for files and display, not for chip
  /// numerics.
  Tensor converted(DType to) const;

private:
  DType dtype_ = DType::F32;
  Shape shape_;
  int64_t count_ = 0;
  std::shared_ptr<uint8_t> data_;
};

/// Tensors by name in insertion order, as an npz holds them.
class TensorMap {
public:
  /// Adds or replaces.
  void set(const std::string &name, Tensor t);
  const Tensor *find(const std::string &name) const;
  Tensor *find(const std::string &name);
  bool contains(const std::string &name) const { return find(name) != nullptr; }
  void erase(const std::string &name);
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

private:
  std::vector<std::pair<std::string, Tensor>> items_;
  std::map<std::string, size_t> index_;
};

} // namespace tessera
