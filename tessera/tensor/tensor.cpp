#include "tessera/tensor/tensor.h"

#include "tessera/numerics/half.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace tessera {
namespace {

struct DTypeInfo {
  const char *name;
  int64_t size;
  bool isFloat, isSigned;
};
// In the order of DType.
constexpr DTypeInfo kInfo[] = {
    {"f32", 4, true, true},   {"f16", 2, true, true},   {"bf16", 2, true, true},
    {"i8", 1, false, true},   {"u8", 1, false, false},  {"i16", 2, false, true},
    {"u16", 2, false, false}, {"i32", 4, false, true},  {"u32", 4, false, false},
    {"i64", 8, false, true},  {"u64", 8, false, false}, {"f64", 8, true, true},
    {"bool", 1, false, false}};
const DTypeInfo &info(DType t) { return kInfo[static_cast<size_t>(t)]; }

// Calls f with a value of the C++ type that stores `t` (F16 and BF16 as tags).
struct HalfTag {};
struct BFloatTag {};
template <class F> auto dispatch(DType t, F f) {
  switch (t) {
  case DType::F32:
    return f(float{});
  case DType::F64:
    return f(double{});
  case DType::F16:
    return f(HalfTag{});
  case DType::BF16:
    return f(BFloatTag{});
  case DType::I8:
    return f(int8_t{});
  case DType::U8:
  case DType::Bool:
    return f(uint8_t{});
  case DType::I16:
    return f(int16_t{});
  case DType::U16:
    return f(uint16_t{});
  case DType::I32:
    return f(int32_t{});
  case DType::U32:
    return f(uint32_t{});
  case DType::I64:
    return f(int64_t{});
  case DType::U64:
    return f(uint64_t{});
  }
  std::abort();
}

} // namespace

int64_t dtypeSize(DType t) { return info(t).size; }
const char *dtypeName(DType t) { return info(t).name; }
bool dtypeIsFloat(DType t) { return info(t).isFloat; }
bool dtypeIsSigned(DType t) { return info(t).isSigned; }

int64_t elementCount(std::span<const int64_t> shape) {
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  return n;
}

std::string shapeText(std::span<const int64_t> shape) {
  std::string s;
  for (int64_t d : shape)
    s += (s.empty() ? "" : "x") + std::to_string(d);
  return s.empty() ? "scalar" : s;
}

Tensor::Tensor(DType dtype, Shape shape)
    : dtype_(dtype), shape_(std::move(shape)), count_(elementCount(shape_)) {
  size_t size = static_cast<size_t>(std::max<int64_t>(count_ * dtypeSize(dtype_), 1));
  auto *p = static_cast<uint8_t *>(::operator new(size, std::align_val_t{64}));
  std::memset(p, 0, size);
  data_.reset(p, [](uint8_t *q) { ::operator delete(q, std::align_val_t{64}); });
}

Tensor Tensor::clone() const {
  if (empty())
    return {};
  Tensor t(dtype_, shape_);
  std::memcpy(t.data_.get(), data_.get(), bytes().size());
  return t;
}

Tensor Tensor::reshaped(Shape shape) const {
  TESSERA_CHECK(elementCount(shape) == count_, "reshape to another element count");
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::converted(DType to) const {
  if (to == dtype_)
    return *this;
  Tensor out(to, shape_);
  dispatch(dtype_, [&](auto fromTag) {
    using From = decltype(fromTag);
    auto load = [&](int64_t i) {
      if constexpr (std::is_same_v<From, HalfTag>)
        return numerics::halfToFloat(as<uint16_t>()[i]);
      else if constexpr (std::is_same_v<From, BFloatTag>)
        return numerics::bfloatToFloat(as<uint16_t>()[i]);
      else
        return as<From>()[i];
    };
    dispatch(to, [&](auto toTag) {
      using To = decltype(toTag);
      for (int64_t i = 0; i < count_; ++i) {
        if constexpr (std::is_same_v<To, HalfTag>)
          out.as<uint16_t>()[i] = numerics::floatToHalf(static_cast<float>(load(i)));
        else if constexpr (std::is_same_v<To, BFloatTag>)
          out.as<uint16_t>()[i] = numerics::floatToBfloat(static_cast<float>(load(i)));
        else if (to == DType::Bool)
          out.as<uint8_t>()[i] = load(i) != 0;
        else
          out.as<To>()[i] = static_cast<To>(load(i));
      }
    });
  });
  return out;
}

void TensorMap::set(const std::string &name, Tensor t) {
  auto [it, inserted] = index_.try_emplace(name, items_.size());
  if (inserted)
    items_.emplace_back(name, std::move(t));
  else
    items_[it->second].second = std::move(t);
}

const Tensor *TensorMap::find(const std::string &name) const {
  auto it = index_.find(name);
  return it == index_.end() ? nullptr : &items_[it->second].second;
}

Tensor *TensorMap::find(const std::string &name) {
  return const_cast<Tensor *>(std::as_const(*this).find(name));
}

void TensorMap::erase(const std::string &name) {
  auto it = index_.find(name);
  if (it == index_.end())
    return;
  items_.erase(items_.begin() + it->second);
  index_.clear();
  for (size_t i = 0; i < items_.size(); ++i)
    index_[items_[i].first] = i;
}

} // namespace tessera
