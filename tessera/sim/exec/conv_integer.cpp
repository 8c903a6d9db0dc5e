// sCONV on 8-bit inputs ("BM1684X measured numerics", section 4), by the host's convolution
// kernels.
#include "tessera/sim/exec/conv_job.h"

#include "tessera/sim/element.h"
#include "tessera/sim/kernels/conv.h"
#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::exec {
namespace {

using isa::sCONV;
using kernels::CellFormat;
using numerics::Rounding;

/// The packed operands of kernels::ConvTask for one batch entry.
struct Packed {
  CellFormat format;
  std::vector<int64_t> taps;   ///< byte offsets
  std::vector<int32_t> phases; ///< row phase * stride + column phase, in use
  int64_t pitch, phaseRows;    ///< cells of a row, rows of a phase
  int64_t groups, groupStride; ///< bytes
  uint8_t *cells;
  uint32_t *weights;
  std::vector<int32_t> init;
  int64_t channelsPadded;
};

int64_t padBytes(const ConvJob &j, int64_t channel, bool insert) {
  if (j.edge.immediate) // immediates count by their low 8 bits
    return insert ? j.f.res1_addr & 0xFF : j.f.tsk_eu_typ == 0 ? j.f.opd3_addr & 0xFF : 0;
  return j.edge.plane(0, channel)[insert ? 1 : 0];
}

/// One row of one channel at the phase's columns, as raw bytes.
void gatherRow(const ConvJob &j, uint8_t *out, int64_t n, int64_t c, int32_t row,
               const std::vector<int32_t> &columns, uint8_t pad, uint8_t insert) {
  auto width = int64_t(columns.size());
  if (row == Axis::kPad) {
    std::memset(out, pad, size_t(width));
    return;
  }
  const uint8_t *src = row >= 0 ? j.src.plane(n, c) + row * j.src.strides.h : nullptr;
  bool plain = row >= 0 && j.src.strides.w == 1 && j.window.x.insert == 0 &&
               j.window.x.stride == 1 && j.window.mode == PadMode::Constant;
  if (plain) {
    int64_t left = std::min(j.window.x.padBefore, width),
            in = std::min(j.window.x.in, width - left);
    std::memset(out, pad, size_t(left));
    std::memcpy(out + left, src, size_t(in));
    std::memset(out + left + in, pad, size_t(width - left - in));
    return;
  }
  for (int64_t x = 0; x < width; ++x) {
    int32_t column = columns[size_t(x)];
    out[x] = column == Axis::kPad           ? pad
             : column < 0 || src == nullptr ? insert
                                            : src[column * j.src.strides.w];
  }
}

void packCells(const ConvJob &j, Packed &p, int64_t n) {
  int64_t per = kernels::channelsPerCell(p.format), sy = j.window.y.stride, sx = j.window.x.stride;
  bool isSigned = j.f.opd0_sign;
  // The byte kernel multiplies unsigned cells: signed ones are moved up by 128 (init undoes it).
  uint8_t flip = p.format == CellFormat::Bytes && isSigned ? 0x80 : 0;
  std::vector<std::vector<int32_t>> columns(sx);
  for (int64_t x = 0; x < int64_t(j.columns.size()); ++x)
    columns[x % sx].push_back(j.columns[x]);
  for (auto &list : columns)
    list.resize(p.pitch, Axis::kPad);
  parallelFor(p.groups * int64_t(p.phases.size()), 1, [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> raw(4 * p.pitch);
    for (int64_t item = begin; item < end; ++item) {
      int64_t group = item / int64_t(p.phases.size()), phaseAt = item % int64_t(p.phases.size());
      int64_t py = p.phases[phaseAt] / sx, px = p.phases[phaseAt] % sx;
      uint8_t *out = p.cells + group * p.groupStride + phaseAt * p.phaseRows * p.pitch * 4;
      int64_t first = group * per, count = std::min(per, j.ic - first);
      if (count < per)
        std::fill(raw.begin(), raw.end(), 0);
      for (int64_t r = 0; r < p.phaseRows; ++r, out += 4 * p.pitch) {
        int64_t y = r * sy + py;
        int32_t row = y < int64_t(j.rows.size()) ? j.rows[y] : Axis::kPad;
        for (int64_t i = 0; i < count; ++i)
          gatherRow(j, raw.data() + i * p.pitch, n, first + i, row, columns[px],
                    uint8_t(padBytes(j, first + i, false)), uint8_t(padBytes(j, first + i, true)));
        const uint8_t *a = raw.data(), *b = a + p.pitch, *c = b + p.pitch, *d = c + p.pitch;
        if (p.format == CellFormat::Bytes) {
          for (int64_t x = 0; x < p.pitch; ++x) {
            out[4 * x] = a[x] ^ flip;
            out[4 * x + 1] = b[x] ^ flip;
            out[4 * x + 2] = c[x] ^ flip;
            out[4 * x + 3] = d[x] ^ flip;
          }
        } else {
          auto *words = reinterpret_cast<int16_t *>(out);
          for (int64_t x = 0; x < p.pitch; ++x) {
            words[2 * x] = isSigned ? int8_t(a[x]) : a[x];
            words[2 * x + 1] = isSigned ? int8_t(b[x]) : b[x];
          }
        }
      }
    }
  });
}

/// Channels of the block at `first`: 8, then the smallest of 8, 4, 2, 1 that holds the rest.
int64_t blockChannels(int64_t rest) { return rest >= 8 ? 8 : rest > 4 ? 8 : rest > 2 ? 4 : rest; }

int32_t kernelZeroPoint(const ConvJob &j, int64_t o) {
  if (j.f.tsk_eu_typ != 0)
    return 0;
  uint8_t byte = j.bias.immediate ? uint8_t(j.f.opd2_addr) : *j.bias.plane(0, o);
  return j.f.opd2_sign ? int32_t(int8_t(byte)) : int32_t(byte);
}

/// Weights in blocks of output channels: [block][group][tap][channel of the block] cells.
void packWeights(const ConvJob &j, Packed &p) {
  int64_t per = kernels::channelsPerCell(p.format), taps = j.taps(), cells = p.groups * taps;
  bool isSigned = j.f.opd1_sign;
  std::vector<int64_t> order(taps);
  for (int64_t ky = 0; ky < j.window.y.kernel; ++ky)
    for (int64_t kx = 0; kx < j.window.x.kernel; ++kx)
      order[ky * j.window.x.kernel + kx] = j.tapIndex(ky, kx);
  int64_t blocks = chip::ceilDiv(j.oc, kernels::kBlockChannels);
  parallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int64_t first = block * kernels::kBlockChannels, width = blockChannels(j.oc - first);
      uint32_t *out = p.weights + first * cells;
      for (int64_t lane = 0; lane < width; ++lane) {
        int64_t o = first + lane;
        if (o >= j.oc) {
          for (int64_t at = 0; at < cells; ++at)
            out[at * width + lane] = 0;
          continue;
        }
        int32_t zero = kernelZeroPoint(j, o), sum = 0;
        for (int64_t group = 0; group < p.groups; ++group) {
          int64_t i = group * per, count = std::min(per, j.ic - i);
          for (int64_t k = 0; k < taps; ++k) {
            uint8_t bytes[4] = {};
            if (j.f.opd1_const)
              std::memset(bytes, int(j.f.opd1_addr & 0xFF), size_t(count));
            else
              std::memcpy(bytes, j.weightAt(o, i, order[k]), size_t(count));
            uint32_t cell;
            if (p.format == CellFormat::Bytes) {
              for (int64_t b = 0; b < count; ++b)
                sum += int8_t(bytes[b]);
              std::memcpy(&cell, bytes, 4);
            } else {
              int16_t words[2] = {};
              for (int64_t b = 0; b < count; ++b)
                words[b] =
                    int16_t((isSigned ? int32_t(int8_t(bytes[b])) : int32_t(bytes[b])) - zero);
              std::memcpy(&cell, words, 4);
            }
            out[(group * taps + k) * width + lane] = cell;
          }
        }
        p.init[o] = p.format == CellFormat::Bytes && j.f.opd0_sign ? -128 * sum : 0;
      }
    }
  });
}

Packed plan(Machine &m, const ConvJob &j) {
  Packed p{};
  bool plainWeights =
      j.f.opd1_sign && j.f.tsk_eu_typ == 0 && j.bias.immediate && (j.f.opd2_addr & 0xFF) == 0;
  plainWeights = plainWeights || (j.f.opd1_sign && j.f.tsk_eu_typ != 0);
  p.format = plainWeights && kernels::convKernel().bytes ? CellFormat::Bytes : CellFormat::Words;
  const Axis &ya = j.window.y, &xa = j.window.x;
  p.pitch = chip::ceilDiv(int64_t(j.columns.size()), xa.stride);
  p.phaseRows = chip::ceilDiv(int64_t(j.rows.size()), ya.stride);
  for (int64_t ky = 0; ky < ya.kernel; ++ky)
    for (int64_t kx = 0; kx < xa.kernel; ++kx) {
      int64_t y = ky * ya.dilation, x = kx * xa.dilation;
      auto phase = int32_t(y % ya.stride * xa.stride + x % xa.stride);
      auto at = std::find(p.phases.begin(), p.phases.end(), phase);
      int64_t index = at - p.phases.begin();
      if (at == p.phases.end())
        p.phases.push_back(phase);
      p.taps.push_back(4 * ((index * p.phaseRows + y / ya.stride) * p.pitch + x / xa.stride));
    }
  p.groups = chip::ceilDiv(j.ic, kernels::channelsPerCell(p.format));
  p.groupStride = int64_t(p.phases.size()) * p.phaseRows * p.pitch * 4;
  // Kernels read whole steps, and the last rows' taps reach past the plane's end.
  p.cells = m.scratch(0, size_t(p.groups * p.groupStride + 8 * kernels::kMaxStep + 4 * p.pitch));
  p.channelsPadded = chip::alignUp(j.oc, kernels::kBlockChannels);
  p.weights = reinterpret_cast<uint32_t *>(
      m.scratch(1, size_t(4 * p.channelsPadded * p.groups * j.taps())));
  p.init.resize(size_t(p.channelsPadded));
  return p;
}

/// The result of one accumulator (section 4.1 and 4.3).
struct Finish {
  bool shifts, relu, adds;
  int shift;
  int64_t bits;
  IntRange range;
  int32_t operator()(int32_t sum, int64_t bias) const {
    int64_t v = sum;
    if (shifts) {
      v += bias;
      if (relu)
        v = std::max<int64_t>(v, 0);
      v = numerics::shiftRight(v, shift, Rounding::HalfUp);
    }
    return int32_t(v < range.lo ? range.lo : v > range.hi ? range.hi : v);
  }
};

/// Writes `count` sums of output row oy from column x of channel o.
void store(const ConvJob &j, const Finish &finish, int64_t n, int64_t o, int64_t oy, int64_t x,
           const int32_t *sums, int64_t count) {
  uint8_t *out = j.res.plane(n, o) + j.res.size * (oy * j.window.x.out + x);
  if (finish.bits == 32 && !finish.shifts) {
    if (!finish.adds) {
      std::memcpy(out, sums, size_t(4 * count));
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      storeAs<uint32_t>(out + 4 * i, loadAs<uint32_t>(out + 4 * i) + uint32_t(sums[i]));
    return;
  }
  int64_t bias = 0;
  if (finish.shifts && !j.bias.immediate)
    bias = j.f.opd2_sign ? int64_t(loadAs<int16_t>(j.bias.plane(0, o)))
                         : int64_t(loadAs<uint16_t>(j.bias.plane(0, o)));
  for (int64_t i = 0; i < count; ++i) {
    int64_t v = finish(sums[i], bias);
    storeInts(out + i * j.res.size, 0, &v, 1, finish.bits);
  }
}

} // namespace

Status convIntegers(Machine &m, const ConvJob &j) {
  const sCONV &f = j.f;
  if (j.type != Type::Int8 || !isInteger(j.to))
    return unsupported("convolution of this type");
  Finish finish{};
  finish.bits = chip::bitsOf(j.to);
  finish.shifts = f.tsk_eu_typ != 0;
  finish.relu = f.tsk_eu_typ == 2;
  finish.adds = f.res_add;
  finish.shift = int(f.opd3_addr & 31);
  if (finish.adds && (finish.bits != 32 || finish.shifts))
    return unsupported("res_add into 8 or 16 bits or with a shift");
  if (finish.shifts && !f.opd3_const)
    return unsupported("a shift from memory");
  if (finish.shifts && f.opd2_const && f.opd2_addr)
    return unsupported("an immediate bias");
  // eu 0 saturates to the signed type; eu 1 is unsigned only if all operands are; eu 2 always.
  bool isSigned = finish.bits == 32 || f.tsk_eu_typ == 0 ||
                  (f.tsk_eu_typ == 1 && (f.opd0_sign || f.opd1_sign || f.opd2_sign));
  finish.range = rangeOf(finish.bits, isSigned);
  Packed p = plan(m, j);
  packWeights(j, p);
  auto kernel =
      p.format == CellFormat::Bytes ? kernels::convKernel().bytes : kernels::convKernel().words;
  constexpr int64_t kChunk = 6 * kernels::kMaxStep; // a multiple of every kernel's step
  int64_t width = j.window.x.out, positions = (j.window.y.out - 1) * p.pitch + width;
  int64_t chunks = chip::ceilDiv(positions, kChunk),
          blocks = p.channelsPadded / kernels::kBlockChannels;
  int64_t cells = p.groups * j.taps();
  for (int64_t n = 0; n < j.n; ++n) {
    packCells(j, p, n);
    parallelFor(chunks * blocks, 1, [&](int64_t begin, int64_t end) {
      alignas(64) int32_t sums[kernels::kBlockChannels * kChunk];
      for (int64_t item = begin; item < end; ++item) {
        int64_t chunk = item % chunks, first = item / chunks * kernels::kBlockChannels;
        int64_t start = chunk * kChunk, count = std::min(kChunk, positions - start);
        kernel({.cells = p.cells + 4 * start,
                .groupStride = p.groupStride,
                .groups = p.groups,
                .taps = p.taps.data(),
                .tapCount = j.taps(),
                .weights = p.weights + first * cells,
                .init = p.init.data() + first,
                .channels = blockChannels(j.oc - first),
                .out = sums,
                .outStride = kChunk,
                .positions = count});
        // The chunk covers pieces of rows; cells past the output's width are not results.
        for (int64_t oy = start / p.pitch; oy * p.pitch < start + count; ++oy) {
          int64_t from = std::max(start, oy * p.pitch),
                  to = std::min(start + count, oy * p.pitch + width);
          for (int64_t o = first; from < to && o < std::min(j.oc, first + kernels::kBlockChannels);
               ++o)
            store(j, finish, n, o, oy, from - oy * p.pitch,
                  sums + (o - first) * kChunk + from - start, to - from);
        }
      }
    });
  }
  return {};
}

} // namespace tessera::sim::exec
