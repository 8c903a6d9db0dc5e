// sPorD of floats.
#include "tessera/sim/exec/float_ops.h"
#include "tessera/sim/exec/pord_job.h"

#include <bit>

namespace tessera::sim::exec {
namespace {

using isa::sPorD;

/// Loads floats so that chosenBits gives them back, whatever a NaN's payload is.
void loadKept(float *out, const uint8_t *p, int64_t count, Type type) {
  loadFloats(out, p, chip::bytesOf(type), count, type);
  for (int64_t i = 0; type == Type::Fp16 && i < count; ++i)
    if (uint32_t half = loadAs<uint16_t>(p + 2 * i); out[i] != out[i])
      out[i] = std::bit_cast<float>((half & 0x8000) << 16 | 0x7F800000 | (half & 0x3FF) << 13);
}
uint16_t chosenBits(float v, Type type) {
  auto bits = std::bit_cast<uint32_t>(v);
  return type == Type::Bf16 ? uint16_t(bits >> 16)
         : v == v           ? numerics::floatToHalf(v)
                            : uint16_t((bits >> 16 & 0x8000) | 0x7C00 | (bits >> 13 & 0x3FF));
}

} // namespace

Status pordFloats(const PordJob &j) {
  const sPorD &f = j.f;
  // The result is the source's type whatever its own is; another size breaks the vendor's buffers.
  if (j.res.size != j.src.size || (j.regions && j.depthwise() && j.to != j.type))
    return unsupported("pooling or depthwise of floats into another type");
  Type type = j.type;
  auto read = [type](const uint8_t *p) {
    float v;
    loadKept(&v, p, 1, type);
    return v;
  };
  auto load = [type](float *out, const uint8_t *p, int64_t count) {
    loadKept(out, p, count, type);
  };
  auto word = [&](uint64_t bits) {
    auto w = uint32_t(bits);
    return read(reinterpret_cast<const uint8_t *>(&w));
  };
  int64_t size = j.src.size, stride = j.window.x.stride, width = j.d.w;
  // A maximum starts with the lowest finite value, so that it never is negative infinity.
  float lowest = type == Type::Fp16   ? -65504.0f
                 : type == Type::Bf16 ? std::bit_cast<float>(0xFF7F0000u)
                                      : std::numeric_limits<float>::lowest();
  planes<float>(j, [&](int64_t n, int64_t c, std::vector<float> &plane) {
    const uint8_t *edge = j.edge.plane(0, c);
    float pad = read(edge), insert = j.edge.immediate ? word(f.res1_addr) : read(edge + size);
    extend<float>(j, plane, n, c, pad, insert, load);
    const uint8_t *weight = j.weight.plane(0, c);
    std::vector<float> row(width), chain[2];
    bool hasBias = !j.bias.immediate;
    for (int64_t oy = 0; oy < j.d.h; ++oy) {
      // Items alternate between two chains; a depthwise bias is the first item (section 8.1), also
      // where it is none. An average of zeros keeps their sign.
      bool average = j.op == kAverage;
      chain[0].assign(width, hasBias ? read(j.bias.plane(0, c)) : average ? -0.0f : 0.0f);
      chain[1].assign(width, average ? -0.0f : 0.0f);
      int64_t item = average || j.regions ? 0 : 1;
      std::fill(row.begin(), row.end(), lowest);
      taps(j, plane, oy, [&](const float *cells, int64_t k) {
        if (j.op == kMax) {
          // Denormals compare as zeros, and are kept.
          for (int64_t x = 0; x < width; ++x)
            if (float cell = cells[x * stride]; !(numerics::flush(row[x]) > numerics::flush(cell)))
              row[x] = cell;
          return;
        }
        float w = average || j.weight.immediate ? word(f.opd1_addr) : read(weight + k * size);
        float *s = chain[item++ & 1].data();
        for (int64_t x = 0; x < width; ++x)
          s[x] = roundResult(
              sum(type, s[x], roundResult(product(type, cells[x * stride], w), type)), type);
      });
      if (j.op != kMax)
        for (int64_t x = 0; x < width; ++x)
          row[x] = roundResult(sum(type, chain[0][x], chain[1][x]), type);
      uint8_t *out = j.res.plane(n, c) + oy * width * size;
      if (j.op == kMax && type == Type::Fp32)
        for (float &v : row)
          v = numerics::flush(v);
      if (j.op == kMax && type != Type::Fp32) // its bits: denormals and NaN too
        for (int64_t x = 0; x < width; ++x)
          storeAs<uint16_t>(out + 2 * x, chosenBits(row[x], type));
      else
        storeFloats(out, size, row.data(), width, type);
    }
  });
  return {};
}

} // namespace tessera::sim::exec
