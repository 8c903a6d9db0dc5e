#include "tessera/synth/synth.h"
#include "tessera/cli/verb.h"

#include <fmt/format.h>

namespace tessera::cli {

void addSynth(Program &p) {
  struct Arguments {
    std::filesystem::path output;
    int64_t count = 16;
    uint64_t seed = 1;
    std::string size = "960x640";
  };
  auto a = std::make_shared<Arguments>();
  CLI::App *verb = addVerb(p, "synth", "draw seeded pictures of car-like objects with exact masks",
                           "  tessera synth --output data --count 32 --seed 1 --size 960x640\n");
  verb->add_option("--output,-o", a->output, "folder; images/ and masks/ are made in it")
      ->required();
  verb->add_option("--count", a->count, "how many (default 16)")->check(wholeNumber(1, 1000000));
  verb->add_option("--seed", a->seed, "first scene; scenes are seed, seed + 1, ... (default 1)")
      ->check(wholeNumber(0, INT64_MAX - 1000000));
  verb->add_option("--size", a->size, "WIDTHxHEIGHT (default 960x640)");
  onRun(p, verb, [a]() -> Result<Answer> {
    TESSERA_ASSIGN(auto size, parseSize("--size", a->size));
    TESSERA_TRY(synth::writeSet(a->output, a->count, a->seed, size.first, size.second));
    Answer answer;
    answer.json = {{"output", a->output.string()},
                   {"count", a->count},
                   {"seed", a->seed},
                   {"width", size.first},
                   {"height", size.second}};
    answer.lines.push_back(
        fmt::format("{}: {} scenes of {}", a->output.string(), a->count, a->size));
    return answer;
  });
}

} // namespace tessera::cli
