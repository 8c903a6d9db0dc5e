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

/// The cells of up to 64 input channels at one tap, each `step` words behind the one before.
void packBytes(uint32_t *out, int64_t step, const uint8_t *bytes, int64_t count) {
  int64_t whole = count / 4;
  for (int64_t g = 0; g < whole; ++g, out += step)
    std::memcpy(out, bytes + 4 * g, 4);
  if (count % 4) { // what lies behind the last channel must not count
    *out = 0;
    std::memcpy(out, bytes + 4 * whole, size_t(count % 4));
  }
}
void packWords(uint32_t *out, int64_t step, const uint8_t *bytes, int64_t count, bool isSigned,
               int32_t zero) {
  for (int64_t i = 0; i < count; i += 2, out += step) {
    int16_t words[2] = {};
    for (int64_t k = 0; k < std::min<int64_t>(2, count - i); ++k)
      words[k] = int16_t((isSigned ? int32_t(int8_t(bytes[i + k])) : int32_t(bytes[i + k])) - zero);
    std::memcpy(out, words, 4);
  }
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
  std::array<uint8_t, kBlock> constant;
  constant.fill(uint8_t(j.f.opd1_addr));
  auto pack = [&](int64_t o, int64_t first, int64_t width) {
    int32_t zero = kernelZeroPoint(j, o);
    const uint8_t *row = j.f.opd1_const ? nullptr : j.weightAt(o, 0, 0);
    for (int64_t i = 0; i < j.ic; i += kBlock)
      for (size_t p = 0; p < map.phases.size(); ++p) {
        const CellMap::Phase &phase = map.phases[p];
        auto taps = int64_t(phase.taps.size());
        int64_t count = std::min(kBlock, j.ic - i), step = taps * width;
        uint32_t *out = w.cells + (w.at(first, phase) - w.cells) + i / map.per() * step + o - first;
        int32_t sum = 0;
        for (int64_t t = 0; t < taps; ++t, out += width) {
          const uint8_t *bytes =
              row ? row + i * w.taps + phase.index[size_t(t)] * kBlock : constant.data();
          if (isBytes)
            packBytes(out, step, bytes, count);
          else
            packWords(out, step, bytes, count, j.f.opd1_sign, zero);
          if (moved)
            sum += sumOf(bytes, count);
        }
        w.init[p * size_t(w.channels) + size_t(o)] -= 128 * sum;
      }
  };
  parallelFor(w.channels / kernels::kBlockChannels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int64_t first = block * kernels::kBlockChannels, width = w.blockWidth(first);
      if (first + width > j.oc) // lanes without a channel
        std::fill_n(w.cells + first * w.taps * w.groups, width * w.taps * w.groups, 0);
      for (int64_t o = first; o < std::min(j.oc, first + width); ++o)
        pack(o, first, width);
    }
  });
  return w;
}

} // namespace tessera::sim::exec
