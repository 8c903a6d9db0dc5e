#pragma once
// What the scheduler's search found, kept by content, so that the same network compiled again is
// not searched again. A file holds pins (explain/pins.h); its name is a hash of all that the search
// can depend on: the tpu module's text, the options, the cycle preset and the program itself.
#include "tessera/explain/pins.h"
#include "tessera/ir/module.h"

#include <optional>

namespace tessera::driver {

class PlanCache {
public:
  /// The folder is $TESSERA_CACHE ("off": nothing is kept), else tessera/ in the user's cache.
  PlanCache(const ir::Module &tpu, const schedule::Options &options);
  /// Nothing where there is none, or it cannot be read.
  std::optional<std::vector<schedule::Pin>> find() const;
  /// A folder that cannot be written is no error: the next search takes as long as this one.
  void keep(const schedule::Network &network, const schedule::Schedule &s) const;

private:
  std::filesystem::path file_; ///< empty: off
};

} // namespace tessera::driver
