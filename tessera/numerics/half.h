#pragma once
// fp16 and bf16 as bit patterns. Conversions round half to even unless a mode is given
// ("BM1684X measured numerics", section 9).
#include "tessera/numerics/rounding.h"

#include <cstdint>

namespace tessera::numerics {

float halfToFloat(uint16_t h);   ///< exact
float bfloatToFloat(uint16_t b); ///< exact
/// IEEE binary16; overflow to infinity (65520 and above), denormals produced; NaN becomes 0x7FFF or
/// 0xFFFF.
uint16_t floatToHalf(float v);
/// fp32 denormals become zero of the same sign, overflow to infinity; NaN becomes 0x7FFF or 0xFFFF.
uint16_t floatToBfloat(float v);
/// The same by rounding code 0..6 of a cast; half up and half down are of the magnitude. fp16:
/// 65536 and above become infinity in every mode, 65504..65536 rounds by the mode.
uint16_t floatToHalf(float v, Rounding mode);
uint16_t floatToBfloat(float v, Rounding mode);
/// An integer of at most 33 bits rounded once to the half type, by codes 0..6. fp16: from 65536 on
/// what is rounded toward zero stays at 65504, all else becomes infinity.
uint16_t intToHalf(int64_t v, Rounding mode);
uint16_t intToBfloat(int64_t v, Rounding mode);

} // namespace tessera::numerics
