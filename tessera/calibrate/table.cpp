#include "tessera/calibrate/table.h"

#include "tessera/support/epoch.h"
#include "tessera/support/file.h"

#include <charconv>
#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <map>

namespace tessera::calibrate {
namespace {

std::string headerTime() {
  std::time_t t = sourceDateEpoch().value_or(0); // writeTable refuses a broken one
  std::tm utc{};
  gmtime_r(&t, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
  return text;
}

/// Seven decimals, never "-0.0000000".
std::string number(double v) {
  std::string s = fmt::format("{:.7f}", v);
  return s == "-0.0000000" ? s.substr(1) : s;
}

std::string_view trimmed(std::string_view s) {
  auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!s.empty() && isSpace(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && isSpace(s.back()))
    s.remove_suffix(1);
  return s;
}

/// Cuts the last word off `s`.
std::string_view takeLastWord(std::string_view &s) {
  size_t at = s.find_last_of(" \t");
  std::string_view word = at == std::string_view::npos ? s : s.substr(at + 1);
  s = at == std::string_view::npos ? std::string_view() : trimmed(s.substr(0, at));
  return word;
}

bool parseNumber(std::string_view s, double &v) {
  if (!s.empty() && s.front() == '+')
    s.remove_prefix(1);
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  return error == std::errc() && end == s.data() + s.size() && std::isfinite(v);
}

/// Header facts worth keeping: "# mlir: NAME", "# sample number: 8", ...
void readHeader(std::string_view line, Table &table) {
  auto valueOf = [&](std::string_view key) -> std::string_view {
    return line.starts_with(key) ? trimmed(line.substr(key.size())) : std::string_view();
  };
  auto count = [](std::string_view s, int64_t &to) {
    std::from_chars(s.data(), s.data() + s.size(), to);
  };
  if (auto v = valueOf("# mlir: "); !v.empty())
    table.model = v;
  if (auto v = valueOf("# histogram number:"); !v.empty())
    count(v, table.bins);
  if (auto v = valueOf("# sample number:"); !v.empty())
    count(v, table.samples);
  if (auto v = valueOf("# quantization threshold calculation method:"); !v.empty()) {
    size_t first = v.find_first_not_of("['\""), last = v.find_last_not_of("]'\"");
    if (first != std::string_view::npos && last >= first)
      table.method = v.substr(first, last - first + 1);
  }
}

} // namespace

const Row *Table::find(const std::string &name) const {
  for (const Row &r : rows)
    if (r.name == name)
      return &r;
  return nullptr;
}

std::string tableText(const Table &table) {
  std::string s = fmt::format("# mlir version: tessera v{} cali version 1.0\n"
                              "# mlir: {}\n"
                              "# generated time: {}\n"
                              "# quantization threshold calculation method: ['{}']\n"
                              "# histogram number: {}\n"
                              "# sample number: {}\n"
                              "###\n"
                              "# op_name    threshold    min    max\n",
                              TESSERA_VERSION, table.model, headerTime(), table.method, table.bins,
                              table.samples);
  for (const Row &r : table.rows)
    s += fmt::format("{} {} {} {}\n", r.name, number(r.threshold), number(r.min), number(r.max));
  return s;
}

Status writeTable(const std::filesystem::path &path, const Table &table) {
  TESSERA_TRY(sourceDateEpoch());
  return writeText(path, tableText(table));
}

Result<Table> parseTable(const std::string &text, const std::string &where) {
  Table table;
  Error errors;
  std::map<std::string, int64_t> lineOf;
  bool foreign = false; // inside a section that is not ours
  int64_t lineNumber = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = trimmed(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++lineNumber;
    if (line.empty())
      continue;
    if (line.front() == '#') {
      if (line.size() > 1 && std::isalpha(static_cast<unsigned char>(line[1])))
        foreign = true;
      else if (line.starts_with("# op_name"))
        foreign = false;
      else
        readHeader(line, table);
      continue;
    }
    if (foreign)
      continue;
    std::string place = fmt::format("{} line {}", where, lineNumber);
    auto bad = [&](std::string message, std::string hint = "") {
      errors.add(Diagnostic{"bad-table", place, std::move(message), std::move(hint)});
    };
    std::string_view rest = line;
    Row row;
    bool numbers = parseNumber(takeLastWord(rest), row.max) &&
                   parseNumber(takeLastWord(rest), row.min) &&
                   parseNumber(takeLastWord(rest), row.threshold);
    row.name = rest;
    if (!numbers || row.name.empty())
      bad(fmt::format("'{}' is not a tensor name and three finite numbers", line.substr(0, 80)),
          "a row reads: name threshold min max");
    else if (row.threshold < 0)
      bad(fmt::format("threshold {} of '{}' is negative", row.threshold, row.name));
    else if (row.min > row.max)
      bad(fmt::format("min {} of '{}' is above its max {}", row.min, row.name, row.max));
    else if (auto [it, fresh] = lineOf.try_emplace(row.name, lineNumber); !fresh)
      bad(fmt::format("'{}' was already given in line {}", row.name, it->second));
    else
      table.rows.push_back(std::move(row));
  }
  if (table.rows.empty() && errors.empty())
    errors.add(Diagnostic{"bad-table", where, "holds no row",
                          "is this a table written by `tessera calibrate` or TPU-MLIR?"});
  if (!errors.empty())
    return fail(std::move(errors));
  return table;
}

Result<Table> readTable(const std::filesystem::path &path) {
  TESSERA_ASSIGN(std::string text, readText(path));
  return parseTable(text, path.string());
}

} // namespace tessera::calibrate
