// sCONV ("BM1684X measured numerics", sections 4 and 8).
#include "tessera/sim/kernels/conv.h"
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/local.h"
#include "tessera/sim/window.h"

#include <bit>
#include <climits>
#include <cmath>

namespace tessera::sim::exec {
namespace {

using isa::sCONV;
using kernels::CellFormat;
using numerics::Rounding;

struct Job {
  sCONV f;
  int64_t n, ic, oc;
  Window window;
  std::vector<int32_t> rows, columns; ///< extended positions to input positions
  Type type, to;
  Local src, weight, res;
  Operand bias; ///< opd2: kernel zero point, int16 bias or fp32 bias, one per output channel
  Operand edge; ///< opd3: pad and insert pairs per input channel

  int64_t taps() const { return window.y.kernel * window.x.kernel; }
  int64_t outCount() const { return window.y.out * window.x.out; }
  /// Weight row of (kernel row, column) after kernel_rotate.
  int64_t tapIndex(int64_t ky, int64_t kx) const {
    int64_t at = ky * window.x.kernel + kx;
    return f.kernel_rotate ? taps() - 1 - at : at;
  }
  /// Offset in elements of weight (o, i, tap) from the lane offset: blocks of IC input channels.
  const uint8_t *weightAt(int64_t o, int64_t i, int64_t tap) const {
    int64_t block = chip::cubeInputs(type);
    return weight.plane(0, o) + weight.size * ((i / block * taps() + tap) * block + i % block);
  }
};

Result<Job> prepare(Machine &m, const sCONV &f) {
  Job j{};
  j.f = f;
  j.window = windowOf(f);
  TESSERA_TRY(j.window.check());
  j.n = int64_t(f.res0_n);
  j.ic = int64_t(f.opd0_c);
  j.oc = int64_t(f.res0_c);
  if (j.window.y.extended() * j.window.x.extended() * std::max<int64_t>(j.ic, 1) > kMaxElements)
    return fail("bad-shape", "opd0", "the extended input is more than any local memory gives");
  if (j.taps() * std::max<int64_t>(j.ic, 1) * chip::alignUp(j.oc, 8) > kMaxElements)
    return fail("bad-shape", "opd1", "the weights are more than local memory can hold");
  j.rows = j.window.y.sources(j.window.mode);
  j.columns = j.window.x.sources(j.window.mode);
  j.type = Type(f.opd0_prec);
  j.to = Type(f.res0_prec);
  int64_t size = chip::bytesOf(j.type);
  if (size == 0 || chip::bytesOf(j.to) == 0)
    return unsupported("element type of 4 bits");
  Dims in{j.n, j.ic, j.window.y.in, j.window.x.in}, out{j.n, j.oc, j.window.y.out, j.window.x.out};
  int64_t lane = chip::laneOf(f.opd0_addr);
  LocalLayout layout = chip::alignedLayout(lane, in.n, in.c, in.h, in.w, size);
  if (f.opd0_str == 3)
    layout = {int64_t(f.opd0_n_str), int64_t(f.opd0_c_str), int64_t(f.opd0_h_str),
              int64_t(f.opd0_w_str)};
  else if (f.opd0_str != 0)
    return unsupported(fmt::format("input layout code {}", f.opd0_str));
  TESSERA_ASSIGN(j.src, local(m, "opd0", f.opd0_addr, in, size, layout));
  TESSERA_ASSIGN(j.res, alignedLocal(m, "result", f.res0_addr, out, chip::bytesOf(j.to)));
  if (!f.opd1_const) {
    int64_t row = chip::alignUp(j.ic, chip::cubeInputs(j.type)) * j.taps();
    TESSERA_ASSIGN(j.weight,
                   local(m, "opd1", f.opd1_addr, {1, j.oc, 1, row}, size, {0, row, row, 1}));
  }
  bool eu0 = f.tsk_eu_typ == 0, isFloat = chip::isFloat(j.type);
  j.bias = Operand::constant(uint32_t(f.opd2_addr));
  if (!f.opd2_const) {
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, {1, j.oc, 1, 1},
                                  isFloat ? 4
                                  : eu0   ? 1
                                          : 2,
                                  chip::perChannelLayout()));
    j.bias = Operand::of(t);
  }
  j.edge = Operand::constant(uint32_t(f.opd3_addr));
  if (!f.opd3_const && (eu0 || isFloat)) {
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd3", f.opd3_addr, {1, j.ic, 1, 2}, size));
    j.edge = Operand::of(t);
  }
  return j;
}

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

int64_t padBytes(const Job &j, int64_t channel, bool insert) {
  if (j.edge.immediate) // immediates count by their low 8 bits
    return insert ? j.f.res1_addr & 0xFF : j.f.tsk_eu_typ == 0 ? j.f.opd3_addr & 0xFF : 0;
  return j.edge.plane(0, channel)[insert ? 1 : 0];
}

/// One row of one channel at the phase's columns, as raw bytes.
void gatherRow(const Job &j, uint8_t *out, int64_t n, int64_t c, int32_t row,
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

void packCells(const Job &j, Packed &p, int64_t n) {
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

int32_t kernelZeroPoint(const Job &j, int64_t o) {
  if (j.f.tsk_eu_typ != 0)
    return 0;
  uint8_t byte = j.bias.immediate ? uint8_t(j.f.opd2_addr) : *j.bias.plane(0, o);
  return j.f.opd2_sign ? int32_t(int8_t(byte)) : int32_t(byte);
}

/// Weights in blocks of output channels: [block][group][tap][channel of the block] cells.
void packWeights(const Job &j, Packed &p) {
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

Packed plan(Machine &m, const Job &j) {
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
void store(const Job &j, const Finish &finish, int64_t n, int64_t o, int64_t oy, int64_t x,
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

Status integers(Machine &m, const Job &j) {
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

/// The extended planes of all input channels of one batch entry, as floats.
std::vector<float> floatPlanes(const Job &j, int64_t n) {
  int64_t height = int64_t(j.rows.size()), width = int64_t(j.columns.size()), size = j.src.size;
  std::vector<float> planes(size_t(j.ic * height * width));
  auto read = [&](const uint8_t *p) {
    float v;
    loadFloats(&v, p, 0, 1, j.type);
    // fp16 denormals are used exactly; fp32 and bf16 ones count as zero (section 8.3).
    return j.type == Type::Fp16 ? v : numerics::flush(v);
  };
  parallelFor(j.ic, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      auto insertWord = uint32_t(j.f.res1_addr);
      const uint8_t *edge = j.edge.plane(0, c);
      float pad = read(edge);
      float insert =
          read(j.edge.immediate ? reinterpret_cast<const uint8_t *>(&insertWord) : edge + size);
      float *out = planes.data() + c * height * width;
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          int32_t row = j.rows[y], column = j.columns[x];
          out[y * width + x] = row == Axis::kPad || column == Axis::kPad ? pad
                               : row < 0 || column < 0
                                   ? insert
                                   : read(j.src.plane(n, c) + size * (row * j.src.strides.h +
                                                                      column * j.src.strides.w));
        }
    }
  });
  return planes;
}

Status floats(Machine &m, const Job &j) {
  const sCONV &f = j.f;
  if (f.tsk_eu_typ != 0 || (j.to != j.type && j.to != Type::Fp32))
    return unsupported("float convolution of this kind");
  const Axis &ya = j.window.y, &xa = j.window.x;
  int64_t width = int64_t(j.columns.size()), plane = width * int64_t(j.rows.size()),
          taps = j.taps();
  int64_t block = chip::cubeInputs(j.type);
  for (int64_t n = 0; n < j.n; ++n) {
    std::vector<float> planes = floatPlanes(j, n);
    parallelFor(j.oc, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> w(size_t(chip::alignUp(j.ic, block) * taps));
      for (int64_t o = begin; o < end; ++o) {
        // In the order of the sum: block, tap, channel of the block.
        auto constant = uint32_t(f.opd1_addr);
        for (int64_t tap = 0; tap < taps; ++tap)
          for (int64_t i = 0; i < j.ic; ++i) {
            float v;
            int64_t turned = j.tapIndex(tap / xa.kernel, tap % xa.kernel);
            loadFloats(&v,
                       f.opd1_const ? reinterpret_cast<const uint8_t *>(&constant)
                                    : j.weightAt(o, i, turned),
                       0, 1, j.type);
            w[size_t((i / block * taps + tap) * block + i % block)] =
                j.type == Type::Fp16 ? v : numerics::flush(v);
          }
        float bias = j.bias.immediate ? 0.0f : numerics::flush(loadAs<float>(j.bias.plane(0, o)));
        bool hasBias = !j.bias.immediate;
        // One output row at a time: every item of the sum is added for the whole row.
        int64_t ow = xa.out;
        std::vector<float> chain[2] = {std::vector<float>(size_t(ow)),
                                       std::vector<float>(size_t(ow))};
        std::vector<float> previous(size_t(ow), 0.0f);
        for (int64_t oy = 0; oy < ya.out; ++oy) {
          const float *row = planes.data() + oy * ya.stride * width;
          auto cell = [&](int64_t tap) {
            return row + tap / xa.kernel * ya.dilation * width + tap % xa.kernel * xa.dilation;
          };
          uint8_t *out = j.res.plane(n, o) + j.res.size * oy * ow;
          if (f.res_add)
            loadFloats(previous.data(), out, j.res.size, ow, j.to);
          std::fill(chain[0].begin(), chain[0].end(), bias);
          std::fill(chain[1].begin(), chain[1].end(), 0.0f);
          if (j.type == Type::Fp32) { // two chains over bias, previous, products (section 8.1)
            int64_t item = hasBias ? 1 : 0;
            if (f.res_add) {
              for (int64_t x = 0; x < ow; ++x)
                chain[item & 1][size_t(x)] =
                    numerics::addFlush(chain[item & 1][size_t(x)], previous[size_t(x)]);
              ++item;
            }
            for (int64_t i = 0; i < j.ic; ++i)
              for (int64_t tap = 0; tap < taps; ++tap, ++item)
                kernels::multiplyAdd(chain[item & 1].data(), cell(tap) + i * plane, xa.stride,
                                     w[size_t(i * taps + tap)], ow);
            for (int64_t x = 0; x < ow; ++x)
              chain[0][size_t(x)] = numerics::addFlush(chain[0][size_t(x)], chain[1][size_t(x)]);
          } else {
            if (f.res_add)
              for (int64_t x = 0; x < ow; ++x)
                chain[0][size_t(x)] = numerics::addFlush(bias, previous[size_t(x)]);
            for (int64_t first = 0; first < j.ic; first += block)
              for (int64_t tap = 0; tap < taps; ++tap)
                kernels::addCubeSums(chain[0].data(), cell(tap) + first * plane, plane, xa.stride,
                                     w.data() + (first * taps + tap * block),
                                     std::min(block, j.ic - first), ow);
          }
          storeFloats(out, j.res.size, chain[0].data(), ow, j.to);
        }
      }
    });
  }
  return {};
}

} // namespace

Status conv(Machine &m, const isa::Command &command) {
  auto f = isa::decode<sCONV>(command);
  if (f.tsk_eu_typ > 2)
    return unsupported(fmt::format("convolution operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(Job j, prepare(m, f));
  if (chip::isFloat(j.type))
    return floats(m, j);
  return integers(m, j);
}

} // namespace tessera::sim::exec
