// sMM: matrix multiply over matrices whose columns are spread over channels, `w` columns in each
// (docs/numerics.md, matrix multiply).
#include "tessera/numerics/integer.h"
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {
namespace {

using isa::sMM;
using numerics::Rounding;
using numerics::Wide;

enum Op : uint64_t { kPlain = 1, kRequant = 2, kRequantRelu = 3 };

struct Job {
  sMM f;
  Type type, to;
  int64_t rows, inner, columns; ///< of the product; columns padded to whole channels
  std::vector<uint8_t> left;    ///< [rows][inner] elements
  std::vector<uint8_t> right;   ///< [inner][columns]
  Local res;
  Operand row; ///< opd2: bias, or shifts

  bool requantizes() const { return f.tsk_eu_typ != kPlain; }
  int64_t width() const { return int64_t(f.res0_w); }
};

/// A matrix as [row][column]; the last of the columns' channels is filled up to `columns`.
std::vector<uint8_t> gather(const Local &t, int64_t rows, int64_t columns, int64_t perChannel) {
  std::vector<uint8_t> out(size_t(rows * columns * t.size));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; c += perChannel)
      std::memcpy(out.data() + (r * columns + c) * t.size, t.plane(r, c / perChannel),
                  size_t(std::min(perChannel, columns - c) * t.size));
  return out;
}

Result<Job> prepare(Machine &m, const sMM &f) {
  Job j{};
  j.f = f;
  j.type = Type(f.opd0_prec), j.to = Type(f.res0_prec);
  bool isFloat = j.type == Type::Fp32;
  if (j.requantizes()
          ? j.type != Type::Int8 || !isInteger(j.to)
          : !(isFloat && j.to == Type::Fp32) && !(isInteger(j.type) && j.to == Type::Int32))
    return unsupported(
        "matrix multiply of these types (fp16 and bf16: use sMM2; integers give int32, with "
        "requantize int8 gives any integer)");
  int64_t size = chip::bytesOf(j.type), stored = int64_t(f.opd0_n),
          storedColumns = (int64_t(f.opd0_c) - 1) * int64_t(f.opd0_w) + int64_t(f.opd1_w);
  if (f.opd1_w < 1 || f.opd1_w > f.opd0_w || f.opd0_c < 1)
    return fail(
        "bad-shape", "opd0",
        fmt::format("{} columns in the last of {} channels of {}", f.opd1_w, f.opd0_c, f.opd0_w));
  j.rows = f.left_tran ? storedColumns : stored;
  j.inner = f.left_tran ? stored : storedColumns;
  j.columns = int64_t(f.res0_c) * j.width();
  if (std::max({j.rows, j.inner, j.columns}) > kMaxElements ||
      std::max({j.rows * j.inner, j.inner * j.columns, j.rows * j.columns}) > kMaxElements)
    return fail("bad-shape", "", "a matrix is more than local memory can hold");
  TESSERA_ASSIGN(j.res,
                 alignedLocal(m, "result", f.res0_addr, {j.rows, int64_t(f.res0_c), 1, j.width()},
                              chip::bytesOf(j.to)));
  TESSERA_ASSIGN(Local right, alignedLocal(m, "opd1", f.opd1_addr,
                                           {j.inner, int64_t(f.res0_c), 1, j.width()}, size));
  j.right = gather(right, j.inner, j.columns, j.width());
  if (f.opd0_const) {
    auto word = uint32_t(f.opd0_addr);
    j.left.resize(size_t(j.rows * j.inner * size));
    for (size_t i = 0; i < j.left.size(); ++i)
      j.left[i] = reinterpret_cast<const uint8_t *>(&word)[i % size_t(size)];
  } else {
    TESSERA_ASSIGN(Local left,
                   alignedLocal(m, "opd0", f.opd0_addr,
                                {stored, int64_t(f.opd0_c), 1, int64_t(f.opd0_w)}, size));
    j.left = gather(left, stored, storedColumns, int64_t(f.opd0_w));
    if (f.left_tran) {
      std::vector<uint8_t> turned(j.left.size());
      for (int64_t r = 0; r < j.rows; ++r)
        for (int64_t k = 0; k < j.inner; ++k)
          std::memcpy(&turned[size_t((r * j.inner + k) * size)],
                      &j.left[size_t((k * j.rows + r) * size)], size_t(size));
      j.left = std::move(turned);
    }
  }
  // One row of biases or shifts; int8 and int16 without requantize have none.
  j.row = Operand::constant(uint32_t(f.opd2_addr));
  int64_t rowBytes = j.requantizes() ? 2 : isFloat ? 4 : j.type == Type::Int32 ? 1 : 0;
  if (!f.opd2_const && rowBytes) {
    TESSERA_ASSIGN(Local t, alignedLocal(m, "opd2", f.opd2_addr,
                                         {1, int64_t(f.res0_c), 1, j.width()}, rowBytes));
    j.row = Operand::of(t);
    detach(m, {&j.res}, {&j.row.tensor});
  }
  return j;
}

/// The bytes of column c of opd2's row.
const uint8_t *rowAt(const Job &j, int64_t c) {
  if (j.row.immediate)
    return j.row.plane(0, 0);
  return j.row.plane(0, c / j.width()) + c % j.width() * j.row.tensor.size;
}

uint8_t *resultAt(const Job &j, int64_t r, int64_t c) {
  return j.res.plane(r, c / j.width()) + c % j.width() * j.res.size;
}

Status floats(const Job &j) {
  // The chains of a convolution: the previous result begins the first, the bias the second;
  // products go to both in turn.
  auto *left = reinterpret_cast<const float *>(j.left.data()),
       *right = reinterpret_cast<const float *>(j.right.data());
  parallelFor(j.rows, std::max<int64_t>(1, 65536 / (j.inner * j.columns)),
              [&](int64_t begin, int64_t end) {
                std::vector<float> chain[2];
                for (int64_t r = begin; r < end; ++r) {
                  for (auto &c : chain)
                    c.assign(size_t(j.columns), 0.0f);
                  int64_t item = 0;
                  if (!j.f.opd2_const) {
                    for (int64_t c = 0; c < j.columns; ++c)
                      chain[1][size_t(c)] = numerics::flush(loadAs<float>(rowAt(j, c)));
                  }
                  if (j.f.res_add) {
                    for (int64_t c = 0; c < j.columns; ++c)
                      chain[0][size_t(c)] = numerics::flush(loadAs<float>(resultAt(j, r, c)));
                    ++item;
                  }
                  for (int64_t k = 0; k < j.inner; ++k, ++item) {
                    float x = left[r * j.inner + k], *sums = chain[item & 1].data();
                    const float *w = right + k * j.columns;
                    for (int64_t c = 0; c < j.columns; ++c)
                      sums[c] = numerics::addNan(sums[c], numerics::mulNan(x, w[c]));
                  }
                  for (int64_t c = 0; c < j.columns; ++c)
                    storeAs<float>(resultAt(j, r, c),
                                   numerics::addNan(chain[0][size_t(c)], chain[1][size_t(c)]));
                }
              });
  return {};
}

/// int32 products are summed modulo 2^64 and shifted by opd2: left when positive, right with
/// rounding when negative; the result saturates.
int64_t shiftSum(uint64_t sum, bool isSigned, int shift, Rounding mode) {
  if (shift > 0)
    sum <<= shift & 63;
  else if (shift < 0) // unsigned sums need their 64th bit
    sum = uint64_t(numerics::shiftRight<Wide>(isSigned ? Wide(int64_t(sum)) : Wide(sum),
                                              std::min(-shift, 63), mode));
  if (isSigned)
    return int64_t(sum);
  return int64_t(std::min<uint64_t>(sum, 0xFFFFFFFFu));
}

Status integers(const Job &j) {
  const sMM &f = j.f;
  int64_t bits = chip::bitsOf(j.type), toBits = chip::bitsOf(j.to);
  bool requantizes = j.requantizes(), relu = f.tsk_eu_typ == kRequantRelu;
  if (f.opd2_n_str > 6 && j.type == Type::Int32)
    return unsupported(fmt::format("rounding code {}", f.opd2_n_str));
  if (requantizes && (f.opd3_addr >> 8 & 0xFF) > 31)
    return unsupported(fmt::format("a shift of {}", f.opd3_addr >> 8 & 0xFF));
  bool adds = f.res_add && j.type != Type::Int32; // int32 products are not added to anything
  if (adds && !(requantizes && j.to == Type::Int16))
    return unsupported("adding to anything but int16 with requantize (the vendor's simulator reads "
                       "it with another width)");
  std::vector<int64_t> left(j.left.size() / size_t(bits / 8)),
      right(j.right.size() / size_t(bits / 8));
  loadInts(left.data(), j.left.data(), bits / 8, int64_t(left.size()), bits, f.opd0_sign);
  loadInts(right.data(), j.right.data(), bits / 8, int64_t(right.size()), bits, f.opd1_sign);
  bool isSigned = f.opd0_sign || f.opd1_sign || (requantizes && f.opd2_sign);
  // Requantized values have 16 bits at most, of int32 results too.
  IntRange range = requantizes ? rangeOf(std::min<int64_t>(toBits, 16), isSigned && !relu)
                               : rangeOf(toBits, isSigned);
  int right8 = int(f.opd3_addr >> 8 & 0xFF);
  parallelFor(
      j.rows, std::max<int64_t>(1, 65536 / (j.inner * j.columns)), [&](int64_t begin, int64_t end) {
        std::vector<uint64_t> sums(static_cast<size_t>(j.columns));
        for (int64_t r = begin; r < end; ++r) {
          std::fill(sums.begin(), sums.end(), 0);
          for (int64_t k = 0; k < j.inner; ++k) {
            auto x = uint64_t(left[size_t(r * j.inner + k)]);
            const int64_t *w = right.data() + k * j.columns;
            for (int64_t c = 0; c < j.columns; ++c)
              sums[size_t(c)] += x * uint64_t(w[c]);
          }
          for (int64_t c = 0; c < j.columns; ++c) {
            uint64_t sum = sums[size_t(c)];
            uint8_t *out = resultAt(j, r, c);
            int64_t v = int64_t(sum);
            if (requantizes) {
              v = int32_t(uint32_t(sum));
              const uint8_t *bias = rowAt(j, c);
              v += f.opd2_sign ? int64_t(loadAs<int16_t>(bias)) : int64_t(loadAs<uint16_t>(bias));
              if (adds)
                v += isSigned ? int64_t(loadAs<int16_t>(out)) : int64_t(loadAs<uint16_t>(out));
              v = numerics::shiftRight(v, right8, Rounding::HalfUp);
              v = std::clamp(v, range.lo, range.hi);
            } else if (j.type == Type::Int32) {
              uint8_t byte = *rowAt(j, c);
              v = shiftSum(sum, isSigned, f.opd2_sign ? int(int8_t(byte)) : int(byte),
                           Rounding(f.opd2_n_str));
              v = std::clamp(v, range.lo, range.hi);
            }
            storeInts(out, 0, &v, 1, toBits);
          }
        }
      });
  return {};
}

} // namespace

Status mm(Machine &m, const isa::Command &command) {
  auto f = isa::decode<sMM>(command);
  if (f.tsk_eu_typ < kPlain || f.tsk_eu_typ > kRequantRelu)
    return unsupported(fmt::format("matrix multiply operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(Job j, prepare(m, f));
  return j.type == Type::Fp32 ? floats(j) : integers(j);
}

} // namespace tessera::sim::exec
