// Which layer each command is of.
#include "tessera/bmodel/origins_source.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace tessera::bmodel {
namespace {

using isa::Engine;

/// All command groups of a stage, over its subnets.
std::vector<const CommandGroup *> groupsOf(const Stage &stage) {
  std::vector<const CommandGroup *> list;
  for (const SubNet &n : stage.subnets)
    for (const CommandGroup &g : n.groups)
      list.push_back(&g);
  return list;
}

Origins emptyFor(const std::vector<const CommandGroup *> &groups) {
  Origins o;
  for (auto &list : o.commands)
    list.resize(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    // A command has at least 16 bytes: a damaged count takes no more memory than the file.
    o.commands[0][g].resize(std::min<size_t>(groups[g]->tiuCount, groups[g]->tiu.size() / 16));
    o.commands[1][g].resize(std::min<size_t>(groups[g]->gdmaCount, groups[g]->gdma.size() / 16));
  }
  return o;
}

Result<Origins> fromRecipe(const Json &j, const std::vector<const CommandGroup *> &groups) {
  Origins o = emptyFor(groups);
  try {
    for (const Json &l : j.at("layers")) {
      Layer layer{l.at("id"), l.at("type"), l.at("tensor"), {}, {}, l.value("slices", int64_t(0))};
      layer.top = l.value("top", layer.top);
      layer.onnx = l.value("onnx", layer.onnx);
      o.layers.push_back(std::move(layer));
    }
    for (int e : {0, 1})
      for (const Json &run : j.at(e == 0 ? "tiu" : "gdma")) {
        auto v = run.get<std::vector<int64_t>>();
        if (v.size() != 5)
          return damaged("recipe origins", "a run has no five numbers");
        bool fits = v[0] >= 0 && v[0] < int64_t(groups.size()) && v[1] >= 1 && v[2] >= 0 &&
                    v[3] >= 0 && v[3] < int64_t(o.layers.size());
        if (!fits || v[1] - 1 > int64_t(o.commands[e][size_t(v[0])].size()) ||
            v[2] > int64_t(o.commands[e][size_t(v[0])].size()) - (v[1] - 1))
          return damaged("recipe origins",
                         fmt::format("run {} names commands that are not there", run.dump()));
        for (int64_t k = 0; k < v[2]; ++k)
          o.commands[e][size_t(v[0])][size_t(v[1] - 1 + k)] = {int32_t(v[3]), int32_t(v[4])};
      }
  } catch (const Json::exception &e) {
    return damaged("recipe origins", e.what());
  }
  return o;
}

Result<Origins> fromVendor(const Stage &stage, const std::vector<const CommandGroup *> &groups) {
  TESSERA_ASSIGN(std::vector<VendorOp> ops, vendorOps(stage));
  Origins o = emptyFor(groups);
  std::map<int64_t, int32_t> byLine;
  for (const VendorOp &op : ops) {
    auto [it, fresh] = byLine.try_emplace(op.line, int32_t(o.layers.size()));
    if (fresh) {
      Layer layer{op.line, op.type, "", {}, {}, 0};
      if (!op.results.empty() && op.results[0].is_object())
        if (auto name = op.results[0].find("name");
            name != op.results[0].end() && name->is_string())
          layer.tensor = *name;
      o.layers.push_back(std::move(layer));
    }
    Layer &layer = o.layers[size_t(it->second)];
    for (int e : {0, 1}) {
      if (op.group >= o.commands[e].size())
        return damaged("tensor locations", "name more command groups than there are");
      auto &list = o.commands[e][op.group];
      for (int64_t id = std::max<int64_t>(op.before[e], 0) + 1;
           id <= std::min(op.after[e], int64_t(list.size())); ++id)
        list[size_t(id - 1)] = {it->second, int32_t(layer.slices)};
    }
    ++layer.slices;
  }
  return o;
}

/// The names alone, from the cells "Conv2D_19|AR|s:..|b:11|g:10|..." of an embedded profile.
Origins fromProfile(const Stage &stage, const std::vector<const CommandGroup *> &groups) {
  Origins o = emptyFor(groups);
  if (groups.size() != 1)
    return o; // which group a row belongs to cannot be told
  std::map<std::string, int32_t> byLabel;
  std::string_view text = stage.netStat;
  for (size_t at = 0; (at = text.find("|s:", at)) != text.npos; ++at) {
    size_t begin = text.find_last_of(" \n\t", at);
    begin = begin == text.npos ? 0 : begin + 1;
    std::string_view cell = text.substr(begin, text.find_first_of(" \n\t", at) - begin);
    std::string label(cell.substr(0, cell.find('|')));
    bool gdma = cell.find("|dr:") != cell.npos;
    size_t field = cell.find(gdma ? "|g:" : "|b:");
    size_t under = label.rfind('_');
    if (field == cell.npos || under == label.npos)
      continue;
    auto number = [](std::string_view s) {
      int64_t v = 0;
      for (char c : s.substr(0, 9)) {
        if (c < '0' || c > '9')
          break;
        v = 10 * v + (c - '0');
      }
      return v;
    };
    int64_t id = number(cell.substr(field + 3));
    auto &list = o.commands[gdma ? 1 : 0][0];
    if (id < 1 || id > int64_t(list.size()))
      continue;
    auto [it, fresh] = byLabel.try_emplace(label, int32_t(o.layers.size()));
    if (fresh)
      o.layers.push_back(
          {number(std::string_view(label).substr(under + 1)), label.substr(0, under), "", {}, {}});
    list[size_t(id - 1)] = {it->second, -1};
  }
  return o;
}

} // namespace

Result<std::vector<VendorOp>> vendorOps(const Stage &stage) {
  // Copying JSON recurs once a level; no real list is deep.
  auto shallow = [](int depth, Json::parse_event_t, Json &) { return depth < 16; };
  Json j = Json::parse(stage.tensorLocations, shallow, false);
  if (j.is_discarded()) { // that compiler embeds whole pages: the list may end in the middle of an
                          // op
    size_t end = stage.tensorLocations.rfind("\n  },");
    if (end != std::string::npos)
      j = Json::parse(stage.tensorLocations.substr(0, end) + "\n  }]", shallow, false);
  }
  if (j.is_discarded() || !j.is_array())
    return damaged("tensor locations", "are no JSON list");
  std::vector<VendorOp> list;
  std::map<int64_t, size_t> firstGroup; // by subnet id
  size_t groups = 0;
  for (const SubNet &n : stage.subnets) {
    firstGroup[n.id] = groups;
    groups += n.groups.size();
  }
  std::map<int64_t, std::pair<size_t, int64_t>> at; // by subnet: group, sum of ids reached
  try {
    for (const Json &e : j) {
      VendorOp op;
      op.type = e.at("opcode");
      if (op.type.starts_with("tpu."))
        op.type = op.type.substr(4);
      op.line = e.at("file-line");
      int64_t subnet = e.value("subnet_id", int64_t(0));
      auto before = e.at("tiu_dma_id(before)").get<std::vector<int64_t>>(),
           after = e.at("tiu_dma_id(after)").get<std::vector<int64_t>>();
      if (before.size() != 2 || after.size() != 2)
        return damaged("tensor locations", "an op has no two pairs of ids");
      for (int k : {0, 1}) {
        op.before[k] = before[size_t(k)];
        op.after[k] = after[size_t(k)];
      }
      auto first = firstGroup.find(subnet);
      if (first == firstGroup.end())
        return damaged("tensor locations", fmt::format("name subnet {}", subnet));
      auto &[group, reached] = at.try_emplace(subnet, first->second, 0).first->second;
      if (before[0] + before[1] == 0 && reached > 0)
        ++group;
      reached = std::max(reached, after[0] + after[1]);
      if (before[0] + before[1] == 0)
        reached = after[0] + after[1];
      op.group = group;
      op.results = e.value("results", Json::array());
      list.push_back(std::move(op));
    }
  } catch (const Json::exception &e) {
    return damaged("tensor locations", e.what());
  }
  return list;
}

std::string Layer::label() const {
  std::string name = fmt::format("{}_{}", type.empty() ? "unknown_op" : type, id);
  for (char &c : name)
    if (uint8_t(c) <= ' ' || c == '|')
      c = '.';
  return name;
}

Origin Origins::of(Engine engine, size_t group, size_t index) const {
  const auto &list = commands[size_t(engine)];
  if (group >= list.size() || index >= list[group].size())
    return {};
  return list[group][index];
}

const Layer *Origins::layer(Engine engine, size_t group, size_t index) const {
  Origin o = of(engine, group, index);
  return o.layer < 0 ? nullptr : &layers[size_t(o.layer)];
}

Result<Origins> origins(const Model &model, size_t stage) {
  const Stage *s = stageOf(model, stage);
  if (!s)
    return Origins{};
  auto groups = groupsOf(*s);
  if (stage == 0 && model.recipe.is_object() && model.recipe.contains("origins"))
    return fromRecipe(model.recipe["origins"], groups);
  Origins profile = fromProfile(*s, groups);
  if (s->tensorLocations.empty())
    return profile;
  // The locations know slices and tensors, the profile what is cut off of them.
  TESSERA_ASSIGN(Origins o, fromVendor(*s, groups));
  std::map<std::string, int32_t> byLabel;
  for (size_t l = 0; l < o.layers.size(); ++l)
    byLabel.try_emplace(o.layers[l].label(), int32_t(l));
  for (int e : {0, 1})
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t k = 0; k < o.commands[e][g].size(); ++k) {
        int32_t l = profile.commands[e][g][k].layer;
        if (o.commands[e][g][k].layer >= 0 || l < 0)
          continue;
        const Layer &layer = profile.layers[size_t(l)];
        auto [it, fresh] = byLabel.try_emplace(layer.label(), int32_t(o.layers.size()));
        if (fresh)
          o.layers.push_back(layer);
        o.commands[e][g][k] = {it->second, -1};
      }
  return o;
}

} // namespace tessera::bmodel
