// Rules that random memory seldom meets, one command and a few values each: denormals, NaN, zeros
// of both signs, ties and limits. The vendor's simulator gives the same.
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/sim.h"

#include <cstring>
#include <gtest/gtest.h>

namespace tessera::sim {
namespace {

using chip::Type;

// Local addresses of the operands, all in lane 0.
constexpr uint32_t kX = 0x1000, kY = 0x2000, kBias = 0x3000, kResult = 0x4000;

template <class T> using Values = std::vector<T>;

class Rules : public testing::Test {
protected:
  template <class T> void put(uint32_t at, const Values<T> &values) {
    std::memcpy(machine_.lane(0) + at, values.data(), values.size() * sizeof(T));
  }
  /// The first result of the command.
  template <class T, class Fields> T result(const Fields &f) {
    Status s = execute(machine_, isa::command(f));
    EXPECT_TRUE(s) << s.error().text();
    T v;
    std::memcpy(&v, machine_.lane(0) + kResult, sizeof v);
    return v;
  }

private:
  Machine machine_;
};

/// x op y for one element.
isa::sAR element(uint64_t op, Type type) {
  isa::sAR f;
  f.tsk_eu_typ = op;
  f.tsk_opd_num = 2;
  f.res0_prec = f.opd0_prec = f.opd1_prec = uint64_t(type);
  f.res0_n = f.res0_c = f.res0_h = f.res0_w = 1;
  f.opd0_addr = kX, f.opd1_addr = kY, f.res0_addr = kResult;
  return f;
}

TEST_F(Rules, OfTwoZerosMaxTakesTheSecond) {
  put<float>(kX, {0.0f}), put<float>(kY, {-0.0f});
  EXPECT_EQ(result<uint32_t>(element(4, Type::Fp32)), 0x80000000u);
}

TEST_F(Rules, AMaximumOfBfloatsIsNoDenormal) {
  put<uint16_t>(kX, {0x0001}), put<uint16_t>(kY, {0xBF80});
  EXPECT_EQ(result<uint16_t>(element(4, Type::Bf16)), 0);
}

TEST_F(Rules, AProductOfBfloatsRoundsBeforeItIsFlushed) {
  // 1.140625 * 2^-63 times 1.75 * 2^-64 = 2^-126 * (1 - 2^-9), a tie with the smallest number.
  put<uint16_t>(kX, {0x2012}), put<uint16_t>(kY, {0x1FE0});
  EXPECT_EQ(result<uint16_t>(element(0, Type::Bf16)), 0x0080);
}

TEST_F(Rules, AMultiplyAccumulateTakesDenormalFactorsAsZeros) {
  put<uint16_t>(kX, {0x0040}), put<uint16_t>(kY, {0x7F00}); // 2^-127 and 2^127
  EXPECT_EQ(result<uint16_t>(element(18, Type::Bf16)), 0);
}

TEST_F(Rules, AMultiplyAccumulateInto16BitsSaturatesOnlyFactorsOf8) {
  auto f = element(18, Type::Int16);
  f.opd0_sign = f.opd1_sign = 1;
  put<int16_t>(kX, {300}), put<int16_t>(kY, {300}), put<int16_t>(kResult, {0});
  EXPECT_EQ(result<int16_t>(f), int16_t(90000 - 65536));
  f.opd0_prec = f.opd1_prec = uint64_t(Type::Int8);
  f.opd2_addr = 1; // the old value counts twice
  put<int8_t>(kX, {100}), put<int8_t>(kY, {100}), put<int16_t>(kResult, {30000});
  EXPECT_EQ(result<int16_t>(f), 32767);
}

TEST_F(Rules, AnAbsoluteDifferenceCanBeMinusZero) {
  put<float>(kX, {0.0f}), put<float>(kY, {-0.0f});
  EXPECT_EQ(result<uint32_t>(element(27, Type::Fp32)), 0x80000000u);
}

TEST_F(Rules, ASaturatedDifferenceOfUnsignedValuesIsSigned) {
  put<uint8_t>(kX, {3}), put<uint8_t>(kY, {5});
  EXPECT_EQ(result<int8_t>(element(16, Type::Int8)), -2);
  put<uint8_t>(kX, {200}), put<uint8_t>(kY, {5});
  EXPECT_EQ(result<int8_t>(element(16, Type::Int8)), 127);
}

/// The maximum of a row of `width` cells.
isa::sPorD maximum(Type type, uint64_t width) {
  isa::sPorD f;
  f.tsk_eu_typ = 4;
  f.res0_prec = f.opd0_prec = uint64_t(type);
  f.opd1_const = f.opd2_const = f.opd3_const = 1;
  f.res_op_x_str = f.res_op_y_str = 1;
  f.res0_n = f.res0_c = f.res0_h = f.res0_w = f.opd0_h = f.opd1_h = 1;
  f.opd0_w = f.opd1_w = width;
  f.opd0_addr = kX, f.res0_addr = kResult;
  return f;
}

TEST_F(Rules, MaxPoolingNeverGivesMinusInfinity) {
  put<uint16_t>(kX, {0xFC00});
  EXPECT_EQ(result<uint16_t>(maximum(Type::Fp16, 1)), 0xFBFF);
}

TEST_F(Rules, MaxPoolingTakesTheLastOfEqualCellsAndDenormalsForZeros) {
  put<uint16_t>(kX, {0x0001, 0x0000});
  EXPECT_EQ(result<uint16_t>(maximum(Type::Bf16, 2)), 0);
}

/// One cell times one weight.
isa::sCONV product(Type type, Type to) {
  isa::sCONV f;
  f.opd0_prec = uint64_t(type), f.res0_prec = uint64_t(to);
  f.opd3_const = 1;
  f.res_op_x_str = f.res_op_y_str = 1;
  f.res0_n = f.res0_c = f.res0_h = f.res0_w = 1;
  f.opd0_c = f.opd0_h = f.opd0_w = f.opd1_h = f.opd1_w = 1;
  f.opd0_addr = kX, f.opd1_addr = kY, f.opd2_addr = kBias, f.res0_addr = kResult;
  return f;
}

TEST_F(Rules, AConvolutionTakesDenormalBfloatsForZeros) {
  put<uint16_t>(kX, {0x0040}), put<uint16_t>(kY, {0x7F00}); // 2^-127 and 2^127
  EXPECT_EQ(result<float>(product(Type::Bf16, Type::Fp32)), 0);
  put<uint16_t>(kX, {0x7F00}), put<uint16_t>(kY, {0x0040});
  EXPECT_EQ(result<float>(product(Type::Bf16, Type::Fp32)), 0);
}

TEST_F(Rules, AConvolutionKeepsTheBiasesNanOrThatOfThePreviousResult) {
  put<uint32_t>(kBias, {0x7FC00001}), put<uint32_t>(kResult, {0x7FC00002});
  auto half = product(Type::Fp16, Type::Fp32), single = product(Type::Fp32, Type::Fp32);
  half.res_add = single.res_add = 1;
  EXPECT_EQ(result<uint32_t>(half), 0x7FC00001u);
  put<uint32_t>(kResult, {0x7FC00002});
  EXPECT_EQ(result<uint32_t>(single), 0x7FC00002u);
}

TEST_F(Rules, AnFp32ConvolutionAddsProductsToTheBiasFirst) {
  auto f = product(Type::Fp32, Type::Fp32);
  f.res_add = 1;
  put<float>(kX, {1}), put<float>(kY, {1}), put<float>(kBias, {1}), put<float>(kResult, {0x1p24f});
  EXPECT_EQ(result<float>(f), 0x1p24f + 2);
}

/// One row times one column of `inner` elements.
isa::sMM2 matrix2(Type type, Type to) {
  isa::sMM2 f;
  f.tsk_eu_typ = 4;
  f.opd0_prec = uint64_t(type), f.res0_prec = uint64_t(to);
  f.opd2_const = 1;
  f.res0_c = f.res0_w = f.opd1_c = f.opd1_w = 1;
  f.opd0_addr = kX, f.opd1_addr = kY, f.res0_addr = kResult;
  return f;
}

TEST_F(Rules, AMatrixMultiplyTakesDenormalBfloatsForZeros) {
  put<uint16_t>(kX, {0x0040}), put<uint16_t>(kY, {0x7F00});
  EXPECT_EQ(result<float>(matrix2(Type::Bf16, Type::Fp32)), 0);
}

TEST_F(Rules, AMatrixMultiplyOfHalvesKeepsTheProductsNan) {
  auto f = matrix2(Type::Fp16, Type::Fp32);
  f.res_add = 1;
  put<uint16_t>(kX, {0x7E00}), put<uint16_t>(kY, {0x3C00});
  put<uint32_t>(kResult, {0x7FC00001});
  EXPECT_EQ(result<uint32_t>(f), 0xFFC00000u);
}

/// One row of `inner` elements times a matrix of one column, in as many rows.
isa::sMM matrix(uint64_t op, Type type, Type to) {
  isa::sMM f;
  f.tsk_eu_typ = op;
  f.opd0_prec = uint64_t(type), f.res0_prec = uint64_t(to);
  f.opd2_const = 1;
  f.opd0_n = f.opd0_c = f.opd0_w = f.opd1_w = f.res0_c = f.res0_w = 1;
  f.opd0_addr = kX, f.opd1_addr = kY, f.res0_addr = kResult;
  return f;
}

TEST_F(Rules, AMatrixMultiplyShiftsUnsignedSumsOf64Bits) {
  auto f = matrix(1, Type::Int32, Type::Int32);
  f.opd2_sign = 1;
  auto shifted = [&](uint32_t x, uint32_t y, int by, numerics::Rounding mode) {
    f.opd2_addr = uint8_t(-by), f.opd2_n_str = uint64_t(mode);
    put<uint32_t>(kX, {x}), put<uint32_t>(kY, {y});
    return result<uint32_t>(f);
  };
  using enum numerics::Rounding;
  EXPECT_EQ(shifted(1, 5, 2, HalfUp), 1u);
  EXPECT_EQ(shifted(1, 6, 2, HalfUp), 2u);
  EXPECT_EQ(shifted(1, 6, 2, HalfDown), 1u);
  EXPECT_EQ(shifted(1, 7, 2, HalfDown), 2u);
  EXPECT_EQ(shifted(1, 6, 2, HalfEven), 2u);
  EXPECT_EQ(shifted(1, 10, 2, HalfEven), 2u);
  EXPECT_EQ(shifted(0xFFFFFFFF, 0xFFFFFFFF, 33, HalfUp), 0x7FFFFFFFu);
}

TEST_F(Rules, AMatrixMultiplyWithRequantizeGives16BitsAtMost) {
  auto f = matrix(2, Type::Int8, Type::Int32);
  f.opd0_sign = f.opd1_sign = f.opd2_sign = 1;
  f.opd2_addr = 32767;
  put<int8_t>(kX, {1}), put<int8_t>(kY, {100});
  EXPECT_EQ(result<int32_t>(f), 32767);
}

TEST_F(Rules, AMatrixMultiplyWithRequantizeRoundsTiesUp) {
  auto f = matrix(2, Type::Int8, Type::Int8);
  f.opd0_sign = f.opd1_sign = f.opd2_sign = 1;
  f.opd3_addr = 1 << 8;
  put<int8_t>(kX, {1}), put<int8_t>(kY, {5});
  EXPECT_EQ(result<int8_t>(f), 3);
  put<int8_t>(kY, {-5});
  EXPECT_EQ(result<int8_t>(f), -2);
}

TEST(Requantize, AZeroPointDoesNotWrapALeftShiftedValue) {
  kernels::Requantize r{(1 << 30) + 1, 3, 100, numerics::Rounding::HalfUp, rangeOf(8, true)};
  const int32_t in[1] = {(1 << 30) - 1}; // shifted, 2^63 - 8
  uint8_t out[1] = {};
  kernels::requantizeInt32(out, in, 1, r);
  EXPECT_EQ(out[0], 127);
}

} // namespace
} // namespace tessera::sim
