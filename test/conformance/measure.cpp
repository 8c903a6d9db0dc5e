// Prices a random-weight UNet of the seed's architecture: measure WIDTH H W. Not a test: a number
// to watch.
#include "networks.h"
#include "reference.h"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <sys/resource.h>

using namespace tessera;

int main(int argc, char **argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: measure WIDTH H W [text|trace|check]\n");
    return 1;
  }
  bool composed = false; // anywhere behind the sizes
  for (int i = 4; i < argc; ++i)
    composed = composed || std::string(argv[i]) == "composed";
  argc -= composed && std::string(argv[argc - 1]) == "composed";
  auto net =
      conformance::unet(std::atoll(argv[1]), std::atoll(argv[2]), std::atoll(argv[3]), 1, composed);
  if (argc > 4 && std::string(argv[4]) == "check") {
    auto outcome = conformance::check(net, conformance::randomInputs(net, 7));
    fmt::print("{}\n", !outcome ? outcome.error().text()
                       : outcome->difference.empty()
                           ? "interpreter and simulator agree in every bit"
                           : outcome->difference);
    return !outcome || !outcome->difference.empty();
  }
  auto start = std::chrono::steady_clock::now();
  auto s = schedule::schedule(net, {});
  if (!s) {
    fmt::print(stderr, "{}", s.error().text());
    return 1;
  }
  auto scheduled = std::chrono::steady_clock::now();
  auto groups = emit::bind(*s);
  auto bound = std::chrono::steady_clock::now();
  if (argc > 4)
    fmt::print("{}", s->text());
  for (auto &g : *groups) {
    auto t = cycles::timeline(g.tiu, g.gdma);
    if (!t) {
      fmt::print(stderr, "{}", t.error().text());
      return 1;
    }
    // Time by layer: from the end of the layer before to the end of its last command.
    std::map<int, std::array<uint64_t, 4>> layers; // tiu busy, gdma busy, first start, last end
    for (bool tiu : {true, false}) {
      auto &times = tiu ? t->tiu : t->gdma;
      auto &origin = tiu ? g.tiuOrigin : g.gdmaOrigin;
      for (size_t k = 0; k < origin.size(); ++k) {
        auto &l =
            layers.try_emplace(s->program[origin[k]].layer, std::array<uint64_t, 4>{0, 0, ~0ull, 0})
                .first->second;
        l[tiu ? 0 : 1] += times[k].end - times[k].start;
        l[2] = std::min(l[2], times[k].start);
        l[3] = std::max(l[3], times[k].end);
      }
    }
    if (argc > 4 && std::string(argv[4]) == "trace") // one command a line, by start
      for (bool tiu : {true, false}) {
        auto &times = tiu ? t->tiu : t->gdma;
        auto &origin = tiu ? g.tiuOrigin : g.gdmaOrigin;
        for (size_t k = 0; k < origin.size(); ++k) {
          const auto &i = s->program[origin[k]];
          fmt::print("{:10} {:10} {} {:3} {:4} {}\n", times[k].start, times[k].end,
                     tiu                    ? "tiu "
                     : i.source.buffer >= 0 ? "load"
                                            : "store",
                     i.layer, i.slice, s->layers[size_t(i.layer)].type);
        }
      }
    if (argc > 4)
      for (auto &[l, v] : layers)
        fmt::print("{:3} {:22} tiu {:8} gdma {:8}  {:9} .. {:9}  {}\n", l,
                   s->layers[size_t(l)].name, v[0], v[1], v[2], v[3], s->layers[size_t(l)].cut);
    fmt::print("{} commands, {:.3f} ms by {}, TIU {:.1f} %, GDMA {:.1f} %, {:.1f} MB\n",
               g.tiu.size() + g.gdma.size(), cycles::inForce().milliseconds(t->totalCycles),
               cycles::inForce().name, 100.0 * double(t->tiuBusy) / double(t->totalCycles),
               100.0 * double(t->gdmaBusy) / double(t->totalCycles), double(t->gdmaBytes) / 1e6);
  }
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
  fmt::print("schedule {:.2f} s, bind {:.2f} s, peak memory {} MB, chip memory {} + {} MB\n",
             seconds(scheduled - start), seconds(bound - scheduled), r.ru_maxrss / 1024,
             s->coefficientBytes >> 20, s->neuronBytes >> 20);
}
