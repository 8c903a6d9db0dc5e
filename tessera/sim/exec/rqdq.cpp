// sRQDQ: requantize and dequantize ("BM1684X measured numerics", sections 3 and 11;
// docs/numerics.md for the types and limits found since).
#include "tessera/numerics/requantize.h"
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/local.h"

#include <algorithm>

namespace tessera::sim::exec {
namespace {

using numerics::Rounding;

struct Job {
  Dims d;
  Type from, to;
  bool fromSigned, toSigned;
  Operand res, src, table; ///< table: one aligned row of parameters per channel
};

/// The parameters of one channel, as 32-bit words.
using Parameters = std::array<uint32_t, 3>;

template <size_t Count>
Result<Job> prepare(Machine &m, Dims d, Type to, bool toSigned, Type from, bool fromSigned,
                    uint64_t resAddress, uint64_t srcAddress, bool immediate,
                    uint64_t tableAddress) {
  Job j{d, from, to, fromSigned, toSigned, {}, {}, Operand::constant(0)};
  if (chip::bytesOf(to) == 0 || chip::bytesOf(from) == 0)
    return unsupported("element type of 4 bits");
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", resAddress, d, chip::bytesOf(to)));
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", srcAddress, d, chip::bytesOf(from)));
  j.res = Operand::of(res);
  j.src = Operand::of(src);
  if (!immediate) {
    // Every channel slot has its own 64-byte unit; the row repeats over n and positions.
    TESSERA_ASSIGN(Local t, alignedLocal(m, "table", tableAddress, {1, d.c, 1, int64_t(Count)}, 4));
    t.strides.n = t.strides.h = t.strides.w = 0;
    j.table = Operand::of(t);
  }
  detach(m, d, {&j.res}, {&j.src});
  detach(m, {&j.res.tensor}, {&j.table.tensor});
  return j;
}

/// Calls body(result, source, count, parameters) for every contiguous row of every channel.
template <class Body>
void rows(const Job &j, bool immediate, Parameters fixed, size_t words, Body body) {
  forRows<3>(j.d, {j.res, j.src, j.table}, [&](auto p, auto, int64_t count) {
    Parameters q = fixed;
    if (!immediate)
      std::memcpy(q.data(), p[2], 4 * words);
    body(p[0], p[1], count, q);
  });
}

/// Requantize reads 16-bit integers by their sign and 32-bit ones as signed. Every other type
/// counts as zero.
void loadSource(int64_t *out, const uint8_t *p, int64_t count, Type type, bool isSigned) {
  if (type == Type::Int16 || type == Type::Int32)
    loadInts(out, p, chip::bytesOf(type), count, chip::bitsOf(type),
             isSigned || type == Type::Int32);
  else
    std::fill_n(out, count, 0);
}

/// Requantize saturates to 16 bits also where the result has 32, and knows results by width only.
IntRange requantizeRange(Type to, bool isSigned) {
  return rangeOf(std::min<int64_t>(chip::bitsOf(to), 16), isSigned);
}

/// Zero points are 16 bits wide, signed as the tensor they belong to.
int64_t zeroPoint(uint32_t word, bool isSigned) {
  return isSigned ? int64_t(int16_t(word)) : int64_t(uint16_t(word));
}

Status rqInteger(Machine &m, const isa::sRQDQ &f, Dims d) {
  bool immediate = f.opd1_const;
  TESSERA_ASSIGN(Job j, prepare<3>(m, d, Type(f.res0_prec), f.opd2_sign, Type(f.opd0_prec),
                                   f.opd0_sign, f.res0_addr, f.opd0_addr, immediate, f.opd1_addr));
  Parameters fixed{uint32_t(f.opd1_addr), uint32_t(f.opd2_addr & 0xFF),
                   uint32_t(f.opd2_addr >> 16)};
  rows(j, immediate, fixed, 3, [&](uint8_t *out, const uint8_t *in, int64_t count, Parameters q) {
    kernels::Requantize r{int32_t(q[0]), int8_t(q[1]), zeroPoint(q[2], j.toSigned),
                          numerics::roundingOf(f.opd2_n_str), requantizeRange(j.to, j.toSigned)};
    if (j.from == Type::Int32 && j.to == Type::Int8)
      return kernels::requantizeInt32(out, reinterpret_cast<const int32_t *>(in), count, r);
    int64_t v[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadSource(v, in + i * chip::bytesOf(j.from), n, j.from, j.fromSigned);
      for (int64_t k = 0; k < n; ++k)
        v[k] = kernels::requantizeOne(v[k], r);
      storeInts(out + i * chip::bytesOf(j.to), chip::bytesOf(j.to), v, n, chip::bitsOf(j.to));
    }
  });
  return {};
}

Status rqFloat(Machine &m, Dims d, Type to, bool toSigned, Type from, bool fromSigned,
               uint64_t resAddress, uint64_t srcAddress, bool immediate, uint64_t opd1,
               uint64_t opd2, uint64_t roundings) {
  TESSERA_ASSIGN(Job j, prepare<2>(m, d, to, toSigned, from, fromSigned, resAddress, srcAddress,
                                   immediate, opd1));
  auto toFloat = numerics::roundingOf(roundings), toInt = Rounding(roundings >> 3 & 7);
  if (toInt > Rounding::Ceil)
    return fail("bad-command", "opd2_n_str",
                fmt::format("float-to-integer rounding code {}", int(toInt)),
                "codes 0 to 4 round a float");
  IntRange range = requantizeRange(to, toSigned);
  rows(j, immediate, {uint32_t(opd1), uint32_t(opd2)}, 2,
       [&](uint8_t *out, const uint8_t *in, int64_t count, Parameters q) {
         float scale = std::bit_cast<float>(q[0]), offset = std::bit_cast<float>(q[1]);
         int64_t v[kRun];
         for (int64_t i = 0; i < count; i += kRun) {
           int64_t n = std::min(kRun, count - i);
           loadSource(v, in + i * chip::bytesOf(from), n, from, fromSigned);
           for (int64_t k = 0; k < n; ++k) {
             float x = numerics::mulFlush(numerics::intToFloat(v[k], toFloat), scale);
             v[k] = numerics::roundToInt(numerics::addFlush(x, offset), toInt);
           }
           saturateRun(v, n, range);
           storeInts(out + i * chip::bytesOf(to), chip::bytesOf(to), v, n, chip::bitsOf(to));
         }
       });
  return {};
}

Status dqFloat(Machine &m, const isa::sRQDQ &f, Dims d) {
  bool immediate = f.opd1_const, isSigned = f.opd0_sign;
  TESSERA_ASSIGN(Job j, prepare<2>(m, d, Type(f.res0_prec), true, Type(f.opd0_prec), isSigned,
                                   f.res0_addr, f.opd0_addr, immediate, f.opd1_addr));
  if (j.from != Type::Int8 && j.from != Type::Int16)
    return unsupported("dequantize of other types than 8 and 16-bit integers");
  if (chip::bytesOf(j.to) != 4) // an int32 result gets the float's bits
    return unsupported("float dequantize to other types than fp32");
  int64_t bits = chip::bitsOf(j.from);
  rows(j, immediate, {uint32_t(f.opd1_addr), uint32_t(f.opd2_addr)}, 2,
       [&](uint8_t *out, const uint8_t *in, int64_t count, Parameters q) {
         int64_t zero = zeroPoint(q[0], isSigned), v[kRun];
         float scale = std::bit_cast<float>(q[1]);
         for (int64_t i = 0; i < count; i += kRun) {
           int64_t n = std::min(kRun, count - i);
           loadInts(v, in + i * bits / 8, bits / 8, n, bits, isSigned);
           for (int64_t k = 0; k < n; ++k)
             storeAs<float>(
                 out + 4 * (i + k),
                 numerics::mulFlush(numerics::intToFloat(v[k] - zero, Rounding::HalfEven), scale));
         }
       });
  return {};
}

Status dqInteger(Machine &m, const isa::sRQDQ &f, Dims d) {
  bool immediate = f.opd1_const, isSigned = f.opd0_sign;
  TESSERA_ASSIGN(Job j, prepare<3>(m, d, Type(f.res0_prec), f.opd2_sign, Type(f.opd0_prec),
                                   isSigned, f.res0_addr, f.opd0_addr, immediate, f.opd1_addr));
  if (j.from != Type::Int8 && j.from != Type::Int16)
    return unsupported("dequantize of other types than 8 and 16-bit integers");
  Parameters fixed{uint32_t(f.opd1_addr & 0xFFFF), uint32_t(f.opd2_addr),
                   uint32_t(f.opd1_addr >> 16)};
  int64_t inBits = chip::bitsOf(j.from), outBits = chip::bitsOf(j.to);
  rows(j, immediate, fixed, 3, [&](uint8_t *out, const uint8_t *in, int64_t count, Parameters q) {
    int64_t zero = zeroPoint(q[0], isSigned), v[kRun];
    // 32-bit integers saturate as signed ones, whatever the result's sign.
    IntRange range = j.to == Type::Int32 ? rangeOf(32, true) : requantizeRange(j.to, j.toSigned);
    kernels::Requantize r{int32_t(q[1]), int8_t(q[2]), 0, numerics::roundingOf(f.opd2_n_str),
                          range};
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadInts(v, in + i * inBits / 8, inBits / 8, n, inBits, isSigned);
      for (int64_t k = 0; k < n; ++k)
        v[k] = kernels::requantizeOne(v[k] - zero, r);
      storeInts(out + i * outBits / 8, outBits / 8, v, n, outBits);
    }
  });
  return {};
}

} // namespace

Status rqdq(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sRQDQ>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  switch (f.tsk_eu_typ) {
  case 0:
    return rqFloat(m, d, Type(f.res0_prec), f.opd2_sign, Type(f.opd0_prec), f.opd0_sign,
                   f.res0_addr, f.opd0_addr, f.opd1_const, f.opd1_addr, f.opd2_addr, f.opd2_n_str);
  case 1:
    return rqInteger(m, f, d);
  case 3:
    return dqFloat(m, f, d);
  case 4:
    return dqInteger(m, f, d);
  default:
    return unsupported(fmt::format("RQ/DQ operation {}", f.tsk_eu_typ));
  }
}

} // namespace tessera::sim::exec
