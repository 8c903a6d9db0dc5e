// What one TIU command alone must obey, and what all commands must: reserved bits, known opcodes
// and types, limits, alignment, and that every tensor stays inside the lane it starts in
// (bm1684x.md 2.3, 2.10, 3). The GDMA's rules are in verify_gdma.cpp.
#include "tessera/isa/checker.h"

namespace tessera::isa {
namespace {

using chip::alignUp;
using chip::Type;

template <class T> Tensor result(const T &f) {
  return {f.res0_addr,       int64_t(f.res0_n), int64_t(f.res0_c),
          int64_t(f.res0_h), int64_t(f.res0_w), f.res0_prec};
}

// The window of a convolution or pool along one axis; size in, kernel, inserted, dilation - 1.
void window(Checker &k, const char *axis, uint64_t in, uint64_t kernel, uint64_t insert,
            uint64_t maxInsert, uint64_t dilate, uint64_t stride, uint64_t before, uint64_t after,
            uint64_t out, uint64_t mode) {
  auto name = [&](const char *what) { return fmt::format("{} {}", axis, what); };
  k.range(name("input size").c_str(), in, 1, chip::kMaxDim);
  k.range(name("kernel size").c_str(), kernel, 1, chip::kMaxDim);
  k.manual(insert <= maxInsert,
           fmt::format("{} insertion = {} is outside 0..{}", axis, insert, maxInsert));
  k.range(name("dilation").c_str(), dilate + 1, 1, chip::kMaxDilation);
  k.range(name("stride").c_str(), stride, 1, chip::kMaxWindowStride);
  if (!in || !kernel || !stride || !out)
    return;
  uint64_t grid = (in - 1) * (insert + 1) + 1, extended = grid + before + after;
  constexpr uint64_t kReflect = 1, kCircular = 3;
  uint64_t wider = std::max(before, after);
  k.require(
      (mode != kReflect || wider < grid) && (mode != kCircular || wider <= grid),
      fmt::format("{} pads {}+{} reach past an input of {} cells", axis, before, after, grid));
  k.range(name("extended input size").c_str(), extended, 1, chip::kMaxExtended);
  uint64_t need = (out - 1) * stride + (kernel - 1) * (dilate + 1) + 1;
  k.require(need <= extended,
            fmt::format("{} windows of {} results need {} inputs and the extended input has {}",
                        axis, out, need, extended));
}

// Pairs of pad and inserted value, one an input channel.
void edges(Checker &k, uint64_t address, int64_t channels, uint64_t type) {
  int64_t size = chip::bitsOf(type) / 8;
  k.tensor("opd3_addr", {address, 1, channels, 1, 2, type, kCompact});
  if (size)
    k.align("opd3_addr", address, size, 2 * size);
}

void check(Checker &k, const sCONV &f) {
  k.opcodeRange(0, 2);
  window(k, "y", f.opd0_h, f.opd1_h, f.opd0_y_ins0, chip::kMaxConvInsert, f.opd1_y_ins0,
         f.res_op_y_str, f.opd0_up_pad, f.opd0_dn_pad, f.res0_h, f.pad_mode);
  window(k, "x", f.opd0_w, f.opd1_w, f.opd0_x_ins0, chip::kMaxConvInsert, f.opd1_x_ins0,
         f.res_op_x_str, f.opd0_lf_pad, f.opd0_rt_pad, f.res0_w, f.pad_mode);
  k.range("opd0_c", f.opd0_c, 1, chip::kMaxDim);
  Type type = Type(f.opd0_prec);
  if (f.opd0_prec > 6)
    return;
  k.tensor("res0_addr", result(f));
  k.manual(
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
  auto outSlots = [&](uint64_t address) {
    return chip::slots(chip::laneOf(address), int64_t(f.res0_c));
  };
  if (!f.opd1_const && k.local("opd1_addr", f.opd1_addr)) {
    int64_t bits = chip::bitsOf(type);
    k.align("opd1_addr", f.opd1_addr, std::max<int64_t>(1, bits / 8),
            type == Type::Fp32 ? 4 : chip::kEuBytes);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    int64_t ic = alignUp(int64_t(f.opd0_c), chip::cubeInputs(type));
    k.bytes("opd1_addr", f.opd1_addr,
            outSlots(f.opd1_addr) * ic * int64_t(f.opd1_h * f.opd1_w) * bits / 8);
  }
  bool isFloat = chip::isFloat(type);
  if (!f.opd2_const && k.local("opd2_addr", f.opd2_addr)) {
    // A float's bias, a byte of kernel zero point, the int16 bias of eu 1 and 2.
    int64_t size = isFloat ? 4 : f.tsk_eu_typ ? 2 : 1;
    k.align("opd2_addr", f.opd2_addr, size);
    k.sameLane("opd2_addr", f.opd2_addr, "the result", f.res0_addr);
    k.bytes("opd2_addr", f.opd2_addr, outSlots(f.opd2_addr) * size);
  }
  if (!f.opd3_const && (isFloat || f.tsk_eu_typ == 0)) // (pad, inserted) pairs
    edges(k, f.opd3_addr, int64_t(f.opd0_c), f.opd0_prec);
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
           f.res_op_y_str, f.opd0_up_pad, f.opd0_dn_pad, f.res0_h, f.pad_mode);
    window(k, "x", f.opd0_w, f.opd1_w, f.opd0_x_ins0, chip::kMaxPoolInsert, f.opd1_x_ins0,
           f.res_op_x_str, f.opd0_lf_pad, f.opd0_rt_pad, f.res0_w, f.pad_mode);
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
  if (depthwise && !roi && !f.opd2_const && k.local("opd2_addr", f.opd2_addr)) {
    int64_t size = chip::isFloat(Type(f.opd0_prec)) ? chip::bitsOf(f.opd0_prec) / 8 : 4;
    k.align("opd2_addr", f.opd2_addr, size);
    k.sameLane("opd2_addr", f.opd2_addr, "the result", f.res0_addr);
    k.bytes("opd2_addr", f.opd2_addr,
            chip::slots(chip::laneOf(f.opd2_addr), int64_t(f.res0_c)) * size);
  }
  bool bordered = f.opd0_up_pad || f.opd0_dn_pad || f.opd0_lf_pad || f.opd0_rt_pad ||
                  f.opd0_x_ins0 || f.opd0_y_ins0;
  if (!roi && !f.opd3_const) { // loaded also where nothing is padded or inserted
    edges(k, f.opd3_addr, int64_t(f.res0_c), f.opd0_prec);
    if (bordered)
      k.sameLane("opd3_addr", f.opd3_addr, "the result", f.res0_addr);
  }
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
    k.align("opd1_addr", f.opd1_addr, 4, 8);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    int64_t entries = f.tsk_eu_typ == 1 || f.tsk_eu_typ == 4 ? 3 : 2;
    int64_t slots = chip::slots(chip::laneOf(f.opd1_addr), int64_t(f.res0_c));
    k.bytes("opd1_addr", f.opd1_addr, (slots - 1) * chip::kEuBytes + entries * 4);
  }
}

void check(Checker &k, const sTRANSBC &f) {
  k.opcodeRange(0, 5);
  Tensor to = result(f), from = to;
  from.address = f.opd0_addr;
  switch (f.tsk_eu_typ) {
  case 0: // CW transpose
    to.layout = kRowAligned;
    [[fallthrough]];
  case 1: // WC transpose
    std::swap(from.c, from.w);
    break;
  case 3: // lane broadcast
    from.c = 1;
    break;
  case 4: // from static memory: one row for every channel
    to.n = to.h = 1;
    break;
  case 5: // an element a channel
    to.n = to.h = to.w = 1;
    to.layout = kCompact;
    break;
  }
  k.tensor("res0_addr", to);
  if (f.tsk_eu_typ < 4)
    return k.tensor("opd0_addr", from);
  uint64_t count = (f.tsk_eu_typ == 4 ? f.res0_w : f.res0_c) * uint64_t(chip::bitsOf(to.type) / 8);
  k.require(chip::spaceOf(f.opd0_addr) == chip::Space::Static &&
                f.opd0_addr + count <= chip::kStaticEnd,
            fmt::format("opd0_addr = {:#x}: the source lies outside static memory", f.opd0_addr));
}

void check(Checker &k, const sCMP &f) {
  k.opcodeRange(22, 26);
  bool two = f.tsk_eu_typ == 22 || f.tsk_eu_typ == 25;
  auto operand = [&](const char *field, uint64_t address, uint64_t type, uint64_t layout) {
    // Layout 3 is one value a lane: free strides that are all zero.
    k.tensor(field, {address, int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h),
                     int64_t(f.res0_w), type, layout});
  };
  operand("res0_addr", f.res0_addr, two ? f.opd0_prec : f.opd2_prec, kAligned);
  if (two)
    operand("res1_addr", f.res1_addr, f.opd2_prec, kAligned);
  if (!f.opd0_const)
    operand("opd0_addr", f.opd0_addr, f.opd0_prec, f.opd0_str);
  if (!f.opd1_const)
    operand("opd1_addr", f.opd1_addr, f.opd0_prec, f.opd1_str);
  if (!f.opd2_const)
    operand("opd2_addr", f.opd2_addr, f.opd2_prec, kAligned);
  if (!f.opd3_const)
    operand("opd3_addr", f.opd3_addr, f.opd2_prec, kAligned);
}

void check(Checker &k, const sSFU &f) {
  k.opcode({12, 13, 15, 17});
  Tensor t = result(f);
  k.tensor("res0_addr", t);
  t.address = f.opd0_addr, t.type = f.opd0_prec;
  k.tensor("opd0_addr", t);
  k.sameLane("opd0_addr", f.opd0_addr, "the result", f.res0_addr);
  if (f.tsk_eu_typ <= 13 && k.local("opd1_addr", f.opd1_addr)) {
    k.align("opd1_addr", f.opd1_addr, std::max<int64_t>(1, chip::bitsOf(f.opd0_prec) / 8),
            chip::kEuBytes);
    k.sameLane("opd1_addr", f.opd1_addr, "the result", f.res0_addr);
    k.range("opd1_n", f.opd1_n, 2, chip::kMaxDim);
    k.bytes("opd1_addr", f.opd1_addr, int64_t(f.opd1_n) * chip::bitsOf(f.opd0_prec) / 8);
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

// A long command is checked as the short one that it stands for.
void check(Checker &, const TIU_long &) {}
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
  int64_t columns = int64_t(f.opd0_c - 1) * int64_t(f.opd0_w) + int64_t(f.opd1_w);
  k.require(f.opd0_c >= 1 && f.opd1_w >= 1 && f.opd1_w <= f.opd0_w,
            fmt::format("opd1_w: {} columns in the last of {} channels of {}", f.opd1_w, f.opd0_c,
                        f.opd0_w));
  int64_t rows = int64_t(f.opd0_n), inner = columns;
  if (f.left_tran)
    std::swap(rows, inner);
  k.tensor("res0_addr", {f.res0_addr, rows, int64_t(f.res0_c), 1, int64_t(f.res0_w), f.res0_prec});
  k.tensor("opd1_addr", {f.opd1_addr, inner, int64_t(f.res0_c), 1, int64_t(f.res0_w), f.opd0_prec});
  if (!f.opd0_const)
    k.tensor("opd0_addr", {f.opd0_addr, int64_t(f.opd0_n), int64_t(f.opd0_c), 1, int64_t(f.opd0_w),
                           f.opd0_prec});
}
void check(Checker &k, const sMM2 &f) {
  k.opcodeRange(4, 6);
  bool turned = f.tsk_eu_typ == 6; // result and left matrix are stored transposed
  int64_t columns = int64_t(turned ? f.res0_c : f.res0_w),
          inner = int64_t(f.tsk_eu_typ == 4 ? f.opd1_c : f.opd1_w);
  k.require(columns == int64_t(f.tsk_eu_typ == 4 ? f.opd1_w : f.opd1_c),
            fmt::format("{}x{} stored for {} result columns", f.opd1_c, f.opd1_w, columns));
  k.tensor("res0_addr", {f.res0_addr, 1, int64_t(f.res0_c), 1, int64_t(f.res0_w), f.res0_prec});
  if (!f.opd0_const)
    k.tensor("opd0_addr", {f.opd0_addr, 1, turned ? inner : int64_t(f.res0_c), 1,
                           turned ? int64_t(f.res0_w) : inner, f.opd0_prec});
  if (!f.opd1_const)
    k.tensor("opd1_addr", {f.opd1_addr, 1, int64_t(f.opd1_c), 1, int64_t(f.opd1_w), f.opd0_prec});
}
void check(Checker &k, const sSG &f) {
  k.opcode({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16});
  localOperands(k, f);
}
void check(Checker &k, const sSGL &f) { localOperands(k, f); }
void check(Checker &k, const sVC &f) {
  k.range("tsk_eu_typ", f.tsk_eu_typ, 0, 30);
  k.require(f.opd0_c >= 1 && f.opd1_w >= 1 && f.opd1_w <= f.opd0_w,
            fmt::format("opd1_w: {} elements in the last of {} channels of {}", f.opd1_w, f.opd0_c,
                        f.opd0_w));
  int64_t rows = int64_t(f.opd0_c - 1) * int64_t(f.opd0_w) + int64_t(f.opd1_w);
  k.tensor("res0_addr", {f.res0_addr, rows, int64_t(f.res0_c), 1, int64_t(f.res0_w), f.res0_prec});
  k.tensor("opd0_addr", {f.opd0_addr, 1, int64_t(f.opd0_c), 1, int64_t(f.opd0_w), f.opd0_prec});
  k.tensor("opd1_addr", {f.opd1_addr, 1, int64_t(f.res0_c), 1, int64_t(f.res0_w), f.opd1_prec});
}

template <class T>
  requires requires(T f) { f.src_start_addr_l32; }
void check(Checker &, const T &) {} // checkGdma
void check(Checker &k, const sDMA_sys &f) {
  k.range("cmd_special_function", f.cmd_special_function, 0, 1);
}

} // namespace

Status verify(const Command &c) {
  Checker checker(c);
  checker.reserved();
  Command meant = c;
  if (c.form == Form::TIU_long) {
    auto shorter = shortForm(c);
    checker.require(shorter.has_value(), "no class has such a long form");
    meant = shorter.value_or(c);
  }
  withForm(meant.form, [&]<class T>(const T &) {
    T fields = decode<T>(meant.words);
    checker.common(fields);
    check(checker, fields);
  });
  if (c.engine == Engine::Gdma)
    checkGdma(checker, c);
  return checker.done();
}

} // namespace tessera::isa
