#include "tessera/cycles/cycles.h"
#include "tessera/cycles/price.h"
#include <algorithm>
#include <fmt/format.h>

namespace tessera::cycles {

using isa::Command;
using isa::Engine;

uint64_t commandCycles(const Command &c, const Preset &p) {
  if (isa::isSystem(c))
    return 0;
  Price price = priceOf(c, p);
  const Cost &cost = p.cost(price.kind);
  // floor(start + units / per * perUnit), the division last.
  Wide per = Wide(price.per) * cost.perUnit.den, units = price.units * cost.perUnit.num;
  if (cost.start.num) {
    units = units * cost.start.den + per * cost.start.num;
    per *= cost.start.den;
  }
  // The smallest command seen takes one cycle.
  return std::max<uint64_t>(1, uint64_t(per == 1 ? units : units / per));
}

bool priceIsMeasured(const Command &c) { return priceOf(c, presets().front()).measured; }

Kind kindOf(const Command &c) {
  return isa::isSystem(c) ? Kind::System : priceOf(c, inForce()).kind;
}

namespace {

// One engine on its way through its stream.
struct Run {
  Engine engine;
  std::span<const Command> stream;
  std::vector<TimedCommand> &timed;
  const Preset &preset;
  std::vector<uint32_t> ids{}; ///< of the commands done, ascending
  uint64_t end = 0, busy = 0;

  std::string where() const {
    return fmt::format("{} stream, instruction {} ({})", engineName(engine), timed.size() + 1,
                       operationName(stream[timed.size()]));
  }
};

// When the other engine has finished id `dep`; no value if it has not yet.
const uint64_t *finished(const Run &other, uint32_t dep) {
  static const uint64_t kNever = 0;
  if (dep == 0)
    return &kNever;
  auto at = std::lower_bound(other.ids.begin(), other.ids.end(), dep);
  return at == other.ids.end() ? nullptr : &other.timed[size_t(at - other.ids.begin())].end;
}

// Runs as far as the other engine's progress allows; true if any command ran.
Result<bool> advance(Run &run, const Run &other) {
  bool moved = false;
  while (run.timed.size() < run.stream.size()) {
    const Command &c = run.stream[run.timed.size()];
    uint32_t last = run.ids.empty() ? 0 : run.ids.back();
    // LAR carries no id, and some writers leave the end's at 0.
    uint32_t id = isa::commandId(c) ? isa::commandId(c) : last + !isa::isSystem(c);
    if (id < last || (id == last && !isa::isSystem(c)))
      return fail("bad-stream", run.where(),
                  fmt::format("id {} follows id {}; ids must ascend", id, last));
    const uint64_t *ready = finished(other, isa::commandDep(c));
    if (!ready)
      return moved;
    uint64_t cycles = commandCycles(c, run.preset), start = std::max(run.end, *ready);
    run.end = start + cycles;
    run.busy += cycles;
    run.timed.push_back({start, run.end});
    run.ids.push_back(id);
    moved = true;
  }
  return moved;
}

} // namespace

Result<Timeline> timeline(std::span<const Command> tiu, std::span<const Command> gdma,
                          const Preset &preset) {
  Timeline t;
  t.tiu.reserve(tiu.size());
  t.gdma.reserve(gdma.size());
  Run a{Engine::Tiu, tiu, t.tiu, preset}, b{Engine::Gdma, gdma, t.gdma, preset};
  while (true) {
    TESSERA_ASSIGN(bool movedA, advance(a, b));
    TESSERA_ASSIGN(bool movedB, advance(b, a));
    if (!movedA && !movedB)
      break;
  }
  Error stuck;
  for (const Run *run : {&a, &b})
    if (run->timed.size() < run->stream.size()) {
      const Run &other = run == &a ? b : a;
      stuck.add(Diagnostic{"deadlock", run->where(),
                           fmt::format("waits for id {} of the {} stream, which stops at id {}",
                                       isa::commandDep(run->stream[run->timed.size()]),
                                       engineName(other.engine),
                                       other.ids.empty() ? 0 : other.ids.back()),
                           "the dependency ids of the two streams do not belong together"});
    }
  if (!stuck.empty())
    return fail(std::move(stuck));
  t.totalCycles = std::max(a.end, b.end);
  t.tiuBusy = a.busy;
  t.gdmaBusy = b.busy;
  for (const Command &c : gdma) {
    Traffic moved = traffic(c);
    t.gdmaBytes += moved.bytes;
    if (moved.direction == Direction::Load)
      t.loadBytes += moved.bytes;
    if (moved.direction == Direction::Store)
      t.storeBytes += moved.bytes;
  }
  return t;
}

} // namespace tessera::cycles
