#include "tessera/bmodel/bmodel.h"
#include "tessera/cli/verb.h"
#include "tessera/cycles/cycles.h"
#include "tessera/isa/isa.h"
#include "tessera/support/file.h"

#include <fmt/format.h>

namespace tessera::cli {
namespace {

/// Both engines' commands in the order of their start times, one grep-friendly line each.
Result<std::string> disassembleGroup(const bmodel::CommandGroup &g, const std::string &engine) {
  TESSERA_ASSIGN(auto tiu, isa::decodeStream(isa::Engine::Tiu, g.tiu, g.tiuCount));
  TESSERA_ASSIGN(auto gdma, isa::decodeStream(isa::Engine::Gdma, g.gdma, g.gdmaCount));
  TESSERA_ASSIGN(cycles::Timeline t, cycles::timeline(tiu, gdma));
  std::string text;
  auto line = [&](const isa::Command &c, const cycles::TimedCommand *time) {
    text += fmt::format("{} {} dep={} {} {}\n", c.engine == isa::Engine::Tiu ? "TIU " : "GDMA",
                        isa::commandId(c), isa::commandDep(c),
                        time ? fmt::format("{}..{}", time->start, time->end) : std::string("-"),
                        isa::disassemble(c));
  };
  size_t i = 0, j = 0;
  while (i < tiu.size() || j < gdma.size()) {
    const auto *a = i < t.tiu.size() ? &t.tiu[i] : nullptr;
    const auto *b = j < t.gdma.size() ? &t.gdma[j] : nullptr;
    bool takeTiu = i < tiu.size() && (j >= gdma.size() || (a && (!b || a->start < b->start)));
    if (takeTiu) {
      if (engine != "gdma")
        line(tiu[i], a);
      ++i;
    } else {
      if (engine != "tiu")
        line(gdma[j], b);
      ++j;
    }
  }
  return text;
}

} // namespace

void addDis(Program &p) {
  struct Arguments {
    std::filesystem::path model, output;
    std::string engine = "both";
  };
  auto a = std::make_shared<Arguments>();
  CLI::App *verb =
      addVerb(p, "dis", "the commands of a .bmodel, one a line, with their estimated cycles",
              "  tessera dis unet_int8.bmodel | grep CONV\n"
              "  tessera dis vendor.bmodel --engine gdma -o vendor.txt\n");
  verb->add_option("model", a->model, ".bmodel, ours or the vendor's")->required();
  verb->add_option("--engine", a->engine, "both (default), tiu or gdma")
      ->check(CLI::IsMember({"both", "tiu", "gdma"}));
  verb->add_option("-o,--output", a->output, "write to this file instead of standard output");
  addCycles(p, verb);
  onRun(p, verb, [a]() -> Result<Answer> {
    TESSERA_TRY(keepInputs({a->model}, {a->output}));
    TESSERA_ASSIGN(bmodel::Model model, bmodel::read(a->model));
    std::string text = "# cycles by " + cycles::inForce().basis() + "\n";
    int64_t groups = 0;
    for (const bmodel::Net &net : model.nets)
      for (size_t s = 0; s < net.stages.size(); ++s)
        for (const bmodel::SubNet &subnet : net.stages[s].subnets)
          for (const bmodel::CommandGroup &g : subnet.groups) {
            text += fmt::format("# net {} stage {} subnet {} group {}\n", net.name, s, subnet.id,
                                groups++);
            TESSERA_ASSIGN(std::string t, disassembleGroup(g, a->engine));
            text += t;
          }
    Answer answer;
    answer.json = {{"groups", groups}};
    if (!a->output.empty()) {
      TESSERA_TRY(writeText(a->output, text));
      answer.lines.push_back(a->output.string());
      answer.json["output"] = a->output.string();
    } else {
      if (!text.empty())
        text.pop_back();
      answer.json["text"] = text;
      answer.lines.push_back(text);
    }
    return answer;
  });
}

} // namespace tessera::cli
