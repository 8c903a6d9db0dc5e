#include "tessera/image/codec/codec.h"

#include <dlfcn.h>

namespace tessera::detail {

Result<const Codec *> codec() {
  // The programs' run path leads to the module, built or installed.
  static const std::string name = "tessera_codec.so";
  struct Loaded {
    const Codec *codec = nullptr;
    std::string problem;
    Loaded() {
      void *module = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      void *function = module ? ::dlsym(module, kCodecFunction) : nullptr;
      if (function)
        codec = reinterpret_cast<const Codec *(*)()>(function)();
      else if (const char *text = ::dlerror())
        problem = text;
    }
  };
  static const Loaded loaded;
  if (!loaded.codec)
    return fail("bad-install", name, "the picture codecs cannot be loaded: " + loaded.problem,
                "the file belongs into ../lib/tessera, seen from the program's folder");
  return loaded.codec;
}

} // namespace tessera::detail
