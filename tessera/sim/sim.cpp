#include "tessera/sim/sim.h"

#include "tessera/sim/exec/exec.h"

#include <fmt/format.h>

namespace tessera::sim {

namespace exec {
Status system(Machine &, const isa::Command &) { return {}; }
} // namespace exec

ExecuteFn executeFunction(isa::Form form) {
  using isa::Form;
  switch (form) {
  case Form::sCONV:
    return exec::conv;
  case Form::sPorD:
    return exec::pord;
  case Form::sAR:
    return exec::ar;
  case Form::sRQDQ:
    return exec::rqdq;
  case Form::TIU_long:
    return exec::tiuLong;
  case Form::sTRANSBC:
    return exec::transbc;
  case Form::sSG:
    return exec::sg;
  case Form::sCMP:
    return exec::cmp;
  case Form::sSFU:
    return exec::sfu;
  case Form::sLIN:
    return exec::lin;
  case Form::sMM2:
    return exec::mm2;
  case Form::SYS:
  case Form::SYSID:
  case Form::sDMA_sys:
    return exec::system;
  case Form::DMA_tensor:
    return exec::gdmaTensor;
  case Form::DMA_matrix:
    return exec::gdmaMatrix;
  case Form::DMA_general:
    return exec::gdmaGeneral;
  case Form::DMA_cw_transpose:
    return exec::gdmaCwTranspose;
  default:
    return nullptr;
  }
}

namespace {

/// The error with `where` in front of each diagnostic's own place.
Error located(const std::string &where, const Error &error) {
  Error out;
  for (Diagnostic d : error.diagnostics()) {
    d.where = d.where.empty() ? where : where + ", " + d.where;
    out.add(d);
  }
  return out;
}

std::string placeText(const Place &p) {
  return fmt::format("{} stream, instruction {}", isa::engineName(p.engine), p.index);
}

} // namespace

Status execute(Machine &m, const isa::Command &command) {
  ExecuteFn function = executeFunction(command.form);
  if (!function)
    return fail("unsupported-instruction", isa::operationName(command),
                fmt::format("the simulator does not know {}", isa::info(command.form).name));
  Status status = function(m, command);
  if (!status)
    return fail(located(isa::operationName(command), status.error()));
  return {};
}

Result<std::vector<Place>> order(std::span<const isa::Command> tiu,
                                 std::span<const isa::Command> gdma) {
  std::vector<Place> places;
  places.reserve(tiu.size() + gdma.size());
  std::span<const isa::Command> streams[2] = {tiu, gdma};
  size_t next[2] = {0, 0};
  uint32_t finished[2] = {0, 0};
  while (next[0] < tiu.size() || next[1] < gdma.size()) {
    bool moved = false;
    for (int engine : {0, 1})
      while (next[engine] < streams[engine].size()) {
        const isa::Command &c = streams[engine][next[engine]];
        if (isa::commandDep(c) > finished[1 - engine])
          break;
        // System instructions may carry no id of their own.
        finished[engine] = std::max(finished[engine], isa::commandId(c));
        places.push_back({isa::Engine(engine), next[engine]++});
        moved = true;
      }
    if (!moved) {
      auto waiting = [&](int e) {
        Place p{isa::Engine(e), next[e]};
        return next[e] >= streams[e].size()
                   ? fmt::format("{} has ended after id {}", isa::engineName(p.engine), finished[e])
                   : fmt::format("{} waits for id {}", placeText(p),
                                 isa::commandDep(streams[e][next[e]]));
      };
      return fail("deadlock",
                  placeText({isa::Engine(next[0] < tiu.size() ? 0 : 1),
                             next[0] < tiu.size() ? next[0] : next[1]}),
                  fmt::format("{}; {}", waiting(0), waiting(1)),
                  "each engine waits for an id that the other never reaches");
    }
  }
  return places;
}

Status run(Machine &m, std::span<const isa::Command> tiu, std::span<const isa::Command> gdma,
           RunHooks *hooks) {
  TESSERA_ASSIGN(std::vector<Place> places, order(tiu, gdma));
  bool watched = hooks && hooks->afterCommand;
  for (const Place &place : places) {
    const isa::Command &c = place.engine == isa::Engine::Tiu ? tiu[place.index] : gdma[place.index];
    if (Status s = execute(m, c); !s)
      return fail(located(placeText(place), s.error()));
    if (watched)
      if (Status s = hooks->afterCommand(m, place, c); !s)
        return fail(located(placeText(place), s.error()));
  }
  return {};
}

} // namespace tessera::sim
