#include "tessera/isa/isa.h"
#include <fmt/format.h>

namespace tessera::isa {

[[noreturn]] void fieldTooLarge(Form form, const char *field, uint64_t value, unsigned width) {
  internalError(
      __FILE__, __LINE__,
      fmt::format("{}.{} = {:#x} does not fit {} bits", info(form).name, field, value, width));
}

namespace {

constexpr unsigned kTypeBit = 41, kTypeWidth = 4, kMinorBit = 45, kMinorWidth = 5;
constexpr unsigned kIdWidth = 20;
constexpr uint64_t kEndMinor = 31;

constexpr uint64_t bits(uint64_t word, unsigned low, unsigned width) {
  return word >> low & ((uint64_t(1) << width) - 1);
}

uint64_t loadWord(std::span<const uint8_t> bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < 8 && i < bytes.size(); ++i)
    word |= uint64_t(bytes[i]) << (8 * i);
  return word;
}

bool allZero(std::span<const uint8_t> bytes) {
  for (uint8_t b : bytes)
    if (b)
      return false;
  return true;
}

} // namespace

Result<Form> identify(Engine engine, uint64_t firstWord) {
  bool tiu = engine == Engine::Tiu;
  uint64_t flag = bits(firstWord, tiu ? 0 : 3, 1);
  uint64_t type = bits(firstWord, tiu ? kTypeBit : 32, kTypeWidth);
  uint64_t minor = tiu ? bits(firstWord, kMinorBit, kMinorWidth) : 0;
  for (const Identity &i : identities())
    if (engineOf(i.form) == engine && i.flags >> flag & 1 && i.types >> type & 1 &&
        i.minors >> minor & 1)
      return i.form;
  return fail(
      "bad-command", "",
      tiu ? fmt::format("no {} TIU instruction has class {}, minor opcode {}",
                        flag ? "short" : "long", type, minor)
          : fmt::format("no {} GDMA instruction has type {}", flag ? "short" : "long", type));
}

Result<Command> makeCommand(Engine engine, std::span<const uint64_t> words) {
  if (words.empty() || words.size() > 16)
    return fail("bad-command", "",
                fmt::format("a command has 1 to 16 words, not {}", words.size()));
  TESSERA_ASSIGN(Form form, identify(engine, words[0]));
  Command c{engine, form, {}};
  size_t length = info(form).bits / 64;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= length && words[i])
      return fail("bad-command", "",
                  fmt::format("{} ends after {} words, yet word {} is {:#x}", info(form).name,
                              length, i, words[i]));
    c.words[i] = words[i];
  }
  return c;
}

namespace {

/// Calls visit(bits in the long form, bits in the short form) for every field of a short form.
template <class Visit> void pairFields(Form form, Visit visit) {
  withForm(form, [&]<class T>(const T &) {
    for (const Member<T> &m : T::kMembers)
      for (const Member<TIU_long> &l : TIU_long::kMembers)
        if (std::string_view(m.name) == l.name)
          visit(l, m);
  });
}

} // namespace

Command longForm(const Command &c) {
  Command out{c.engine, Form::TIU_long, {}};
  pairFields(c.form, [&](const auto &to, const auto &from) {
    setBits(out.words, to.lowBit, to.width, getBits(c.words, from.lowBit, from.width));
  });
  auto f = decode<TIU_long>(out.words);
  f.cmd_short = 0;
  f.tsk_lane_num = ~uint64_t(0);
  return command(f);
}

Result<Command> shortForm(const Command &c) {
  TESSERA_ASSIGN(Form form, identify(Engine::Tiu, c.words[0] | 1));
  Command out{c.engine, form, {}};
  pairFields(form, [&](const auto &from, const auto &to) {
    setBits(out.words, to.lowBit, to.width,
            getBits(c.words, from.lowBit, std::min(from.width, to.width)));
  });
  out.words[0] |= 1;
  return out;
}

Result<std::vector<Command>> decodeStream(Engine engine, std::span<const uint8_t> bytes,
                                          size_t count) {
  std::vector<Command> commands;
  size_t at = 0;
  auto where = [&] {
    return fmt::format("{} stream, instruction {} at byte {:#x}", engineName(engine),
                       commands.size() + 1, at);
  };
  while (true) {
    if (bytes.size() - at < 16)
      return fail(
          "bad-stream", where(),
          count ? fmt::format("the stream ends after {} of {} instructions", commands.size(), count)
                : "the stream ends without an end instruction",
          "the file is truncated or its counts are wrong");
    auto form = identify(engine, loadWord(bytes.subspan(at)));
    if (!form)
      return fail("bad-stream", where(), form.error().diagnostics()[0].message,
                  "the stream is damaged or made for another chip");
    size_t length = info(*form).bits / 8;
    if (bytes.size() - at < length)
      return fail("bad-stream", where(),
                  fmt::format("{} takes {} bytes and only {} are left", info(*form).name, length,
                              bytes.size() - at),
                  "the file is truncated");
    Command c{engine, *form, {}};
    for (size_t i = 0; i < length / 8; ++i)
      c.words[i] = loadWord(bytes.subspan(at + 8 * i));
    bool end = isEnd(c), last = count && commands.size() + 1 == count;
    if (end && count && !last)
      return fail("bad-stream", where(),
                  fmt::format("an end instruction, yet {} instructions are announced", count));
    if (last && !end)
      return fail("bad-stream", where(),
                  fmt::format("the last of {} instructions is {}, not an end instruction", count,
                              operationName(c)));
    commands.push_back(c);
    at += length;
    if (end) {
      auto rest = bytes.subspan(at);
      if (rest.size() >= size_t(chip::kStreamAlign) || !allZero(rest))
        return fail("bad-stream", where(),
                    fmt::format("{} bytes follow the end instruction where only zero padding to a "
                                "multiple of {} may",
                                rest.size(), chip::kStreamAlign));
      return commands;
    }
  }
}

std::vector<uint8_t> encodeStream(Engine engine, std::span<const Command> commands) {
  std::vector<uint8_t> bytes;
  for (const Command &c : commands) {
    TESSERA_CHECK(c.engine == engine, "a command of the other engine in a stream");
    for (size_t i = 0; i < info(c.form).bits / 8u; ++i)
      bytes.push_back(uint8_t(c.words[i / 8] >> (8 * (i % 8))));
  }
  bytes.resize(size_t(chip::alignUp(int64_t(bytes.size()), chip::kStreamAlign)));
  return bytes;
}

Command endCommand(Engine engine, uint32_t id) {
  if (engine == Engine::Gdma) {
    sDMA_sys end;
    end.cmd_id = id;
    return command(end);
  }
  SYS end;
  end.cmd_id = id;
  end.tsk_eu_typ = kEndMinor;
  return command(end);
}

bool isEnd(const Command &c) {
  return c.form == Form::SYS ? getBits(c.words, kMinorBit, kMinorWidth) == kEndMinor
                             : c.form == Form::sDMA_sys && getBits(c.words, 36, 3) == 0;
}

bool isSystem(const Command &c) {
  return c.form == Form::SYS || c.form == Form::SYSID || c.form == Form::sDMA_sys;
}

uint32_t commandId(const Command &c) {
  if (c.form == Form::LAR)
    return 0;
  return uint32_t(getBits(c.words, c.engine == Engine::Tiu ? 1 : 9, kIdWidth));
}

uint32_t commandDep(const Command &c) {
  if (c.form == Form::LAR || c.form == Form::SYS)
    return 0;
  return uint32_t(getBits(c.words, c.engine == Engine::Tiu ? 21 : 64, kIdWidth));
}

void setIds(Command &c, uint32_t id, uint32_t dep) {
  TESSERA_CHECK(id <= chip::kMaxId && dep <= chip::kMaxId, "a command id above 20 bits");
  if (c.form == Form::LAR)
    return;
  setBits(c.words, c.engine == Engine::Tiu ? 1 : 9, kIdWidth, id);
  if (c.form != Form::SYS)
    setBits(c.words, c.engine == Engine::Tiu ? 21 : 64, kIdWidth, dep);
}

namespace {

struct StrideFields {
  uint64_t sAR::*n, sAR::*c, sAR::*h, sAR::*w;
};
StrideFields strideFields(Operand operand) {
  switch (operand) {
  case Operand::Res0:
    return {&sAR::res0_n_str, &sAR::res0_c_str, &sAR::res0_h_str, &sAR::res0_w_str};
  case Operand::Opd0:
    return {&sAR::opd0_n_str, &sAR::opd0_c_str, &sAR::opd0_h_str, &sAR::opd0_w_str};
  case Operand::Opd1:
    break;
  }
  return {&sAR::opd1_n_str, &sAR::opd1_c_str, &sAR::opd1_h_str, &sAR::opd1_w_str};
}

} // namespace

Strides arStrides(const sAR &ar, Operand operand) {
  StrideFields f = strideFields(operand);
  uint64_t low18 = chip::kMaxArStride;
  return {ar.*f.n | ar.*f.h >> 18 << 16, ar.*f.c | ar.*f.w >> 18 << 16, ar.*f.h & low18,
          ar.*f.w & low18};
}

void setArStrides(sAR &ar, Operand operand, const Strides &s) {
  uint64_t limit = chip::kMaxArStride;
  TESSERA_CHECK(s.n <= limit && s.c <= limit && s.h <= limit && s.w <= limit,
                fmt::format("sAR stride ({}, {}, {}, {}) above 18 bits", s.n, s.c, s.h, s.w));
  StrideFields f = strideFields(operand);
  ar.*f.n = s.n & 0xFFFF;
  ar.*f.c = s.c & 0xFFFF;
  ar.*f.h = s.h | s.n >> 16 << 18;
  ar.*f.w = s.w | s.c >> 16 << 18;
}

} // namespace tessera::isa
