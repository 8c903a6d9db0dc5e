#include "tessera/explain/pins.h"

#include "tessera/support/file.h"

#include <fmt/format.h>

namespace tessera::explain {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kForm = R"(write {"pins": [{"layers": ["first", "last"], "cut": "..."}]})";

/// What is wrong with one pin; empty if nothing.
std::string problemOf(const Json &pin) {
  if (!pin.is_object() || !pin.contains("layers") || !pin["layers"].is_array())
    return "has no list of layers";
  const Json &layers = pin["layers"];
  if (layers.empty() || layers.size() > 2)
    return fmt::format("names {} layers instead of one or two", layers.size());
  for (const Json &name : layers)
    if (!name.is_string())
      return "has a layer that is no name: " + name.dump();
  for (const auto &[key, value] : pin.items())
    if (key != "layers" && key != "cut")
      return "has a member '" + key + "', which means nothing";
  if (pin.contains("cut") && !pin["cut"].is_string())
    return "has a cut that is no text: " + pin["cut"].dump();
  return {};
}

} // namespace

Result<std::vector<schedule::Pin>> readPins(const std::filesystem::path &file) {
  TESSERA_ASSIGN(std::string text, readText(file));
  Json j = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (j.is_discarded() || !j.is_object() || !j.contains("pins") || !j["pins"].is_array())
    return fail("bad-pins", file.string(), j.is_discarded() ? "is no JSON" : "has no list of pins",
                kForm);
  Error errors;
  std::vector<schedule::Pin> pins;
  for (const Json &pin : j["pins"])
    if (std::string problem = problemOf(pin); !problem.empty())
      errors.add(Diagnostic{"bad-pins",
                            fmt::format("{}: pin {}", file.string(), &pin - &j["pins"][0] + 1),
                            problem, kForm});
    else
      pins.push_back({pin["layers"].front(), pin["layers"].back(), pin.value("cut", "")});
  if (!errors.empty())
    return fail(std::move(errors));
  return pins;
}

Json pinsJson(const schedule::Network &network, const schedule::Schedule &s) {
  auto name = [&](int32_t l) {
    return network.tensors[size_t(network.layers[size_t(l)].output)].name;
  };
  Json list = Json::array();
  for (const schedule::Choice &c : s.choices) {
    if (c.taken.cut.empty()) // runs nothing
      continue;
    Json layers = Json::array({name(c.first)});
    if (c.last != c.first)
      layers.push_back(name(c.last));
    list.push_back({{"layers", layers}, {"cut", c.taken.cut}});
  }
  return {{"pins", list}};
}

} // namespace tessera::explain
