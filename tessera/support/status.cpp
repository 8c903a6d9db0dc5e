#include "tessera/support/status.h"

#include <cstdio>
#include <cstdlib>

namespace tessera {

std::string Diagnostic::text() const {
  std::string s = where.empty() ? "" : where + ": ";
  s += "error[" + code + "]: " + message;
  if (!hint.empty())
    s += "; " + hint;
  // Names come from files of any content: nothing in them may steer a terminal or break the line.
  std::string printable;
  for (unsigned char c : s) {
    char code[5];
    std::snprintf(code, sizeof code, "\\x%02x", c);
    printable += c < 0x20 || c == 0x7f ? std::string(code) : std::string(1, char(c));
  }
  return printable;
}

std::string Error::text() const {
  std::string s;
  for (const Diagnostic &d : list_)
    s += (s.empty() ? "" : "\n") + d.text();
  return s;
}

void internalError(const char *file, int line, const std::string &what) {
  std::fprintf(stderr, "internal error: %s (%s:%d)\n", what.c_str(), file, line);
  std::abort();
}

} // namespace tessera
