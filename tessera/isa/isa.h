#pragma once
// Every instruction of the BM1684X as a struct of named fields, and the two-way road between those
// structs, command words and streams. All of it reads one table, instructions.csv, through the
// generated forms.h; docs/isa.md is the same table for readers. Source: reference bm1684x.md 3.
#include "tessera/chip/chip.h"
#include "tessera/isa/forms.h"
#include "tessera/support/status.h"
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::isa {

enum class Engine : uint8_t { Tiu = 0, Gdma = 1 };
constexpr std::string_view engineName(Engine e) { return e == Engine::Tiu ? "TIU" : "GDMA"; }

struct FieldInfo {
  std::string_view name;
  uint16_t lowBit, width;
  std::string_view meaning;
  bool reserved; ///< written 0; has no struct member, and its name may repeat within a form
};
struct FormInfo {
  std::string_view name;
  Engine engine;
  uint16_t bits; ///< in a stream; a multiple of 128
  std::span<const FieldInfo> fields;
};
const FormInfo &info(Form);
constexpr Engine engineOf(Form form) {
  return form >= Form::DMA_tensor ? Engine::Gdma : Engine::Tiu;
}

/// A command's bits, lowest word first; words behind the form's length are zero.
using Words = std::array<uint64_t, 16>;

/// Bits [low, low + width) of `words`, width 1..64; fields may cross words.
constexpr uint64_t getBits(const Words &words, unsigned low, unsigned width) {
  unsigned word = low / 64, shift = low % 64;
  uint64_t value = words[word] >> shift;
  if (shift + width > 64)
    value |= words[word + 1] << (64 - shift);
  return width == 64 ? value : value & ((uint64_t(1) << width) - 1);
}
/// Overwrites these bits with the low bits of `value`.
constexpr void setBits(Words &words, unsigned low, unsigned width, uint64_t value) {
  uint64_t mask = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  unsigned word = low / 64, shift = low % 64;
  value &= mask;
  words[word] = (words[word] & ~(mask << shift)) | value << shift;
  if (shift + width > 64) {
    mask >>= 64 - shift;
    words[word + 1] = (words[word + 1] & ~mask) | value >> (64 - shift);
  }
}

[[noreturn]] void fieldTooLarge(Form, const char *field, uint64_t value, unsigned width);

/// The command's words. A value that does not fit its field is an internal error: the caller masks
/// negative immediates to the field's width.
template <class T> Words encode(const T &fields) {
  Words words{};
  for (const Member<T> &m : T::kMembers) {
    uint64_t value = fields.*m.value;
    if (m.width < 64 && value >> m.width)
      fieldTooLarge(T::kForm, m.name, value, m.width);
    setBits(words, m.lowBit, m.width, value);
  }
  return words;
}
/// The fields of words that are of form T; reserved bits are ignored.
template <class T> T decode(const Words &words) {
  T fields;
  for (const Member<T> &m : T::kMembers)
    fields.*m.value = getBits(words, m.lowBit, m.width);
  return fields;
}

struct Command {
  Engine engine = Engine::Tiu;
  Form form = Form::TIU_long;
  Words words{};
  bool operator==(const Command &) const = default;
};
template <class T> Command command(const T &fields) {
  return {engineOf(T::kForm), T::kForm, encode(fields)};
}
/// The fields of a command; the command must be of form T.
template <class T> T decode(const Command &c) {
  TESSERA_CHECK(c.form == T::kForm, "decode of a command of another form");
  return decode<T>(c.words);
}

/// What tells the forms apart: the length flag (TIU bit 0, GDMA bit 3), the class (TIU tsk_typ,
/// GDMA cmd_type) and the TIU's minor opcode. Each mask has bit k set where value k belongs to the
/// form.
struct Identity {
  Form form;
  uint8_t flags;
  uint16_t types;
  uint32_t minors;
};
std::span<const Identity> identities();
/// The form of a command that starts with these 64 bits; error without a place for an unknown one.
Result<Form> identify(Engine, uint64_t firstWord);
/// One command's words and form from loose words (at most 16, missing ones are zero).
Result<Command> makeCommand(Engine, std::span<const uint64_t> words);

/// A TIU command in the other length: both lengths give a field the same name. `longForm` takes a
/// short command and enables all lanes; `shortForm` takes a long one and drops what the short form
/// has no field for, its lane mask among them. Error "bad-command": no short form has its class.
Command longForm(const Command &);
Result<Command> shortForm(const Command &);

/// All commands of one stream of a bmodel, the end instruction included. `count` is the number of
/// instructions with the end (0: up to the end instruction). Lengths by bm1684x.md 3.4; behind the
/// end only zero padding of less than 128 bytes may follow. Errors name engine, instruction and
/// byte: unknown class, truncated or missing end, leftovers. Never reads past `bytes`.
Result<std::vector<Command>> decodeStream(Engine, std::span<const uint8_t> bytes, size_t count = 0);
/// The stream's bytes, padded with zeros to a multiple of 128. Adds no end instruction.
std::vector<uint8_t> encodeStream(Engine, std::span<const Command>);
/// The end instruction; id = number of the engine's instructions including it (bm1684x.md 3.12).
/// The GDMA's carries it too: all static streams of the vendor's compiler do.
Command endCommand(Engine, uint32_t id);
bool isEnd(const Command &);
/// End, barrier, nop and other system instructions: they compute and move nothing.
bool isSystem(const Command &);

/// Header access for all forms. LAR carries no ids and SYS no dependency: these read 0, and setIds
/// leaves them out. Ids are 20 bits.
uint32_t commandId(const Command &);
uint32_t commandDep(const Command &);
void setIds(Command &, uint32_t id, uint32_t dep);

/// Strides in elements of a free-stride (layout 3) tensor.
struct Strides {
  uint64_t n = 0, c = 0, h = 0, w = 0;
  bool operator==(const Strides &) const = default;
};
enum class Operand : uint8_t { Res0, Opd0, Opd1 };
/// sAR keeps bits 16 and 17 of the n and c strides in its h and w fields (bm1684x.md 3.6); these
/// join and split them. Each stride is below 2^18 (internal error otherwise).
Strides arStrides(const sAR &, Operand);
void setArStrides(sAR &, Operand, const Strides &);
inline Strides toStrides(const chip::LocalLayout &l) {
  return {uint64_t(l.n), uint64_t(l.c), uint64_t(l.h), uint64_t(l.w)};
}

/// 40-bit addresses of GDMA forms.
template <class T> uint64_t sourceAddress(const T &f) {
  return f.src_start_addr_h8 << 32 | f.src_start_addr_l32;
}
template <class T> uint64_t destinationAddress(const T &f) {
  return f.dst_start_addr_h8 << 32 | f.dst_start_addr_l32;
}
template <class T> void setSourceAddress(T &f, uint64_t address) {
  f.src_start_addr_l32 = address & 0xFFFFFFFF;
  f.src_start_addr_h8 = address >> 32;
}
template <class T> void setDestinationAddress(T &f, uint64_t address) {
  f.dst_start_addr_l32 = address & 0xFFFFFFFF;
  f.dst_start_addr_h8 = address >> 32;
}

/// "CONV", "AR.add_sat", "RQ.int", "LANE_BC", "GDMA.tensor", "SYS.end"; a minor opcode without a
/// name gives its number, e.g. "AR.31".
std::string operationName(const Command &);
/// One line: engine, id, dep, operation, form, then every field that is not zero and not the same
/// in all commands, as name=value; addresses in hexadecimal.
std::string disassemble(const Command &);
/// All broken rules of one command alone, naming the field: "bad-command" no simulator runs it,
/// "against-manual" the vendor's does (bm1684x.md 2.3, 2.10 and 3, docs/numerics.md "GDMA").
Status verify(const Command &);

} // namespace tessera::isa
