#include "tessera/tensor/compare.h"

#include "tessera/numerics/half.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tessera {
namespace {

constexpr int64_t kBlock = 4096;
using Block = std::array<double, kBlock>;

template <class T> void loadAs(const Tensor &t, int64_t at, int64_t n, Block &out) {
  std::span<const T> v = t.as<T>();
  for (int64_t i = 0; i < n; ++i)
    out[i] = static_cast<double>(v[at + i]);
}

void load(const Tensor &t, int64_t at, int64_t n, Block &out) {
  switch (t.dtype()) {
  case DType::F32:
    return loadAs<float>(t, at, n, out);
  case DType::F64:
    return loadAs<double>(t, at, n, out);
  case DType::I8:
    return loadAs<int8_t>(t, at, n, out);
  case DType::U8:
  case DType::Bool:
    return loadAs<uint8_t>(t, at, n, out);
  case DType::I16:
    return loadAs<int16_t>(t, at, n, out);
  case DType::U16:
    return loadAs<uint16_t>(t, at, n, out);
  case DType::I32:
    return loadAs<int32_t>(t, at, n, out);
  case DType::U32:
    return loadAs<uint32_t>(t, at, n, out);
  case DType::I64:
    return loadAs<int64_t>(t, at, n, out);
  case DType::U64:
    return loadAs<uint64_t>(t, at, n, out);
  case DType::F16:
  case DType::BF16: {
    std::span<const uint16_t> v = t.as<uint16_t>();
    for (int64_t i = 0; i < n; ++i)
      out[i] = t.dtype() == DType::F16 ? numerics::halfToFloat(v[at + i])
                                       : numerics::bfloatToFloat(v[at + i]);
    return;
  }
  }
}

/// Calls f(index, a, b) for every element in order.
template <class F> void forEachPair(const Tensor &a, const Tensor &b, F f) {
  auto x = std::make_unique<Block>(), y = std::make_unique<Block>();
  for (int64_t at = 0; at < a.count(); at += kBlock) {
    int64_t n = std::min(kBlock, a.count() - at);
    load(a, at, n, *x);
    load(b, at, n, *y);
    for (int64_t i = 0; i < n; ++i)
      f(at + i, (*x)[i], (*y)[i]);
  }
}

bool same(double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }

} // namespace

Result<Comparison> compareTensors(const Tensor &a, const Tensor &b) {
  if (a.count() != b.count())
    return fail("shape-mismatch", "",
                "a tensor of shape " + shapeText(a.shape()) + " cannot be compared with one of " +
                    shapeText(b.shape()));
  Comparison c;
  c.count = a.count();
  c.sqnr = std::numeric_limits<double>::infinity();
  if (!a.count() || (a.dtype() == b.dtype() && a.bytes().data() == b.bytes().data()))
    return c;

  double dot = 0, aa = 0, bb = 0, dist2 = 0, mean2 = 0, sumA = 0, sumNoise = 0;
  int64_t finite = 0;
  bool unlike = false; // NaN or infinity against another value: no similarity can be stated
  forEachPair(a, b, [&](int64_t i, double x, double y) {
    double diff = x - y;
    if (!same(x, y)) {
      ++c.differing;
      double size = std::isfinite(diff) ? std::abs(diff) : std::numeric_limits<double>::infinity();
      if (size > c.maxAbsDiff || c.worstIndex < 0) {
        c.maxAbsDiff = size;
        c.worstIndex = i;
      }
    }
    if (!std::isfinite(x) || !std::isfinite(y)) {
      unlike |= !same(x, y);
      return; // equal NaN and infinities are left out of the sums
    }
    ++finite;
    dot += x * y;
    aa += x * x;
    bb += y * y;
    dist2 += diff * diff;
    mean2 += (x + y) * (x + y) / 4;
    sumA += x;
    sumNoise += diff;
  });
  if (c.differing == 0)
    return c;
  if (unlike) {
    c.cosine = c.euclid = 0;
    c.sqnr = -std::numeric_limits<double>::infinity();
    return c;
  }
  // sqrt of each, not of the product: the product of two sums of squares can overflow.
  c.cosine = aa > 0 && bb > 0 ? dot / (std::sqrt(aa) * std::sqrt(bb)) : (aa == bb ? 1 : 0);
  c.euclid = mean2 > 0 ? 1 - std::sqrt(dist2) / std::sqrt(mean2) : 0;
  double meanA = sumA / finite, meanNoise = sumNoise / finite, varA = 0, varNoise = 0;
  forEachPair(a, b, [&](int64_t, double x, double y) {
    if (!std::isfinite(x))
      return;
    double s = x - meanA, e = x - y - meanNoise;
    varA += s * s;
    varNoise += e * e;
  });
  // A constant tensor, or a constant offset, has no ratio; TPU-MLIR gives infinity for both.
  if (varA > 0 && varNoise > 0)
    c.sqnr = 10 * std::log10(varA / varNoise);
  return c;
}

} // namespace tessera
