// sCONV on fp32, fp16 and bf16 inputs ("BM1684X measured numerics", section 8), in the chip's order
// of sums.
#include "tessera/sim/exec/conv_job.h"

#include "tessera/sim/element.h"
#include "tessera/sim/kernels/conv.h"

#include <bit>
#include <cstring>

namespace tessera::sim::exec {
namespace {

using numerics::kFloatGroup;
using numerics::Magnitudes;

/// Positions that a task takes, so that their sums stay in the first-level cache.
constexpr int64_t kChunk = 64;

/// fp16 denormals are used exactly; fp32 and bf16 ones count as zero (section 8.3).
void loadCells(float *out, const uint8_t *p, int64_t step, int64_t count, Type type) {
  if (type == Type::Fp16)
    return loadFloats(out, p, step, count, type);
  loadFloats(out, p, step, count, type);
  for (int64_t i = 0; i < count; ++i)
    out[i] = numerics::flush(out[i]);
}

void measure(Magnitudes &m, const float *v, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    m.add(std::bit_cast<uint32_t>(v[i]));
}

/// Everything that the host's kernels read.
struct Packed {
  std::vector<float> cells, weights;
  std::vector<int64_t> positions, taps;
  std::vector<float> previous; ///< results before, [n][oc][position], if they are added to
  Magnitudes cellSizes, weightSizes;
};

/// The extended input of batch entry n as [row][column][channel].
void packCells(const ConvJob &j, Packed &p, int64_t n) {
  auto height = int64_t(j.rows.size()), width = int64_t(j.columns.size()), size = j.src.size;
  p.cells.resize(size_t(height * width * j.ic));
  auto insertWord = uint32_t(j.f.res1_addr);
  bool plain = j.window.x.insert == 0 && j.window.mode == PadMode::Constant;
  std::vector<Magnitudes> sizes(static_cast<size_t>(height));
  parallelFor(height, 1, [&](int64_t begin, int64_t end) {
    constexpr int64_t kTile = 16; // channels transposed at once
    std::vector<float> tile(size_t(kTile * width)), row(size_t(j.window.x.in));
    for (int64_t y = begin; y < end; ++y)
      for (int64_t first = 0; first < j.ic; first += kTile) {
        int64_t count = std::min(kTile, j.ic - first);
        for (int64_t i = 0; i < count; ++i) {
          const uint8_t *edge = j.edge.plane(0, first + i);
          float pad, insert, *out = tile.data() + i * width;
          loadCells(&pad, edge, 0, 1, j.type);
          loadCells(&insert,
                    j.edge.immediate ? reinterpret_cast<const uint8_t *>(&insertWord) : edge + size,
                    0, 1, j.type);
          if (int32_t from = j.rows[size_t(y)]; from == Axis::kPad) {
            std::fill_n(out, width, pad);
            continue;
          } else if (from >= 0) {
            loadCells(row.data(), j.src.plane(n, first + i) + size * from * j.src.strides.h,
                      size * j.src.strides.w, j.window.x.in, j.type);
          } else {
            std::fill(row.begin(), row.end(), insert);
          }
          if (plain && j.rows[size_t(y)] >= 0) {
            int64_t left = j.window.x.padBefore;
            std::fill_n(out, left, pad);
            std::copy(row.begin(), row.end(), out + left);
            std::fill(out + left + j.window.x.in, out + width, pad);
            continue;
          }
          for (int64_t x = 0; x < width; ++x) {
            int32_t column = j.columns[size_t(x)];
            out[x] = column == Axis::kPad ? pad : column < 0 ? insert : row[size_t(column)];
          }
        }
        measure(sizes[size_t(y)], tile.data(), count * width);
        float *out = p.cells.data() + y * width * j.ic + first;
        for (int64_t x = 0; x < width; ++x, out += j.ic)
          for (int64_t i = 0; i < count; ++i)
            out[i] = tile[size_t(i * width + x)];
      }
  });
  p.cellSizes = {};
  for (const Magnitudes &m : sizes)
    p.cellSizes.add(m);
}

/// Weights as numerics::FloatConvTask wants them, a group of output channels behind the other.
void packWeights(const ConvJob &j, Packed &p) {
  int64_t taps = j.taps(), block = chip::cubeInputs(j.type), groups = (j.oc + 15) / kFloatGroup;
  int64_t groupSize = j.ic * taps * kFloatGroup;
  p.weights.assign(size_t(groups * groupSize), 0.0f);
  std::vector<Magnitudes> sizes(static_cast<size_t>(groups));
  auto constant = uint32_t(j.f.opd1_addr);
  parallelFor(groups, 1, [&](int64_t begin, int64_t end) {
    float run[numerics::kFloatBlock];
    for (int64_t g = begin; g < end; ++g)
      for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc - g * kFloatGroup); ++lane)
        for (int64_t first = 0; first < j.ic; first += block)
          for (int64_t tap = 0; tap < taps; ++tap) {
            int64_t n = std::min(block, j.ic - first);
            int64_t turned = j.f.kernel_rotate ? taps - 1 - tap : tap;
            if (j.f.opd1_const)
              loadCells(run, reinterpret_cast<const uint8_t *>(&constant), 0, n, j.type);
            else
              loadCells(run, j.weightAt(g * kFloatGroup + lane, first, turned), j.weight.size, n,
                        j.type);
            measure(sizes[size_t(g)], run, n);
            float *out =
                p.weights.data() + g * groupSize + (first * taps + tap * n) * kFloatGroup + lane;
            for (int64_t k = 0; k < n; ++k)
              out[k * kFloatGroup] = run[k];
          }
  });
  for (const Magnitudes &m : sizes)
    p.weightSizes.add(m);
}

/// Reads what is added to: an fp32 tensor at the result's address, whatever the result's type is.
/// All of it is read before anything is written.
Status readPrevious(Machine &m, const ConvJob &j, Packed &p) {
  TESSERA_ASSIGN(Local from, alignedLocal(m, "previous result", j.f.res0_addr,
                                          {j.n, j.oc, j.window.y.out, j.window.x.out}, 4));
  int64_t count = j.outCount();
  p.previous.resize(size_t(j.n * j.oc * count));
  for (int64_t n = 0; n < j.n; ++n)
    for (int64_t o = 0; o < j.oc; ++o)
      std::memcpy(&p.previous[size_t((n * j.oc + o) * count)], from.plane(n, o), size_t(4 * count));
  return {};
}

/// What the sums of positions [first, first + count) of one group start with (section 8.1): bias,
/// then the previous result. Returns whether plain arithmetic may go on from there.
bool start(const ConvJob &j, const Packed &packed, int64_t n, int64_t group, int64_t first,
           int64_t count, float *sums, float *odd) {
  bool chains = j.type == Type::Fp32, plain = true;
  std::fill_n(sums, count * kFloatGroup, 0.0f);
  std::fill_n(odd, count * kFloatGroup, 0.0f);
  for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc - group * kFloatGroup); ++lane) {
    int64_t o = group * kFloatGroup + lane;
    float bias = !j.bias.immediate ? numerics::flush(loadAs<float>(j.bias.plane(0, o))) : 0.0f;
    const float *previous =
        j.f.res_add ? &packed.previous[size_t((n * j.oc + o) * j.outCount() + first)] : nullptr;
    for (int64_t p = 0; p < count; ++p) {
      // The previous result begins the first of two chains, the bias the second; products go to
      // both in turn, from the second on behind a previous result. The kernel's begin with `sums`.
      float &sum = sums[p * kFloatGroup + lane], &other = odd[p * kFloatGroup + lane];
      // A half's bias is added to something in any case, so that -0 becomes +0.
      if (!chains)
        sum = numerics::addNan(bias, previous ? previous[p] : 0.0f);
      else if (previous)
        sum = bias, other = numerics::flush(previous[p]);
      else
        other = bias;
      for (float v : {sum, other})
        plain = plain && numerics::isPlainStart(std::bit_cast<uint32_t>(v));
    }
  }
  return plain;
}

} // namespace

Status convFloats(Machine &m, const ConvJob &j) {
  if (j.f.tsk_eu_typ != 0 || (j.to != j.type && j.to != Type::Fp32))
    return unsupported("float convolution of this kind");
  bool chains = j.type == Type::Fp32;
  const Axis &ya = j.window.y, &xa = j.window.x;
  Packed p;
  auto width = int64_t(j.columns.size());
  for (int64_t y = 0; y < ya.out; ++y)
    for (int64_t x = 0; x < xa.out; ++x)
      p.positions.push_back((y * ya.stride * width + x * xa.stride) * j.ic);
  for (int64_t y = 0; y < ya.kernel; ++y)
    for (int64_t x = 0; x < xa.kernel; ++x)
      p.taps.push_back((y * ya.dilation * width + x * xa.dilation) * j.ic);
  if (j.f.res_add)
    TESSERA_TRY(readPrevious(m, j, p));
  packWeights(j, p);
  int64_t count = j.outCount(), chunks = (count + kChunk - 1) / kChunk;
  int64_t groups = (j.oc + kFloatGroup - 1) / kFloatGroup;
  for (int64_t n = 0; n < j.n; ++n) {
    packCells(j, p, n);
    bool plain = numerics::isPlain(p.cellSizes, p.weightSizes, chains);
    parallelFor(groups * chunks, 1, [&](int64_t begin, int64_t end) {
      float sums[kChunk * kFloatGroup], odd[kChunk * kFloatGroup], column[kChunk];
      for (int64_t item = begin; item < end; ++item) {
        int64_t group = item / chunks, first = item % chunks * kChunk;
        int64_t size = std::min(kChunk, count - first);
        numerics::FloatConvTask t{p.cells.data(),
                                  p.positions.data() + first,
                                  size,
                                  p.taps.data(),
                                  j.taps(),
                                  j.ic,
                                  p.weights.data() + group * j.ic * j.taps() * kFloatGroup,
                                  sums,
                                  odd,
                                  chains && j.f.res_add,
                                  kernels::floatVectors()};
        bool begins = start(j, p, n, group, first, size, sums, odd);
        chains ? numerics::convChains(t, plain && begins)
               : numerics::convBlocks(t, plain && begins);
        for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc - group * kFloatGroup); ++lane) {
          for (int64_t i = 0; i < size; ++i)
            column[i] = sums[i * kFloatGroup + lane];
          storeFloats(j.res.plane(n, group * kFloatGroup + lane) + j.res.size * first, j.res.size,
                      column, size, j.to);
        }
      }
    });
  }
  return {};
}

} // namespace tessera::sim::exec
