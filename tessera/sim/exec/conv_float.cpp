// sCONV on fp32, fp16 and bf16 inputs ("BM1684X measured numerics", section 8), in the chip's order
// of sums.
#include "tessera/sim/exec/conv_job.h"

#include "tessera/sim/element.h"
#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::exec {
namespace {

using isa::sCONV;

/// The extended planes of all input channels of one batch entry, as floats.
std::vector<float> floatPlanes(const ConvJob &j, int64_t n) {
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

} // namespace

Status convFloats(Machine &m, const ConvJob &j) {
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

} // namespace tessera::sim::exec
