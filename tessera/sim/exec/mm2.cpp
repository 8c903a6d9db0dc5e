// sMM2, matrix multiply with one matrix row per channel ("BM1684X measured numerics", section 8.4,
// and docs/numerics.md).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/kernels/conv.h"
#include "tessera/sim/local.h"

#include <bit>

namespace tessera::sim::exec {
namespace {

using isa::sMM2;

enum Op : uint64_t { kPlain = 4, kRightTransposed = 5, kBothTransposed = 6 };

struct Job {
  sMM2 f;
  Type type, to;
  int64_t rows, columns, inner; ///< of the product
  Local left, right, res;
  Operand zero; ///< of the right matrix

  bool leftTurned() const { return f.tsk_eu_typ == kBothTransposed; }
  bool rightTurned() const { return f.tsk_eu_typ != kPlain; }
  /// Element (row, column) of the product; eu 6 writes it transposed.
  uint8_t *at(const Local &t, int64_t r, int64_t c) const {
    return leftTurned() ? t.plane(0, c) + r * t.size : t.plane(0, r) + c * t.size;
  }
};

Result<Job> prepare(Machine &m, const sMM2 &f) {
  Job j{};
  j.f = f;
  j.type = Type(f.opd0_prec), j.to = Type(f.res0_prec);
  bool isFloat = chip::isFloat(j.type);
  if (isFloat ? j.type == Type::Fp32 || (j.to != j.type && j.to != Type::Fp32)
              : j.type != Type::Int8 || j.to != Type::Int32)
    return unsupported("matrix multiply of these types (int8 into int32, fp16 and bf16 into "
                       "themselves or fp32; fp32, int16 and int32: use sMM)");
  j.rows = int64_t(j.leftTurned() ? f.res0_w : f.res0_c);
  j.columns = int64_t(j.leftTurned() ? f.res0_c : f.res0_w);
  j.inner = int64_t(j.rightTurned() ? f.opd1_w : f.opd1_c);
  if (j.columns != int64_t(j.rightTurned() ? f.opd1_c : f.opd1_w))
    return fail("bad-shape", "opd1",
                fmt::format("{}x{} stored for {} result columns", f.opd1_c, f.opd1_w, j.columns));
  if (j.rows * j.inner > kMaxElements || j.inner * j.columns > kMaxElements)
    return fail("bad-shape", "", "a matrix is more than local memory can hold");
  int64_t size = chip::bytesOf(j.type);
  TESSERA_ASSIGN(j.res,
                 alignedLocal(m, "result", f.res0_addr,
                              {1, int64_t(f.res0_c), 1, int64_t(f.res0_w)}, chip::bytesOf(j.to)));
  if (!f.opd0_const) {
    Dims stored{1, j.leftTurned() ? j.inner : j.rows, 1, j.leftTurned() ? j.rows : j.inner};
    TESSERA_ASSIGN(j.left, alignedLocal(m, "opd0", f.opd0_addr, stored, size));
  }
  if (!f.opd1_const) {
    TESSERA_ASSIGN(j.right, alignedLocal(m, "opd1", f.opd1_addr,
                                         {1, int64_t(f.opd1_c), 1, int64_t(f.opd1_w)}, size));
  }
  j.zero = Operand::constant(uint32_t(f.opd2_addr));
  if (!isFloat && !f.opd2_const) {
    // eu 4: every lane that holds a row of the right matrix has the row of zero points. eu 5: lane
    // of column c has it too, and its element c counts. eu 6: one per channel, compact.
    bool compact = f.tsk_eu_typ == kBothTransposed;
    int64_t lanes = f.tsk_eu_typ == kPlain ? j.inner : j.columns;
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, {1, lanes, 1, compact ? 1 : j.columns}, 1,
                                  compact ? chip::perChannelLayout() : LocalLayout{0, 0, 0, 1}));
    j.zero = Operand::of(t);
  }
  return j;
}

template <class T> T element(const Job &j, const uint8_t *p, bool isSigned) {
  if constexpr (std::is_same_v<T, float>) {
    float v;
    loadFloats(&v, p, 0, 1, j.type);
    return j.type == Type::Fp16 ? v : numerics::flush(v);
  } else {
    return isSigned ? T(int8_t(*p)) : T(*p);
  }
}

/// The left matrix as [row][inner].
template <class T> std::vector<T> leftMatrix(const Job &j) {
  std::vector<T> out(size_t(j.rows * j.inner));
  auto word = uint32_t(j.f.opd0_addr);
  for (int64_t r = 0; r < j.rows; ++r)
    for (int64_t k = 0; k < j.inner; ++k)
      out[size_t(r * j.inner + k)] = element<T>(
          j, j.f.opd0_const ? reinterpret_cast<const uint8_t *>(&word) : j.at(j.left, r, k),
          j.f.opd0_sign);
  return out;
}

/// Element (k, c) of the right matrix.
template <class T> T rightElement(const Job &j, int64_t k, int64_t c) {
  auto word = uint32_t(j.f.opd1_addr);
  if (j.f.opd1_const)
    return element<T>(j, reinterpret_cast<const uint8_t *>(&word), j.f.opd1_sign);
  return element<T>(j,
                    j.rightTurned() ? j.right.plane(0, c) + k * j.right.size
                                    : j.right.plane(0, k) + c * j.right.size,
                    j.f.opd1_sign);
}

int32_t zeroPoint(const Job &j, int64_t k, int64_t c) {
  const uint8_t *p = j.zero.plane(0, j.f.tsk_eu_typ == kPlain ? k : c);
  if (!j.zero.immediate && j.f.tsk_eu_typ != kBothTransposed)
    p += c;
  return j.f.opd1_sign ? int32_t(int8_t(*p)) : int32_t(*p);
}

Status integers(const Job &j) {
  std::vector<int32_t> left = leftMatrix<int32_t>(j), right(size_t(j.inner * j.columns));
  for (int64_t k = 0; k < j.inner; ++k)
    for (int64_t c = 0; c < j.columns; ++c)
      right[size_t(k * j.columns + c)] = rightElement<int32_t>(j, k, c) - zeroPoint(j, k, c);
  parallelFor(j.rows, 16, [&](int64_t begin, int64_t end) {
    std::vector<uint32_t> sums(static_cast<size_t>(j.columns));
    for (int64_t r = begin; r < end; ++r) {
      std::fill(sums.begin(), sums.end(), 0u);
      for (int64_t k = 0; k < j.inner; ++k) {
        auto x = uint32_t(left[size_t(r * j.inner + k)]);
        const int32_t *w = right.data() + k * j.columns;
        for (int64_t c = 0; c < j.columns; ++c)
          sums[size_t(c)] += x * uint32_t(w[c]);
      }
      for (int64_t c = 0; c < j.columns; ++c) {
        uint8_t *out = j.at(j.res, r, c);
        storeAs<uint32_t>(out, sums[size_t(c)] + (j.f.res_add ? loadAs<uint32_t>(out) : 0));
      }
    }
  });
  return {};
}

/// The inner dimension is a convolution's input channels (section 8.2).
Status floats(Machine &m, const Job &j) {
  using numerics::kFloatGroup;
  std::vector<float> left = leftMatrix<float>(j);
  numerics::Magnitudes leftSizes, rightSizes;
  for (float v : left)
    leftSizes.add(std::bit_cast<uint32_t>(v));
  Local previous{};
  if (j.f.res_add) { // fp32 whatever the result is
    TESSERA_ASSIGN(previous, alignedLocal(m, "previous result", j.f.res0_addr,
                                          {1, int64_t(j.f.res0_c), 1, int64_t(j.f.res0_w)}, 4));
  }
  std::vector<int64_t> positions(static_cast<size_t>(j.rows)), taps{0};
  for (int64_t r = 0; r < j.rows; ++r)
    positions[size_t(r)] = r * j.inner;
  std::vector<float> results(size_t(j.rows * chip::alignUp(j.columns, kFloatGroup)));
  std::vector<float> weights(size_t(j.inner * kFloatGroup));
  for (int64_t first = 0; first < j.columns; first += kFloatGroup) {
    int64_t count = std::min(kFloatGroup, j.columns - first);
    rightSizes = {};
    std::fill(weights.begin(), weights.end(), 0.0f); // columns that the last group lacks
    for (int64_t k = 0; k < j.inner; ++k)
      for (int64_t c = 0; c < count; ++c) {
        float w = rightElement<float>(j, k, first + c);
        weights[size_t(k * kFloatGroup + c)] = w;
        rightSizes.add(std::bit_cast<uint32_t>(w));
      }
    float *sums = results.data() + first * j.rows;
    bool plain = numerics::isPlain(leftSizes, rightSizes, false);
    for (int64_t r = 0; r < j.rows; ++r)
      for (int64_t c = 0; c < count && j.f.res_add; ++c) {
        float v = numerics::flush(loadAs<float>(j.at(previous, r, first + c)));
        sums[r * kFloatGroup + c] = v;
        plain = plain && numerics::isPlainStart(std::bit_cast<uint32_t>(v));
      }
    numerics::convBlocks({left.data(), positions.data(), j.rows, taps.data(), 1, j.inner,
                          weights.data(), sums, nullptr, true},
                         plain);
  }
  for (int64_t first = 0; first < j.columns; first += kFloatGroup)
    for (int64_t r = 0; r < j.rows; ++r)
      for (int64_t c = first; c < std::min(first + kFloatGroup, j.columns); ++c)
        storeFloats(j.at(j.res, r, c), 0,
                    &results[size_t(first * j.rows + r * kFloatGroup + c - first)], 1, j.to);
  return {};
}

} // namespace

Status mm2(Machine &m, const isa::Command &command) {
  auto f = isa::decode<sMM2>(command);
  if (f.tsk_eu_typ < kPlain || f.tsk_eu_typ > kBothTransposed)
    return unsupported(fmt::format("matrix multiply operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(Job j, prepare(m, f));
  return chip::isFloat(j.type) ? floats(m, j) : integers(j);
}

} // namespace tessera::sim::exec
