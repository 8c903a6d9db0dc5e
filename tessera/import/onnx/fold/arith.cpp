// Folds that compute. Integers go through int64 with overflow checks, floats through double and are
// rounded once to their type (exact for f32: double has more than twice its bits).
#include "tessera/import/onnx/fold/fold.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

namespace tessera::onnx_import::fold {
namespace {

bool isInt(const Tensor &t) { return !dtypeIsFloat(t.dtype()); }

std::string quote(std::string_view op) { return std::string(op); }

/// Lowest and highest value of an integer type, as int64 (u64 ends at int64's highest: no size is
/// larger).
std::pair<int64_t, int64_t> limits(DType t) {
  switch (t) {
  case DType::I8:
    return {INT8_MIN, INT8_MAX};
  case DType::U8:
    return {0, UINT8_MAX};
  case DType::I16:
    return {INT16_MIN, INT16_MAX};
  case DType::U16:
    return {0, UINT16_MAX};
  case DType::I32:
    return {INT32_MIN, INT32_MAX};
  case DType::U32:
    return {0, UINT32_MAX};
  case DType::U64:
    return {0, INT64_MAX};
  case DType::Bool:
    return {0, 1};
  default:
    return {INT64_MIN, INT64_MAX};
  }
}

std::string notFitting(std::string_view op, DType t) {
  return quote(op) + " gives a number that does not fit " + dtypeName(t);
}

std::optional<int64_t> integerOp(std::string_view op, int64_t a, int64_t b, std::string &why) {
  int64_t r = 0;
  bool overflow = false;
  if (op == "Add")
    overflow = __builtin_add_overflow(a, b, &r);
  else if (op == "Sub")
    overflow = __builtin_sub_overflow(a, b, &r);
  else if (op == "Mul")
    overflow = __builtin_mul_overflow(a, b, &r);
  else if (op == "Min")
    r = std::min(a, b);
  else if (op == "Max")
    r = std::max(a, b);
  else if (op == "And")
    r = a && b;
  else if (op == "Or")
    r = a || b;
  else if (op == "Xor")
    r = !a != !b;
  else if (op == "Div" || op == "Mod") {
    if (b == 0) {
      why = "divides " + std::to_string(a) + " by 0";
      return std::nullopt;
    }
    if (b == -1) { // INT64_MIN / -1 traps
      overflow = op == "Div" && __builtin_sub_overflow(int64_t{0}, a, &r);
    } else if (op == "Div") {
      r = a / b;
    } else {
      r = a % b;
      if (r && (r < 0) != (b < 0))
        r += b;
    }
  } else if (op == "Pow") {
    if (b < 0) {
      why = "raises an integer to the power " + std::to_string(b);
      return std::nullopt;
    }
    r = 1;
    // Any |a| > 1 overflows within 63 steps, so the loop is short for huge exponents.
    if (a == 0 || a == 1 || a == -1)
      r = b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a;
    else
      for (int64_t i = 0; i < b && !overflow; ++i)
        overflow = __builtin_mul_overflow(r, a, &r);
  } else {
    why = quote(op) + " of integers is not known";
    return std::nullopt;
  }
  if (overflow) {
    why = quote(op) + " of " + std::to_string(a) + " and " + std::to_string(b) + " overflows";
    return std::nullopt;
  }
  return r;
}

std::optional<double> floatOp(std::string_view op, double a, double b) {
  if (op == "Add")
    return a + b;
  if (op == "Sub")
    return a - b;
  if (op == "Mul")
    return a * b;
  if (op == "Div")
    return a / b;
  if (op == "Min")
    return std::isnan(a) || std::isnan(b) ? std::nan("") : std::min(a, b);
  if (op == "Max")
    return std::isnan(a) || std::isnan(b) ? std::nan("") : std::max(a, b);
  if (op == "Pow")
    return std::pow(a, b);
  if (op == "Mod")
    return std::fmod(a, b);
  return std::nullopt;
}

/// u64 values above int64's range would be misread below.
bool wideFits(const Tensor &t) {
  if (t.dtype() != DType::U64)
    return true;
  for (uint64_t v : t.as<uint64_t>())
    if (v > uint64_t(INT64_MAX))
      return false;
  return true;
}

/// Integers within the limits of `to`, in an I64 tensor, stored as `to`.
Folded narrow(Tensor wide, DType to, std::string_view op) {
  auto [low, high] = limits(to);
  for (int64_t v : wide.as<int64_t>())
    if (v < low || v > high)
      return tl::unexpected(notFitting(op, to));
  return to == DType::I64 ? wide : wide.converted(to);
}

struct Pair {
  Tensor a, b;
  Shape shape;
};
tl::expected<Pair, std::string> aligned(std::string_view op, const Tensor &a, const Tensor &b) {
  if (a.dtype() != b.dtype())
    return tl::unexpected("has inputs of types " + std::string(dtypeName(a.dtype())) + " and " +
                          dtypeName(b.dtype()) + ", they must be equal");
  auto shape = broadcast(a.shape(), b.shape());
  if (!shape)
    return tl::unexpected("shapes " + shapeText(a.shape()) + " and " + shapeText(b.shape()) +
                          " do not broadcast");
  if (!reasonable(*shape))
    return tl::unexpected("the constant result would have shape " + shapeText(*shape) +
                          ", which is too large");
  if (!wideFits(a) || !wideFits(b))
    return tl::unexpected(std::string("has a u64 value above int64's range"));
  DType wide = isInt(a) ? DType::I64 : DType::F64;
  return Pair{expand(a.converted(wide), *shape), expand(b.converted(wide), *shape), *shape};
}

} // namespace

Folded binary(std::string_view op, const Tensor &a, const Tensor &b) {
  auto p = aligned(op, a, b);
  if (!p)
    return tl::unexpected(p.error());
  if (isInt(a)) {
    Tensor out(DType::I64, p->shape);
    auto x = p->a.as<int64_t>(), y = p->b.as<int64_t>();
    auto o = out.as<int64_t>();
    std::string why;
    for (size_t i = 0; i < o.size(); ++i) {
      auto r = integerOp(op, x[i], y[i], why);
      if (!r)
        return tl::unexpected(why);
      o[i] = *r;
    }
    return narrow(out, a.dtype(), op);
  }
  Tensor out(DType::F64, p->shape);
  auto x = p->a.as<double>(), y = p->b.as<double>();
  auto o = out.as<double>();
  for (size_t i = 0; i < o.size(); ++i) {
    auto r = floatOp(op, x[i], y[i]);
    if (!r)
      return tl::unexpected(quote(op) + " of floats is not known");
    o[i] = *r;
  }
  return out.converted(a.dtype());
}

Folded compare(std::string_view op, const Tensor &a, const Tensor &b) {
  auto p = aligned(op, a, b);
  if (!p)
    return tl::unexpected(p.error());
  Tensor out(DType::Bool, p->shape);
  auto o = out.as<uint8_t>();
  auto test = [&](auto x, auto y) -> bool {
    if (op == "Less")
      return x < y;
    if (op == "LessOrEqual")
      return x <= y;
    if (op == "Greater")
      return x > y;
    if (op == "GreaterOrEqual")
      return x >= y;
    return x == y;
  };
  for (size_t i = 0; i < o.size(); ++i)
    o[i] = isInt(a) ? test(p->a.as<int64_t>()[i], p->b.as<int64_t>()[i])
                    : test(p->a.as<double>()[i], p->b.as<double>()[i]);
  return out;
}

Folded unary(std::string_view op, const Tensor &a) {
  if (isInt(a)) {
    if (!wideFits(a))
      return tl::unexpected(std::string("has a u64 value above int64's range"));
    Tensor out = a.converted(DType::I64).clone();
    for (int64_t &v : out.as<int64_t>()) {
      if (op == "Not")
        v = !v;
      else if (op == "Sign")
        v = v > 0 ? 1 : v < 0 ? -1 : 0;
      else if (op == "Neg" || (op == "Abs" && v < 0)) {
        if (__builtin_sub_overflow(int64_t{0}, v, &v))
          return tl::unexpected(notFitting(op, a.dtype()));
      } else if (op != "Abs")
        return tl::unexpected(quote(op) + " of integers is not defined");
    }
    return narrow(out, a.dtype(), op);
  }
  Tensor out = a.converted(DType::F64).clone();
  for (double &v : out.as<double>()) {
    if (op == "Neg")
      v = -v;
    else if (op == "Abs")
      v = std::fabs(v);
    else if (op == "Floor")
      v = std::floor(v);
    else if (op == "Ceil")
      v = std::ceil(v);
    else if (op == "Round")
      v = std::nearbyint(v);
    else if (op == "Sqrt")
      v = std::sqrt(v);
    else if (op == "Reciprocal")
      v = 1.0 / v;
    else if (op == "Exp")
      v = std::exp(v);
    else if (op == "Log")
      v = std::log(v);
    else if (op == "Sign")
      v = v > 0 ? 1 : v < 0 ? -1 : v;
    else
      return tl::unexpected(quote(op) + " of floats is not defined");
  }
  return out.converted(a.dtype());
}

Folded where(const Tensor &condition, const Tensor &a, const Tensor &b) {
  if (condition.dtype() != DType::Bool)
    return tl::unexpected("the condition has type " + std::string(dtypeName(condition.dtype())) +
                          ", must be bool");
  if (a.dtype() != b.dtype())
    return tl::unexpected("has inputs of types " + std::string(dtypeName(a.dtype())) + " and " +
                          dtypeName(b.dtype()) + ", they must be equal");
  auto values = broadcast(a.shape(), b.shape());
  auto shape = values ? broadcast(*values, condition.shape()) : std::nullopt;
  if (!shape || !reasonable(*shape))
    return tl::unexpected("shapes " + shapeText(condition.shape()) + ", " + shapeText(a.shape()) +
                          " and " + shapeText(b.shape()) + " do not broadcast to a constant");
  Tensor c = expand(condition, *shape), x = expand(a, *shape);
  Tensor out = expand(b, *shape).clone();
  size_t size = size_t(dtypeSize(a.dtype()));
  for (size_t i = 0; i < size_t(out.count()); ++i)
    if (c.as<uint8_t>()[i])
      std::memcpy(out.bytes().data() + i * size, x.bytes().data() + i * size, size);
  return out;
}

Folded cast(const Tensor &a, DType to) {
  if (a.dtype() == to)
    return a;
  if (to == DType::Bool) {
    Tensor out(DType::Bool, a.shape());
    Tensor wide = a.converted(DType::F64);
    for (size_t i = 0; i < size_t(a.count()); ++i)
      out.as<uint8_t>()[i] = wide.as<double>()[i] != 0;
    return out;
  }
  if (dtypeIsFloat(to))
    return a.converted(to);
  if (isInt(a)) {
    if (!wideFits(a))
      return tl::unexpected(std::string("has a u64 value above int64's range"));
    return narrow(a.converted(DType::I64), to, "Cast");
  }
  Tensor wide = a.converted(DType::F64);
  Tensor out(DType::I64, a.shape());
  for (size_t i = 0; i < size_t(a.count()); ++i) {
    double v = std::trunc(wide.as<double>()[i]);
    if (!(v >= -0x1p63 && v < 0x1p63))
      return tl::unexpected(notFitting("Cast", to));
    out.as<int64_t>()[i] = int64_t(v);
  }
  return narrow(out, to, "Cast");
}

Folded range(const Tensor &start, const Tensor &limit, const Tensor &delta) {
  if (start.count() != 1 || limit.count() != 1 || delta.count() != 1 ||
      start.dtype() != limit.dtype() || start.dtype() != delta.dtype())
    return tl::unexpected(std::string("start, limit and delta must be scalars of one type"));
  auto number = [](const Tensor &t) { return t.converted(DType::F64).as<double>()[0]; };
  double s = number(start), l = number(limit), d = number(delta);
  double count = std::ceil((l - s) / d);
  if (d == 0 || !std::isfinite(count) || count > double(int64_t{1} << 28))
    return tl::unexpected(
        fmt::format("from {} to {} in steps of {} is not a list that fits memory", s, l, d));
  Tensor out(DType::F64, {std::max<int64_t>(0, int64_t(count))});
  if (isInt(start) && std::max(std::fabs(s), std::fabs(l)) > 0x1p53)
    return tl::unexpected(std::string("has a bound above 2^53"));
  for (size_t i = 0; i < size_t(out.count()); ++i)
    out.as<double>()[i] = s + double(i) * d;
  return out.converted(start.dtype());
}

Folded reduce(std::string_view op, const Tensor &a, const std::vector<int64_t> &axes,
              bool keepdims) {
  std::vector<bool> gone(a.rank(), false);
  for (int64_t d : axes)
    gone[size_t(d)] = true;
  if (a.count() == 0)
    return tl::unexpected(std::string("reduces an empty tensor"));
  // The reduced axes go last, so that each result is a run of elements.
  std::vector<int64_t> order;
  Shape kept, shape;
  for (size_t d = 0; d < a.rank(); ++d)
    if (!gone[d]) {
      order.push_back(int64_t(d));
      shape.push_back(a.dim(d));
      kept.push_back(a.dim(d));
    } else if (keepdims) {
      kept.push_back(1);
    }
  for (size_t d = 0; d < a.rank(); ++d)
    if (gone[d])
      order.push_back(int64_t(d));
  if (!wideFits(a))
    return tl::unexpected(std::string("has a u64 value above int64's range"));
  std::string_view step = op == "ReduceProd"  ? "Mul"
                          : op == "ReduceSum" ? "Add"
                          : op == "ReduceMin" ? "Min"
                                              : "Max";
  Tensor moved = transpose(a.converted(isInt(a) ? DType::I64 : DType::F64), order);
  int64_t results = elementCount(shape), run = a.count() / results;
  Tensor out(moved.dtype(), kept);
  std::string why;
  for (int64_t r = 0; r < results; ++r)
    for (int64_t i = 0; i < run; ++i) {
      size_t to = size_t(r), from = size_t(r * run + i);
      if (!isInt(a)) {
        double v = moved.as<double>()[from];
        out.as<double>()[to] = i == 0 ? v : *floatOp(step, out.as<double>()[to], v);
        continue;
      }
      int64_t v = moved.as<int64_t>()[from];
      auto sum = i == 0 ? std::optional(v) : integerOp(step, out.as<int64_t>()[to], v, why);
      if (!sum)
        return tl::unexpected(why);
      out.as<int64_t>()[to] = *sum;
    }
  return isInt(a) ? narrow(out, a.dtype(), op) : Folded(out.converted(a.dtype()));
}

} // namespace tessera::onnx_import::fold
