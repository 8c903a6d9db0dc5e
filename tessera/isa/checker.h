#pragma once
// Collects the rules that one command breaks (verify.cpp, verify_gdma.cpp).
#include "tessera/isa/isa.h"
#include <fmt/format.h>

namespace tessera::isa {

/// Codes of the layout fields, and the layout that has none.
constexpr uint64_t kAligned = 0, kCompact = 1, kPerChannel = 2, kFree = 3, kRowAligned = 8;

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

  /// A rule without which the command means nothing, or its simulators end.
  void require(bool ok, const std::string &message) {
    if (!ok)
      error_.add(Diagnostic{"bad-command", where_, message, ""});
  }
  /// A rule of the manual that the vendor's simulator does not need: it runs the command.
  void manual(bool ok, const std::string &message) {
    if (!ok)
      error_.add(Diagnostic{"against-manual", where_, message, ""});
  }
  void range(const char *field, uint64_t value, uint64_t low, uint64_t high) {
    require(value >= low && value <= high,
            fmt::format("{} = {} is outside {}..{}", field, value, low, high));
  }
  void type(const char *field, uint64_t code) {
    require(chip::bitsOf(code) != 0, fmt::format("{} = {} is no element type", field, code));
  }
  /// `size` of an element, whose multiple an address must be; `unit` is what the manual wants.
  void align(const char *field, uint64_t address, int64_t size, int64_t unit) {
    std::string message =
        fmt::format("{} = {:#x} is not a multiple of {} bytes", field, address, unit);
    if (address % uint64_t(size))
      require(false, message);
    else
      manual(address % uint64_t(unit) == 0, message);
  }
  void align(const char *field, uint64_t address, int64_t size) {
    align(field, address, size, size);
  }
  bool local(const char *field, uint64_t address) {
    bool ok = address < uint64_t(chip::kLmemBytes);
    require(ok, fmt::format("{} = {:#x} lies outside local memory", field, address));
    return ok;
  }
  void sameLane(const char *field, uint64_t address, const char *as, uint64_t other) {
    manual(chip::laneOf(address) == chip::laneOf(other),
           fmt::format("{} starts at lane {}, {} at lane {}", field, chip::laneOf(address), as,
                       chip::laneOf(other)));
  }

  void tensor(const char *field, const Tensor &t) {
    int64_t size = chip::bitsOf(t.type) / 8;
    if (!local(field, t.address) || size == 0)
      return;
    int64_t lane = chip::laneOf(t.address);
    chip::LocalLayout l;
    switch (t.layout) {
    case kAligned:
      align(field, t.address, size, chip::kEuBytes);
      l = chip::alignedLayout(lane, t.n, t.c, t.h, t.w, size);
      break;
    case kCompact:
      align(field, t.address, size);
      l = chip::compactLayout(lane, t.n, t.c, t.h, t.w);
      break;
    case kRowAligned:
      align(field, t.address, size, chip::kEuBytes);
      l = chip::rowAlignedLayout(lane, t.n, t.c, t.h, t.w, size);
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

  void reserved() {
    for (const FieldInfo &field : info(command_.form).fields)
      if (field.reserved)
        require(getBits(command_.words, field.lowBit, field.width) == 0,
                fmt::format("reserved bits {}..{} are {:#x}", field.lowBit,
                            field.lowBit + field.width - 1,
                            getBits(command_.words, field.lowBit, field.width)));
  }
  /// Element types and sizes mean the same in all forms.
  template <class T> void common(const T &f) {
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

/// The rules of a GDMA command.
void checkGdma(Checker &, const Command &);

} // namespace tessera::isa
