// tessera_soak_stream: plays a bmodel's own commands on the vendor's simulator and on ours, one by
// one in their order on random inputs, and names the first that differs.
#include "test/soak/arena.h"

#include "tessera/bmodel/bmodel.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace tessera::soak {
namespace {

struct Played {
  std::string where;
  Case step;
};

/// All commands of a stage, the first one bringing coefficients and inputs. Error "too-large" when
/// the stage needs more global memory than the soak has.
Result<std::vector<Played>> commandsOf(const bmodel::Stage &stage) {
  uint64_t end = std::max({stage.coeffAddress + stage.coeff.size(),
                           stage.ctxAddress + stage.ctxSize, stage.ioAddress + stage.ioSize});
  if (end - chip::kGlobalBase > kWindowBytes)
    return fail("too-large", "",
                fmt::format("needs {} bytes of global memory, the soak has {}",
                            end - chip::kGlobalBase, kWindowBytes));
  std::vector<Played> out;
  for (const bmodel::SubNet &subnet : stage.subnets)
    for (size_t g = 0; g < subnet.groups.size(); ++g) {
      const bmodel::CommandGroup &group = subnet.groups[g];
      TESSERA_ASSIGN(auto tiu, isa::decodeStream(isa::Engine::Tiu, group.tiu, group.tiuCount));
      TESSERA_ASSIGN(auto gdma, isa::decodeStream(isa::Engine::Gdma, group.gdma, group.gdmaCount));
      TESSERA_ASSIGN(auto places, sim::order(tiu, gdma));
      for (const sim::Place &p : places) {
        const isa::Command &c = p.engine == isa::Engine::Tiu ? tiu[p.index] : gdma[p.index];
        // The vendor's library takes no system commands one at a time.
        if (c.form == isa::Form::SYS || c.form == isa::Form::SYSID || c.form == isa::Form::sDMA_sys)
          continue;
        out.push_back({fmt::format("subnet {}, group {}, {} stream, instruction {}", subnet.id, g,
                                   isa::engineName(p.engine), p.index),
                       {c, {}, {}}});
      }
    }
  if (out.empty())
    return out;
  std::vector<Patch> &patches = out.front().step.patches;
  patches.push_back(
      {false, stage.coeffAddress - chip::kGlobalBase, {stage.coeff.begin(), stage.coeff.end()}});
  Draw draw(1);
  for (const bmodel::TensorInfo &t : stage.inputs) {
    std::vector<uint8_t> bytes(t.size);
    for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      // Floats of pixels: other bit patterns are the business of the random commands.
      float pixel = float(draw.between(0, 255)) / 255;
      uint32_t bits =
          t.dtype == DType::F32 ? std::bit_cast<uint32_t>(pixel) : uint32_t(draw.bits());
      std::memcpy(&bytes[i], &bits, 4);
    }
    patches.push_back({false, t.address - chip::kGlobalBase, std::move(bytes)});
  }
  return out;
}

int play(const std::string &program, const std::string &library, const std::string &path) {
  auto say = [&](const Error &e) {
    std::fprintf(stderr, "%s\n", e.text().c_str());
    return 2;
  };
  auto model = bmodel::read(path);
  if (!model)
    return say(model.error());
  auto arena = Arena::open(program, library);
  if (!arena)
    return say(arena.error());
  size_t equal = 0;
  for (const bmodel::Net &net : model->nets)
    for (const bmodel::Stage &stage : net.stages) {
      auto commands = commandsOf(stage);
      if (!commands)
        return say(commands.error());
      for (const auto &part : arena->ours().parts())
        std::memset(part.bytes, 0, part.size);
      copy(arena->ours(), arena->vendor().memories());
      for (const Played &p : *commands) {
        Arena::Outcome o = arena->play({p.step});
        if (o.kind == Arena::Outcome::Equal) {
          ++equal;
          continue;
        }
        std::printf("%s: %s, %s\n%s\n", path.c_str(), net.name.c_str(), p.where.c_str(),
                    isa::disassemble(p.step.command).c_str());
        if (o.kind == Arena::Outcome::Differs)
          for (size_t i = 0; i < std::min<size_t>(8, o.spans.size()); ++i) {
            Span s = o.spans[i];
            std::printf("  %s, %llu bytes: ours %02x, vendor's %02x\n", placeName(s.begin).c_str(),
                        (unsigned long long)(s.end - s.begin), *arena->ours().at(s.begin),
                        *arena->vendor().memories().at(s.begin));
          }
        else
          std::printf("  %s: %s\n",
                      o.kind == Arena::Outcome::OursRefuses ? "ours refuses it"
                                                            : "the vendor's refuses it",
                      o.said.c_str());
        return 1;
      }
    }
  std::printf("%s: %zu commands equal\n", path.c_str(), equal);
  return 0;
}

} // namespace
} // namespace tessera::soak

int main(int argc, char **argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--serve")
    return tessera::soak::Vendor::serve(argv[2]);
  const char *library = std::getenv("TESSERA_VENDOR_SIM");
  if (argc < 2 || !library) {
    std::fprintf(stderr, "usage: TESSERA_VENDOR_SIM=LIBRARY tessera_soak_stream X.bmodel...\n");
    return 2;
  }
  int worst = 0;
  for (int i = 1; i < argc; ++i)
    worst = std::max(worst, tessera::soak::play(argv[0], library, argv[i]));
  return worst;
}
