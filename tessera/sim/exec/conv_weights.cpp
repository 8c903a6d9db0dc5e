#include "tessera/sim/exec/conv_weights.h"

#include <array>

namespace tessera::sim::exec {
namespace {

using kernels::CellFormat;

int32_t kernelZeroPoint(const ConvJob &j, int64_t o) {
  if (j.f.tsk_eu_typ != 0)
    return 0;
  uint8_t byte = j.bias.immediate ? uint8_t(j.f.opd2_addr) : *j.bias.plane(0, o);
  return j.f.opd2_sign ? int32_t(int8_t(byte)) : int32_t(byte);
}

/// Input channels of one block of the weights' layout.
constexpr int64_t kBlock = 64;

int32_t sumOf(const uint8_t *bytes, int64_t count) {
  int32_t sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += int8_t(bytes[i]);
  return sum;
}

/// int8 or uint8 weights less the zero point as int16, then zeros up to kBlock.
void widen(int16_t *out, const uint8_t *bytes, int64_t count, bool isSigned, int32_t zero) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = int16_t((isSigned ? int32_t(int8_t(bytes[i])) : int32_t(bytes[i])) - zero);
  std::fill_n(out + count, kBlock - count, 0);
}

/// Cells of one tap: cell g of row o goes to out[g * step + o], `width` rows.
template <int64_t width>
void spread(uint32_t *out, int64_t step, const uint8_t *const *rows, int64_t cells) {
  for (int64_t g = 0; g < cells; ++g, out += step)
    for (int64_t o = 0; o < width; ++o)
      std::memcpy(out + o, rows[o] + 4 * g, 4);
}
void spread(uint32_t *out, int64_t step, const uint8_t *const *rows, int64_t cells, int64_t width) {
  width == 8   ? spread<8>(out, step, rows, cells)
  : width == 4 ? spread<4>(out, step, rows, cells)
  : width == 2 ? spread<2>(out, step, rows, cells)
               : spread<1>(out, step, rows, cells);
}

} // namespace

bool plainWeights(const ConvJob &j) {
  return j.f.opd1_sign &&
         (j.f.tsk_eu_typ != 0 || (j.bias.immediate && (j.f.opd2_addr & 0xFF) == 0));
}

PackedWeights packWeights(const ConvJob &j, const CellMap &map, uint8_t *memory) {
  static_assert(chip::cubeInputs(chip::Type::Int8) == kBlock);
  PackedWeights w;
  w.taps = j.taps();
  w.groups = map.groups;
  w.all = j.oc;
  w.channels = chip::alignUp(j.oc, kernels::kBlockChannels);
  w.cells = reinterpret_cast<uint32_t *>(memory);
  w.init.resize(map.phases.size() * size_t(w.channels));
  bool isBytes = map.format == CellFormat::Bytes, moved = isBytes && j.f.opd0_sign;
  std::array<uint8_t, 2 * kBlock> constant, nothing{};
  constant.fill(uint8_t(j.f.opd1_addr));
  parallelFor(w.channels / kernels::kBlockChannels, 1, [&](int64_t begin, int64_t end) {
    // Rows of a block side by side, so that every cell of it is written as a whole.
    alignas(64) int16_t wide[kernels::kBlockChannels][kBlock];
    uint8_t last[kernels::kBlockChannels][kBlock] = {};
    const uint8_t *rows[kernels::kBlockChannels];
    for (int64_t block = begin; block < end; ++block) {
      int64_t first = block * kernels::kBlockChannels, width = w.blockWidth(first),
              used = std::min(j.oc - first, width);
      int32_t zero[kernels::kBlockChannels] = {};
      for (int64_t o = 0; o < used; ++o)
        zero[o] = kernelZeroPoint(j, first + o);
      std::fill(rows, rows + width, nothing.data()); // lanes without a channel
      for (size_t p = 0; p < map.phases.size(); ++p) {
        const CellMap::Phase &phase = map.phases[p];
        auto taps = int64_t(phase.taps.size());
        for (int64_t i = 0; i < j.ic; i += kBlock) {
          int64_t count = std::min(kBlock, j.ic - i), step = taps * width;
          uint32_t *out = w.cells + (w.at(first, phase) - w.cells) + i / map.per() * step;
          for (int64_t t = 0; t < taps; ++t, out += width) {
            for (int64_t o = 0; o < used; ++o) {
              const uint8_t *bytes =
                  j.f.opd1_const ? constant.data()
                                 : j.weightAt(first + o, i, 0) + phase.index[size_t(t)] * kBlock;
              if (moved)
                w.init[p * size_t(w.channels) + size_t(first + o)] -= 128 * sumOf(bytes, count);
              if (!isBytes) {
                widen(wide[o], bytes, count, j.f.opd1_sign, zero[o]);
                bytes = reinterpret_cast<const uint8_t *>(wide[o]);
              } else if (count % 4) { // what lies behind the last channel must not count
                bytes = static_cast<uint8_t *>(std::memcpy(last[o], bytes, size_t(count)));
              }
              rows[o] = bytes;
            }
            spread(out, step, rows, chip::ceilDiv(count, map.per()), width);
          }
        }
      }
    }
  });
  return w;
}

} // namespace tessera::sim::exec
