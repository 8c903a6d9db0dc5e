// The profile for programs: one JSON for tables, one in Chrome's trace format.
#include "tessera/profile/profile.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace tessera::profile {
namespace {

using Json = nlohmann::ordered_json;
using cycles::Direction;
using cycles::Unit;
using isa::Engine;

const char *engineKey(const Row &r) { return r.engine == Engine::Tiu ? "tiu" : "gdma"; }
const char *unitName(Unit u) {
  switch (u) {
  case Unit::Cube:
    return "cube";
  case Unit::Lanes:
    return "lanes";
  case Unit::Transfer:
    return "transfer";
  case Unit::None:
    break;
  }
  return "none";
}
const char *directionName(Direction d) {
  switch (d) {
  case Direction::Load:
    return "load";
  case Direction::Store:
    return "store";
  case Direction::System:
    return "system";
  case Direction::Local:
    break;
  }
  return "local";
}

/// As fit-cycles reads them back: hexadecimal, without zeros at the end.
std::string words(const isa::Command &c) {
  size_t count = size_t(isa::info(c.form).bits) / 64;
  while (count > 1 && c.words[count - 1] == 0)
    --count;
  std::string s;
  for (size_t i = 0; i < count; ++i)
    s += fmt::format("{}{:x}", i ? " " : "", c.words[i]);
  return s;
}

Json sumJson(const Sum &s) {
  Json j = {{"commands", s.commands},           {"tiu_cycles", s.tiuCycles},
            {"gdma_cycles", s.gdmaCycles},      {"tiu_stall_cycles", s.tiuStall},
            {"gdma_stall_cycles", s.gdmaStall}, {"load_bytes", s.loadBytes},
            {"store_bytes", s.storeBytes},      {"other_bytes", s.otherBytes},
            {"cube_cycles", s.cubeCycles},      {"cube_products", s.products},
            {"cube_use", s.cubeUse()},          {"assumed_prices", s.assumed}};
  if (s.commands) {
    j["first_cycle"] = s.first;
    j["last_cycle"] = s.last;
  }
  return j;
}

Json name(const Profile &p, int64_t row) {
  const Row &r = p.rows[size_t(row)];
  return fmt::format("{}:{}", engineKey(r), r.id);
}

/// Trace events; times are microseconds.
class Trace {
public:
  explicit Trace(const Profile &p) : p_(p) {}

  Json events() {
    meta("process_name", 0,
         fmt::format("{} by {}", p_.net.empty() ? "bmodel" : p_.net, p_.preset.basis()));
    for (auto [tid, what] : {std::pair(kTiu, "TIU"), {kGdma, "GDMA"}}) {
      meta("thread_name", tid, what);
      list_.push_back({{"ph", "M"},
                       {"pid", 1},
                       {"tid", tid},
                       {"name", "thread_sort_index"},
                       {"args", {{"sort_index", tid}}}});
    }
    for (const auto &g : p_.groups) {
      engine(g[0], g[1], kTiu);
      engine(g[1], g[2], kGdma);
    }
    arrows();
    counters();
    return std::move(list_);
  }

private:
  static constexpr int kTiu = 1, kGdma = 2;
  double time(uint64_t cycle) const { return p_.preset.milliseconds(cycle) * 1e3; }

  void meta(const char *what, int tid, const std::string &value) {
    list_.push_back({{"ph", "M"}, {"pid", 1}, {"tid", tid}, {"name", what}});
    list_.back()["args"]["name"] = value;
  }
  void slice(const std::string &name, const char *category, int tid, uint64_t start, uint64_t end,
             Json args) {
    list_.push_back({{"ph", "X"},
                     {"pid", 1},
                     {"tid", tid},
                     {"name", name},
                     {"cat", category},
                     {"ts", time(start)},
                     {"dur", time(end - start)}});
    list_.back()["args"] = std::move(args);
  }
  /// Runs of one op, in them runs of one slice, in them the commands.
  void engine(size_t begin, size_t end, int tid) {
    auto run = [&](size_t from, size_t to, auto same) {
      size_t k = from + 1;
      while (k < to && same(p_.rows[k], p_.rows[from]))
        ++k;
      return k;
    };
    while (end > begin && p_.rows[end - 1].work.unit == Unit::None)
      --end; // the end command takes no time
    for (size_t a = begin; a < end;) {
      size_t b = run(a, end, [](const Row &x, const Row &y) { return x.layer == y.layer; });
      const Row &r = p_.rows[a];
      if (r.layer >= 0) {
        const bmodel::Layer &l = p_.origins.layers[size_t(r.layer)];
        slice(l.label(), "op", tid, r.start, p_.rows[b - 1].end,
              {{"tensor", l.tensor}, {"top", l.top}, {"onnx", l.onnx}});
      }
      for (size_t c = a; c < b;) {
        size_t d = run(c, b, [](const Row &x, const Row &y) { return x.slice == y.slice; });
        const Row &s = p_.rows[c];
        if (s.slice >= 0 && s.layer >= 0 && p_.origins.layers[size_t(s.layer)].slices > 1)
          slice(fmt::format("slice {}", s.slice), "slice", tid, s.start, p_.rows[d - 1].end,
                Json::object());
        for (; c < d; ++c)
          if (p_.rows[c].work.unit != Unit::None)
            command(p_.rows[c], tid);
      }
      a = b;
    }
  }
  void command(const Row &r, int tid) {
    Json args = {
        {"id", r.id}, {"dep", r.dep}, {"group", r.group}, {"cycles", r.cycles()}, {"use", r.use()}};
    if (r.stall)
      args["stall"] = r.stall;
    if (r.engine == Engine::Gdma) {
      args["direction"] = directionName(r.traffic.direction);
      args["bytes"] = r.traffic.bytes;
    }
    if (!r.measured)
      args["price"] = "assumed";
    slice(r.operation, "command", tid, r.start, r.end, std::move(args));
  }
  /// From what an engine stood still for to the command that stood still. Inside the slices: an
  /// arrow binds to the slice around its time.
  void arrows() {
    int64_t id = 0;
    for (const Row &r : p_.rows) {
      if (r.waitedFor < 0)
        continue;
      const Row &from = p_.rows[size_t(r.waitedFor)];
      auto end = [&](const char *phase, const Row &at, double t) {
        list_.push_back({{"ph", phase},
                         {"pid", 1},
                         {"tid", at.engine == Engine::Tiu ? kTiu : kGdma},
                         {"name", "wait"},
                         {"cat", "wait"},
                         {"id", id},
                         {"ts", t}});
      };
      end("s", from, (time(from.start) + time(from.end)) / 2);
      end("f", r, (time(r.start) + time(r.end)) / 2);
      list_.back()["bp"] = "e";
      ++id;
    }
  }
  void counters() {
    auto value = [&](const char *name, uint64_t cycle, Json args) {
      list_.push_back({{"ph", "C"}, {"pid", 1}, {"name", name}, {"ts", time(cycle)}});
      list_.back()["args"] = std::move(args);
    };
    for (const auto &g : p_.groups) {
      uint64_t end = 0;
      auto idle = [&](const char *name, Json zero, size_t from, size_t to, auto wanted, auto rate) {
        end = 0;
        bool any = false;
        for (size_t k = from; k < to; ++k) {
          const Row &r = p_.rows[k];
          if (!wanted(r))
            continue;
          if (any && end < r.start)
            value(name, end, zero);
          value(name, r.start, rate(r));
          end = r.end;
          any = true;
        }
        if (any)
          value(name, end, zero);
      };
      idle(
          "DRAM GB/s", {{"load", 0}, {"store", 0}}, g[1], g[2],
          [](const Row &r) {
            return r.work.unit == Unit::Transfer && r.traffic.direction != Direction::Local;
          },
          [&](const Row &r) -> Json { // bytes a nanosecond
            double rate = double(r.traffic.bytes) / (time(r.cycles()) * 1e3);
            bool store = r.traffic.direction == Direction::Store;
            return {{"load", store ? 0 : rate}, {"store", store ? rate : 0}};
          });
      idle(
          "cube use %", {{"use", 0}}, g[0], g[1],
          [](const Row &r) { return r.work.unit == Unit::Cube; },
          [](const Row &r) -> Json { return {{"use", 100 * r.use()}}; });
    }
  }

  const Profile &p_;
  Json list_ = Json::array();
};

} // namespace

Json profileJson(const Profile &p) {
  Json j = {{"net", p.net},
            {"cycles", p.totalCycles},
            {"ms", p.milliseconds()},
            {"preset", {{"name", p.preset.name}, {"exact_for", p.preset.exact}}},
            {"both_busy_cycles", p.bothBusy},
            {"operations", p.operations},
            {"operations_counted_in", p.operationsStated ? "network" : "commands"},
            {"total", sumJson(p.total)}};
  std::vector<Sum> layers(p.origins.layers.size());
  std::map<std::string, Sum> kinds;
  for (const Row &r : p.rows) {
    if (r.layer >= 0)
      layers[size_t(r.layer)].add(r);
    if (r.work.unit != Unit::None)
      kinds[r.operation].add(r);
  }
  j["ops"] = Json::array();
  for (size_t l = 0; l < layers.size(); ++l) {
    const bmodel::Layer &o = p.origins.layers[l];
    Json row = {{"id", o.id},   {"type", o.type}, {"tensor", o.tensor},
                {"top", o.top}, {"onnx", o.onnx}, {"slices", o.slices}};
    row.update(sumJson(layers[l]));
    j["ops"].push_back(std::move(row));
  }
  j["kinds"] = Json::object();
  for (const auto &[kind, sum] : kinds)
    j["kinds"][kind] = sumJson(sum);
  j["commands"] = Json::array();
  for (const Row &r : p.rows) {
    Json row = {{"engine", engineKey(r)},
                {"group", r.group},
                {"id", r.id},
                {"dep", r.dep},
                {"operation", r.operation},
                {"op", r.layer},
                {"slice", r.slice},
                {"start", r.start},
                {"end", r.end},
                {"stall", r.stall},
                {"unit", unitName(r.work.unit)},
                {"use", r.use()},
                {"words", words(r.command)}};
    if (r.waitedFor >= 0)
      row["waited_for"] = name(p, r.waitedFor);
    if (r.work.unit == Unit::Transfer) {
      row["direction"] = directionName(r.traffic.direction);
      row["bytes"] = r.traffic.bytes;
    }
    if (!r.measured)
      row["price"] = "assumed";
    j["commands"].push_back(std::move(row));
  }
  return j;
}

Json chromeTrace(const Profile &p) {
  return {{"displayTimeUnit", "ns"}, {"traceEvents", Trace(p).events()}};
}

} // namespace tessera::profile
