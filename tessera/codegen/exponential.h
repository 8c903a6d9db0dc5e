#pragma once
// Private to Sigmoid and Softmax in F32: the steps of numerics/exponential.h as commands.
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// Coefficients of 2^f, the Elementwise::table that `exponential` wants, one row a lane.
std::vector<uint8_t> powerTable();
/// result = e^(factor / log2(e) * (x - y)), or of x alone without y; `t` and `k` are scratch, all
/// F32.
void exponential(Instructions &list, const LocalTensor &result, const LocalTensor &x,
                 const LocalTensor *y, float factor, const LocalTensor &t, const LocalTensor &k,
                 const LocalTensor &table);
/// result = 1 / x.
Instruction reciprocal(const LocalTensor &result, const LocalTensor &x);

} // namespace tessera::codegen
