#include "tessera/cycles/preset.h"

#include "tessera/support/file.h"
#include "tessera/support/suggest.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

namespace tessera::cycles {

/// The texts of presets/*.json (CMakeLists.txt).
std::span<const std::string_view> presetTexts();

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNames[] = {"CONV.int4",
                                       "CONV.int8",
                                       "CONV.16",
                                       "CONV.32",
                                       "PorD",
                                       "PorD.strided",
                                       "AR",
                                       "AR.in_place",
                                       "AR.div",
                                       "RQDQ",
                                       "RQDQ.same_bank",
                                       "TRANS",
                                       "LANE_COPY",
                                       "LANE_BC",
                                       "LANE_BC.in_place",
                                       "STATIC_BC",
                                       "SG",
                                       "MM",
                                       "MM2",
                                       "SFU",
                                       "SFU.rsqrt",
                                       "CMP",
                                       "LIN",
                                       "VC",
                                       "GDMA.tensor_load",
                                       "GDMA.tensor_store",
                                       "GDMA.tensor_local",
                                       "GDMA.matrix_load",
                                       "GDMA.matrix_store",
                                       "GDMA.broadcast",
                                       "GDMA.fill",
                                       "GDMA.gather",
                                       "GDMA.linear_load",
                                       "GDMA.linear_store",
                                       "system"};
static_assert(std::size(kNames) == kKinds + 1);

struct Text {
  const char *key;
  std::string Preset::*member;
};
constexpr Text kTexts[] = {
    {"name", &Preset::name}, {"about", &Preset::about}, {"exact", &Preset::exact}};

/// Whole numbers; the limits keep every product of the price rules far from 128 bits.
struct Number {
  const char *key;
  uint64_t Preset::*member;
  uint64_t most;
};
constexpr Number kNumbers[] = {
    {"clock_hz", &Preset::clock, 1'000'000'000'000},
    {"dram_bytes_per_second", &Preset::dramBytesPerSecond, 1'000'000'000'000'000},
    {"lanes", &Preset::lanes, 65536},
    {"lane_bytes", &Preset::laneBytes, 65536},
    {"cube_inputs_int4", &Preset::cubeInt4, 65536},
    {"cube_inputs_int8", &Preset::cubeInt8, 65536},
    {"cube_inputs_16", &Preset::cube16, 65536},
    {"cube_inputs_32", &Preset::cube32, 65536},
    {"cube_positions", &Preset::cubePositions, 65536},
    {"cube_positions_32", &Preset::cubePositions32, 65536},
    {"requantize_values", &Preset::requantizeValues, 65536},
    {"free_strides_factor", &Preset::freeStrides, 65536},
    {"short_run_bytes", &Preset::shortRun, 1 << 20},
    {"page_bytes", &Preset::pageBytes, 1 << 20},
    {"pages", &Preset::pages, 64}};

constexpr uint64_t kMostInFraction = uint64_t(1) << 40;

std::optional<Fraction> reduced(unsigned __int128 num, unsigned __int128 den) {
  auto a = num, b = den;
  while (b)
    a = std::exchange(b, a % b);
  if (den == 0 || num / a > kMostInFraction || den / a > kMostInFraction)
    return std::nullopt;
  return Fraction{uint64_t(num / a), uint64_t(den / a)};
}

/// "54", "54.0167" or "58000000000/1073741824", exactly.
std::optional<Fraction> parseFraction(std::string_view text) {
  auto whole = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t v = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
    if (error != std::errc() || end != digits.data() + digits.size())
      return std::nullopt;
    return v;
  };
  if (size_t slash = text.find('/'); slash != text.npos) {
    auto num = whole(text.substr(0, slash)), den = whole(text.substr(slash + 1));
    return num && den ? reduced(*num, *den) : std::nullopt;
  }
  size_t dot = text.find('.');
  std::string_view places = dot == text.npos ? "" : text.substr(dot + 1);
  if (places.size() > 12 || (dot != text.npos && places.empty()))
    return std::nullopt;
  auto before = whole(text.substr(0, dot));
  auto after = places.empty() ? std::optional<uint64_t>(0) : whole(places);
  if (!before || !after || *before > kMostInFraction)
    return std::nullopt;
  unsigned __int128 den = 1;
  for (size_t i = 0; i < places.size(); ++i)
    den *= 10;
  return reduced(*before * den + *after, den);
}

Json fractionJson(const Fraction &f) {
  if (f.den == 1)
    return f.num;
  return fmt::format("{}/{}", f.num, f.den);
}

/// A number of JSON, or a fraction in quotes.
std::optional<Fraction> fractionOf(const Json &j) {
  return j.is_string()   ? parseFraction(j.get_ref<const std::string &>())
         : j.is_number() ? parseFraction(j.dump())
                         : std::nullopt;
}

class Reader {
public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  Result<Preset> read(std::string_view text) {
    Json j = Json::parse(text, nullptr, false);
    if (j.is_discarded() || !j.is_object()) {
      bad("", "is no JSON object", "docs/cycles.md shows the form of a preset");
      return fail(std::move(errors_));
    }
    Preset p;
    for (const Text &t : kTexts)
      if (const Json *v = take(j, t.key)) {
        if (v->is_string() && !v->get_ref<const std::string &>().empty())
          p.*t.member = *v;
        else
          bad(t.key, "is no text", "");
      }
    for (const Number &n : kNumbers)
      if (const Json *v = take(j, n.key)) {
        if (v->is_number_unsigned() && *v >= 1u && *v <= n.most)
          p.*n.member = *v;
        else
          bad(n.key, fmt::format("is no whole number of 1 to {}", n.most), "");
      }
    if (const Json *costs = take(j, "costs")) {
      if (!costs->is_object())
        bad("costs", "is no JSON object", "");
      else
        readCosts(*costs, p);
    }
    std::vector<std::string> known = known_;
    unknown(j, known, "");
    if (!errors_.empty())
      return fail(std::move(errors_));
    return p;
  }

private:
  void bad(const std::string &member, std::string message, std::string hint) {
    errors_.add(Diagnostic{"bad-preset", member.empty() ? where_ : where_ + ": " + member,
                           std::move(message), std::move(hint)});
  }
  /// Notes that `key` is a member, and says where it is missing.
  const Json *take(const Json &j, const std::string &key) {
    known_.push_back(key);
    auto at = j.find(key);
    if (at == j.end()) {
      bad(key, "is missing", "a preset gives every member");
      return nullptr;
    }
    return &*at;
  }
  void unknown(const Json &j, const std::vector<std::string> &known, const std::string &prefix) {
    for (const auto &[key, value] : j.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        bad(prefix + key, "is no member of a preset", didYouMean(key, known));
  }
  void readCosts(const Json &costs, Preset &p) {
    std::vector<std::string> known;
    for (size_t k = 0; k < kKinds; ++k) {
      std::string name(kNames[k]), at = "costs." + name;
      known.push_back(name);
      auto found = costs.find(name);
      if (found == costs.end() || !found->is_object()) {
        bad(at, found == costs.end() ? "is missing" : "is no JSON object",
            "a preset gives every member");
        continue;
      }
      const bool bytes = countsBytes(Kind(k));
      const std::string unit = bytes ? "bytes_per_cycle" : "cycles_per_step";
      std::vector<std::string> members = {unit, "start_cycles"};
      unknown(*found, members, at + ".");
      Cost &cost = p.costs[k];
      auto rate = found->contains(unit) ? fractionOf((*found)[unit]) : std::nullopt;
      if (!rate || rate->num == 0)
        bad(at + "." + unit, "is no number above 0",
            "a number, or two whole numbers in quotes: \"a/b\"");
      else
        cost.perUnit = bytes ? Fraction{rate->den, rate->num} : *rate;
      if (found->contains("start_cycles")) {
        auto start = fractionOf((*found)["start_cycles"]);
        if (!start)
          bad(at + ".start_cycles", "is no number of 0 or more", "");
        else
          cost.start = *start;
      }
    }
    unknown(costs, known, "costs.");
  }

  std::string where_;
  Error errors_;
  std::vector<std::string> known_;
};

Fraction inverse(const Fraction &f) { return {f.den, f.num}; }

Json presetJson(const Preset &p) {
  Json j;
  for (const Text &t : kTexts)
    j[t.key] = p.*t.member;
  for (const Number &n : kNumbers)
    j[n.key] = p.*n.member;
  for (size_t k = 0; k < kKinds; ++k) {
    Json cost;
    const Cost &c = p.costs[k];
    if (c.start.num)
      cost["start_cycles"] = fractionJson(c.start);
    if (countsBytes(Kind(k)))
      cost["bytes_per_cycle"] = fractionJson(inverse(c.perUnit));
    else
      cost["cycles_per_step"] = fractionJson(c.perUnit);
    j["costs"][std::string(kNames[k])] = std::move(cost);
  }
  return j;
}

Preset &current() {
  static Preset preset = presets().front();
  return preset;
}

} // namespace

std::string_view kindName(Kind k) { return kNames[size_t(k)]; }

std::string Preset::basis() const { return fmt::format("preset {}, exact for {}", name, exact); }

const std::vector<Preset> &presets() {
  static const std::vector<Preset> list = [] {
    std::vector<Preset> all;
    for (std::string_view text : presetTexts()) {
      auto p = parsePreset(text, "preset of the program");
      TESSERA_CHECK(p, p.error().text());
      all.push_back(std::move(*p));
    }
    return all;
  }();
  return list;
}

Result<Preset> parsePreset(std::string_view json, const std::string &where) {
  return Reader(where).read(json);
}

Result<Preset> preset(const std::string &nameOrFile) {
  std::string known;
  for (const Preset &p : presets()) {
    if (p.name == nameOrFile)
      return p;
    known += (known.empty() ? "" : ", ") + p.name;
  }
  auto text = readText(nameOrFile);
  if (!text)
    return fail("unknown-preset", nameOrFile, "neither a cycle preset nor a file of one",
                "presets: " + known);
  return parsePreset(*text, nameOrFile);
}

std::string presetText(const Preset &p) {
  // One line a cost, so that two presets can be compared by eye.
  Json j = presetJson(p), costs = j["costs"];
  j.erase("costs");
  std::string text = j.dump(1);
  text.resize(text.size() - 2); // "\n}"
  text += ",\n \"costs\": {";
  const char *separator = "\n";
  for (const auto &[name, cost] : costs.items()) {
    text += separator + fmt::format("  \"{}\": {}", name, cost.dump());
    separator = ",\n";
  }
  return text + "\n }\n}\n";
}

Result<Preset> changed(Preset preset, const std::vector<std::string> &changes) {
  const std::string where = "--what-if";
  std::string list;
  for (const std::string &change : changes) {
    size_t equals = change.find('=');
    std::string key = change.substr(0, equals);
    auto value = equals == change.npos ? std::nullopt : parseFraction(change.substr(equals + 1));
    if (!value || value->num == 0)
      return fail("bad-option", where, "'" + change + "' is no NAME=NUMBER above 0",
                  "for example bandwidth=1.5, clock_hz=950000000 or lanes=128");
    auto scaleBytes = [&](unsigned __int128 num, unsigned __int128 den) { // cycles a byte
      for (size_t k = 0; k < kKinds; ++k)
        if (countsBytes(Kind(k)) && Kind(k) != Kind::TensorLocal) {
          Fraction &f = preset.costs[k].perUnit;
          auto r = reduced(f.num * num, f.den * den);
          if (!r || r->num == 0)
            return false;
          f = *r;
        }
      return true;
    };
    bool done = true;
    if (key == "bandwidth") {
      auto dram = reduced((unsigned __int128)preset.dramBytesPerSecond * value->num, value->den);
      done = dram && scaleBytes(value->den, value->num);
      if (done)
        preset.dramBytesPerSecond = std::max<uint64_t>(1, dram->num / dram->den);
    } else {
      uint64_t clock = preset.clock;
      Json j = presetJson(preset);
      Json *at = nullptr;
      std::vector<std::string> known = {"bandwidth"};
      for (const Number &n : kNumbers)
        known.push_back(n.key);
      if (std::find(known.begin(), known.end(), key) != known.end())
        at = &j[key];
      for (auto &[kind, cost] : j["costs"].items())
        for (std::string member :
             {cost.contains("bytes_per_cycle") ? "bytes_per_cycle" : "cycles_per_step",
              "start_cycles"}) {
          known.push_back(kind + "." + member);
          if (known.back() == key)
            at = &cost[member];
        }
      if (!at)
        return fail("bad-option", where, "'" + key + "' is no constant of a preset",
                    didYouMean(key, known));
      *at = fractionJson(*value);
      auto read = parsePreset(j.dump(), where);
      if (!read)
        return fail(read.error());
      preset = std::move(*read);
      // The memory does not follow the engines' clock.
      done = preset.clock == clock || scaleBytes(preset.clock, clock);
    }
    if (!done)
      return fail("bad-option", where, "'" + change + "' is too large or too small", "");
    list += (list.empty() ? "" : ", ") + change;
  }
  if (!changes.empty()) {
    preset.exact = fmt::format("nothing: it is {} with {}", preset.name, list);
    preset.name = "what-if";
  }
  return preset;
}

const Preset &inForce() { return current(); }
void setInForce(Preset preset) { current() = std::move(preset); }

} // namespace tessera::cycles
