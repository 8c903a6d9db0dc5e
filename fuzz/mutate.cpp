#include "fuzz/mutate.h"

#include "tessera/support/file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <sstream>

namespace tessera::fuzz {
namespace {

using soak::Draw;

/// A number that programs stumble over, or one near `v`.
uint64_t odd(Draw &d, uint64_t v) {
  switch (d.between(0, 9)) {
  case 0:
    return 0;
  case 1:
    return ~uint64_t(0);
  case 2:
    return uint64_t(1) << d.between(0, 63);
  case 3:
    return (uint64_t(1) << d.between(0, 63)) - 1;
  case 4:
    return v + 1;
  case 5:
    return v - 1;
  case 6:
    return v * 2;
  case 7:
    return v ^ uint64_t(1) << d.between(0, 40);
  case 8:
    return uint64_t(d.between(0, 300));
  default:
    return d.bits() >> d.between(0, 63);
  }
}

/// One change of bytes that knows nothing of them.
void blind(Draw &d, Bytes &b, size_t begin, size_t end) {
  if (begin >= end)
    return;
  size_t at = size_t(d.between(int64_t(begin), int64_t(end) - 1));
  switch (d.between(0, 5)) {
  case 0:
    b[at] ^= uint8_t(1 << d.between(0, 7));
    break;
  case 1:
    b[at] = uint8_t(d.bits());
    break;
  case 2: { // a number in its place
    int size = d.pick({2, 4, 8});
    at = at / size_t(size) * size_t(size);
    if (at + size_t(size) > end || at < begin)
      break;
    uint64_t v = 0;
    std::memcpy(&v, &b[at], size_t(size));
    v = odd(d, v);
    std::memcpy(&b[at], &v, size_t(size));
    break;
  }
  case 3: { // a run of one byte
    size_t n = std::min<size_t>(size_t(d.between(1, 64)), end - at);
    std::fill_n(b.begin() + int64_t(at), n, uint8_t(d.chance() ? 0 : d.bits()));
    break;
  }
  case 4: { // a piece of itself elsewhere
    size_t n = std::min<size_t>(size_t(d.between(1, 256)), end - at);
    size_t from = size_t(d.between(int64_t(begin), int64_t(end - n)));
    std::memmove(&b[at], &b[from], n);
    break;
  }
  default:
    if (d.chance(0.2)) // cut or grown
      b.resize(d.chance(0.8) ? at : b.size() + size_t(d.between(1, 300)));
    else if (d.chance(0.3))
      b.erase(b.begin() + int64_t(at),
              b.begin() + int64_t(std::min(end, at + size_t(d.between(1, 130)))));
    else
      b[at] ^= 0x80;
  }
}

/// A word of the flatbuffer that looks like an offset or a length, made odd.
void offsetWord(Draw &d, Bytes &b, size_t begin, size_t end) {
  for (int attempt = 0; attempt < 50 && begin + 8 <= end; ++attempt) {
    size_t at = size_t(d.between(int64_t(begin), int64_t(end) - 4)) / 4 * 4;
    uint32_t v;
    std::memcpy(&v, &b[at], 4);
    if (v == 0 || v > end - begin)
      continue;
    // Another place of the table, shared or circular; or beside the old one.
    v = uint32_t(d.chance(0.4) ? uint64_t(d.between(-64, int64_t(end - begin))) : odd(d, v));
    std::memcpy(&b[at], &v, 4);
    return;
  }
}

/// A field of a command, made odd.
void field(Draw &d, isa::Command &c) {
  const auto &fields = isa::info(c.form).fields;
  const isa::FieldInfo &f = fields[size_t(d.between(0, int64_t(fields.size()) - 1))];
  // What tells commands apart is changed by blind changes.
  if (f.name == "cmd_short" || f.name == "tsk_typ" || f.name == "cmd_type")
    return;
  isa::setBits(c.words, f.lowBit, f.width, odd(d, isa::getBits(c.words, f.lowBit, f.width)));
}

void streamBytes(Draw &d, isa::Engine e, Bytes &bytes) {
  auto commands = isa::decodeStream(e, bytes);
  if (d.chance(0.3) || !commands || commands->empty()) {
    blind(d, bytes, 0, bytes.size());
    return;
  }
  auto &list = *commands;
  size_t at = size_t(d.between(0, int64_t(list.size()) - 1));
  if (d.chance(0.8))
    field(d, list[at]);
  else if (d.chance())
    std::swap(list[at], list[size_t(d.between(0, int64_t(list.size()) - 1))]);
  else
    list.insert(list.begin() + int64_t(at), list[size_t(d.between(0, int64_t(list.size()) - 1))]);
  bytes = isa::encodeStream(e, list);
}

void tensorField(Draw &d, bmodel::TensorInfo &t) {
  switch (d.between(0, 5)) {
  case 0:
    t.address = odd(d, t.address);
    break;
  case 1:
    t.size = odd(d, t.size);
    break;
  case 2:
    if (!t.shape.empty())
      t.shape[size_t(d.between(0, int64_t(t.shape.size()) - 1))] =
          int64_t(odd(d, 4) & 0xFFFFFFFFFF);
    break;
  case 3:
    t.shape.resize(size_t(d.between(0, 9)), d.between(0, 3));
    break;
  case 4: {
    uint32_t bits = uint32_t(odd(d, 0));
    std::memcpy(&t.scale, &bits, 4);
    t.zeroPoint = int32_t(odd(d, 0));
    break;
  }
  default:
    t.dtype = DType(d.between(0, 8));
    if (d.chance(0.2))
      t.name = d.chance() ? std::string() : std::string(size_t(d.between(1, 500)), '\n');
  }
}

void jsonField(Draw &d, nlohmann::ordered_json &j) {
  // Down to a random leaf, often one of the table of tensors.
  nlohmann::ordered_json *at = &j;
  for (int depth = 0; depth < 8 && at->is_structured() && !at->empty(); ++depth) {
    auto it = at->begin();
    std::advance(it, d.between(0, int64_t(at->size()) - 1));
    if (at->is_object() && at->contains("tensors") && d.chance(0.6))
      it = at->find("tensors");
    at = &*it;
    if (d.chance(0.1))
      break;
  }
  switch (d.between(0, 4)) {
  case 0:
    *at = nullptr;
    break;
  case 1:
    *at = odd(d, at->is_number_unsigned() ? at->get<uint64_t>() : 3);
    break;
  case 2:
    *at = -int64_t(odd(d, 3) >> 1);
    break;
  case 3:
    *at = {{"name", 1}};
    break;
  default:
    *at = nlohmann::ordered_json::array({1, 70000, 70000, 70000, 70000});
  }
}

/// One change of a field of the model, written again: check sums and offsets stay right.
void modelField(Draw &d, bmodel::Model &m) {
  bmodel::Net &net = m.nets[0];
  bmodel::Stage &stage = net.stages[0];
  bmodel::SubNet &sub = stage.subnets[size_t(d.between(0, int64_t(stage.subnets.size()) - 1))];
  auto some = [&](auto &list) -> auto & {
    return list[size_t(d.between(0, int64_t(list.size()) - 1))];
  };
  switch (d.between(0, 11)) {
  case 0:
    stage.coeffAddress = odd(d, stage.coeffAddress);
    break;
  case 1:
    stage.ctxAddress = odd(d, stage.ctxAddress);
    break;
  case 2:
    stage.ctxSize = odd(d, stage.ctxSize);
    break;
  case 3:
    stage.ctxSizes.assign(size_t(d.between(0, 3)), odd(d, stage.ctxSize));
    break;
  case 4:
    stage.ioAddress = odd(d, stage.ctxAddress);
    stage.ioSize = odd(d, stage.ctxSize);
    break;
  case 5:
    if (!stage.inputs.empty())
      tensorField(d, some(stage.inputs));
    break;
  case 6:
    if (!stage.outputs.empty())
      tensorField(d, some(stage.outputs));
    break;
  case 7:
    sub.next.assign(size_t(d.between(0, 2)), int32_t(d.between(-1, 2)));
    sub.id = int32_t(d.between(0, 2));
    break;
  case 8:
    jsonField(d, m.recipe);
    break;
  case 9:
    stage.coeff = Bytes(size_t(d.between(0, 9000)), 7);
    break;
  default:
    if (!sub.groups.empty()) {
      bmodel::CommandGroup &g = some(sub.groups);
      bool tiu = d.chance();
      Bytes &bytes = tiu ? g.tiu : g.gdma;
      streamBytes(d, tiu ? isa::Engine::Tiu : isa::Engine::Gdma, bytes);
      bytes.resize(bytes.size() / 128 * 128);
      if (d.chance(0.1))
        (tiu ? g.tiuCount : g.gdmaCount) = uint32_t(odd(d, g.tiuCount));
    }
  }
}

/// One change of a text: characters, numbers, lines.
void textChange(Draw &d, std::string &t) {
  if (t.empty())
    return;
  auto at = size_t(d.between(0, int64_t(t.size()) - 1));
  switch (d.between(0, 6)) {
  case 0:
    t[at] = char(d.bits());
    break;
  case 1:
    t[at] = d.pick(std::string_view("0123456789|:{}[],.-+eE\"\\ \n=/"));
    break;
  case 2:
    t.erase(at, size_t(d.size(200, 4)));
    break;
  case 3: // a piece of itself elsewhere
    t.insert(size_t(d.between(0, int64_t(t.size()))), t, at, size_t(d.size(300, 20)));
    break;
  case 4:
    if (d.chance(0.02)) // nested beyond all measure
      t.insert(at, size_t(d.between(40, 50'000)), d.pick({'[', '{'}));
    else if (d.chance(0.1))
      t.resize(at);
    break;
  default: { // a number behind `at`, odd or of a form that a reader may not expect
    size_t begin = t.find_first_of("0123456789", at);
    if (begin == t.npos)
      break;
    size_t end = std::min(t.find_first_not_of("0123456789", begin), t.size());
    uint64_t v = 0;
    std::from_chars(&t[begin], t.data() + end, v);
    uint64_t now = odd(d, v);
    std::string to = d.chance(0.8)
                         ? fmt::format("{}", now)
                         : d.pick({fmt::format("-{}", now), fmt::format("{}e{}", v, now),
                                   fmt::format("{}.{}", now, v), fmt::format("\"{}/{}\"", now, v),
                                   fmt::format("0.{:012}", now), std::string("null"),
                                   std::string("1e999"), fmt::format("{}{}", now, now)});
    t.replace(begin, end - begin, to);
  }
  }
}

Bytes textInput(uint64_t seed, uint64_t index, const Bytes &base, bool hasChanges) {
  Draw d(soak::mix(seed, index));
  std::string text(base.begin(), base.end());
  if (d.chance(0.4) && text.starts_with('{')) {
    auto j = nlohmann::ordered_json::parse(text);
    for (int64_t n = d.size(5, 2); n > 0 && j.is_object(); --n)
      jsonField(d, j);
    text = j.dump(d.chance() ? 1 : -1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else {
    for (int64_t n = d.size(8, 3); n > 0; --n)
      textChange(d, text);
  }
  if (hasChanges && d.chance()) {
    std::string changes;
    for (int64_t n = d.size(4, 2); n > 0; --n)
      changes += d.pick({"bandwidth", "clock_hz", "lanes", "dram_bytes_per_second", "pages",
                         "GDMA.tensor_load.bytes_per_cycle", "CONV.int8.start_cycles",
                         "CONV.int8.cycles_per_step"}) +
                 fmt::format("={}{}{}\n", odd(d, 950'000'000), d.pick({"", "", ".", "/"}),
                             d.chance() ? "" : fmt::format("{}", odd(d, 3)));
    for (int64_t n = d.chance(0.7) ? 0 : d.size(4, 2); n > 0; --n)
      textChange(d, changes);
    text = changes + (d.chance() ? std::string(base.begin(), base.end()) : text);
  }
  return {text.begin(), text.end()};
}

Bytes containerInput(uint64_t seed, uint64_t index, std::span<const Bytes> bases) {
  Draw d(soak::mix(seed, index));
  Bytes b = bases[size_t(d.between(0, int64_t(bases.size()) - 1))];
  int changes = int(d.size(6, 2));
  if (d.chance(0.5))
    if (auto m = bmodel::parse(b, "base")) {
      for (; changes > 0; --changes)
        modelField(d, *m);
      if (auto bytes = bmodel::serialize(*m))
        b = std::move(*bytes);
      changes = d.chance(0.1);
    }
  if (d.chance(0.005)) { // a recipe nested beyond all measure
    uint64_t n = uint64_t(d.between(40, 200'000));
    b.insert(b.end(), n, d.chance() ? '[' : '{');
    for (int i = 0; i < 8; ++i)
      b.push_back(uint8_t(n >> 8 * i));
    for (char c : std::string_view("TSRrecp1"))
      b.push_back(uint8_t(c));
  }
  for (; changes > 0; --changes) {
    // The header and the tables are a small part of the file and most of what can break.
    uint32_t flat = 0;
    if (b.size() > 64)
      std::memcpy(&flat, &b[8], 4);
    size_t tables = std::min<size_t>(b.size(), 64 + size_t(flat));
    if (d.chance(0.4) && tables > 72)
      offsetWord(d, b, 64, tables);
    else if (d.chance(0.6))
      blind(d, b, d.chance(0.1) ? 0 : std::min<size_t>(64, tables), tables);
    else
      blind(d, b, 0, b.size());
  }
  return b;
}

Bytes streamInput(uint64_t seed, uint64_t index) {
  Draw d(soak::mix(seed, index));
  std::vector<isa::Command> streams[2];
  const auto &classes = soak::classes();
  for (int64_t n = d.size(8, 3); n > 0; --n) {
    isa::Command c = d.pick(classes).generate(d).command;
    auto &s = streams[int(c.engine)];
    isa::setIds(c, uint32_t(s.size() + 1),
                d.chance(0.8) ? uint32_t(streams[1 - int(c.engine)].size())
                              : uint32_t(d.between(0, 3)));
    s.push_back(c);
  }
  Bytes bytes[2];
  for (isa::Engine e : {isa::Engine::Tiu, isa::Engine::Gdma}) {
    auto &s = streams[int(e)];
    s.push_back(isa::endCommand(e, uint32_t(s.size() + 1)));
    bytes[int(e)] = isa::encodeStream(e, s);
  }
  for (int64_t changes = d.chance(0.05) ? 0 : d.size(8, 2); changes > 0; --changes) {
    auto e = isa::Engine(streams[1].size() > 1 && (streams[0].size() == 1 || d.chance()));
    streamBytes(d, e, bytes[int(e)]);
  }
  if (d.chance(0.02)) // words that were no command
    for (uint8_t &b : bytes[d.chance()])
      b = uint8_t(d.bits());
  Bytes out(4);
  uint32_t length = uint32_t(bytes[0].size());
  std::memcpy(out.data(), &length, 4);
  for (const Bytes &b : bytes)
    out.insert(out.end(), b.begin(), b.end());
  return out;
}

} // namespace

Result<std::vector<Bytes>> readBases(const std::string &folder, std::string_view target) {
  if (target == "stream")
    return std::vector<Bytes>(1);
  std::vector<std::filesystem::path> paths;
  std::error_code e;
  for (const auto &entry : std::filesystem::directory_iterator(folder, e))
    if (target == "container" ? entry.path().extension() == ".bmodel"
                              : entry.path().stem() == target)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> out;
  for (const auto &p : paths) {
    TESSERA_ASSIGN(Bytes b, readFile(p));
    out.push_back(std::move(b));
  }
  if (out.empty())
    return fail("missing-file", folder, fmt::format("holds no {} to start from", target));
  return out;
}

Bytes input(std::string_view target, uint64_t seed, uint64_t index, std::span<const Bytes> bases) {
  return target == "container" ? containerInput(seed, index, bases)
         : target == "stream"
             ? streamInput(seed, index)
             : textInput(seed, index, bases[index % bases.size()], target == "preset");
}

std::string delta(std::span<const uint8_t> base, std::span<const uint8_t> bytes) {
  constexpr size_t kBlock = 16;
  std::map<std::string_view, size_t> blocks;
  auto view = [](std::span<const uint8_t> b, size_t at, size_t n) {
    return std::string_view(reinterpret_cast<const char *>(b.data()) + at, n);
  };
  for (size_t i = 0; i + kBlock <= base.size(); i += 4)
    blocks.emplace(view(base, i, kBlock), i);
  std::string out, data;
  auto flush = [&] {
    if (!data.empty())
      out += "data " + data + "\n";
    data.clear();
  };
  size_t shift = 0; // the base's place that corresponds to the current one, as long as it holds
  for (size_t i = 0; i < bytes.size();) {
    size_t from = i + shift, n = 0;
    auto run = [&](size_t at) {
      size_t k = 0;
      while (at + k < base.size() && i + k < bytes.size() && base[at + k] == bytes[i + k])
        ++k;
      return k;
    };
    n = from < base.size() ? run(from) : 0;
    if (n < kBlock && i + kBlock <= bytes.size())
      if (auto found = blocks.find(view(bytes, i, kBlock)); found != blocks.end()) {
        from = found->second;
        n = run(from);
      }
    if (n >= kBlock) {
      flush();
      out += fmt::format("copy {} {}\n", from, n);
      shift = from - i; // wraps on purpose
      i += n;
    } else {
      data += fmt::format("{:02x}", bytes[i++]);
    }
  }
  flush();
  return out;
}

bool rebuild(std::span<const uint8_t> base, const std::string &text, Bytes &out) {
  std::istringstream lines(text);
  std::string word, hex;
  while (lines >> word) {
    size_t at, n;
    if (word == "copy") {
      if (!(lines >> at >> n) || at > base.size() || n > base.size() - at)
        return false;
      out.insert(out.end(), base.begin() + int64_t(at), base.begin() + int64_t(at + n));
    } else if (word == "data" && lines >> hex && hex.size() % 2 == 0) {
      for (size_t i = 0; i < hex.size(); i += 2) {
        unsigned v = 0;
        if (std::from_chars(&hex[i], &hex[i] + 2, v, 16).ec != std::errc())
          return false;
        out.push_back(uint8_t(v));
      }
    } else {
      return false;
    }
  }
  return true;
}

} // namespace tessera::fuzz
