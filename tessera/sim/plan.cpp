#include "tessera/sim/plan.h"

#include "tessera/sim/exec/exec.h"

#include <array>
#include <fmt/format.h>

namespace tessera::sim {
namespace {

std::string placeText(const Place &p) {
  return fmt::format("{} stream, instruction {}", isa::engineName(p.engine), p.index);
}

/// The error with `where` in front of each diagnostic's own place.
Error located(const std::string &where, const Error &error) {
  Error out;
  for (Diagnostic d : error.diagnostics()) {
    d.where = d.where.empty() ? where : where + ", " + d.where;
    out.add(d);
  }
  return out;
}

/// Commands from the first one on that may go in one pass, by their kinds.
size_t chainLength(std::span<const isa::Command> tiu) {
  size_t length = 1;
  if (tiu.front().form != isa::Form::sCONV)
    return length;
  for (isa::Form form : {isa::Form::sAR, isa::Form::sRQDQ})
    length += length < tiu.size() && tiu[length].form == form;
  return length;
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
  // One step of an engine, if what its next command waits for has happened.
  auto step = [&](int engine) {
    if (next[engine] >= streams[engine].size())
      return false;
    const isa::Command &c = streams[engine][next[engine]];
    if (isa::commandDep(c) > finished[1 - engine])
      return false;
    // System instructions may carry no id of their own.
    finished[engine] = std::max(finished[engine], isa::commandId(c));
    places.push_back({isa::Engine(engine), next[engine]++});
    return true;
  };
  while (next[0] < tiu.size() || next[1] < gdma.size()) {
    size_t before = places.size();
    while (next[0] < tiu.size()) {
      // What the chain waits for comes before its first command, where ids allow that, so that
      // nothing stands between its commands.
      size_t length = chainLength(tiu.subspan(next[0]));
      uint32_t wanted = 0;
      for (size_t i = 0; length > 1 && i < length; ++i)
        wanted = std::max(wanted, isa::commandDep(tiu[next[0] + i]));
      while (finished[1] < wanted && step(1)) {
      }
      if (!step(0))
        break;
    }
    while (step(1)) {
    }
    if (places.size() == before) {
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

Result<Plan> Plan::make(std::vector<isa::Command> tiu, std::vector<isa::Command> gdma) {
  Plan plan;
  plan.streams_[0] = std::move(tiu);
  plan.streams_[1] = std::move(gdma);
  Error unknown;
  for (isa::Engine engine : {isa::Engine::Tiu, isa::Engine::Gdma})
    for (size_t i = 0; i < plan.stream(engine).size(); ++i)
      if (const isa::Command &c = plan.stream(engine)[i]; !executeFunction(c.form))
        unknown.add(Diagnostic{
            "unsupported-instruction", placeText({engine, i}) + ", " + isa::operationName(c),
            fmt::format("the simulator does not know {}", isa::info(c.form).name), ""});
  if (!unknown.empty())
    return fail(unknown);
  TESSERA_ASSIGN(plan.places_, order(plan.streams_[0], plan.streams_[1]));
  for (size_t i = 0; i < plan.places_.size(); ++i) {
    const Place &first = plan.places_[i];
    size_t length = 1;
    if (first.engine == isa::Engine::Tiu)
      length = chainLength(plan.stream(first.engine).subspan(first.index));
    // Only neighbours in the order of running.
    for (size_t k = 1; k < length; ++k)
      if (plan.places_[i + k].engine != first.engine)
        length = k;
    plan.chain_.push_back(uint8_t(length));
  }
  return plan;
}

Status Plan::run(Machine &m, const RunHooks *hooks) const {
  bool watched = hooks && hooks->afterCommand;
  for (size_t i = 0; i < places_.size();) {
    size_t length = watched ? 1 : chain_[i];
    if (length > 1) {
      std::array<const isa::Command *, exec::kLongestChain> commands;
      for (size_t k = 0; k < length; ++k)
        commands[k] = &at(places_[i + k]);
      auto done = exec::convChain(m, {commands.data(), length});
      if (!done)
        return fail(located(placeText(places_[i]),
                            located(isa::operationName(*commands[0]), done.error())));
      i += *done;
      continue;
    }
    const Place &place = places_[i++];
    if (Status s = execute(m, at(place)); !s)
      return fail(located(placeText(place), s.error()));
    if (watched)
      if (Status s = hooks->afterCommand(m, place, at(place)); !s)
        return fail(located(placeText(place), s.error()));
  }
  return {};
}

Status run(Machine &m, std::span<const isa::Command> tiu, std::span<const isa::Command> gdma,
           RunHooks *hooks) {
  TESSERA_ASSIGN(Plan plan, Plan::make({tiu.begin(), tiu.end()}, {gdma.begin(), gdma.end()}));
  return plan.run(m, hooks);
}

} // namespace tessera::sim
