#include "tessera/profile/profile.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::profile {

using cycles::Direction;
using cycles::Unit;
using isa::Command;
using isa::Engine;

namespace {

Error located(const std::string &where, const Error &error) {
  Error out;
  for (Diagnostic d : error.diagnostics()) {
    d.where = d.where.empty() ? where : where + ": " + d.where;
    out.add(d);
  }
  return out;
}

/// One group's commands as rows. Fills in when, how long and why later.
void addRows(Profile &p, Engine engine, size_t group, const std::vector<Command> &stream,
             const std::vector<cycles::TimedCommand> &timed, uint64_t offset) {
  uint32_t last = 0;
  for (size_t k = 0; k < stream.size(); ++k) {
    const Command &c = stream[k];
    Row r;
    r.engine = engine;
    r.group = group;
    r.index = k;
    r.command = c;
    r.id = isa::commandId(c) ? isa::commandId(c) : last + !isa::isSystem(c); // as the timeline does
    last = r.id;
    r.dep = isa::commandDep(c);
    r.operation = isa::operationName(c);
    r.start = offset + timed[k].start;
    r.end = offset + timed[k].end;
    bmodel::Origin o = p.origins.of(engine, group, k);
    r.layer = o.layer;
    r.slice = o.slice;
    r.traffic = cycles::traffic(c);
    r.work = cycles::work(c);
    r.measured = cycles::priceIsMeasured(c);
    p.rows.push_back(std::move(r));
  }
}

/// The other engine's row with the id `dep`, or the first behind it.
int64_t rowOf(const Profile &p, size_t begin, size_t end, uint32_t dep) {
  auto at = std::lower_bound(p.rows.begin() + int64_t(begin), p.rows.begin() + int64_t(end), dep,
                             [](const Row &r, uint32_t id) { return r.id < id; });
  return at == p.rows.begin() + int64_t(end) ? -1 : at - p.rows.begin();
}

void findStalls(Profile &p, const std::array<size_t, 3> &g, uint64_t offset) {
  for (int e : {0, 1}) {
    uint64_t free = offset;
    for (size_t k = g[size_t(e)]; k < g[size_t(e) + 1]; ++k) {
      Row &r = p.rows[k];
      r.stall = r.start - free;
      if (r.stall)
        r.waitedFor = e == 0 ? rowOf(p, g[1], g[2], r.dep) : rowOf(p, g[0], g[1], r.dep);
      free = r.end;
    }
  }
}

/// Cycles of this group in which both engines run.
uint64_t overlap(const Profile &p, const std::array<size_t, 3> &g) {
  uint64_t both = 0;
  size_t b = g[1];
  for (size_t a = g[0]; a < g[1]; ++a) {
    while (b < g[2] && p.rows[b].end <= p.rows[a].start)
      ++b;
    for (size_t k = b; k < g[2] && p.rows[k].start < p.rows[a].end; ++k) {
      uint64_t from = std::max(p.rows[a].start, p.rows[k].start);
      uint64_t to = std::min(p.rows[a].end, p.rows[k].end);
      both += to > from ? to - from : 0;
    }
  }
  return both;
}

/// "flops: N" of an embedded profile; 0 if there is none.
uint64_t statedOperations(const std::string &netStat) {
  size_t at = netStat.rfind("flops: ");
  uint64_t n = 0;
  if (at != netStat.npos)
    for (at += 7; at < netStat.size() && netStat[at] >= '0' && netStat[at] <= '9'; ++at)
      n = n * 10 + uint64_t(netStat[at] - '0');
  return n;
}

} // namespace

void Sum::add(const Row &r) {
  bool tiu = r.engine == Engine::Tiu;
  (tiu ? tiuCycles : gdmaCycles) += r.cycles();
  (tiu ? tiuStall : gdmaStall) += r.stall;
  if (r.traffic.direction == Direction::Load)
    loadBytes += r.traffic.bytes;
  else if (r.traffic.direction == Direction::Store)
    storeBytes += r.traffic.bytes;
  else
    otherBytes += r.traffic.bytes;
  if (r.work.unit == Unit::Cube) {
    cubeCycles += r.cycles();
    products += r.work.done;
    cubeWork += double(r.work.done) / r.work.peak;
  }
  if (r.work.unit == Unit::None)
    return;
  ++commands;
  assumed += !r.measured;
  first = std::min(first, r.start);
  last = std::max(last, r.end);
}

std::string Profile::label(const Row &r) const {
  return r.layer < 0 ? "unknown_op" : origins.layers[size_t(r.layer)].label();
}

Result<Profile> profile(const bmodel::Model &model, size_t stage, const std::string &where) {
  if (model.nets.empty() || stage >= model.nets.front().stages.size())
    return fail("bad-option", where, fmt::format("has no stage {}", stage),
                model.nets.empty()
                    ? ""
                    : fmt::format("stages 0 to {}", model.nets.front().stages.size() - 1));
  const bmodel::Stage &s = model.nets.front().stages[stage];
  Profile p;
  p.net = model.nets.front().name;
  p.preset = cycles::inForce();
  auto origins = bmodel::origins(model, stage);
  if (!origins)
    return fail(located(where, origins.error()));
  p.origins = std::move(*origins);
  for (const bmodel::SubNet &n : s.subnets) {
    if (n.mode != 0 || n.dynamic)
      return fail("unsupported-subnet", fmt::format("{}: subnet {}", where, n.id),
                  n.dynamic ? "is dynamic: it holds no command words" : "does not run on the TPU",
                  "only static TPU subnets have cycles");
    for (const bmodel::CommandGroup &g : n.groups) {
      std::string at = fmt::format("{}: group {}", where, p.groups.size());
      std::vector<Command> streams[2];
      for (auto [engine, bytes, count] : {std::tuple(Engine::Tiu, &g.tiu, g.tiuCount),
                                          std::tuple(Engine::Gdma, &g.gdma, g.gdmaCount)}) {
        if (bytes->empty())
          continue;
        auto stream = isa::decodeStream(engine, *bytes, count);
        if (!stream)
          return fail(located(at, stream.error()));
        streams[size_t(engine)] = std::move(*stream);
      }
      auto timeline = cycles::timeline(streams[0], streams[1]);
      if (!timeline)
        return fail(located(at, timeline.error()));
      uint64_t offset = p.totalCycles;
      size_t group = p.groups.size();
      std::array<size_t, 3> bounds{p.rows.size(), 0, 0};
      addRows(p, Engine::Tiu, group, streams[0], timeline->tiu, offset);
      bounds[1] = p.rows.size();
      addRows(p, Engine::Gdma, group, streams[1], timeline->gdma, offset);
      bounds[2] = p.rows.size();
      p.groups.push_back(bounds);
      findStalls(p, bounds, offset);
      p.bothBusy += overlap(p, bounds);
      p.totalCycles += timeline->totalCycles;
    }
  }
  for (const Row &r : p.rows)
    p.total.add(r);
  p.operations = statedOperations(s.netStat);
  if (stage == 0 && model.recipe.is_object() && model.recipe.contains("operations") &&
      model.recipe["operations"].is_number_unsigned())
    p.operations = model.recipe["operations"];
  p.operationsStated = p.operations != 0;
  if (!p.operationsStated) // a product and a sum each; the rows that slices share count twice
    p.operations = 2 * p.total.products;
  return p;
}

} // namespace tessera::profile
