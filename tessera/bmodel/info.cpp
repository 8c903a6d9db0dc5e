#include "tessera/bmodel/bmodel.h"

#include <fmt/format.h>

namespace tessera::bmodel {
namespace {

using Json = nlohmann::ordered_json;

Json tensorsJson(const std::vector<TensorInfo> &list) {
  Json a = Json::array();
  for (const TensorInfo &t : list)
    a.push_back({{"name", t.name},
                 {"dtype", dtypeName(t.dtype)},
                 {"shape", t.shape},
                 {"scale", t.scale},
                 {"zero_point", t.zeroPoint},
                 {"address", t.address},
                 {"bytes", t.size}});
  return a;
}

std::string tensorText(const char *role, const TensorInfo &t) {
  return fmt::format("    {:<6} {}: {} {}, scale {}, zero point {}, {} bytes at {:#x}\n", role,
                     t.name, dtypeName(t.dtype), shapeText(t.shape), t.scale, t.zeroPoint, t.size,
                     t.address);
}

/// What is done to the inputs and with the outputs; of the tables that tell where tensors and
/// commands come from only the lengths, as they grow with the network (infoJson has them whole).
std::string recipeText(const Json &recipe) {
  if (!recipe.is_object())
    return "  no recipe\n";
  std::string s;
  for (const auto &[key, value] : recipe.items())
    if (key == "tensors")
      s += fmt::format("  recipe tensors: where {} of them lie\n", value.size());
    else if (key == "origins")
      s += fmt::format("  recipe origins: {} layers\n",
                       value.is_object() && value.contains("layers") ? value["layers"].size() : 0);
    else
      s += fmt::format("  recipe {}: {}\n", key, value.dump());
  return s;
}

} // namespace

Json infoJson(const Model &model) {
  Json nets = Json::array();
  for (const Net &net : model.nets) {
    Json stages = Json::array();
    for (const Stage &s : net.stages) {
      Json subnets = Json::array();
      for (const SubNet &n : s.subnets) {
        Json groups = Json::array();
        for (const CommandGroup &g : n.groups)
          groups.push_back({{"tiu_commands", g.tiuCount},
                            {"gdma_commands", g.gdmaCount},
                            {"tiu_bytes", g.tiu.size()},
                            {"gdma_bytes", g.gdma.size()}});
        subnets.push_back({{"id", n.id},
                           {"mode", n.mode},
                           {"dynamic", n.dynamic},
                           {"next", n.next},
                           {"inputs", tensorsJson(n.inputs)},
                           {"outputs", tensorsJson(n.outputs)},
                           {"groups", groups}});
      }
      stages.push_back({{"dynamic", s.dynamic},
                        {"inputs", tensorsJson(s.inputs)},
                        {"outputs", tensorsJson(s.outputs)},
                        {"coeff_address", s.coeffAddress},
                        {"coeff_bytes", s.coeff.size()},
                        {"neuron_address", s.ctxAddress},
                        {"neuron_bytes", s.ctxSize},
                        {"io_address", s.ioAddress},
                        {"io_bytes", s.ioSize},
                        {"subnets", subnets}});
    }
    nets.push_back({{"name", net.name}, {"addr_mode", net.addrMode}, {"stages", stages}});
  }
  return {{"chip", model.chip}, {"version", model.version},
          {"time", model.time}, {"neuron_bytes", model.neuronSize},
          {"nets", nets},       {"recipe", model.recipe}};
}

std::string infoText(const Model &model) {
  std::string time = model.time.substr(0, model.time.find('\n'));
  std::string s = fmt::format("{}, version {}, {}\n", model.chip, model.version, time);
  for (const Net &net : model.nets)
    for (size_t i = 0; i < net.stages.size(); ++i) {
      const Stage &st = net.stages[i];
      s += fmt::format("  net {}, stage {}{}\n", net.name, i, st.dynamic ? " (dynamic)" : "");
      for (const TensorInfo &t : st.inputs)
        s += tensorText("input", t);
      for (const TensorInfo &t : st.outputs)
        s += tensorText("output", t);
      s += fmt::format("    memory coeff {} bytes at {:#x}, neuron {} bytes at {:#x}",
                       st.coeff.size(), st.coeffAddress, st.ctxSize, st.ctxAddress);
      s += st.ioSize ? fmt::format(", io {} bytes at {:#x}\n", st.ioSize, st.ioAddress) : "\n";
      for (const SubNet &n : st.subnets) {
        uint64_t tiu = 0, gdma = 0;
        for (const CommandGroup &g : n.groups)
          tiu += g.tiuCount, gdma += g.gdmaCount;
        s += fmt::format("    subnet {} ({}{}): {} group{}, {} TIU and {} GDMA commands\n", n.id,
                         n.mode == 0   ? "TPU"
                         : n.mode == 1 ? "CPU"
                                       : fmt::format("mode {}", n.mode),
                         n.dynamic ? ", dynamic" : "", n.groups.size(),
                         n.groups.size() == 1 ? "" : "s", tiu, gdma);
      }
    }
  s += recipeText(model.recipe);
  return s;
}

} // namespace tessera::bmodel
