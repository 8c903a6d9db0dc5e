#include "tessera/debug/trace.h"

#include "tessera/debug/operand.h"

#include <fmt/format.h>

namespace tessera::debug {

std::string traceLine(runtime::Steps &steps, size_t k, const bmodel::Origins &origins) {
  const runtime::Steps::At &at = steps.at(k);
  const isa::Command &c = steps.command(k);
  bmodel::Origin origin = origins.of(at.place.engine, at.group, at.place.index);
  std::string s = fmt::format(
      "{}:{} g{} dep={} {} op={} slice={}", at.place.engine == isa::Engine::Tiu ? "tiu" : "gdma",
      isa::commandId(c), at.group, isa::commandDep(c), isa::operationName(c),
      origin.layer < 0 ? "unknown_op" : origins.layers[size_t(origin.layer)].label(), origin.slice);
  for (bool written : {false, true})
    for (const sim::OperandUse &o : steps.operands()) {
      if (o.written() != written)
        continue;
      std::string name = o.what;
      std::replace(name.begin(), name.end(), ' ', '_');
      std::string place =
          o.local ? fmt::format("l{}+{:#x}", chip::laneOf(o.address), chip::offsetOf(o.address))
                  : fmt::format("{:#x}", o.address);
      s += fmt::format(" {}={}:{}x{}x{}x{}*{}", name, place, o.n, o.c, o.h, o.w, o.size);
      if (written)
        s += fmt::format("#{:016x}", hashOf(steps.machine(), o));
    }
  return s;
}

Result<TensorMap> trace(const runtime::Session &session, const TensorMap &inputs,
                        const std::function<Status(const std::string &)> &line) {
  TESSERA_ASSIGN(runtime::Steps steps, session.begin(inputs));
  TESSERA_ASSIGN(bmodel::Origins origins, bmodel::origins(session.model(), steps.stage()));
  for (size_t k = 0; k < steps.size(); ++k) {
    TESSERA_TRY(steps.step());
    if (!isa::isSystem(steps.command(k)))
      TESSERA_TRY(line(traceLine(steps, k, origins)));
  }
  return steps.outputs();
}

} // namespace tessera::debug
