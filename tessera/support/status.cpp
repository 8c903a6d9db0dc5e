#include "tessera/support/status.h"

#include <cstdio>
#include <cstdlib>

namespace tessera {

std::string Diagnostic::text() const {
  std::string s = where.empty() ? "" : where + ": ";
  s += "error[" + code + "]: " + message;
  if (!hint.empty())
    s += "; " + hint;
  return s;
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
