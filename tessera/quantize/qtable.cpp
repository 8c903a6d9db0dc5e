#include "tessera/quantize/qtable.h"

#include "tessera/support/file.h"

#include <algorithm>
#include <sstream>

namespace tessera::quantize {

bool isMode(const std::string &mode) {
  return mode == "INT8" || mode == "F16" || mode == "BF16" || mode == "F32";
}

Result<Modes> readQtable(const std::filesystem::path &path) {
  TESSERA_ASSIGN(std::string text, readText(path));
  Modes modes;
  Error errors;
  std::istringstream lines(text);
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    size_t end = line.find_last_not_of(" \t\r");
    line.resize(end == std::string::npos ? 0 : end + 1);
    if (line.empty() || line[0] == '#')
      continue;
    auto bad = [&](const std::string &message) {
      errors.add(Diagnostic{"bad-qtable", path.string() + ":" + std::to_string(number), message,
                            "lines are: op_name quantize_mode, e.g. conv1 F16"});
    };
    // A name may hold spaces: the mode is the last word.
    size_t gap = line.find_last_of(" \t");
    if (gap == std::string::npos) {
      bad("'" + line + "' is one word");
      continue;
    }
    std::string mode = line.substr(gap + 1);
    std::ranges::transform(mode, mode.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string name = line.substr(0, line.find_last_not_of(" \t", gap) + 1);
    if (!isMode(mode))
      bad("'" + mode + "' is no precision: INT8, F16, BF16 or F32");
    else if (auto [it, fresh] = modes.emplace(name, mode); !fresh && it->second != mode)
      bad("'" + name + "' has two precisions, " + it->second + " and " + mode);
  }
  return errors.empty() ? Result<Modes>(std::move(modes)) : fail(std::move(errors));
}

} // namespace tessera::quantize
