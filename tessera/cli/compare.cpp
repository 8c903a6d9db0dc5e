#include "tessera/tensor/compare.h"
#include "tessera/cli/verb.h"
#include "tessera/tensor/npz.h"

#include <fmt/format.h>

namespace tessera::cli {

void addCompare(Program &p) {
  struct Arguments {
    std::filesystem::path a, b;
    std::string tolerance = "0.99,0.9";
    bool exact = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App *verb = addVerb(p, "compare", "two npz files, tensor by tensor",
                           "  tessera compare ours.npz theirs.npz --exact\n"
                           "  tessera compare top.npz tpu.npz --tolerance 0.9,0.6\n");
  verb->add_option("first", a->a, "npz")->required();
  verb->add_option("second", a->b, "npz")->required();
  verb->add_option("--tolerance", a->tolerance,
                   "lowest cosine and Euclid likeness (default 0.99,0.9)");
  verb->add_flag("--exact", a->exact, "every element must be equal and both hold the same names");
  onRun(p, verb, [a]() -> Result<Answer> {
    TESSERA_ASSIGN(auto limits, parseNumbers("--tolerance", a->tolerance));
    TESSERA_ASSIGN(TensorMap first, readNpz(a->a));
    TESSERA_ASSIGN(TensorMap second, readNpz(a->b));
    Answer answer;
    answer.json["tensors"] = nlohmann::ordered_json::array();
    int compared = 0;
    auto missing = [&](const std::string &name, const std::filesystem::path &where) {
      answer.lines.push_back(fmt::format("{}: missing from {}", name, where.string()));
      answer.json["missing"].push_back({{"name", name}, {"file", where.string()}});
      if (a->exact)
        answer.exitCode = 1;
    };
    for (const auto &[name, tensor] : first) {
      const Tensor *other = second.find(name);
      if (!other) {
        missing(name, a->b);
        continue;
      }
      if (other->shape() != tensor.shape()) {
        answer.lines.push_back(fmt::format("{}: shape {} against {}", name,
                                           shapeText(tensor.shape()), shapeText(other->shape())));
        answer.json["tensors"].push_back(
            {{"name", name}, {"ok", false}, {"shapes", {tensor.shape(), other->shape()}}});
        answer.exitCode = 1;
        continue;
      }
      TESSERA_ASSIGN(Comparison c, compareTensors(tensor, *other));
      ++compared;
      bool ok = a->exact ? c.equal()
                         : c.cosine >= limits[0] && (limits.size() < 2 || c.euclid >= limits[1]);
      if (!ok)
        answer.exitCode = 1;
      answer.json["tensors"].push_back({{"name", name},
                                        {"ok", ok},
                                        {"equal", c.equal()},
                                        {"differing", c.differing},
                                        {"count", c.count},
                                        {"max_abs_difference", c.maxAbsDiff},
                                        {"cosine", c.cosine},
                                        {"euclid", c.euclid}});
      answer.lines.push_back(
          c.equal()
              ? fmt::format("{}: equal ({} elements)", name, c.count)
              : fmt::format("{}: {} of {} differ, largest {:.6g}, cosine {:.6f}, Euclid {:.6f}{}",
                            name, c.differing, c.count, c.maxAbsDiff, c.cosine, c.euclid,
                            ok ? "" : "  <- too far"));
    }
    for (const auto &[name, tensor] : second)
      if (!first.contains(name))
        missing(name, a->a);
    if (compared == 0 && answer.exitCode == 0)
      return fail("nothing-compared", a->a.string(), "shares no tensor name with " + a->b.string(),
                  "");
    answer.json["ok"] = answer.exitCode == 0;
    return answer;
  });
}

} // namespace tessera::cli
