// Entry for libFuzzer: one program a target.
#include "fuzz/targets.h"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (const tessera::fuzz::Target &t : tessera::fuzz::targets())
    if (t.name == TESSERA_FUZZ_TARGET) {
      tessera::fuzz::Outcome o = t.run({data, size});
      if (!o.broken.empty()) {
        std::fprintf(stderr, "broken promise: %s\n", o.broken.c_str());
        std::abort();
      }
    }
  return 0;
}
