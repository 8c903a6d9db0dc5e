#include "tessera/profile/measured.h"

#include "tessera/support/file.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tessera::profile {
namespace {

using isa::Command;
using isa::Engine;

Unexpected bad(const std::string &where, std::string message, std::string hint = {}) {
  return fail("bad-profile", where, std::move(message), std::move(hint));
}

/// Reads the vendor's layout: "LABEL|KIND|s:0|b:1|g:0|e:9|t:10" twice a line, one text a group.
class TextReader {
public:
  TextReader(const std::string &file, const bmodel::Model &model) : file_(file), model_(model) {}

  Result<Measured> read(std::string_view text) {
    TESSERA_TRY(decode());
    for (size_t number = 1; !text.empty(); ++number) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      where_ = fmt::format("{} line {}", file_, number);
      if (line.starts_with("ENGINE_BD")) {
        if (++group_ > m_.groups.size())
          return bad(where_,
                     fmt::format("group {} of a bmodel that has {}", group_, m_.groups.size()));
        seen_[0] = seen_[1] = 0;
      }
      for (size_t at = 0; (at = line.find("|s:", at)) != line.npos;) {
        TESSERA_TRY(row(line, at));
      }
      if (size_t at = line.find("API_END total_cycle:"); at != line.npos) {
        TESSERA_ASSIGN(uint64_t total, number_(line, at += 20));
        m_.totalCycles += total;
        TESSERA_TRY(endGroup());
      }
    }
    if (m_.samples.empty() || group_ != m_.groups.size())
      return bad(file_, fmt::format("holds {} of the {} command groups of the bmodel", group_,
                                    m_.groups.size()));
    return std::move(m_);
  }

private:
  Status decode() {
    if (model_.nets.empty() || model_.nets.front().stages.empty())
      return bad(file_, "its bmodel has no network");
    for (const bmodel::SubNet &n : model_.nets.front().stages.front().subnets)
      for (const bmodel::CommandGroup &g : n.groups) {
        auto &streams = m_.groups.emplace_back();
        TESSERA_ASSIGN(streams[0], isa::decodeStream(Engine::Tiu, g.tiu, g.tiuCount));
        TESSERA_ASSIGN(streams[1], isa::decodeStream(Engine::Gdma, g.gdma, g.gdmaCount));
      }
    return {};
  }
  /// The number at line[at]; `at` moves behind it.
  Result<uint64_t> number_(std::string_view line, size_t &at) {
    uint64_t v = 0;
    auto [end, error] =
        std::from_chars(line.data() + std::min(at, line.size()), line.data() + line.size(), v);
    if (error != std::errc() || v >= cycles::kMostMeasured)
      return bad(where_, fmt::format("no number below 2^40 at column {}", at + 1));
    at = size_t(end - line.data());
    return v;
  }
  Status row(std::string_view line, size_t &at) {
    uint64_t values[5];
    const char *keys[] = {"|s:", "|b:", "|g:", "|e:", "|t:"};
    for (size_t i = 0; i < 5; ++i) {
      if (line.substr(at, 3) != keys[i])
        return bad(where_, fmt::format("no '{}' at column {}", keys[i], at + 1));
      at += 3;
      TESSERA_ASSIGN(values[i], number_(line, at));
    }
    auto [start, b, g, end, cycles] = values;
    if (group_ == 0)
      return bad(where_, "a command before the line of engines");
    const bool gdma = line.substr(at, 4) == "|dr:";
    const auto &stream = m_.groups[group_ - 1][gdma];
    const uint64_t id = gdma ? g : b, dep = gdma ? b : g;
    const char *engine = gdma ? "gdma" : "tiu";
    auto found =
        std::lower_bound(stream.begin(), stream.end(), id, [](const Command &c, uint64_t wanted) {
          return isa::commandId(c) < wanted;
        });
    if (found == stream.end() || isa::commandId(*found) != id || isa::isSystem(*found) ||
        isa::commandDep(*found) != dep)
      return bad(where_,
                 fmt::format("the bmodel has no {} command {} that waits for {}", engine, id, dep),
                 "the profile belongs to another bmodel");
    if (cycles == 0 || end + 1 != start + cycles)
      return bad(where_, fmt::format("runs from {} to {} and took {}", start, end, cycles));
    m_.samples.push_back({*found, cycles, fmt::format("{} ({}:{})", where_, engine, id)});
    ++seen_[gdma];
    return {};
  }
  Status endGroup() {
    if (group_ == 0)
      return bad(where_, "an end before the line of engines");
    for (int e : {0, 1}) {
      const auto &stream = m_.groups[group_ - 1][size_t(e)];
      auto have = size_t(std::count_if(stream.begin(), stream.end(),
                                       [](const Command &c) { return !isa::isSystem(c); }));
      if (seen_[e] != have)
        return bad(
            where_,
            fmt::format("{} of the bmodel's {} {} commands", seen_[e], have, e ? "gdma" : "tiu"),
            "the profile belongs to another bmodel");
    }
    return {};
  }

  const std::string &file_;
  const bmodel::Model &model_;
  std::string where_;
  Measured m_;
  size_t group_ = 0; ///< from 1; 0 before the first
  size_t seen_[2] = {0, 0};
};

Result<Measured> readJson(const std::string &file, std::string_view text) {
  using Json = nlohmann::ordered_json;
  Json j = Json::parse(text, nullptr, false);
  if (j.is_discarded() || !j.is_object())
    return bad(file, "is no JSON object");
  auto commands = j.find("commands");
  if (commands == j.end() || !commands->is_array() || commands->empty())
    return bad(file, "has no list 'commands'", "write it with tessera profile --format json");
  Measured m;
  auto whole = [](const Json &row, const char *key) -> std::optional<uint64_t> {
    auto at = row.find(key);
    if (at == row.end() || !at->is_number_unsigned() || *at >= cycles::kMostMeasured)
      return std::nullopt;
    return at->get<uint64_t>();
  };
  uint64_t last = 0;
  for (size_t k = 0; k < commands->size(); ++k) {
    const Json &row = (*commands)[k];
    std::string where = fmt::format("{}: commands[{}]", file, k);
    if (!row.is_object())
      return bad(where, "is no JSON object");
    std::optional<uint64_t> group = whole(row, "group"), start = whole(row, "start"),
                            end = whole(row, "end");
    std::string engine = row.contains("engine") && row["engine"].is_string() ? row["engine"] : "";
    std::string hex = row.contains("words") && row["words"].is_string() ? row["words"] : "";
    if (!group || !start || !end || hex.empty() || (engine != "tiu" && engine != "gdma"))
      return bad(where, "lacks engine, group, start, end or words",
                 "write the profile with tessera profile --format json and replace the times");
    std::vector<uint64_t> words;
    for (const char *p = hex.data(), *stop = p + hex.size(); p < stop; ++p) {
      uint64_t w = 0;
      auto [next, error] = std::from_chars(p, stop, w, 16);
      if (error != std::errc() || (next < stop && *next != ' '))
        return bad(where, "words is no list of hexadecimal numbers");
      words.push_back(w);
      p = next;
    }
    auto command = words.size() <= 16
                       ? isa::makeCommand(engine == "tiu" ? Engine::Tiu : Engine::Gdma, words)
                       : bad(where, "more than 16 words");
    if (!command)
      return bad(where, command.error().diagnostics().front().message);
    if (*group >= m.groups.size() + 1 || *group + 1 < m.groups.size())
      return bad(where, fmt::format("group {} out of turn", *group));
    if (*group == m.groups.size())
      m.groups.emplace_back();
    m.groups.back()[engine == "gdma"].push_back(*command);
    last = std::max(last, *end);
    if (isa::isSystem(*command))
      continue;
    if (*end <= *start)
      return bad(where, fmt::format("ends at {} and starts at {}", *end, *start));
    m.samples.push_back({*command, *end - *start,
                         fmt::format("{} ({}:{})", where, engine, isa::commandId(*command))});
  }
  m.totalCycles = last;
  return m;
}

} // namespace

Result<uint64_t> Measured::estimate(const cycles::Preset &preset) const {
  uint64_t sum = 0;
  for (const auto &g : groups) {
    TESSERA_ASSIGN(cycles::Timeline t, cycles::timeline(g[0], g[1], preset));
    sum += t.totalCycles;
  }
  return sum;
}

Result<Measured> readMeasured(const std::string &file, const bmodel::Model *model) {
  TESSERA_ASSIGN(std::string text, readText(file));
  return parseMeasured(text, file, model);
}

Result<Measured> parseMeasured(std::string_view text, const std::string &file,
                               const bmodel::Model *model) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{')
    return readJson(file, text);
  if (!model)
    return bad(file, "is a text, which does not hold the commands themselves",
               "give the bmodel it was measured on with --model");
  return TextReader(file, *model).read(text);
}

} // namespace tessera::profile
