#pragma once
// Rows of channels woven into cells (kernels/conv.h).
#include <cstdint>

namespace tessera::sim::kernels {

/// out[x] = in[x * step].
void pickBytes(uint8_t *out, const uint8_t *in, int64_t step, int64_t count);
/// out[4 * x + i] = rows[i][x] ^ flip for four rows.
void interleaveBytes(uint8_t *out, const uint8_t *const *rows, int64_t count, uint8_t flip);
/// The same for two rows of 8-bit values widened to int16.
void interleaveWords(uint8_t *out, const uint8_t *const *rows, int64_t count, bool isSigned);
/// out[2 * x + i] = rows[i][x] and so on for any number of rows of int32.
void interleaveInts(int32_t *out, const int32_t *const *rows, int64_t rowCount, int64_t count);

} // namespace tessera::sim::kernels
