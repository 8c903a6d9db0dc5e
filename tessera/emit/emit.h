#pragma once
// The last step of the compiler: a schedule becomes a deployment file.
#include "tessera/bmodel/bmodel.h"
#include "tessera/schedule/schedule.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace tessera::emit {

/// Both streams of one command group with ids, dependencies and addresses bound, end commands
/// included.
struct Streams {
  std::vector<isa::Command> tiu, gdma;
  /// For every command but the ends: its instruction in schedule.program.
  std::vector<size_t> tiuOrigin, gdmaOrigin;
};

/// Ids count from 1 in each engine. A command waits for the newest command of the other engine,
/// among those before it in program order, that touches local memory it touches too (one of the two
/// writing); its own engine keeps its order (bm1684x.md 3.14). Dependencies never fall along a
/// stream, so that merging by them gives the program's result. A new group starts before ids pass
/// `maxId`.
Result<std::vector<Streams>> bind(const schedule::Schedule &s, int64_t maxId = chip::kMaxId);

/// The net as one static stage with one TPU subnet; inputs and outputs under the names and types of
/// the schedule's ports (scale 1 for F32).
Result<bmodel::Model> pack(const schedule::Schedule &s, const std::vector<Streams> &streams);

/// Where every command comes from, in runs: {"layers": [{id, tensor, type, top, slices, cut}],
/// "tiu"|"gdma": [[group, first id, count, index of the layer, slice], ...]}. `id` is the tpu op's,
/// `top` those of the top ops it stands for. Read by bmodel::origins from recipe["origins"].
nlohmann::ordered_json idTable(const schedule::Schedule &s, const std::vector<Streams> &streams);

/// Where the result of every layer can be read: recipe["tensors"], whose format
/// bmodel/tensor_table.h states.
nlohmann::ordered_json tensorTable(const schedule::Schedule &s,
                                   const std::vector<Streams> &streams);

struct Emitted {
  bmodel::Model model;
  nlohmann::ordered_json ids;
  nlohmann::ordered_json tensors; ///< for recipe["tensors"]
};
/// bind, pack, idTable and tensorTable of a schedule made from `network`.
Result<Emitted> emit(const schedule::Network &network, const schedule::Schedule &s);

} // namespace tessera::emit
