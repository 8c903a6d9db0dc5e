#pragma once
// Private to this room: a row of the debugger's command table.
#include "tessera/debug/debugger.h"

namespace tessera::debug {

struct Debugger::Command {
  const char *name, *shortName, *arguments, *about, *example;
  Result<std::string> (Debugger::*run)(const Words &);
};

} // namespace tessera::debug
