// sCONV on 8-bit inputs ("BM1684X measured numerics", section 4), by the host's convolution
// kernels: cells and weights are packed, then every tile of positions and output channels is summed
// and finished while it is in the first-level cache.
#include "tessera/sim/exec/conv_tail.h"
#include "tessera/sim/exec/conv_weights.h"

#include "tessera/sim/element.h"
#include "tessera/sim/kernels/pack.h"

namespace tessera::sim::exec {
namespace {

using kernels::CellFormat;
using kernels::kBlockChannels;
using numerics::Rounding;

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

Result<Finish> finishOf(const ConvJob &j) {
  const isa::sCONV &f = j.f;
  if (j.type != Type::Int8 || !isInteger(j.to))
    return unsupported("convolution of this type");
  Finish finish{};
  finish.bits = chip::bitsOf(j.to);
  finish.shifts = f.tsk_eu_typ != 0;
  finish.relu = f.tsk_eu_typ == 2;
  finish.adds = f.res_add && finish.bits == 32; // 8 and 16 bits are not added to
  finish.shift = int(f.opd3_addr & 31);
  if (finish.shifts && !f.opd3_const)
    return unsupported("a shift from memory");
  if (finish.shifts && f.opd3_addr > 31)
    return unsupported(fmt::format("a shift of {}", f.opd3_addr));
  // 8 and 16 bits are unsigned with ReLU, and where all operands are and no zero point is taken
  // off.
  bool zeroPoint = !finish.shifts && !(f.opd2_const && f.opd2_addr == 0);
  bool isSigned = finish.bits == 32 ||
                  (!finish.relu && (f.opd0_sign || f.opd1_sign || f.opd2_sign || zeroPoint));
  finish.range = rangeOf(finish.bits, isSigned);
  return finish;
}

/// Where a piece of an output row goes.
struct Piece {
  int64_t n, channel, at, count; ///< at: of the channel's plane
};

void store(const ConvJob &j, const Finish &finish, const Piece &p, const int32_t *sums) {
  uint8_t *out = j.res.plane(p.n, p.channel) + j.res.size * p.at;
  int64_t bias = 0; // of an immediate the low 16 bits
  if (finish.shifts)
    bias = j.f.opd2_sign ? int64_t(loadAs<int16_t>(j.bias.plane(0, p.channel)))
                         : int64_t(loadAs<uint16_t>(j.bias.plane(0, p.channel)));
  for (int64_t i = 0; i < p.count; ++i) {
    int64_t v = finish(sums[i], bias);
    if (finish.adds)
      v += loadAs<int32_t>(out + 4 * i);
    storeInts(out + i * j.res.size, 0, &v, 1, finish.bits);
  }
}

/// int32 results with the tail's commands. Each memory gets its last value at once.
void storeInt32(const ConvJob &j, const Finish &finish, const ConvTail &tail, const Piece &p,
                const int32_t *sums) {
  auto *out = j.res.at<int32_t>(p.n, p.channel) + p.at;
  auto *total = tail.sum.at<int32_t>(p.n, p.channel) + p.at;
  if (finish.adds) {
    for (int64_t i = 0; i < p.count; ++i)
      out[i] = int32_t(uint32_t(out[i]) + uint32_t(sums[i]));
    sums = out;
  } else if (out != total || tail.bias.empty()) {
    std::memcpy(out, sums, size_t(4 * p.count));
  }
  const kernels::Requantize *requantize =
      tail.requantize.empty() ? nullptr : &tail.requantize[size_t(p.channel)];
  uint8_t *bytes = requantize ? tail.out.at<uint8_t>(p.n, p.channel) + p.at : nullptr;
  if (!tail.bias.empty())
    kernels::convKernel().finish(
        {total, bytes, sums, p.count, tail.bias[size_t(p.channel)], requantize});
  else if (requantize)
    kernels::requantizeInt32(bytes, total, p.count, *requantize);
}

/// Positions of a tile: small enough that its sums stay in the first-level cache.
constexpr int64_t kTile = 8 * 48, kLeast = kernels::kMaxStep;

} // namespace

Status convIntegers(Machine &m, const ConvJob &j, const ConvTail &tail) {
  TESSERA_ASSIGN(Finish finish, finishOf(j));
  bool isBytes = plainWeights(j) && kernels::convKernel().bytes;
  CellMap map = cellMap(j, isBytes ? CellFormat::Bytes : CellFormat::Words);
  auto kernel = isBytes ? kernels::convKernel().bytes : kernels::convKernel().words;
  auto memory = m.scratch(0, size_t(map.strips * map.bytes()));
  PackedWeights weights = packWeights(j, map, m.scratch(1, size_t(PackedWeights::bytes(j, map))));
  // A tile has every column phase of its positions, so that rows are written as wholes.
  int64_t yPhases = map.y.phases(), xPhases = map.x.phases();
  int64_t tile = std::max(kLeast, kTile / xPhases), outHeight = j.window.y.out,
          outWidth = j.window.x.out;
  int64_t blocks = weights.channels / kBlockChannels;
  auto sumTile = [&](std::vector<int32_t> &sums, std::vector<int32_t> &line, int64_t n,
                     int64_t strip, int64_t positions, int64_t yPhase, int64_t start,
                     int64_t first) {
    const uint8_t *cells = memory + strip * map.bytes();
    int64_t count = std::min(tile, positions - start), stride = tile + kernels::kMaxStep;
    for (int64_t x = 0; x < xPhases; ++x) {
      auto at = size_t(yPhase * xPhases + x);
      const CellMap::Phase &phase = map.phases[at];
      auto taps = int64_t(phase.taps.size());
      int64_t reach = taps ? *std::max_element(phase.taps.begin(), phase.taps.end()) -
                                 *std::min_element(phase.taps.begin(), phase.taps.end())
                           : 0;
      int64_t slice =
          kernels::convKernel().sliceBytes
              ? std::max<int64_t>(1, kernels::convKernel().sliceBytes / (4 * count + reach))
              : map.groups;
      for (int64_t group = 0; group < map.groups; group += slice)
        kernel({.cells = cells + 4 * start + group * map.groupBytes,
                .groupStride = map.groupBytes,
                .groups = std::min(slice, map.groups - group),
                .taps = phase.taps.data(),
                .tapCount = taps,
                .weights = weights.at(first, phase) + group * taps * weights.blockWidth(first),
                .init = weights.start(at, first),
                .channels = weights.blockWidth(first),
                .out = sums.data() + x * kBlockChannels * stride,
                .outStride = stride,
                .positions = count,
                .adds = group > 0});
    }
    // The tile covers pieces of rows; cells past the output's width are not results.
    for (int64_t row = start / map.pitch; row * map.pitch < start + count; ++row) {
      int64_t oy = (strip * map.stripRows + row) * yPhases + yPhase,
              from = std::max(start, row * map.pitch),
              to = std::min(start + count, row * map.pitch + map.outColumns);
      if (oy >= outHeight || from >= to)
        continue;
      int64_t ox = (from - row * map.pitch) * xPhases,
              width = std::min((to - from) * xPhases, outWidth - ox);
      for (int64_t o = first; o < std::min(j.oc, first + kBlockChannels); ++o) {
        const int32_t *values = sums.data() + (o - first) * stride + from - start;
        if (xPhases > 1) {
          const int32_t *rows[16]; // any count that the 4-bit field can insert, and one
          for (int64_t x = 0; x < xPhases; ++x)
            rows[x] = values + x * kBlockChannels * stride;
          kernels::interleaveInts(line.data(), rows, xPhases, to - from);
          values = line.data();
        }
        Piece piece{n, o, oy * outWidth + ox, width};
        if (finish.bits == 32 && !finish.shifts)
          storeInt32(j, finish, tail, piece, values);
        else
          store(j, finish, piece, values);
      }
    }
  };
  auto sumStrip = [&](int64_t n, int64_t strip) {
    int64_t rows = std::min(map.stripRows, map.outRows - strip * map.stripRows),
            positions = (rows - 1) * map.pitch + map.outColumns,
            tiles = chip::ceilDiv(positions, tile);
    parallelFor(yPhases * tiles * blocks, 1, [&](int64_t begin, int64_t end) {
      std::vector<int32_t> sums(size_t(xPhases * kBlockChannels * (tile + kernels::kMaxStep))),
          line(size_t(xPhases > 1 ? xPhases * tile : 0));
      for (int64_t item = begin; item < end; ++item) {
        int64_t rest = item / blocks;
        sumTile(sums, line, n, strip, positions, rest / tiles, rest % tiles * tile,
                item % blocks * kBlockChannels);
      }
    });
  };
  auto forStrips = [&](auto body) {
    parallelFor(map.strips, 1, [&](int64_t begin, int64_t end) {
      for (int64_t strip = begin; strip < end; ++strip)
        body(strip);
    });
  };
  for (int64_t n = 0; n < j.n; ++n) {
    auto pack = [&](int64_t strip) { packCells(j, map, n, strip, memory + strip * map.bytes()); };
    if (!tail.overwritesInput)
      forStrips([&](int64_t strip) {
        pack(strip);
        sumStrip(n, strip);
      });
    else {
      forStrips(pack);
      forStrips([&](int64_t strip) { sumStrip(n, strip); });
    }
  }
  return {};
}

} // namespace tessera::sim::exec
