#include "test/soak/arena.h"

#include "tessera/sim/plan.h"

#include <algorithm>

namespace tessera::soak {

Result<Arena> Arena::open(const std::string &program, const std::string &library) {
  TESSERA_ASSIGN(Vendor v, Vendor::start(program, library));
  return Arena(std::move(v));
}

void Arena::fill(uint64_t seed) {
  soak::fill(ours_, seed);
  copy(ours_, vendor_.memories());
}

std::vector<Span> Arena::settle(const Tolerance &t) {
  const Memories &theirs = vendor_.memories();
  std::vector<Span> spans;
  if (t.laneBytes)
    for (int64_t lane = 0; lane < chip::kLanes; ++lane) {
      uint64_t at = uint64_t(lane * chip::kLaneBytes + t.laneOffset);
      uint64_t size = uint64_t(std::min(t.laneBytes, chip::kLaneBytes - t.laneOffset));
      differences(ours_.at(at), theirs.at(at), at, size, SIZE_MAX, spans);
    }
  else
    spans = differences(ours_, theirs);
  std::vector<Span> left;
  for (Span s : spans) {
    uint64_t size = s.end - s.begin;
    if (within(t, ours_, theirs, s))
      std::memcpy(ours_.at(s.begin, size), theirs.at(s.begin, size), size);
    else
      left.push_back(s);
  }
  return left;
}

Arena::Outcome Arena::play(const std::vector<Case> &cases) {
  Outcome o;
  for (size_t begin = 0; begin < cases.size();) {
    // Up to and with the next case that has a tolerance.
    size_t end = begin;
    while (end < cases.size() && !cases[end++].tolerance)
      ;
    vendor_.begin(&cases[begin], end - begin);
    size_t ours = begin;
    Status status;
    for (; ours < end; ++ours) {
      writePatches(ours_, cases[ours].patches);
      if (status = sim::execute(*machine_, cases[ours].command); !status)
        break;
    }
    size_t theirs = begin + vendor_.wait();
    if (theirs < end && theirs <= ours) {
      o.kind = Outcome::TheirsRefuses;
      o.index = theirs;
      o.said = vendor_.lastWords();
      o.oursToo = theirs == ours && !status;
      return o;
    }
    if (ours < end) {
      o.kind = Outcome::OursRefuses;
      o.index = ours;
      o.exact = true;
      o.said = status.error().text();
      return o;
    }
    if (const auto &t = cases[end - 1].tolerance; t && (o.spans = settle(*t), !o.spans.empty())) {
      o.kind = Outcome::Differs;
      o.index = end - 1;
      return o;
    }
    begin = end;
  }
  if (o.spans = differences(ours_, vendor_.memories()); !o.spans.empty()) {
    o.kind = Outcome::Differs;
    o.index = cases.size() - 1;
  }
  return o;
}

Arena::Outcome Arena::playStreams(uint64_t seed, const std::vector<Case> &cases, Draw &draw) {
  fill(seed);
  std::vector<Patch> patches;
  std::vector<isa::Command> streams[2];
  uint32_t ids[2] = {0, 0};
  for (const Case &c : cases) {
    patches.insert(patches.end(), c.patches.begin(), c.patches.end());
    int engine = int(c.command.engine);
    isa::Command command = c.command;
    // Mostly the newest command of the other engine, so that the order means something.
    isa::setIds(command, ++ids[engine],
                draw.chance(0.7) ? ids[1 - engine] : uint32_t(draw.between(0, ids[1 - engine])));
    streams[engine].push_back(command);
    ids[engine] = std::max(isa::commandId(command), ids[engine]);
  }
  Outcome o;
  auto refuses = [&](const Error &e) {
    o.kind = Outcome::OursRefuses;
    o.said = e.text();
    o.exact = true;
    return o;
  };
  auto plan = sim::Plan::make(std::move(streams[0]), std::move(streams[1]));
  if (!plan)
    return refuses(plan.error());
  std::vector<Case> ordered;
  for (const sim::Place &p : plan->places())
    ordered.push_back({plan->at(p), {}, {}});
  if (!ordered.empty())
    ordered[0].patches = patches;
  vendor_.begin(ordered.data(), ordered.size());
  writePatches(ours_, patches);
  Status status = plan->run(*machine_);
  o.index = vendor_.wait();
  if (o.index < ordered.size()) {
    o.kind = Outcome::TheirsRefuses;
    o.said = vendor_.lastWords();
    o.oursToo = !status;
    return o;
  }
  if (!status)
    return refuses(status.error());
  if (o.spans = differences(ours_, vendor_.memories()); !o.spans.empty())
    o.kind = Outcome::Differs;
  return o;
}

Case shrink(Arena &arena, uint64_t seed, const Case &original, int &trials) {
  constexpr int kMostTrials = 600;
  const auto wanted = arena.play(seed, {original}).kind;
  Case best = original;
  trials = 0;
  const bool legal = isa::verify(original.command).has_value();
  auto accept = [&](const Case &c) {
    if (trials >= kMostTrials || c.command == best.command || (legal && !isa::verify(c.command)))
      return false;
    ++trials;
    if (arena.play(seed, {c}).kind != wanted)
      return false;
    best = c;
    return true;
  };
  const isa::FormInfo &form = isa::info(original.command.form);
  auto get = [&](const isa::FieldInfo &f) {
    return isa::getBits(best.command.words, f.lowBit, f.width);
  };
  auto isHeader = [](std::string_view n) {
    return n == "cmd_short" || n == "tsk_typ" || n == "tsk_eu_typ" || n == "cmd_type" ||
           n == "cmd_special_function" || n.starts_with("cmd_id") || n.ends_with("prec");
  };
  // Sizes of one axis shrink together: every operand's height, every c.
  auto axisOf = [](std::string_view n) -> std::string {
    for (std::string_view axis : {"n", "c", "h", "w"})
      for (std::string_view form : {"_", "size"})
        if (std::string suffix = form == "_" ? "_" + std::string(axis) : std::string(axis) + "size";
            n.ends_with(suffix))
          return std::string(axis);
    return "";
  };
  bool changed = true;
  while (changed && trials < kMostTrials) {
    changed = false;
    for (const char *axis : {"n", "c", "h", "w"})
      for (int to : {1, 2}) { // to one, else halved
        Case c = best;
        for (const isa::FieldInfo &f : form.fields)
          if (uint64_t v = get(f); !f.reserved && axisOf(f.name) == axis && v > 1)
            isa::setBits(c.command.words, f.lowBit, f.width, to == 1 ? 1 : (v + 1) / 2);
        changed |= accept(c);
      }
    for (const isa::FieldInfo &f : form.fields) {
      if (f.reserved || isHeader(f.name) || get(f) == 0)
        continue;
      bool isSize = !axisOf(f.name).empty();
      for (uint64_t to : {uint64_t(isSize ? 1 : 0), get(f) / 2, get(f) - 1}) {
        Case c = best;
        isa::setBits(c.command.words, f.lowBit, f.width, to);
        if ((isSize && to == 0) || to >= get(f))
          continue;
        if (accept(c)) {
          changed = true;
          break;
        }
      }
    }
    for (size_t i = 0; i < best.patches.size(); ++i) {
      Case c = best;
      c.patches.erase(c.patches.begin() + int64_t(i));
      if (trials < kMostTrials && arena.play(seed, {c}).kind == wanted) {
        best = c;
        changed = true;
        --i;
      }
      ++trials;
    }
  }
  return best;
}

} // namespace tessera::soak
