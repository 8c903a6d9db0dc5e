// sPorD: pooling and depthwise convolution ("BM1684X measured numerics", sections 6 and 9).
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/float_ops.h"
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/local.h"
#include "tessera/sim/window.h"

#include <bit>

namespace tessera::sim::exec {
namespace {

using isa::sPorD;
using numerics::Rounding;

enum Op : uint64_t { kDepthwise = 0, kAverage = 1, kDepthwiseRelu = 2, kMax = 4 };

struct Job {
  sPorD f;
  uint64_t op;  ///< region forms as their plain ones
  bool regions; ///< one result a box of a table instead of a sliding window
  Dims d;
  Window window;
  std::vector<int32_t> rows, columns;
  std::vector<int32_t> cells; ///< with regions, the extended plane: indices in the plane, or kPad
  Type type, to;
  Local res, src;
  Operand weight, bias, edge; ///< edge: compact (pad, insert) pairs, or an immediate

  bool depthwise() const { return op == kDepthwise || op == kDepthwiseRelu; }
  int64_t taps() const { return window.y.kernel * window.x.kernel; }
};

/// Lays the cells of all boxes side by side, as a plane that a window without overlaps walks.
Status regions(Machine &m, Job &j) {
  Axis &y = j.window.y, &x = j.window.x;
  int64_t boxes = j.d.w;
  if (y.kernel < 1 || x.kernel < 1 ||
      y.kernel * x.kernel > kMaxElements / std::max(boxes, int64_t(1)))
    return fail("bad-shape", "opd1",
                fmt::format("{} regions of {}x{} cells", boxes, y.kernel, x.kernel));
  TESSERA_ASSIGN(Local table, compactLocal(m, "opd3", j.f.opd3_addr, {1, boxes, 1, 4}, 2));
  j.d.h = y.stride = y.dilation = x.dilation = 1;
  x.stride = x.kernel;
  j.rows.resize(y.kernel);
  j.columns.resize(boxes * x.kernel);
  j.cells.assign(j.rows.size() * j.columns.size(), Axis::kPad);
  for (int64_t i = 0; i < boxes; ++i) {
    const auto *box = table.at<uint16_t>(0, i); // first column and row, last column and row
    for (int64_t ky = 0; ky < y.kernel && box[1] + ky <= box[3]; ++ky)
      for (int64_t kx = 0; kx < x.kernel && box[0] + kx <= box[2]; ++kx) {
        // Past a row's end the next one follows; only the plane's end is one.
        int64_t at = (box[1] + ky) * x.in + box[0] + kx;
        if (at >= y.in * x.in)
          return fail("bad-index", "opd3",
                      fmt::format("region {} ends outside its plane of {}x{}", i, y.in, x.in));
        j.cells[ky * int64_t(j.columns.size()) + i * x.kernel + kx] = int32_t(at);
      }
  }
  return {};
}

Result<Job> prepare(Machine &m, const sPorD &f) {
  Job j{};
  j.f = f;
  j.regions = f.tsk_eu_typ > kMax;
  j.op = f.tsk_eu_typ == 7 ? kMax : f.tsk_eu_typ - (j.regions ? 5 : 0);
  j.window = windowOf(f);
  j.d = {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  if (j.regions) {
    TESSERA_TRY(regions(m, j));
  } else {
    TESSERA_TRY(j.window.check());
    if (j.window.y.extended() * j.window.x.extended() > kMaxElements)
      return fail("bad-shape", "opd0", "the extended input is more than local memory can hold");
    j.rows = j.window.y.sources(j.window.mode);
    j.columns = j.window.x.sources(j.window.mode);
  }
  j.type = Type(f.opd0_prec);
  j.to = Type(f.res0_prec);
  int64_t size = chip::bytesOf(j.type);
  if (size == 0 || chip::bytesOf(j.to) == 0)
    return unsupported("element type of 4 bits");
  TESSERA_ASSIGN(j.res, alignedLocal(m, "result", f.res0_addr, j.d, chip::bytesOf(j.to)));
  TESSERA_ASSIGN(j.src, alignedLocal(m, "opd0", f.opd0_addr,
                                     {j.d.n, j.d.c, int64_t(f.opd0_h), int64_t(f.opd0_w)}, size));
  j.weight = Operand::constant(uint32_t(f.opd1_addr));
  if (j.depthwise() && !f.opd1_const) {
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd1", f.opd1_addr,
                                         {1, j.d.c, j.window.y.kernel, j.window.x.kernel}, size));
    t.strides.n = 0;
    j.weight = Operand::of(t);
  }
  j.bias = Operand::constant(0);
  if (j.depthwise() && !j.regions && !f.opd2_const) {
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, {1, j.d.c, 1, 1},
                                  chip::isFloat(j.type) ? size : 4, chip::perChannelLayout()));
    j.bias = Operand::of(t);
  }
  j.edge = Operand::constant(uint32_t(j.regions ? f.opd2_addr : f.opd3_addr));
  bool bordered = f.opd0_up_pad || f.opd0_dn_pad || f.opd0_lf_pad || f.opd0_rt_pad ||
                  f.opd0_x_ins0 || f.opd0_y_ins0;
  if (!j.regions && !f.opd3_const && bordered) {
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd3", f.opd3_addr, {1, j.d.c, 1, 2}, size));
    t.strides.n = 0;
    j.edge = Operand::of(t);
  }
  detach(m, {&j.res}, {&j.src, &j.weight.tensor, &j.bias.tensor, &j.edge.tensor});
  return j;
}

/// The extended plane of one (n, c), as T; load(out, source, count) reads neighbouring elements.
template <class T, class Load>
void extend(const Job &j, std::vector<T> &plane, int64_t n, int64_t c, T pad, T insert, Load load) {
  int64_t width = int64_t(j.columns.size()), size = j.src.size;
  plane.resize(j.rows.size() * j.columns.size());
  const uint8_t *src = j.src.plane(n, c);
  if (j.regions) {
    for (size_t i = 0; i < j.cells.size(); ++i)
      if (plane[i] = pad; j.cells[i] != Axis::kPad)
        load(&plane[i], src + size * j.cells[i], 1);
    return;
  }
  // Without insertion, and padded with a constant, a row is pad, input, pad.
  bool plain = j.window.x.insert == 0 && j.window.mode == PadMode::Constant;
  int64_t left = j.window.x.padBefore, in = j.window.x.in;
  for (size_t y = 0; y < j.rows.size(); ++y) {
    T *out = plane.data() + int64_t(y) * width;
    int32_t row = j.rows[y];
    if (row == Axis::kPad) {
      std::fill_n(out, width, pad);
    } else if (plain && row >= 0) {
      std::fill_n(out, left, pad);
      load(out + left, src + size * row * j.src.strides.h, in);
      std::fill(out + left + in, out + width, pad);
    } else {
      for (int64_t x = 0; x < width; ++x) {
        int32_t column = j.columns[x];
        if (column == Axis::kPad || column < 0 || row < 0)
          out[x] = column == Axis::kPad ? pad : insert;
        else
          load(out + x, src + size * (row * j.src.strides.h + column), 1);
      }
    }
  }
}

/// Calls tap(extended row segment of the tap, index in the kernel) for all taps of output row oy.
template <class T, class Tap>
void taps(const Job &j, const std::vector<T> &plane, int64_t oy, Tap tap) {
  const Axis &ya = j.window.y, &xa = j.window.x;
  int64_t width = int64_t(j.columns.size());
  for (int64_t ky = 0; ky < ya.kernel; ++ky)
    for (int64_t kx = 0; kx < xa.kernel; ++kx) {
      int64_t at = ky * xa.kernel + kx;
      tap(plane.data() + (oy * ya.stride + ky * ya.dilation) * width + kx * xa.dilation,
          j.f.kernel_rotate ? j.taps() - 1 - at : at);
    }
}

/// body(n, c, scratch plane) for all channels, lanes side by side.
template <class T, class Body> void planes(const Job &j, Body body) {
  forLanes(j.d.c, j.d.count() * j.taps(), [&](int64_t first) {
    std::vector<T> plane;
    for (int64_t n = 0; n < j.d.n; ++n)
      for (int64_t c = first; c < j.d.c; c += chip::kLanes)
        body(n, c, plane);
  });
}

Status integers(const Job &j) {
  const sPorD &f = j.f;
  bool isSigned = f.opd0_sign;
  auto load = [isSigned](int16_t *out, const uint8_t *p, int64_t count) {
    kernels::widen(out, p, count, isSigned);
  };
  auto read = [isSigned](uint8_t b) { return isSigned ? int16_t(int8_t(b)) : int16_t(b); };
  if (j.type != Type::Int8)
    return unsupported("pooling or depthwise of int16 or int32");
  if (chip::isFloat(j.to))
    return unsupported("pooling or depthwise of integers into floats");
  bool isMax = j.op == kMax, average = j.op == kAverage, relu = j.op == kDepthwiseRelu;
  // Immediates count by their low 8 bits. res1 holds the depthwise shift in bits 8..15.
  uint8_t insertByte = uint8_t(f.res1_addr);
  // An average's shift is a whole word; a negative one shifts nothing.
  int shift = isMax || j.regions ? 0
              : average          ? std::max(0, int32_t(uint32_t(f.opd2_addr)))
                                 : int(f.res1_addr >> 8 & 0xFF);
  auto mode = average ? Rounding::HalfUp : Rounding(f.opd2_n_str);
  if (!isMax && !j.regions && f.opd2_n_str > 6)
    return unsupported(fmt::format("rounding code {}", f.opd2_n_str));
  int64_t bits = chip::bitsOf(j.to);
  // Depthwise: the sum is 32 bits wide, and signed where any operand is.
  bool signedSum = isSigned || (j.depthwise() && (f.opd1_sign || (!j.regions && f.opd2_sign)));
  IntRange range = rangeOf(bits, signedSum && !relu);
  int64_t width = j.d.w, stride = j.window.x.stride;
  if (j.taps() > 16384)
    return unsupported(fmt::format("a kernel of {} cells", j.taps()));
  int64_t scale = average ? int64_t(f.opd1_addr & 0xFF) : 1;
  planes<int16_t>(j, [&](int64_t n, int64_t c, std::vector<int16_t> &plane) {
    const uint8_t *edge = j.edge.plane(0, c);
    extend<int16_t>(j, plane, n, c, read(edge[0]), read(j.edge.immediate ? insertByte : edge[1]),
                    load);
    const uint8_t *weight = j.weight.plane(0, c);
    int64_t bias = 0;
    if (!j.bias.immediate)
      bias = f.opd2_sign ? int64_t(loadAs<int32_t>(j.bias.plane(0, c)))
                         : int64_t(loadAs<uint32_t>(j.bias.plane(0, c)));
    // Sums that need no bias, scale or shift go straight to bytes.
    bool direct = bits == 8 && bias == 0 && scale == 1 && !relu && shift == 0;
    std::vector<int32_t> sum(width);
    std::vector<int64_t> v(direct ? 0 : width);
    for (int64_t oy = 0; oy < j.d.h; ++oy) {
      std::fill(sum.begin(), sum.end(), isMax ? INT32_MIN : 0);
      taps(j, plane, oy, [&](const int16_t *row, int64_t k) {
        if (isMax)
          return kernels::maximum(sum.data(), row, stride, width);
        // At most 2^14 cells of at most 2^16 each: 32 bits hold the sum.
        uint8_t byte = j.weight.immediate ? weight[0] : weight[k];
        int32_t w = average ? 1 : f.opd1_sign ? int32_t(int8_t(byte)) : int32_t(byte);
        if (w != 0)
          kernels::accumulate(sum.data(), row, stride, w, width);
      });
      uint8_t *out = j.res.plane(n, c) + oy * width * j.res.size;
      if (direct) {
        kernels::clampToBytes(out, sum.data(), width, int32_t(range.lo), int32_t(range.hi));
        continue;
      }
      for (int64_t x = 0; x < width; ++x) {
        int64_t t = sum[x] * scale + bias;
        if (!average)
          t = signedSum ? int64_t(int32_t(uint64_t(t))) : int64_t(uint32_t(uint64_t(t)));
        t = relu ? std::max<int64_t>(t, 0) : t;
        v[x] = shift ? numerics::shiftRight(t, std::min(shift, 63), mode) : t;
      }
      if (!j.regions || bits == 8) // a region's 16 bits wrap
        saturateRun(v.data(), width, range);
      storeInts(out, j.res.size, v.data(), width, bits);
    }
  });
  return {};
}

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

Status floats(const Job &j) {
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

} // namespace

Status pord(Machine &m, const isa::Command &command) {
  auto f = isa::decode<sPorD>(command);
  if (f.tsk_eu_typ == 3 || f.tsk_eu_typ > 7)
    return unsupported(fmt::format("pooling or depthwise operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(Job j, prepare(m, f));
  return chip::isFloat(j.type) ? floats(j) : integers(j);
}

} // namespace tessera::sim::exec
