#include "tessera/support/memory.h"

#include <fstream>
#include <string>

namespace tessera {

uint64_t freeMemory() {
  std::ifstream in("/proc/meminfo");
  std::string word;
  for (uint64_t kib; in >> word;)
    if (word == "MemAvailable:" && in >> kib)
      return kib * 1024;
  return 0;
}

} // namespace tessera
