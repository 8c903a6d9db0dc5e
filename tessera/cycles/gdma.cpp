// Prices and traffic of GDMA commands; section numbers are those of cycles.md.
#include "tessera/cycles/cycles.h"
#include "tessera/cycles/price.h"
#include <algorithm>
#include <bit>

namespace tessera::cycles {
namespace {

using namespace isa;

uint64_t elementBytes(uint64_t format) {
  return std::max<uint64_t>(1, uint64_t(chip::bitsOf(format)) / 8);
}

struct Side {
  uint64_t address;
  uint64_t n, c, h, w;
  Strides stride;
  bool local() const { return chip::spaceOf(address) == chip::Space::Local; }
};

// Strides a command leaves out: packed on the system side, aligned in local memory.
void defaultStrides(Side &s, uint64_t bytes) {
  if (s.local())
    s.stride =
        toStrides(chip::alignedLayout(chip::laneOf(s.address - chip::kLmemBase), int64_t(s.n),
                                      int64_t(s.c), int64_t(s.h), int64_t(s.w), int64_t(bytes)));
  else
    s.stride = {s.c * s.h * s.w, s.h * s.w, s.w, 1};
}

// Both sides of a tensor-like command with its destination size filled in.
template <class T> std::pair<Side, Side> sides(const T &f) {
  Side src{sourceAddress(f), f.src_nsize,
           f.src_csize,      f.src_hsize,
           f.src_wsize,      {f.src_nstride, f.src_cstride, f.src_hstride, f.src_wstride}};
  Side dst{destinationAddress(f), f.dst_nsize,
           f.dst_csize,           f.dst_hsize,
           f.dst_wsize,           {f.dst_nstride, f.dst_cstride, f.dst_hstride, f.dst_wstride}};
  if (f.nchw_copy) {
    dst.n = src.n, dst.c = src.c, dst.h = src.h, dst.w = src.w;
    if (T::kForm == Form::DMA_tensor && f.cmd_special_function == 1)
      std::swap(dst.n, dst.c);
    if (T::kForm == Form::DMA_cw_transpose)
      std::swap(dst.c, dst.w);
  }
  if (!f.stride_enable) {
    defaultStrides(src, elementBytes(f.src_data_format));
    defaultStrides(dst, elementBytes(f.src_data_format));
  }
  return {src, dst};
}

struct Runs {
  uint64_t count, bytes;
  Wide padded(const Preset &p) const { return Wide(count) * std::max(bytes, p.shortRun); }
};
// 3.1: contiguous pieces of a plane on the side `shape`; `other` must be contiguous there too.
Runs runs(const Side &shape, const Side *other, uint64_t e) {
  auto all = [&](auto test) { return test(shape) && (!other || test(*other)); };
  uint64_t planes = shape.n * shape.c, h = shape.h, w = shape.w;
  bool wholePlane = h == 1 || all([&](const Side &s) { return s.stride.h == w; });
  bool wholeRow = w == 1 || all([](const Side &s) { return s.stride.w == 1; });
  if (!wholeRow)
    return {planes * h * w, e};
  if (wholePlane)
    return {planes, h * w * e};
  return {planes * h, w * e};
}

// 3.1: pages judged to be used on the system side, 1 to 4. The loops end early: at the window's
// end, at a zero stride, which counts once, and when every page is used.
uint64_t pages(const Preset &p, const Side &s, uint64_t e) {
  const uint64_t page = p.pageBytes, window = page * p.pages;
  Wide x = Wide(std::max<uint64_t>(s.h, 1)) * s.stride.h * e;
  uint64_t perChannel = uint64_t(std::clamp<Wide>((x + page - 1) / page, 1, p.pages));
  uint64_t ns = s.stride.n * e, cs = s.stride.c * e, used = 0; // a bit a page
  const uint64_t all = p.pages == 64 ? ~uint64_t(0) : (uint64_t(1) << p.pages) - 1;
  for (uint64_t n = 0, no = 0; n < s.n && no < window && used != all; ++n, no += ns) {
    for (uint64_t c = 0, o = no; c < s.c && o < window && used != all; ++c, o += cs) {
      for (uint64_t k = 0; k < perChannel && o + page * k < window; ++k)
        used |= uint64_t(1) << (o / page + k);
      if (cs == 0)
        break;
    }
    if (ns == 0)
      break;
  }
  return std::max<uint64_t>(1, uint64_t(std::popcount(used)));
}

Price price(const Preset &p, const DMA_tensor &f) { // 3.1
  uint64_t e = elementBytes(f.src_data_format);
  auto [src, dst] = sides(f);
  if (f.fill_constant_en) { // 3.2; seen for DRAM only
    if (f.nchw_copy == 0 && dst.stride == Strides{})
      defaultStrides(dst, e);
    return {Kind::Fill, runs(dst, nullptr, e).padded(p), 1, !dst.local()};
  }
  if (f.cmd_special_function == 3) { // 3.2: channel broadcast, source sizes
    Wide bytes = Wide(src.n) * src.c * std::max(src.h * src.w * e, p.shortRun);
    return {Kind::Broadcast, bytes, 1, !src.local() && dst.local()};
  }
  // Between two places of the same kind: nothing was seen. In local memory no page counts; in
  // system memory the slower side, the store, decides.
  bool load = dst.local();
  // Of L2, only stores to it were seen; they cost what stores to DRAM do.
  bool seen = src.local() != dst.local() && f.cmd_special_function <= 1 &&
              chip::spaceOf(src.address) != chip::Space::L2;
  const Side &system = load ? src : dst, &other = load ? dst : src;
  Wide padded = runs(system, &other, e).padded(p);
  if (src.local() && dst.local())
    return {Kind::TensorLocal, padded, 1, false};
  return {load ? Kind::TensorLoad : Kind::TensorStore, padded * p.pages, pages(p, system, e), seen};
}

Price price(const Preset &p, const DMA_matrix &f) { // 3.2
  uint64_t e = elementBytes(f.src_data_format);
  bool load = chip::spaceOf(destinationAddress(f)) == chip::Space::Local;
  uint64_t h = load ? f.src_hsize : f.dst_hsize, w = load ? f.src_wsize : f.dst_wsize;
  uint64_t localW = load ? f.dst_wsize : f.src_wsize;
  uint64_t run = std::max<uint64_t>(1, std::min(localW, w) * e);
  Wide total = Wide(h) * w * e;
  return {load ? Kind::MatrixLoad : Kind::MatrixStore, total * std::max(run, p.shortRun), run,
          f.cmd_special_function == 0};
}

// The forms below were never seen but gather. They move their bytes in one run.
template <class T> Price linear(const Preset &p, const T &f, uint64_t elements) {
  bool load = chip::spaceOf(destinationAddress(f)) == chip::Space::Local;
  return {load ? Kind::LinearLoad : Kind::LinearStore,
          std::max(elements * elementBytes(f.src_data_format), p.shortRun), 1, false};
}

// 3.2: a row an index; the destination size fields may be left 0.
Price price(const Preset &, const DMA_gather &f) {
  Wide bytes = Wide(f.index_csize) * f.index_hsize * f.src_wsize * elementBytes(f.src_data_format);
  return {Kind::Gather, bytes};
}
Price price(const Preset &, const DMA_scatter &f) { // as gather, by the rows read
  Wide bytes = Wide(f.src_csize) * f.src_hsize * f.src_wsize * elementBytes(f.src_data_format);
  return {Kind::Gather, bytes, 1, false};
}
Price price(const Preset &p, const DMA_cw_transpose &f) { // as a tensor move of the same sizes
  uint64_t e = elementBytes(f.src_data_format);
  auto [src, dst] = sides(f);
  const Side &system = dst.local() ? src : dst;
  return {dst.local() ? Kind::TensorLoad : Kind::TensorStore,
          runs(system, nullptr, e).padded(p) * p.pages, pages(p, system, e), false};
}
template <class T> uint64_t sourceElements(const T &f) {
  return f.src_nsize * f.src_csize * f.src_hsize * f.src_wsize;
}
Price price(const Preset &p, const DMA_general &f) { return linear(p, f, f.src_cstride); }
Price price(const Preset &p, const sDMA_general &f) { return linear(p, f, f.src_cstride); }
Price price(const Preset &p, const DMA_masked_select &f) { return linear(p, f, sourceElements(f)); }
Price price(const Preset &p, const sDMA_masked_select &f) {
  return linear(p, f, sourceElements(f));
}
Price price(const Preset &p, const DMA_nonzero &f) { return linear(p, f, sourceElements(f)); }
Price price(const Preset &p, const sDMA_nonzero &f) { return linear(p, f, sourceElements(f)); }
Price price(const Preset &p, const sDMA_matrix &f) {
  return linear(p, f, f.src_hsize_dst_hsize * f.src_wsize_dst_wsize);
}
Price price(const Preset &, const sDMA_sys &) { return {}; }

template <class T> uint64_t movedElements(const T &f) {
  if constexpr (T::kForm == Form::DMA_matrix) {
    bool load = chip::spaceOf(destinationAddress(f)) == chip::Space::Local;
    return load ? f.src_hsize * f.src_wsize : f.dst_hsize * f.dst_wsize;
  } else if constexpr (T::kForm == Form::DMA_gather) {
    return f.index_csize * f.index_hsize * f.src_wsize;
  } else if constexpr (T::kForm == Form::DMA_scatter) {
    return f.src_csize * f.src_hsize * f.src_wsize;
  } else if constexpr (T::kForm == Form::DMA_general || T::kForm == Form::sDMA_general) {
    return f.src_cstride;
  } else if constexpr (T::kForm == Form::sDMA_matrix) {
    return f.src_hsize_dst_hsize * f.src_wsize_dst_wsize;
  } else {
    if constexpr (requires { f.dst_nsize; })
      if (f.fill_constant_en && !f.nchw_copy)
        return f.dst_nsize * f.dst_csize * f.dst_hsize * f.dst_wsize;
    return sourceElements(f);
  }
}

} // namespace

Price priceGdma(const Command &c, const Preset &preset) {
  Price p;
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (engineOf(T::kForm) == Engine::Gdma)
      p = price(preset, decode<T>(c.words));
  });
  return p;
}

Traffic traffic(const Command &c) {
  Traffic t;
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (engineOf(T::kForm) == Engine::Gdma && T::kForm != Form::sDMA_sys) {
      T f = decode<T>(c.words);
      bool from = chip::spaceOf(sourceAddress(f)) == chip::Space::Local && !f.fill_constant_en;
      bool to = chip::spaceOf(destinationAddress(f)) == chip::Space::Local;
      t.direction = from ? (to ? Direction::Local : Direction::Store)
                         : (to ? Direction::Load : Direction::System);
      t.bytes = movedElements(f) * elementBytes(f.src_data_format);
    }
  });
  return t;
}

} // namespace tessera::cycles
