// System commands, and the two classes that draw from all others: "mixed" plays one command after
// the other, "streams" whole streams in the order that their ids demand.
#include "test/soak/generator.h"

#include <algorithm>

namespace tessera::soak {
namespace {

/// End, barrier, sync point, nop of either engine: they change no memory.
Case sys(Draw &d) {
  if (d.chance(0.3)) {
    isa::sDMA_sys f;
    f.cmd_special_function = d.chance();
    return {isa::command(f), {}, {}};
  }
  if (d.chance(0.3)) {
    isa::SYSID f;
    f.tsk_eu_typ = 5;
    return {isa::command(f), {}, {}};
  }
  isa::SYS f;
  f.tsk_eu_typ = d.pick({0, 1, 2, 3, 4, 30, 31});
  return {isa::command(f), {}, {}};
}

Case any(Draw &d) {
  for (;;) {
    const Class &c = d.pick(classes());
    if (!c.forms.empty())
      return c.generate(d);
  }
}

const Registered kSys({"sys", sys, {isa::Form::SYS, isa::Form::SYSID, isa::Form::sDMA_sys}});
const Registered kMixed({"mixed", any, {}});
const Registered kStreams({"streams", any, {}});

} // namespace
} // namespace tessera::soak
