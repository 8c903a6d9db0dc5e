#include "tessera/bmodel/bmodel.h"
#include "tessera/cli/verb.h"

#include <fmt/format.h>

namespace tessera::cli {

void addInfo(Program &p) {
  auto file = std::make_shared<std::filesystem::path>();
  CLI::App *verb =
      addVerb(p, "info", "what a .bmodel holds: tensors, memory, commands, estimated ms",
              "  tessera info unet_int8.bmodel\n  tessera info --json vendor.bmodel\n");
  verb->add_option("model", *file, ".bmodel, ours or the vendor's")->required();
  addCycles(p, verb);
  onRun(p, verb, [file]() -> Result<Answer> {
    TESSERA_ASSIGN(bmodel::Model model, bmodel::read(*file));
    TESSERA_ASSIGN(double ms, driver::estimateMilliseconds(model));
    Answer answer;
    answer.json = bmodel::infoJson(model);
    answer.json["ms"] = ms;
    answer.lines.push_back(bmodel::infoText(model));
    answer.lines.push_back(fmt::format("estimated run time: {:.6f} ms", ms));
    sayPreset(answer);
    return answer;
  });
}

} // namespace tessera::cli
