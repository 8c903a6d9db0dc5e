// The two texts: the vendor's layout, and a page for people.
#include "tessera/profile/profile.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace tessera::profile {
namespace {

using cycles::Direction;
using isa::Engine;

constexpr double kGib = 1073741824.0;

/// What the vendor's profile calls the kind of a command.
std::string vendorKind(const Row &r) {
  std::string_view name = r.operation;
  if (name.starts_with("GDMA.")) {
    std::string_view type = name.substr(5);
    if (type.starts_with("tensor.fill"))
      return "GDMA_CONSTANT";
    if (type.starts_with("tensor.broadcast"))
      return "GDMA_BROADCAST";
    std::string kind(type.substr(0, type.find('.')));
    std::transform(kind.begin(), kind.end(), kind.begin(),
                   [](unsigned char c) { return char(std::toupper(c)); });
    return "GDMA_" + kind;
  }
  if (name.starts_with("RQ.") || name.starts_with("DQ."))
    return "RQDQ";
  if (name == "CW_TRANS" || name == "WC_TRANS")
    return "TRANS";
  if (name.starts_with("CMP."))
    return "FUSED_CMP";
  return std::string(name.substr(0, name.find('.')));
}

std::string cell(const Profile &p, const Row &r, uint64_t offset) {
  bool tiu = r.engine == Engine::Tiu;
  std::string s =
      fmt::format("{}|{}|s:{}|b:{}|g:{}|e:{}|t:{}", p.label(r), vendorKind(r), r.start - offset,
                  tiu ? r.id : r.dep, tiu ? r.dep : r.id, r.end - offset - 1, r.cycles());
  if (!tiu)
    s += fmt::format("|dr:{}|sz:{}|bw:{:.2f}", int(r.traffic.direction), r.traffic.bytes,
                     double(r.traffic.bytes) / double(r.cycles()) * double(p.preset.clock) / kGib);
  return s;
}

/// Of all that the memory could have moved in these cycles.
double memoryShare(const Profile &p, uint64_t bytes, uint64_t cycles) {
  return cycles ? double(bytes) / double(cycles) * double(p.preset.clock) /
                      double(p.preset.dramBytesPerSecond)
                : 0;
}

std::string groupText(const Profile &p, const std::array<size_t, 3> &g, uint64_t offset) {
  // Lines hold commands that may run side by side: a stretch ends where a command waits for one of
  // the other engine inside the stretch.
  std::vector<std::array<std::string, 2>> lines;
  size_t at[2] = {g[0], g[1]};
  const size_t end[2] = {g[1], g[2]};
  uint32_t done[2] = {0, 0};
  size_t widest = 0;
  bool moved = true;
  while (moved) {
    moved = false;
    const uint32_t before[2] = {done[0], done[1]};
    const size_t first = lines.size();
    for (int e : {0, 1}) {
      size_t line = first;
      for (; at[e] < end[e] && p.rows[at[e]].dep <= before[1 - e]; ++at[e]) {
        const Row &r = p.rows[at[e]];
        done[e] = std::max(done[e], r.id);
        moved = true;
        if (r.work.unit == cycles::Unit::None)
          continue; // ends and barriers are no part of a profile
        if (line == lines.size())
          lines.emplace_back();
        lines[line][size_t(e)] = cell(p, r, offset);
        widest = std::max(widest, lines[line++][size_t(e)].size());
      }
    }
  }
  const size_t column = std::max(widest + 10, size_t(27));
  const std::string rule(38, '-');
  std::string text = rule +
                     "\ns: start time, b: bd_id, g: gdma_id, e: end time, t: cmd cost time, dr: "
                     "direction, sz: memsize, bw: bandwidth\n" +
                     rule + "\n";
  text += fmt::format("{:<{}}{:<{}}\n", "ENGINE_BD", column, "ENGINE_GDMA", column);
  for (const auto &l : lines)
    text += fmt::format("{:<{}}{:<{}}\n", l[0], column, l[1], column);
  uint64_t total = 0, bytes[4] = {0, 0, 0, 0}, moved4 = 0;
  uint32_t last[2] = {0, 0};
  for (size_t k = g[0]; k < g[2]; ++k) {
    const Row &r = p.rows[k];
    total = std::max(total, r.end - offset);
    if (r.work.unit == cycles::Unit::None)
      continue;
    last[size_t(r.engine)] = r.id;
    if (r.engine == Engine::Gdma) {
      bytes[size_t(r.traffic.direction)] += r.traffic.bytes;
      moved4 += r.traffic.direction == Direction::Local ? 0 : r.traffic.bytes;
    }
  }
  double usage = 100 * memoryShare(p, moved4, total);
  text += rule + "\n";
  text +=
      fmt::format("API_END total_cycle:{}|b:{}|g:{}\nTCYC : {}\n", total, last[0], last[1], total);
  text += fmt::format("GDMA SUMMARY : |dr[0] S2L:{}|dr[1] L2S:{}|dr[2] S2S:{}|dr[3] L2L:{}\n",
                      bytes[0], bytes[1], bytes[2], bytes[3]);
  text += fmt::format("DDR BW USAGE : {:.8f}%\n{}\n\n\n", usage, std::string(39, '#'));
  return text;
}

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

std::string sumLine(const std::string &name, const Sum &s, uint64_t total) {
  return fmt::format("{:<28} {:>10} {:>5.1f}% {:>10} {:>10} {:>10} {:>6} {:>12} {:>12} {:>6}\n",
                     name.size() > 28 ? name.substr(0, 27) + "~" : name, s.tiuCycles,
                     percent(double(s.tiuCycles), double(total)), s.gdmaCycles, s.tiuStall,
                     s.gdmaStall,
                     s.cubeCycles ? fmt::format("{:.1f}%", 100 * s.cubeUse()) : std::string("-"),
                     s.loadBytes, s.storeBytes, s.commands);
}

std::string sumHeader(const char *what) {
  return fmt::format("{:<28} {:>10} {:>6} {:>10} {:>10} {:>10} {:>6} {:>12} {:>12} {:>6}\n", what,
                     "TIU", "share", "GDMA", "TIU stall", "GDMA stall", "cube", "loaded", "stored",
                     "count");
}

} // namespace

std::string compilerProfileText(const Profile &p) {
  std::string text;
  uint64_t offset = 0;
  for (const auto &g : p.groups) {
    text += groupText(p, g, offset);
    for (size_t k = g[0]; k < g[2]; ++k)
      offset = std::max(offset, p.rows[k].end);
  }
  double seconds = p.milliseconds() / 1e3;
  text += fmt::format("flops: {}, runtime: {:.6f}ms, ComputationAbility: {:.6f}T\n", p.operations,
                      seconds * 1e3, seconds > 0 ? double(p.operations) / seconds / 1e12 : 0.0);
  text += "cycles: " + p.preset.basis() + "\n";
  return text;
}

std::string summaryText(const Profile &p, size_t rows) {
  const double total = double(p.totalCycles);
  std::string s =
      fmt::format("net '{}': {} cycles = {:.6f} ms by the cycle model (docs/cycles.md)\n  {}\n",
                  p.net, p.totalCycles, p.milliseconds(), p.preset.basis());
  s += fmt::format("  TIU  busy {:>5.1f} %, waits {:>5.1f} %; cube runs {:.1f} % of the time at "
                   "{:.1f} % of its peak\n",
                   percent(double(p.total.tiuCycles), total),
                   percent(double(p.total.tiuStall), total),
                   percent(double(p.total.cubeCycles), total), 100 * p.total.cubeUse());
  uint64_t moved = p.total.loadBytes + p.total.storeBytes;
  s += fmt::format("  GDMA busy {:>5.1f} %, waits {:>5.1f} %; {} bytes loaded, {} stored, {:.1f} % "
                   "of the memory's rate\n",
                   percent(double(p.total.gdmaCycles), total),
                   percent(double(p.total.gdmaStall), total), p.total.loadBytes, p.total.storeBytes,
                   100 * memoryShare(p, moved, p.totalCycles));
  s += fmt::format("  both busy {:.1f} % of the time\n", percent(double(p.bothBusy), total));
  if (p.total.assumed)
    s += fmt::format("  {} of {} commands have an assumed price (docs/cycles.md)\n",
                     p.total.assumed, p.total.commands);
  if (!p.origins.known())
    s += "  the file does not say which op a command is of\n";

  std::vector<Sum> layers(p.origins.layers.size());
  Sum unknown;
  std::map<std::string, Sum> kinds;
  for (const Row &r : p.rows) {
    (r.layer < 0 ? unknown : layers[size_t(r.layer)]).add(r);
    if (r.work.unit != cycles::Unit::None)
      kinds[r.operation].add(r);
  }
  auto cost = [](const Sum &a) { return a.tiuCycles + a.gdmaCycles; };
  std::vector<size_t> order;
  for (size_t l = 0; l < layers.size(); ++l)
    if (layers[l].commands)
      order.push_back(l);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return cost(layers[a]) > cost(layers[b]); });
  if (!order.empty())
    s += "\n" + sumHeader("op (by cycles)");
  for (size_t k = 0; k < order.size() && k < rows; ++k)
    s += sumLine(p.origins.layers[order[k]].label(), layers[order[k]], p.totalCycles);
  if (order.size() > rows)
    s += fmt::format("... and {} more ops\n", order.size() - rows);
  if (unknown.commands && p.origins.known())
    s += sumLine("unknown_op", unknown, p.totalCycles);
  s += "\n" + sumHeader("kind of command");
  std::vector<std::pair<std::string, Sum>> list(kinds.begin(), kinds.end());
  std::stable_sort(list.begin(), list.end(),
                   [&](auto &a, auto &b) { return cost(a.second) > cost(b.second); });
  for (size_t k = 0; k < list.size() && k < rows; ++k)
    s += sumLine(list[k].first, list[k].second, p.totalCycles);
  if (list.size() > rows)
    s += fmt::format("... and {} more kinds\n", list.size() - rows);

  std::vector<const Row *> waits;
  for (const Row &r : p.rows)
    if (r.stall && r.waitedFor >= 0)
      waits.push_back(&r);
  std::stable_sort(waits.begin(), waits.end(),
                   [](const Row *a, const Row *b) { return a->stall > b->stall; });
  auto name = [&](const Row &r) {
    return fmt::format("{}:{} {} of {}", r.engine == Engine::Tiu ? "tiu" : "gdma", r.id,
                       r.operation, p.label(r));
  };
  if (!waits.empty())
    s += "\nlongest waits\n";
  for (size_t k = 0; k < waits.size() && k < std::min<size_t>(rows, 10); ++k)
    s += fmt::format("{:>10} cycles: {} waited for {}\n", waits[k]->stall, name(*waits[k]),
                     name(p.rows[size_t(waits[k]->waitedFor)]));
  return s;
}

} // namespace tessera::profile
