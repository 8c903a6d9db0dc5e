#include "tessera/driver/plan_cache.h"

#include "tessera/cycles/preset.h"
#include "tessera/support/bytes.h"
#include "tessera/support/file.h"

#include <cstdlib>
#include <fmt/format.h>

namespace fs = std::filesystem;
namespace tessera::driver {
namespace {

/// Two FNV-1a hashes from different starts: 128 bits, so that chance does not name two contents
/// alike.
class Hash {
public:
  void add(std::string_view text) {
    for (unsigned char c : text) {
      a_ = (a_ ^ c) * 0x100000001b3;
      b_ = (b_ ^ c) * 0x100000001b3 + 1;
    }
    a_ ^= text.size(); // where one part ends and the next begins
  }
  std::string text() const { return fmt::format("{:016x}{:016x}", a_, b_); }

private:
  uint64_t a_ = 0xcbf29ce484222325, b_ = 0x6c62272e07bb0142;
};

/// Empty: nothing is kept.
fs::path folder() {
  auto variable = [](const char *name) {
    const char *value = std::getenv(name);
    return fs::path(value ? value : "");
  };
  if (fs::path own = variable("TESSERA_CACHE"); !own.empty())
    return own == "off" ? fs::path() : own;
  if (fs::path cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return cache / "tessera";
  fs::path home = variable("HOME");
  return home.empty() ? fs::path() : home / ".cache" / "tessera";
}

/// Another build may search otherwise.
const std::string &program() {
  static const std::string hash = [] {
    Hash h;
    if (auto bytes = mapFile("/proc/self/exe"))
      h.add({reinterpret_cast<const char *>(bytes->data()), bytes->size()});
    return h.text();
  }();
  return hash;
}

} // namespace

PlanCache::PlanCache(const ir::Module &tpu, const schedule::Options &o) {
  fs::path where = folder();
  if (where.empty())
    return;
  Hash h;
  h.add(program());
  h.add(tpu.text());
  h.add(cycles::presetText(cycles::inForce()));
  h.add(fmt::format("{} {} {} {} {} {}", o.localBytes, o.overlap, int(o.unfold), int(o.stack),
                    o.phases, o.groups));
  for (const schedule::Pin &pin : o.pins)
    for (const std::string &part : {pin.first, pin.last, pin.cut})
      h.add(part);
  file_ = where / ("plan-" + h.text() + ".json");
}

std::optional<std::vector<schedule::Pin>> PlanCache::find() const {
  std::error_code ec;
  if (file_.empty() || !fs::is_regular_file(file_, ec))
    return std::nullopt;
  auto pins = explain::readPins(file_);
  return pins ? std::optional(std::move(*pins)) : std::nullopt;
}

void PlanCache::keep(const schedule::Network &network, const schedule::Schedule &s) const {
  if (file_.empty())
    return;
  std::error_code ec;
  fs::create_directories(file_.parent_path(), ec);
  if (!ec)
    (void)writeText(file_, explain::pinsJson(network, s).dump() + "\n");
}

} // namespace tessera::driver
