// tessera_fuzz_bases FOLDER: writes the good files that fuzzing starts from (fuzz/base).
#include "fuzz/targets.h"
#include "tessera/emit/emit.h"
#include "tessera/profile/profile.h"
#include "tessera/schedule/schedule.h"
#include "tessera/support/file.h"
#include "test/conformance/networks.h"

#include <cstdio>

namespace tessera::fuzz {
namespace {

/// Files of a few small networks of random weights, by our own compiler.
Status makeBases(const std::string &folder) {
  using conformance::Builder;
  std::vector<schedule::Network> nets;
  {
    Builder b("convs", 1);
    int32_t x = b.input({1, 3, 9, 8}, DType::F32, 0.05);
    int32_t q = b.cast(x, DType::I8, 0.05);
    Window2d w;
    w.kernel = {3, 3};
    w.pads = {1, 1, 1, 1};
    int32_t c = b.conv(q, 5, w, DType::I8);
    b.output(b.add(c, b.conv(c, 5, w, DType::I8), {}, DType::I8));
    nets.push_back(b.take());
  }
  {
    Builder b("levels", 2);
    int32_t x = b.input({1, 2, 8, 6}, DType::I8, 0.1);
    Window2d two;
    two.kernel = two.strides = {2, 2};
    int32_t up = b.deconv(b.maxPool(x, two), 2, two, DType::I8);
    b.output(b.concat({x, up}));
    nets.push_back(b.take());
  }
  for (const schedule::Network &net : nets) {
    TESSERA_ASSIGN(auto planned, schedule::schedule(net, {}));
    TESSERA_ASSIGN(emit::Emitted emitted, emit::emit(net, planned));
    emitted.model.recipe = {{"tensors", emitted.tensors}};
    TESSERA_TRY(bmodel::write(folder + "/" + net.name + ".bmodel", emitted.model));
  }
  TESSERA_ASSIGN(profile::Profile p, profile::profile(profiledModel(), 0, "measured"));
  TESSERA_TRY(writeText(folder + "/profile.json", profile::profileJson(p).dump(1)));
  TESSERA_TRY(writeText(folder + "/profile.txt", profile::compilerProfileText(p)));
  return writeText(folder + "/preset.json", cycles::presetText(cycles::presets().front()));
}

} // namespace
} // namespace tessera::fuzz

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tessera_fuzz_bases FOLDER\n");
    return 2;
  }
  tessera::Status s = tessera::fuzz::makeBases(argv[1]);
  if (!s)
    std::fprintf(stderr, "%s\n", s.error().text().c_str());
  return s ? 0 : 1;
}
