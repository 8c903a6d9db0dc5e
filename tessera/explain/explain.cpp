#include "tessera/explain/explain.h"

#include <fmt/format.h>
#include <map>

namespace tessera::explain {
namespace {

using namespace schedule;
using Json = nlohmann::ordered_json;

class Writer {
public:
  Writer(const Network &net, const Schedule &s, const profile::Profile &p, size_t others)
      : net_(net), s_(s), p_(p), others_(others), sums_(net.layers.size()) {
    std::map<std::string, size_t> byName;
    for (size_t l = 0; l < net.layers.size(); ++l)
      byName[result(int32_t(l))] = l;
    for (const profile::Row &r : p.rows)
      if (r.layer >= 0)
        if (auto at = byName.find(p.origins.layers[size_t(r.layer)].tensor); at != byName.end())
          sums_[at->second].add(r);
  }

  Explanation run() {
    e_.json = {{"net", p_.net},
               {"cycles", p_.totalCycles},
               {"ms", p_.milliseconds()},
               {"preset", {{"name", p_.preset.name}, {"exact_for", p_.preset.exact}}},
               {"choices", Json::array()}};
    e_.text = fmt::format(
        "net '{}': {} layers run as {}; {} cycles = {:.6f} ms\n  {}\n"
        "  the compute engine is busy {}, the cube {} at {} of its peak, "
        "transfers {}\n",
        p_.net, net_.layers.size(), s_.choices.size(), p_.totalCycles, p_.milliseconds(),
        p_.preset.basis(), share(p_.total.tiuCycles), share(p_.total.cubeCycles),
        fmt::format("{:.1f} %", 100 * p_.total.cubeUse()), share(p_.total.gdmaCycles));
    for (const Choice &c : s_.choices)
      write(c);
    return std::move(e_);
  }

private:
  std::string result(int32_t l) const {
    return net_.tensors[size_t(net_.layers[size_t(l)].output)].name;
  }
  std::string label(int32_t l) const {
    const Layer &layer = net_.layers[size_t(l)];
    return fmt::format("{}_{} '{}'", layer.type, layer.id, result(l));
  }
  std::string share(uint64_t cycles) const {
    return fmt::format("{:.1f} %",
                       p_.totalCycles ? 100.0 * double(cycles) / double(p_.totalCycles) : 0.0);
  }
  /// Layers of a choice: those that run on another's result or are passed on come with it.
  std::vector<int32_t> layersOf(const Choice &c) const {
    size_t next = size_t(&c - s_.choices.data()) + 1;
    int32_t end = next < s_.choices.size() ? s_.choices[next].first : int32_t(net_.layers.size());
    std::vector<int32_t> list;
    for (int32_t l = c.first; l < end; ++l)
      list.push_back(l);
    return list;
  }

  void write(const Choice &c) {
    Json row = {{"layers", Json::array()},
                {"group", c.group},
                {"cut", c.taken.cut},
                {"cycles_alone", c.taken.cycles},
                {"others", Json::array()}};
    std::vector<int32_t> layers = layersOf(c);
    if (!c.taken.cut.empty()) {
      e_.text += c.last == c.first ? fmt::format("\n{}\n", label(c.first))
                                   : fmt::format("\n{} to {}: {} layers\n", label(c.first),
                                                 label(c.last), layers.size());
      e_.text += fmt::format("  as   {}: {} cycles alone\n", c.taken.cut, c.taken.cycles);
    }
    size_t shown = 0;
    for (const Choice::Other &o : c.others) {
      row["others"].push_back({{"last", result(o.last)},
                               {"group", o.group},
                               {"cut", o.way.cut},
                               {"cycles_alone", o.way.cycles},
                               {"cycles_more", o.more}});
      if (o.more == 0 || ++shown > others_) // what makes no difference is no alternative
        continue;
      std::string reach = o.last == c.last ? (o.group == c.group ? "cut otherwise"
                                              : o.group          ? "as a group"
                                                                 : "on its own")
                          : o.last == c.first && !o.group
                              ? "the first on its own"
                              : fmt::format("up to {}_{}", net_.layers[size_t(o.last)].type,
                                            net_.layers[size_t(o.last)].id);
      e_.text += fmt::format("  else {}, {}: {} cycles more ({})\n", reach, o.way.cut, o.more,
                             share(o.more));
    }
    for (int32_t l : layers)
      write(l, row);
    e_.json["choices"].push_back(std::move(row));
  }

  void write(int32_t l, Json &choice) {
    const profile::Sum &s = sums_[size_t(l)];
    std::vector<std::string> help = advice(net_, l, s_.layers[size_t(l)].cut, s, p_.totalCycles);
    choice["layers"].push_back({{"id", net_.layers[size_t(l)].id},
                                {"type", net_.layers[size_t(l)].type},
                                {"tensor", result(l)},
                                {"compute_cycles", s.tiuCycles},
                                {"cube_cycles", s.cubeCycles},
                                {"cube_use", s.cubeUse()},
                                {"transfer_cycles", s.gdmaCycles},
                                {"idle_cycles", s.tiuStall},
                                {"load_bytes", s.loadBytes},
                                {"store_bytes", s.storeBytes},
                                {"advice", help}});
    if (s.commands == 0 && help.empty())
      return;
    e_.text +=
        fmt::format("  {:<14} compute {:>9} ({:>6}), transfers {:>9}, idle {:>8}",
                    fmt::format("{}_{}", net_.layers[size_t(l)].type, net_.layers[size_t(l)].id),
                    s.tiuCycles, share(s.tiuCycles), s.gdmaCycles, s.tiuStall);
    e_.text += s.cubeCycles ? fmt::format(", cube at {:.1f} %\n", 100 * s.cubeUse()) : "\n";
    for (const std::string &line : help)
      e_.text += "    * " + line + "\n";
  }

  const Network &net_;
  const Schedule &s_;
  const profile::Profile &p_;
  size_t others_;
  std::vector<profile::Sum> sums_; ///< by layer
  Explanation e_;
};

} // namespace

Explanation explain(const Network &network, const Schedule &s, const profile::Profile &p,
                    size_t others) {
  return Writer(network, s, p, others).run();
}

} // namespace tessera::explain
