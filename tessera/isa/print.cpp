// Names and the one-line text form of commands.
#include "tessera/isa/isa.h"
#include <fmt/format.h>

namespace tessera::isa {
namespace {

std::string minorName(std::string_view major, std::span<const std::string_view> names,
                      uint64_t minor) {
  if (minor < names.size() && !names[minor].empty())
    return fmt::format("{}.{}", major, names[minor]);
  return fmt::format("{}.{}", major, minor);
}

// Minor opcodes, bm1684x.md 3.3.
constexpr std::string_view kAr[] = {
    "mul",         "not",       "add",       "sub",      "max",        "min",  "shift_logic",
    "and",         "or",        "xor",       "sel_gt",   "sel_eq",     "div",  "sel_lt",
    "cast",        "add_sat",   "sub_sat",   "clamp",    "mac",        "copy", "mul_sat",
    "shift_arith", "rotate",    "mul_dhr",   "eu_index", "lane_index", "abs",  "abs_diff",
    "copy_batch",  "first_one", "first_zero"};
constexpr std::string_view kConv[] = {"", "rq", "rq_relu"};
constexpr std::string_view kPool[] = {"depthwise", "avg_pool",      "depthwise_relu", "",
                                      "max_pool",  "roi_depthwise", "roi_avg",        "roi_max"};
constexpr std::string_view kMm[] = {"", "normal", "rq", "rq_relu", "nn", "nt", "tt"};
constexpr std::string_view kRq[] = {"RQ.float", "RQ.int", "", "DQ.float", "DQ.int"};
constexpr std::string_view kTrans[] = {"CW_TRANS", "WC_TRANS",  "LANE_COPY",
                                       "LANE_BC",  "STATIC_BC", "DISTRIBUTE_BC"};
constexpr std::string_view kSg[] = {
    "pl_gather_1d",    "pl_gather_2d",    "pl_gather_rect", "pl_scatter_1d",   "pl_scatter_2d",
    "pe_s_gather_1d",  "pe_s_scatter_1d", "pe_m_gather",    "mask_select",     "nonzero",
    "scatter_pp",      "pe_gather_row",   "pe_scatter_row", "pe_s_gather_hzd", "pe_s_scatter_hzd",
    "mask_select_hzd", "nonzero_hzd",     "gather_line",    "scatter_line",    "mask_line"};
constexpr std::string_view kSys[] = {"barrier",       "spb",         "swr",
                                     "swr_from_lmem", "swr_collect", "send"};
constexpr std::string_view kGdma[] = {"tensor",  "matrix",       "masked_select",
                                      "general", "cw_transpose", "nonzero",
                                      "sys",     "gather",       "scatter"};

constexpr std::string_view kSfu[] = {"", "", "", "",          "",       "", "",     "", "",
                                     "", "", "", "taylor_4x", "taylor", "", "norm", "", "rsqrt"};
constexpr std::string_view kLin[] = {"", "mac", "", "", "",           "",           "", "",
                                     "", "",    "", "", "",           "",           "", "",
                                     "", "",    "", "", "square_sum", "square_diff"};
constexpr std::string_view kCmp[] = {
    "", "", "", "", "", "", "", "", "",           "",       "",       "",           "",      "",
    "", "", "", "", "", "", "", "", "max_select", "sel_gt", "sel_eq", "min_select", "sel_lt"};

std::string tiuName(const Command &c) {
  uint64_t type = getBits(c.words, 41, 4), minor = getBits(c.words, 45, 5);
  switch (type) {
  case 0:
    return minor == 0 ? "CONV" : minorName("CONV", kConv, minor);
  case 1:
    return minorName("PorD", kPool, minor);
  case 2:
    return minorName(minor > 3 ? "MM2" : "MM", kMm, minor);
  case 3:
    return minorName("AR", kAr, minor);
  case 4:
    return minor < std::size(kRq) && !kRq[minor].empty() ? std::string(kRq[minor])
                                                         : fmt::format("RQ.{}", minor);
  case 5:
    return minor < std::size(kTrans) ? std::string(kTrans[minor]) : fmt::format("TRANS.{}", minor);
  case 6:
    return minorName("SG", kSg, minor);
  case 7:
    return minorName("LAR", kAr, minor);
  case 9:
    return minorName("SFU", kSfu, minor);
  case 10:
    return minorName("LIN", kLin, minor);
  case 13:
    return minorName("CMP", kCmp, minor);
  case 14:
    return minorName("VC", kAr, minor);
  case 15:
    return minor == 30 ? "SYS.nop" : minor == 31 ? "SYS.end" : minorName("SYS", kSys, minor);
  }
  return fmt::format("TIU.{}.{}", type, minor);
}

} // namespace

std::string operationName(const Command &c) {
  if (c.engine == Engine::Tiu)
    return tiuName(c);
  uint64_t type = getBits(c.words, 32, 4), special = getBits(c.words, 36, 3);
  std::string name = minorName("GDMA", kGdma, type);
  constexpr std::string_view kTensor[] = {
      "", "nc_transpose", "collect", "broadcast", "distribute", "bank4_copy", "bank4_broadcast"};
  if (type == 6)
    return special == 0 ? "SYS.end" : special == 1 ? "SYS.nop" : fmt::format("SYS.{}", special);
  if (type == 0 && getBits(c.words, 39, 1))
    return name + ".fill";
  if (special == 0)
    return name;
  if (type == 0)
    return minorName(name, kTensor, special);
  if (special == 1 && type == 1)
    return name + ".transpose";
  if (special == 1 && type == 3)
    return name + ".broadcast";
  return fmt::format("{}.{}", name, special);
}

std::string disassemble(const Command &c) {
  std::string line = fmt::format("{} id={} dep={} {} {}", engineName(c.engine), commandId(c),
                                 commandDep(c), operationName(c), info(c.form).name);
  withForm(c.form, [&]<class T>(const T &constant) {
    for (const Member<T> &m : T::kMembers) {
      std::string_view name = m.name;
      uint64_t value = getBits(c.words, m.lowBit, m.width);
      // Id, dep, class and minor opcode stand in front already.
      if (name == "cmd_id" || name == "cmd_id_dep" || name == "tsk_eu_typ" ||
          value == constant.*m.value || (name == "tsk_typ" && c.form == Form::TIU_long))
        continue;
      bool hex = name.find("addr") != name.npos || name.find("constant") != name.npos ||
                 name.find("mask") != name.npos || name == "imm";
      line += hex ? fmt::format(" {}={:#x}", name, value) : fmt::format(" {}={}", name, value);
    }
  });
  for (const FieldInfo &f : info(c.form).fields)
    if (f.reserved && getBits(c.words, f.lowBit, f.width))
      line += fmt::format(" {}@{}={:#x}", f.name, f.lowBit, getBits(c.words, f.lowBit, f.width));
  return line;
}

} // namespace tessera::isa
