#include "tessera/codegen/pool2d.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/window.h"
#include "tessera/tensor/tensor.h"

#include <cstring>

namespace tessera::codegen {
namespace {

/// What padding cells hold, so that they never are the largest.
uint32_t lowest(DType t) {
  switch (t) {
  case DType::I8:
    return 0x80;
  case DType::F16:
    return 0xFBFF;
  case DType::BF16:
    return 0xFF7F;
  case DType::F32:
    return 0xFF7FFFFF;
  default:
    return 0;
  }
}

uint32_t floatBits(float value, DType type) {
  Tensor t = Tensor::of<float>({1}, std::array{value}).converted(type);
  uint32_t bits = 0;
  std::memcpy(&bits, t.bytes().data(), t.bytes().size());
  return bits;
}

/// What all pools say alike; padding cells hold 0.
isa::sPorD pool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                const WindowAxis &axisY, const WindowAxis &axisX, const LocalTensor &result) {
  isa::sPorD f;
  f.opd0_sign = !dtypeIsFloat(input.dtype) && signBit(input.dtype);
  f.res0_prec = f.opd0_prec = uint64_t(typeCode(input.dtype));
  f.opd3_const = 1;
  setWindow(f, input, y, x, axisY, axisX, result);
  return f;
}

} // namespace

Instructions maxPool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                     const WindowAxis &axisY, const WindowAxis &axisX, const LocalTensor &result,
                     bool relu) {
  isa::sPorD f = pool(input, y, x, axisY, axisX, result);
  f.tsk_eu_typ = 4;
  f.opd3_addr = lowest(input.dtype);
  Instructions list{{isa::command(f), {input.range()}, {result.range()}, {}, {}}};
  if (relu && result.dtype != DType::U8)
    list.push_back(
        arith(Arith::Max, result, tensorOperand(result), immediateOperand(0, result.dtype)));
  return list;
}

Instructions averagePool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                         const WindowAxis &axisY, const WindowAxis &axisX,
                         const LocalTensor &result, int32_t multiplier, int32_t rshift) {
  isa::sPorD f = pool(input, y, x, axisY, axisX, result);
  f.tsk_eu_typ = 1;
  f.opd1_const = 1;
  f.opd2_const = 1;
  if (dtypeIsFloat(input.dtype)) {
    f.opd1_addr = floatBits(1 / float(axisY.kernel * axisX.kernel), input.dtype);
  } else {
    f.opd1_addr = uint64_t(multiplier);
    f.opd2_addr = uint64_t(rshift);
    f.opd2_n_str = uint64_t(numerics::Rounding::HalfUp);
  }
  return {{isa::command(f), {input.range()}, {result.range()}, {}, {}}};
}

} // namespace tessera::codegen
