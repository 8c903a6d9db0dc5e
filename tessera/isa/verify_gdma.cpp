// What one GDMA command alone must obey (bm1684x.md 2.10 and 3.13, docs/numerics.md "GDMA"). Sizes,
// strides and fields that count for nothing have no rule.
#include "tessera/isa/checker.h"

namespace tessera::isa {
namespace {

using chip::LocalLayout;
using chip::Space;

struct Dims {
  uint64_t n = 1, c = 1, h = 1, w = 1;
  __extension__ typedef unsigned __int128 Wide; // four sizes of up to 32 bits
  Wide count() const { return Wide(n) * c * h * w; }
};

template <class F> Dims sourceDims(const F &f) {
  return {f.src_nsize, f.src_csize, f.src_hsize, f.src_wsize};
}
template <class F> Dims destinationDims(const F &f) {
  return {f.dst_nsize, f.dst_csize, f.dst_hsize, f.dst_wsize};
}
template <class F> Strides sourceStrides(const F &f) {
  return {f.src_nstride, f.src_cstride, f.src_hstride, f.src_wstride};
}
template <class F> Strides destinationStrides(const F &f) {
  return {f.dst_nstride, f.dst_cstride, f.dst_hstride, f.dst_wstride};
}

constexpr const char *kSource = "the source address", *kDestination = "the destination address";

class Rules {
public:
  Rules(Checker &k, uint64_t typeCode, bool strided)
      : k_(k), size_(chip::bitsOf(typeCode) / 8), strided_(strided) {}

  bool isLocal(uint64_t address) const { return chip::spaceOf(address) == Space::Local; }

  /// A tensor of `size` bytes an element lies in one memory, in local memory in its lanes. Indices
  /// and masks may start at any byte.
  void side(const char *what, uint64_t address, Dims d, Strides strides, int64_t size,
            int64_t unit) {
    if (!place(what, address) || size == 0)
      return;
    k_.align(what, address, unit);
    if (!d.n || !d.c || !d.h || !d.w)
      return k_.require(
          false, fmt::format("{}: size {}x{}x{}x{} has an empty axis", what, d.n, d.c, d.h, d.w));
    uint64_t channels = d.c;
    if (isLocal(address)) {
      int64_t lane = chip::laneOf(address - chip::kLmemBase);
      channels = uint64_t(chip::slots(lane, int64_t(d.c)));
      if (!strided_)
        strides = toStrides(chip::alignedLayout(lane, int64_t(d.n), int64_t(d.c), int64_t(d.h),
                                                int64_t(d.w), size));
    } else if (!strided_) {
      strides = {d.c * d.h * d.w, d.h * d.w, d.w, 1};
    }
    Dims::Wide last = Dims::Wide(d.n - 1) * strides.n + Dims::Wide(channels - 1) * strides.c +
                      Dims::Wide(d.h - 1) * strides.h + Dims::Wide(d.w - 1) * strides.w;
    range(what, address, (last + 1) * uint64_t(size), isLocal(address) ? "its lane" : "its memory");
  }
  void side(const char *what, uint64_t address, Dims d, Strides strides) {
    side(what, address, d, strides, size_, size_);
  }
  /// `count` bytes from `address` on end in its memory, or in its lane.
  void range(const char *what, uint64_t address, Dims::Wide count, const char *memory) {
    Dims::Wide room = isLocal(address) && memory == std::string_view("its lane")
                          ? uint64_t(chip::kLaneBytes - chip::offsetOf(address - chip::kLmemBase))
                          : endOf(address) - address;
    k_.require(count <= room,
               fmt::format("{} = {:#x}: {} bytes from there on leave {}", what, address,
                           count >> 63 ? UINT64_MAX : uint64_t(count), memory));
  }
  bool place(const char *what, uint64_t address) {
    bool ok = chip::spaceOf(address) != Space::None;
    k_.require(ok, fmt::format("{} = {:#x} lies in no memory of the chip", what, address));
    return ok;
  }
  /// Irrelevant with one column; 0 repeats an element, in local memory only.
  void columnStride(const char *field, uint64_t address, uint64_t stride, uint64_t columns) {
    if (!strided_)
      return;
    uint64_t bytes = stride * uint64_t(size_);
    k_.require(columns <= 1 || bytes <= uint64_t(chip::kMaxGdmaColumnStride),
               fmt::format("{} = {} is {} bytes and at most {} are allowed", field, stride, bytes,
                           chip::kMaxGdmaColumnStride));
    k_.require(stride != 0 || isLocal(address), fmt::format("{} = 0 outside local memory", field));
  }
  void special(uint64_t code, uint64_t most) { k_.range("cmd_special_function", code, 0, most); }
  void noFill(bool fills, const char *what) {
    k_.require(!fills, fmt::format("fill_constant_en is set, and {} fills nothing", what));
  }
  void local(uint64_t address, const char *what) {
    k_.require(isLocal(address),
               fmt::format("{} = {:#x}: {} goes to local memory", kDestination, address, what));
  }
  /// Lanes from that of `address` on, of a broadcast.
  void lanes(uint64_t address, uint64_t count) {
    k_.require(
        count >= 1 && isLocal(address) &&
            uint64_t(chip::laneOf(address - chip::kLmemBase)) + count <= uint64_t(chip::kLanes),
        fmt::format("the broadcast to {} lanes from {:#x} leaves the lanes", count, address));
  }
  int64_t size() const { return size_; }

private:
  static uint64_t endOf(uint64_t address) {
    switch (chip::spaceOf(address)) {
    case Space::Local:
      return chip::kLmemEnd;
    case Space::Static:
      return chip::kStaticEnd;
    case Space::L2:
      return chip::kL2Base + chip::kL2Bytes;
    default:
      return chip::kGlobalEnd;
    }
  }

  Checker &k_;
  int64_t size_;
  bool strided_;
};

/// (n, c, h, w) to (n, w, h, c); sizes and w strides of the destination count for nothing.
template <class F> void cwTranspose(Rules &r, const F &f) {
  Dims s = sourceDims(f);
  Strides from = sourceStrides(f), to = destinationStrides(f);
  from.w = to.w = 1;
  r.side(kSource, sourceAddress(f), s, from);
  r.side(kDestination, destinationAddress(f), {s.n, s.w, s.h, s.c}, to);
}

/// Channel broadcast (3), 4-bank copy (5), both (6). Rows are packed.
void spread(Checker &k, Rules &r, const DMA_tensor &f) {
  constexpr uint64_t kPiece = chip::kLaneBytes / 8;
  bool broadcast = f.cmd_special_function != 5, banks = f.cmd_special_function != 3;
  uint64_t to = destinationAddress(f);
  Dims s = sourceDims(f), d = f.nchw_copy ? s : destinationDims(f);
  if (broadcast)
    s.c = d.c = 1;
  k.require(s.count() == d.count(), "as many elements are read as written");
  r.local(to, banks ? "a 4-bank copy" : "a broadcast");
  if (broadcast)
    r.lanes(to, f.dst_csize);
  if (!r.isLocal(to))
    return;
  if (uint64_t offset = uint64_t(chip::offsetOf(to - chip::kLmemBase)); banks)
    k.require(offset / kPiece == 4,
              fmt::format("{} = {:#x}: the first of four pieces starts at offset {:#x} to {:#x} of "
                          "its lane",
                          kDestination, to, 4 * kPiece, 5 * kPiece - 1));
  Strides from = sourceStrides(f), strides = destinationStrides(f);
  from.w = strides.w = 1;
  r.side(kSource, sourceAddress(f), s, from);
  if (broadcast)
    d.c = f.dst_csize;
  r.side(kDestination, to + (banks ? 3 * kPiece : 0), d, strides); // the last piece
}

void check(Checker &k, Rules &r, const DMA_tensor &f) {
  uint64_t from = sourceAddress(f), to = destinationAddress(f);
  Dims s = sourceDims(f), d = f.nchw_copy ? s : destinationDims(f);
  r.special(f.cmd_special_function, 6);
  if (f.cmd_special_function)
    r.noFill(f.fill_constant_en, "a special function");
  switch (f.cmd_special_function) {
  case 0:
    if (f.fill_constant_en) {
      d = destinationDims(f);
    } else {
      r.side(kSource, from, s, sourceStrides(f));
      r.columnStride("src_wstride", from, f.src_wstride, s.w);
      k.require(s.count() == d.count(), fmt::format("{} elements are read and {} written",
                                                    uint64_t(s.count()), uint64_t(d.count())));
    }
    r.side(kDestination, to, d, destinationStrides(f));
    return r.columnStride("dst_wstride", to, f.dst_wstride, d.w);
  case 1: { // N/C transpose, of packed rows
    Dims turned{s.c, s.n, s.h, s.w}, given = f.nchw_copy ? turned : d;
    k.require(given.n == turned.n && given.c == turned.c && given.h == turned.h &&
                  given.w == turned.w,
              fmt::format("the destination size {}x{}x{}x{} is not that of the source with n and c "
                          "exchanged",
                          given.n, given.c, given.h, given.w));
    Strides source = sourceStrides(f), destination = destinationStrides(f);
    source.w = destination.w = 1;
    r.side(kSource, from, s, source);
    return r.side(kDestination, to, turned, destination);
  }
  case 2:
  case 4: // collect and distribute
    return cwTranspose(r, f);
  case 3:
  case 5:
  case 6:
    return spread(k, r, f);
  }
}

void check(Checker &, Rules &r, const DMA_cw_transpose &f) {
  r.special(f.cmd_special_function, 0);
  r.noFill(f.fill_constant_en, "a C/W transpose");
  cwTranspose(r, f);
}

/// A matrix: rows in flat memory, columns spread over channels in local memory.
void matrix(Checker &k, Rules &r, uint64_t special, uint64_t flatAddress, Dims flat,
            uint64_t localAddress, Dims spread, Strides strides) {
  bool transposed = special == 1;
  uint64_t rows = flat.h, columns = flat.w, along = transposed ? rows : columns;
  k.require(spread.w >= 1 && spread.n == (transposed ? columns : rows) &&
                spread.c == (along + spread.w - 1) / spread.w,
            fmt::format("{} rows of {} columns{} in {} rows of {} channels by {}", rows, columns,
                        transposed ? ", transposed," : "", spread.n, spread.c, spread.w));
  r.side("the matrix", flatAddress, flat, {0, 0, strides.h, 1});
  strides.w = 1;
  r.side("the lanes", localAddress, spread, strides);
}
template <class F> bool matrixSides(Checker &k, Rules &r, const F &f) {
  r.special(f.cmd_special_function, 1);
  r.noFill(f.fill_constant_en, "a matrix");
  bool loads = r.isLocal(destinationAddress(f));
  k.require(loads != r.isLocal(sourceAddress(f)), "a matrix moves between local and other memory");
  k.require(!f.nchw_copy, "nchw_copy is set, but the sides of a matrix have their own sizes");
  return loads;
}
void check(Checker &k, Rules &r, const DMA_matrix &f) {
  bool loads = matrixSides(k, r, f);
  Dims s = sourceDims(f), d = destinationDims(f), flat = loads ? s : d, spread = loads ? d : s;
  Strides strides = loads ? destinationStrides(f) : sourceStrides(f);
  strides.h = loads ? f.src_hstride : f.dst_hstride;
  matrix(k, r, f.cmd_special_function, loads ? sourceAddress(f) : destinationAddress(f),
         {1, 1, flat.h, flat.w}, loads ? destinationAddress(f) : sourceAddress(f),
         {spread.n, spread.c, 1, spread.w}, strides);
}
void check(Checker &k, Rules &r, const sDMA_matrix &f) {
  bool loads = matrixSides(k, r, f);
  matrix(k, r, f.cmd_special_function, loads ? sourceAddress(f) : destinationAddress(f),
         {1, 1, f.src_hsize_dst_hsize, f.src_wsize_dst_wsize},
         loads ? destinationAddress(f) : sourceAddress(f),
         {f.dst_nsize_src_nsize, f.dst_csize_src_csize, 1, f.dst_wsize_src_wsize},
         {f.dst_nstride_src_nstride, f.dst_cstride_src_cstride, f.src_hstride_dst_hstride, 1});
}

/// Linear: the element count lies in src_cstride, local memory is one row of bytes.
template <class F> void linear(Checker &k, Rules &r, const F &f) {
  r.special(f.cmd_special_function, 1);
  k.require(f.src_cstride > 0, "src_cstride, the element count, is 0");
  if (r.size() == 0)
    return;
  Dims::Wide bytes = Dims::Wide(f.src_cstride) * uint64_t(r.size());
  auto one = [&](const char *what, uint64_t address) {
    if (!r.place(what, address))
      return;
    k.align(what, address, r.size());
    r.range(what, address, bytes, "its memory");
  };
  if (!f.fill_constant_en)
    one(kSource, sourceAddress(f));
  uint64_t to = destinationAddress(f);
  one(kDestination, to);
  if (f.cmd_special_function == 1)
    r.lanes(to, f.dst_csize);
}
void check(Checker &k, Rules &r, const DMA_general &f) { linear(k, r, f); }
void check(Checker &k, Rules &r, const sDMA_general &f) { linear(k, r, f); }

/// Nonzero and masked select write from an address of L2 or global memory on.
template <class F> void filter(Checker &k, const F &f, int64_t unit) {
  uint64_t to = destinationAddress(f);
  Space space = chip::spaceOf(to);
  k.require(space == Space::L2 || space == Space::Global,
            fmt::format("{} = {:#x} lies outside L2 and global memory", kDestination, to));
  k.align(kDestination, to, std::max<int64_t>(1, unit));
  Rules(k, f.src_data_format, false).side(kSource, sourceAddress(f), sourceDims(f), {});
}
template <class F> void nonzero(Checker &k, Rules &r, const F &f) {
  r.special(f.cmd_special_function, 0);
  r.noFill(f.fill_constant_en, "nonzero");
  uint64_t code = f.index_data_format;
  k.require(code == 0 || code == 3 || code == 4,
            fmt::format("index_data_format = {} is no integer of 8 bits or more", code));
  filter(k, f, std::max(r.size(), chip::bitsOf(code) / 8));
}
void check(Checker &k, Rules &r, const DMA_nonzero &f) { nonzero(k, r, f); }
void check(Checker &k, Rules &r, const sDMA_nonzero &f) { nonzero(k, r, f); }

template <class F> void maskedSelect(Checker &k, Rules &r, const F &f) {
  r.special(f.cmd_special_function, 1);
  r.noFill(f.fill_constant_en, "masked select");
  k.type("mask_data_format", f.mask_data_format);
  filter(k, f, r.size());
  Rules(k, f.mask_data_format, false)
      .side("the mask address", f.mask_start_addr_h8 << 32 | f.mask_start_addr_l32, sourceDims(f),
            {}, chip::bitsOf(f.mask_data_format) / 8, 1);
}
void check(Checker &k, Rules &r, const DMA_masked_select &f) { maskedSelect(k, r, f); }
void check(Checker &k, Rules &r, const sDMA_masked_select &f) { maskedSelect(k, r, f); }

/// Rows by number. The walked side says how many there are; the index says it again (index_hsize).
template <class F> void rows(Checker &k, Rules &r, const F &f, uint64_t walked, uint64_t placed) {
  r.special(f.cmd_special_function, 0);
  r.noFill(f.fill_constant_en, "moving rows");
  uint64_t channels = std::max(f.src_csize, f.index_csize);
  k.require(f.src_csize == f.index_csize || f.src_csize == 1 || f.index_csize == 1,
            fmt::format("{} channels of rows and {} of row numbers", f.src_csize, f.index_csize));
  k.manual(f.index_hsize == walked,
           fmt::format("index_hsize = {} for {} rows", f.index_hsize, walked));
  r.side(kSource, sourceAddress(f), {1, f.src_csize, f.src_hsize, f.src_wsize},
         {0, f.src_cstride, f.src_hstride, 1});
  r.side(kDestination, destinationAddress(f), {1, channels, placed, f.src_wsize},
         {0, f.dst_cstride, f.dst_hstride, 1});
  r.side("the index address", f.index_start_addr_h8 << 32 | f.index_start_addr_l32,
         {1, f.index_csize, walked, 1}, {0, f.index_cstride, f.index_hstride, 1}, 4, 1);
}
void check(Checker &k, Rules &r, const DMA_gather &f) {
  k.require(
      !f.nchw_copy || f.src_hsize == f.dst_hsize,
      fmt::format("nchw_copy with {} rows of source and {} of result", f.src_hsize, f.dst_hsize));
  rows(k, r, f, f.dst_hsize, f.dst_hsize);
}
void check(Checker &k, Rules &r, const DMA_scatter &f) {
  rows(k, r, f, f.src_hsize, f.nchw_copy ? f.src_hsize : f.dst_hsize);
}

} // namespace

void checkGdma(Checker &k, const Command &c) {
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (requires(T f) { f.src_start_addr_l32; }) {
      auto f = decode<T>(c);
      bool strided = false;
      if constexpr (requires { f.stride_enable; })
        strided = f.stride_enable;
      Rules r(k, f.src_data_format, strided);
      check(k, r, f);
    }
  });
}

} // namespace tessera::isa
