// What one command alone must obey: reserved bits, known opcodes and types, limits, alignment, and
// that every tensor stays inside the lane it starts in. Rules: bm1684x.md 2.3, 2.10, 3.
#include "tessera/isa/isa.h"
#include <fmt/format.h>

namespace tessera::isa {
namespace {

using chip::alignUp;
using chip::ceilDiv;
using chip::LocalLayout;
using chip::Type;

constexpr uint64_t kAligned = 0, kCompact = 1, kPerChannel = 2, kFree = 3;

struct Tensor {
  uint64_t address;
  int64_t n, c, h, w;
  uint64_t type;
  uint64_t layout = kAligned;
  Strides strides{};
};

class Checker {
public:
  explicit Checker(const Command &c)
      : command_(c), where_(fmt::format("{} command {} ({})", engineName(c.engine), commandId(c),
                                        operationName(c))) {}

  void require(bool ok, const std::string &message) {
    if (!ok)
      error_.add(Diagnostic{"bad-command", where_, message, ""});
  }
  void range(const char *field, uint64_t value, uint64_t low, uint64_t high) {
    require(value >= low && value <= high,
            fmt::format("{} = {} is outside {}..{}", field, value, low, high));
  }
  void type(const char *field, uint64_t code) {
    require(chip::bitsOf(code) != 0, fmt::format("{} = {} is no element type", field, code));
  }
  void align(const char *field, uint64_t address, int64_t unit) {
    require(address % uint64_t(unit) == 0,
            fmt::format("{} = {:#x} is not a multiple of {} bytes", field, address, unit));
  }
  bool local(const char *field, uint64_t address) {
    bool ok = address < uint64_t(chip::kLmemBytes);
    require(ok, fmt::format("{} = {:#x} lies outside local memory", field, address));
    return ok;
  }
  void sameLane(const char *field, uint64_t address, const char *as, uint64_t other) {
    require(chip::laneOf(address) == chip::laneOf(other),
            fmt::format("{} starts at lane {}, {} at lane {}", field, chip::laneOf(address), as,
                        chip::laneOf(other)));
  }

  void tensor(const char *field, const Tensor &t) {
    int64_t size = chip::bitsOf(t.type) / 8;
    if (!local(field, t.address) || size == 0)
      return;
    int64_t lane = chip::laneOf(t.address);
    LocalLayout l;
    switch (t.layout) {
    case kAligned:
      align(field, t.address, chip::kEuBytes);
      l = chip::alignedLayout(lane, t.n, t.c, t.h, t.w, size);
      break;
    case kCompact:
      align(field, t.address, size);
      l = chip::compactLayout(lane, t.n, t.c, t.h, t.w);
      break;
    case kPerChannel:
      l = chip::perChannelLayout();
      align(field, t.address, size);
      break;
    case kFree:
      l = {int64_t(t.strides.n), int64_t(t.strides.c), int64_t(t.strides.h), int64_t(t.strides.w)};
      align(field, t.address, size);
      break;
    default:
      require(false, fmt::format("{} has unknown layout {}", field, t.layout));
      return;
    }
    if (t.n < 1 || t.c < 1 || t.h < 1 || t.w < 1)
      return; // said by the size rule
    int64_t last = (t.n - 1) * l.n + (chip::slots(lane, t.c) - 1) * l.c + (t.h - 1) * l.h +
                   (t.w - 1) * l.w + 1;
    bytes(field, t.address, last * size);
  }
  void bytes(const char *field, uint64_t address, int64_t count) {
    int64_t end = chip::offsetOf(address) + count;
    require(end <= chip::kLaneBytes, fmt::format("{} = {:#x} ends at byte {} of its lane of {}",
                                                 field, address, end, chip::kLaneBytes));
  }

  // Reserved bits, element types and sizes mean the same in all forms.
  template <class T> void common(const T &f) {
    for (const FieldInfo &field : info(T::kForm).fields)
      if (field.reserved)
        require(getBits(command_.words, field.lowBit, field.width) == 0,
                fmt::format("reserved bits {}..{} are {:#x}", field.lowBit,
                            field.lowBit + field.width - 1,
                            getBits(command_.words, field.lowBit, field.width)));
    if constexpr (requires { f.res0_prec; })
      type("res0_prec", f.res0_prec);
    if constexpr (requires { f.opd0_prec; })
      if constexpr (T::kForm != Form::SYS)
        type("opd0_prec", f.opd0_prec);
    if constexpr (requires { f.opd1_prec; })
      type("opd1_prec", f.opd1_prec);
    if constexpr (requires { f.opd2_prec; })
      type("opd2_prec", f.opd2_prec);
    if constexpr (requires { f.src_data_format; })
      type("src_data_format", f.src_data_format);
    if constexpr (requires { f.res0_n; })
      range("res0_n", f.res0_n, 1, chip::kMaxDim);
    if constexpr (requires { f.res0_c; })
      range("res0_c", f.res0_c, 1, chip::kMaxDim);
    if constexpr (requires { f.res0_h; })
      range("res0_h", f.res0_h, 1, chip::kMaxDim);
    if constexpr (requires { f.res0_w; })
      range("res0_w", f.res0_w, 1, chip::kMaxDim);
  }

  void opcode(std::initializer_list<uint64_t> known) {
    uint64_t minor = getBits(command_.words, 45, 5);
    for (uint64_t k : known)
      if (k == minor)
        return;
    require(false, fmt::format("tsk_eu_typ = {} is no operation of this class", minor));
  }
  void opcodeRange(uint64_t low, uint64_t high) {
    range("tsk_eu_typ", getBits(command_.words, 45, 5), low, high);
  }

  Status done() { return error_.empty() ? Status{} : Status(fail(std::move(error_))); }

private:
  const Command &command_;
  std::string where_;
  Error error_;
};

template <class T> Tensor result(const T &f) {
  return {f.res0_addr,       int64_t(f.res0_n), int64_t(f.res0_c),
          int64_t(f.res0_h), int64_t(f.res0_w), f.res0_prec};
}

// The window of a convolution or pool along one axis; size in, kernel, inserted, dilation - 1.
void window(Checker &k, const char *axis, uint64_t in, uint64_t kernel, uint64_t insert,
            uint64_t maxInsert, uint64_t dilate, uint64_t stride, uint64_t before, uint64_t after,
            uint64_t out) {
  auto name = [&](const char *what) { return fmt::format("{} {}", axis, what); };
  k.range(name("input size").c_str(), in, 1, chip::kMaxDim);
  k.range(name("kernel size").c_str(), kernel, 1, chip::kMaxDim);
  k.range(name("insertion").c_str(), insert, 0, maxInsert);
  k.range(name("dilation").c_str(), dilate + 1, 1, chip::kMaxDilation);
  k.range(name("stride").c_str(), stride, 1, chip::kMaxWindowStride);
  if (!in || !kernel || !stride || !out)
    return;
  uint64_t extended = (in - 1) * (insert + 1) + 1 + before + after;
  k.range(name("extended input size").c_str(), extended, 1, chip::kMaxExtended);
  uint64_t need = (out - 1) * stride + (kernel - 1) * (dilate + 1) + 1;
  k.require(need <= extended,
            fmt::format("{} windows of {} results need {} inputs and the extended input has {}",
                        axis, out, need, extended));
}

void check(Checker &k, const sCONV &f) {
  k.opcodeRange(0, 2);
  window(k, "y", f.opd0_h, f.opd1_h, f.opd0_y_ins0, chip::kMaxConvInsert, f.opd1_y_ins0,
         f.res_op_y_str, f.opd0_up_pad, f.opd0_dn_pad, f.res0_h);
  window(k, "x", f.opd0_w, f.opd1_w, f.opd0_x_ins0, chip::kMaxConvInsert, f.opd1_x_ins0,
         f.res_op_x_str, f.opd0_lf_pad, f.opd0_rt_pad, f.res0_w);
  k.range("opd0_c", f.opd0_c, 1, chip::kMaxDim);
  Type type = Type(f.opd0_prec);
  if (f.opd0_prec > 6)
    return;
  k.tensor("res0_addr", result(f));
  k.require(
      type == Type::Fp32 || chip::laneOf(f.opd0_addr) == 0,
      fmt::format("opd0_addr = {:#x}: the input of a convolution starts at lane 0", f.opd0_addr));
  k.require(f.opd0_str == kAligned || f.opd0_str == kFree,
            fmt::format("opd0_str = {} is neither aligned nor free strides", f.opd0_str));
  k.tensor("opd0_addr", {f.opd0_addr,
                         int64_t(f.res0_n),
                         int64_t(f.opd0_c),
                         int64_t(f.opd0_h),
                         int64_t(f.opd0_w),
                         f.opd0_prec,
                         f.opd0_str,
                         {f.opd0_n_str, f.opd0_c_str, f.opd0_h_str, f.opd0_w_str}});
  int64_t outSlots = chip::slots(chip::laneOf(f.res0_addr), int64_t(f.res0_c));
  if (!f.opd1_const && k.local("opd1_addr", f.opd1_addr)) {
    k.align("opd1_addr", f.opd1_addr, type == Type::Fp32 ? 4 : chip::kEuBytes);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    int64_t ic = alignUp(int64_t(f.opd0_c), chip::cubeInputs(type));
    k.bytes("opd1_addr", f.opd1_addr,
            outSlots * ic * int64_t(f.opd1_h * f.opd1_w) * chip::bitsOf(type) / 8);
  }
  if (!f.opd2_const && k.local("opd2_addr", f.opd2_addr)) {
    // eu 1 and 2 take an int16 bias, all others four bytes a channel.
    k.align("opd2_addr", f.opd2_addr, f.tsk_eu_typ ? 2 : 4);
    k.sameLane("opd2_addr", f.opd2_addr, "the result", f.res0_addr);
    k.bytes("opd2_addr", f.opd2_addr, outSlots * (f.tsk_eu_typ ? 2 : 4));
  }
  if (!f.opd3_const)
    k.local("opd3_addr", f.opd3_addr);
}

void check(Checker &k, const sPorD &f) {
  k.opcode({0, 1, 2, 4, 5, 6, 7});
  bool roi = f.tsk_eu_typ >= 5;
  bool depthwise = f.tsk_eu_typ == 0 || f.tsk_eu_typ == 2 || f.tsk_eu_typ == 5;
  Tensor to = result(f);
  if (roi) { // a result a box: (first column, first row, last column, last row)
    to.h = 1;
    k.tensor("opd3_addr",
             {f.opd3_addr, 1, int64_t(f.res0_w), 1, 4, uint64_t(Type::Int16), kCompact});
  } else {
    window(k, "y", f.opd0_h, f.opd1_h, f.opd0_y_ins0, chip::kMaxPoolInsert, f.opd1_y_ins0,
           f.res_op_y_str, f.opd0_up_pad, f.opd0_dn_pad, f.res0_h);
    window(k, "x", f.opd0_w, f.opd1_w, f.opd0_x_ins0, chip::kMaxPoolInsert, f.opd1_x_ins0,
           f.res_op_x_str, f.opd0_lf_pad, f.opd0_rt_pad, f.res0_w);
  }
  k.tensor("res0_addr", to);
  k.tensor("opd0_addr", {f.opd0_addr, int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.opd0_h),
                         int64_t(f.opd0_w), f.opd0_prec});
  k.sameLane("opd0_addr", f.opd0_addr, "the result", f.res0_addr);
  if (depthwise && !f.opd1_const) {
    k.tensor("opd1_addr", {f.opd1_addr, 1, int64_t(f.res0_c), int64_t(f.opd1_h), int64_t(f.opd1_w),
                           f.opd0_prec, kCompact});
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
  }
  if (depthwise && !roi && !f.opd2_const && k.local("opd2_addr", f.opd2_addr))
    k.sameLane("opd2_addr", f.opd2_addr, "the result", f.res0_addr);
}

void check(Checker &k, const sAR &f) {
  k.range("tsk_opd_num", f.tsk_opd_num, 1, 3);
  k.require(f.tsk_eu_typ != 31, "tsk_eu_typ = 31 is no operation of this class");
  Tensor t = result(f);
  t.layout = f.res0_str;
  t.strides = arStrides(f, Operand::Res0);
  k.tensor("res0_addr", t);
  if (!f.opd0_const) {
    t.address = f.opd0_addr, t.type = f.opd0_prec, t.layout = f.opd0_str;
    t.strides = arStrides(f, Operand::Opd0);
    k.tensor("opd0_addr", t);
  }
  // A shift by vector reads one byte a channel in either layout; its type code says how wide.
  if (!f.opd1_const && f.tsk_opd_num > 1) {
    t.address = f.opd1_addr, t.type = f.opd1_prec, t.layout = f.opd1_str;
    t.strides = arStrides(f, Operand::Opd1);
    k.tensor("opd1_addr", t);
  }
  if (!f.opd2_const && f.tsk_opd_num > 2)
    k.local("opd2_addr", f.opd2_addr);
}

void check(Checker &k, const sRQDQ &f) {
  k.opcode({0, 1, 3, 4});
  k.tensor("res0_addr", result(f));
  Tensor in = result(f);
  in.address = f.opd0_addr;
  in.type = f.opd0_prec;
  k.tensor("opd0_addr", in);
  k.sameLane("opd0_addr", f.opd0_addr, "the result", f.res0_addr);
  if (!f.opd1_const && k.local("opd1_addr", f.opd1_addr)) {
    k.align("opd1_addr", f.opd1_addr, 8);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    int64_t entries = f.tsk_eu_typ == 1 || f.tsk_eu_typ == 4 ? 3 : 2;
    int64_t slots = chip::slots(chip::laneOf(f.opd1_addr), int64_t(f.res0_c));
    k.bytes("opd1_addr", f.opd1_addr, (slots - 1) * chip::kEuBytes + entries * 4);
  }
}

void check(Checker &k, const sTRANSBC &f) {
  k.opcodeRange(0, 5);
  k.local("res0_addr", f.res0_addr);
  if (f.tsk_eu_typ >= 4)
    k.require(chip::spaceOf(f.opd0_addr) == chip::Space::Static,
              fmt::format("opd0_addr = {:#x}: the source lies outside static memory", f.opd0_addr));
  else
    k.local("opd0_addr", f.opd0_addr);
}

void check(Checker &k, const sCMP &f) {
  k.opcodeRange(22, 26);
  k.local("res0_addr", f.res0_addr);
  if (f.tsk_eu_typ == 22 || f.tsk_eu_typ == 25)
    k.local("res1_addr", f.res1_addr);
  if (!f.opd0_const)
    k.local("opd0_addr", f.opd0_addr);
  if (!f.opd1_const)
    k.local("opd1_addr", f.opd1_addr);
  if (!f.opd2_const)
    k.local("opd2_addr", f.opd2_addr);
  if (!f.opd3_const)
    k.local("opd3_addr", f.opd3_addr);
}

void check(Checker &k, const sSFU &f) {
  k.opcode({12, 13, 15, 17});
  Tensor t = result(f);
  k.tensor("res0_addr", t);
  t.address = f.opd0_addr, t.type = f.opd0_prec;
  k.tensor("opd0_addr", t);
  k.sameLane("opd0_addr", f.opd0_addr, "the result", f.res0_addr);
  if (f.tsk_eu_typ <= 13 && k.local("opd1_addr", f.opd1_addr)) {
    k.align("opd1_addr", f.opd1_addr, chip::kEuBytes);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    k.range("opd1_n", f.opd1_n, 1, chip::kMaxDim);
  }
}

void check(Checker &k, const sLIN &f) {
  k.opcode({1, 20, 21});
  Tensor t = result(f);
  k.tensor("res0_addr", t);
  t.address = f.opd0_addr;
  k.tensor("opd0_addr", t);
  for (auto [constant, address, name] : {std::tuple(f.opd1_const, f.opd1_addr, "opd1_addr"),
                                         std::tuple(f.opd2_const, f.opd2_addr, "opd2_addr")})
    if (!constant) {
      t = {address, 1, int64_t(f.res0_c), 1, 1, f.res0_prec, kCompact};
      k.tensor(name, t);
    }
}

void check(Checker &k, const TIU_long &f) {
  // rq float is the only long form that real streams carry (bm1684x.md 3.4).
  k.local("res0_addr", f.res0_addr);
  if (f.tsk_typ != 4)
    return;
  k.opcode({0, 1, 3, 4});
  Tensor t = result(f);
  k.tensor("res0_addr", t);
  t.address = f.opd0_addr, t.type = f.opd0_prec;
  k.tensor("opd0_addr", t);
  k.sameLane("opd0_addr", f.opd0_addr, "the result", f.res0_addr);
  if (!f.opd1_const && k.local("opd1_addr", f.opd1_addr)) {
    k.align("opd1_addr", f.opd1_addr, 8);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
  }
}

void check(Checker &k, const sSEG &f) { k.local("res0_addr", f.res0_addr); }

void check(Checker &k, const SYS &) { k.opcode({0, 1, 2, 3, 4, 30, 31}); }
void check(Checker &, const SYSID &) {}
void check(Checker &, const LAR &) {}

template <class T> void localOperands(Checker &k, const T &f) {
  k.local("res0_addr", f.res0_addr);
  if constexpr (requires { f.opd0_const; }) {
    if (!f.opd0_const)
      k.local("opd0_addr", f.opd0_addr);
  } else {
    k.local("opd0_addr", f.opd0_addr);
  }
  if constexpr (requires { f.opd1_const; }) {
    if (!f.opd1_const)
      k.local("opd1_addr", f.opd1_addr);
  } else {
    k.local("opd1_addr", f.opd1_addr);
  }
}
void check(Checker &k, const sMM &f) {
  k.opcodeRange(1, 3);
  localOperands(k, f);
}
void check(Checker &k, const sMM2 &f) {
  k.opcodeRange(4, 6);
  localOperands(k, f);
}
void check(Checker &k, const sSG &f) {
  k.opcode({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16});
  localOperands(k, f);
}
void check(Checker &k, const sSGL &f) { localOperands(k, f); }
void check(Checker &k, const sVC &f) {
  k.range("tsk_eu_typ", f.tsk_eu_typ, 0, 30);
  localOperands(k, f);
}

void place(Checker &k, const char *field, uint64_t address) {
  k.require(chip::spaceOf(address) != chip::Space::None,
            fmt::format("{} = {:#x} lies in no memory of the chip", field, address));
}

template <class T>
void columnStride(Checker &k, const T &f, const char *side, uint64_t stride, uint64_t size) {
  // Irrelevant with one column; 0 repeats the element and is a system-side source's privilege.
  int64_t bytes = int64_t(stride) * chip::bitsOf(f.src_data_format) / 8;
  if (f.stride_enable && size > 1)
    k.require(bytes <= chip::kMaxGdmaColumnStride,
              fmt::format("{}_wstride = {} is {} bytes and at most {} are allowed", side, stride,
                          bytes, chip::kMaxGdmaColumnStride));
}

template <class T> void checkMove(Checker &k, const T &f) {
  bool fill = f.fill_constant_en;
  if (!fill)
    place(k, "the source address", sourceAddress(f));
  place(k, "the destination address", destinationAddress(f));
  if constexpr (T::kForm == Form::DMA_tensor || T::kForm == Form::DMA_cw_transpose) {
    auto sizes = [&](const char *side, uint64_t n, uint64_t c, uint64_t h, uint64_t w) {
      k.require(n && c && h && w,
                fmt::format("{} size {}x{}x{}x{} has an empty axis", side, n, c, h, w));
    };
    if (!fill)
      sizes("source", f.src_nsize, f.src_csize, f.src_hsize, f.src_wsize);
    if (!f.nchw_copy)
      sizes("destination", f.dst_nsize, f.dst_csize, f.dst_hsize, f.dst_wsize);
    columnStride(k, f, "src", f.src_wstride, fill ? 0 : f.src_wsize);
    columnStride(k, f, "dst", f.dst_wstride, f.nchw_copy ? f.src_wsize : f.dst_wsize);
    uint64_t src = f.src_nsize * f.src_csize * f.src_hsize * f.src_wsize;
    uint64_t dst = f.dst_nsize * f.dst_csize * f.dst_hsize * f.dst_wsize;
    if (!fill && !f.nchw_copy && f.cmd_special_function == 0)
      k.require(src == dst, fmt::format("{} elements are read and {} written", src, dst));
    if (T::kForm == Form::DMA_tensor && f.cmd_special_function == 3) {
      uint64_t to = destinationAddress(f);
      k.require(
          chip::spaceOf(to) == chip::Space::Local &&
              chip::laneOf(to - chip::kLmemBase) + int64_t(f.dst_csize) <= chip::kLanes,
          fmt::format("the broadcast to {} lanes from {:#x} leaves the lanes", f.dst_csize, to));
    }
  }
  if constexpr (T::kForm == Form::DMA_general)
    k.require(f.src_cstride > 0, "src_cstride, the element count, is 0");
}

void check(Checker &k, const sDMA_sys &f) {
  k.range("cmd_special_function", f.cmd_special_function, 0, 1);
}
template <class T>
  requires requires(T f) { f.src_start_addr_l32; }
void check(Checker &k, const T &f) {
  checkMove(k, f);
}

} // namespace

Status verify(const Command &c) {
  Checker checker(c);
  withForm(c.form, [&]<class T>(const T &) {
    T fields = decode<T>(c.words);
    checker.common(fields);
    check(checker, fields);
  });
  return checker.done();
}

} // namespace tessera::isa
