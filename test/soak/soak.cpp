// tessera_soak: plays random commands on the vendor's simulator and on ours, and compares every
// byte of memory. `tessera_soak --help` has the flags.
#include "test/soak/arena.h"
#include "test/soak/vectors.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <map>

namespace tessera::soak {
namespace {

constexpr const char *kHelp =
    R"(usage: tessera_soak [--class NAME[,NAME...]|all] [flags]
  --count N       commands a class that both execute (100000); others are drawn in place of refused
  --first N       index of the first command (0); a command depends on seed, class and index only
  --seed S        seed of commands and memory (drawn from the clock, printed)
  --batch K       commands between two comparisons of all memory (256)
  --vendor LIB    the vendor's libcmodel_bm1684x.so (or environment TESSERA_VENDOR_SIM)
  --differences N stop a class after N different commands (1)
  --no-shrink     report a difference as it was drawn
  --refused N     print the first N commands that the vendor's simulator refuses (3)
  --record DIR    write vectors DIR/CLASS.txt of the first --count commands that it executes
  --case FILE     play a file of vectors (e.g. the .case file of a difference) on both
  --show          with --case: also print what the vendor's changes
  --list          print the classes
)";

struct Flags {
  std::string names = "all", vendor, record, file;
  uint64_t count = 100000, first = 0, batch = 256, seed = 0;
  int differences = 1, refused = 3;
  bool shrinks = true, list = false, show = false, hasSeed = false;
};

std::string hexText(const uint8_t *p, uint64_t n) {
  std::string s;
  for (uint64_t i = 0; i < n; ++i)
    s += fmt::format("{:02x}{}", p[i], i % 4 == 3 && i + 1 < n ? " " : "");
  return s;
}

std::string outcomeText(Arena &arena, const Arena::Outcome &o) {
  if (o.kind == Arena::Outcome::OursRefuses)
    return "ours refuses it: " + o.said + "\n";
  if (o.kind == Arena::Outcome::TheirsRefuses)
    return fmt::format("the vendor's refuses it: {}{}\n", o.said, o.oursToo ? " (ours too)" : "");
  uint64_t bytes = 0;
  for (Span s : o.spans)
    bytes += s.end - s.begin;
  std::string out = fmt::format("{} bytes differ at {} places:\n", bytes, o.spans.size());
  for (size_t i = 0; i < std::min<size_t>(o.spans.size(), 8); ++i) {
    uint64_t begin = o.spans[i].begin / 4 * 4,
             n = std::min<uint64_t>(16, (o.spans[i].end - begin + 3) / 4 * 4);
    out += fmt::format("  {}: ours {}, vendor's {}\n", placeName(begin),
                       hexText(arena.ours().at(begin), n),
                       hexText(arena.vendor().memories().at(begin), n));
  }
  return out;
}

std::string caseText(const Case &c) {
  std::string out = isa::disassemble(c.command) + "\n";
  if (Status s = isa::verify(c.command); !s)
    out += "isa::verify says: " + s.error().text() + "\n";
  if (!c.patches.empty())
    out += fmt::format("patches: {}\n", c.patches.size());
  return out;
}

struct Tally {
  uint64_t played = 0, refused = 0, refusedByBoth = 0, differences = 0;
  /// Else the generator draws hardly anything else than what the vendor's refuses.
  bool bearable() const { return refused < 10 * played + 1000; }
};

class Soak {
public:
  Soak(Arena &arena, const Flags &flags) : arena_(arena), flags_(flags) {}

  bool run(const Class &c) {
    class_ = &c;
    Tally t;
    auto start = std::chrono::steady_clock::now();
    for (uint64_t first = flags_.first; t.played < flags_.count && t.bearable();) {
      size_t size = size_t(std::min(flags_.batch, flags_.count - t.played));
      std::vector<Case> cases = draw(first, size);
      Arena::Outcome o = arena_.play(fillSeed(first), cases);
      if (o.kind == Arena::Outcome::TheirsRefuses) {
        ++t.refused;
        t.refusedByBoth += o.oursToo;
        if (int(t.refused) <= flags_.refused)
          std::printf("%s %llu: the vendor's refuses: %s%s\n%s", c.name.data(),
                      (unsigned long long)(first + o.index), o.said.c_str(),
                      o.oursToo ? " (ours too)" : "", caseText(cases[o.index]).c_str());
        size_t before = o.index;
        cases.resize(before);
        size = before + 1;
        if (before) // what ran before it is still to be compared
          o = arena_.play(fillSeed(first), cases);
        else
          o = {};
      }
      if (o.kind == Arena::Outcome::Equal) {
        t.played += cases.size();
        first += size;
      } else {
        size_t at = locate(first, cases, o);
        t.played += at;
        ++t.differences;
        report(first, cases, at);
        if (int(t.differences) >= flags_.differences)
          break;
        first += at + 1;
      }
      progress(c, t, start);
    }
    summary(c, t, start);
    return t.differences == 0 && t.bearable();
  }

  /// One index is one pair of streams.
  bool runStreams(const Class &c) {
    class_ = &c;
    Tally t;
    auto start = std::chrono::steady_clock::now();
    for (uint64_t i = flags_.first; t.played < flags_.count && t.bearable(); ++i) {
      Draw d(mix(flags_.seed, i));
      std::vector<Case> cases;
      for (uint64_t at = 0, n = uint64_t(d.between(2, 64)); cases.size() < n; ++at)
        if (Case drawn = draw(i << 8 | at, 1)[0]; !drawn.tolerance)
          cases.push_back(std::move(drawn));
      Draw bind = d;
      Arena::Outcome o = arena_.playStreams(fillSeed(i), cases, bind);
      if (o.kind == Arena::Outcome::Equal) {
        t.played += cases.size();
      } else if (o.kind == Arena::Outcome::TheirsRefuses ||
                 o.said.find("bad-index") != std::string::npos) {
        // A command may overwrite what another was given, such as its indices or regions.
        ++t.refused;
        t.refusedByBoth += o.oursToo;
      } else {
        ++t.differences;
        for (size_t k = 0; k < cases.size();) { // without the commands that do not matter
          std::vector<Case> fewer = cases;
          fewer.erase(fewer.begin() + int64_t(k));
          Draw again = d;
          if (arena_.playStreams(fillSeed(i), fewer, again).kind == o.kind)
            cases = std::move(fewer);
          else
            ++k;
        }
        Draw again = d;
        o = arena_.playStreams(fillSeed(i), cases, again);
        std::printf("\nDIFFERENCE: streams, seed %llu, index %llu; the smallest that differ:\n",
                    (unsigned long long)flags_.seed, (unsigned long long)i);
        for (const Case &k : cases)
          std::printf("%s", caseText(k).c_str());
        std::printf("%srepeat: tessera_soak --class streams --seed %llu --first %llu --count 1\n",
                    outcomeText(arena_, o).c_str(), (unsigned long long)flags_.seed,
                    (unsigned long long)i);
        if (int(t.differences) >= flags_.differences)
          break;
      }
      progress(c, t, start);
    }
    summary(c, t, start);
    return t.differences == 0 && t.bearable();
  }

  Status record(const Class &c) {
    class_ = &c;
    Recording file{std::string(c.name), kRecordFill, {}};
    for (uint64_t i = flags_.first; file.vectors.size() < flags_.count; ++i) {
      if (i > flags_.first + 40 * flags_.count + 100)
        return fail("refused", std::string(c.name),
                    "the vendor's refuses most of its commands, or they bring too many bytes");
      Case drawn = draw(i, 1)[0];
      // Vectors are kept for ever: those with large operands are for the soak alone.
      uint64_t brought = 0;
      for (const Patch &p : drawn.patches)
        brought += p.bytes.size();
      if (brought > kStoredOperandBytes)
        continue;
      TESSERA_ASSIGN(std::optional<Vector> v, recordVector(arena_, file.fill, drawn));
      if (v)
        file.vectors.push_back(std::move(*v));
    }
    std::string path = flags_.record + "/" + std::string(c.name) + ".txt";
    TESSERA_TRY(writeRecording(path, file));
    std::printf("%s: %zu vectors\n", path.c_str(), file.vectors.size());
    return {};
  }

private:
  static constexpr uint64_t kRecordFill = 1;
  static constexpr uint64_t kStoredOperandBytes = 1024;

  uint64_t fillSeed(uint64_t first) const { return mix(flags_.seed, ~first); }
  std::vector<Case> draw(uint64_t first, size_t count) const {
    std::vector<Case> cases;
    uint64_t name = 0;
    for (char c : class_->name)
      name = mix(name, uint8_t(c));
    for (size_t i = 0; i < count; ++i) {
      Draw d(mix(mix(flags_.seed, name), first + i));
      cases.push_back(class_->generate(d));
    }
    return cases;
  }

  /// The case at which the two part: the last of the smallest row that differs.
  size_t locate(uint64_t first, const std::vector<Case> &cases, const Arena::Outcome &o) {
    if (o.exact)
      return o.index;
    size_t low = 0, high = o.index; // row 0..high differs
    while (low < high) {
      size_t middle = (low + high) / 2;
      std::vector<Case> part(cases.begin(), cases.begin() + int64_t(middle) + 1);
      if (arena_.play(fillSeed(first), part).kind == Arena::Outcome::Equal)
        low = middle + 1;
      else
        high = middle;
    }
    return high;
  }

  void report(uint64_t first, const std::vector<Case> &cases, size_t at) {
    // Alone it reads other bytes than behind the others: it may be equal then.
    uint64_t index = first + at, seed = fillSeed(index), repeatFrom = index;
    Arena::Outcome o = arena_.play(seed, {cases[at]});
    bool alone = o.kind != Arena::Outcome::Equal && o.kind != Arena::Outcome::TheirsRefuses;
    if (!alone) {
      repeatFrom = first;
      o = arena_.play(fillSeed(first), {cases.begin(), cases.begin() + int64_t(at) + 1});
    }
    std::printf("\nDIFFERENCE: class %s, seed %llu, index %llu\n%s%s", class_->name.data(),
                (unsigned long long)flags_.seed, (unsigned long long)index,
                caseText(cases[at]).c_str(), outcomeText(arena_, o).c_str());
    std::printf("repeat: tessera_soak --class %s --seed %llu --first %llu --count %llu\n",
                class_->name.data(), (unsigned long long)flags_.seed,
                (unsigned long long)repeatFrom, (unsigned long long)(index - repeatFrom + 1));
    std::fflush(stdout);
    if (!alone || !flags_.shrinks)
      return;
    int trials = 0;
    Case small = shrink(arena_, seed, cases[at], trials);
    o = arena_.play(seed, {small});
    std::printf("smallest command that still differs (%d tried):\n%s%s", trials,
                caseText(small).c_str(), outcomeText(arena_, o).c_str());
    std::string path = fmt::format("soak-{}-{}-{}.case", class_->name, flags_.seed, index);
    Recording file{std::string(class_->name), seed, {{small, {}}}};
    if (writeRecording(path, file))
      std::printf("repeat: tessera_soak --case %s\n", path.c_str());
    std::fflush(stdout);
  }

  void summary(const Class &c, const Tally &t, std::chrono::steady_clock::time_point start) {
    double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-10s %llu commands equal, %llu different, %llu refused by the vendor's (%llu by "
                "ours too), seed %llu, %.1f s\n",
                c.name.data(), (unsigned long long)t.played, (unsigned long long)t.differences,
                (unsigned long long)t.refused, (unsigned long long)t.refusedByBoth,
                (unsigned long long)flags_.seed, s);
    std::fflush(stdout);
  }

  void progress(const Class &c, const Tally &t, std::chrono::steady_clock::time_point start) {
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(10))
      return;
    last_ = now;
    double s = std::chrono::duration<double>(now - start).count();
    std::fprintf(stderr, "%s: %llu of %llu, %.0f s left\n", c.name.data(),
                 (unsigned long long)t.played, (unsigned long long)flags_.count,
                 s * double(flags_.count) / double(std::max<uint64_t>(1, t.played)) - s);
  }

  Arena &arena_;
  const Flags &flags_;
  const Class *class_ = nullptr;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

int playFile(Arena &arena, const std::string &path, bool shows) {
  auto file = readRecording(path);
  if (!file) {
    std::fprintf(stderr, "%s\n", file.error().text().c_str());
    return 2;
  }
  int different = 0;
  for (size_t i = 0; i < file->vectors.size(); ++i) {
    const Case &c = file->vectors[i].input;
    if (shows) {
      auto v = recordVector(arena, file->fill, c);
      std::printf("vector %zu, %s\n", i, isa::disassemble(c.command).c_str());
      if (!v || !*v)
        std::printf("  the vendor's refuses it: %s\n", arena.vendor().lastWords().c_str());
      else
        for (const Changed &x : (*v)->changes)
          std::printf("  %s, %llu bytes: %s\n", placeName(x.place).c_str(),
                      (unsigned long long)x.size,
                      hexText(arena.vendor().memories().at(x.place), x.size).c_str());
    }
    Arena::Outcome o = arena.play(file->fill, {c});
    if (o.kind == Arena::Outcome::Equal)
      continue;
    ++different;
    std::printf("vector %zu\n%s%s", i, caseText(c).c_str(), outcomeText(arena, o).c_str());
  }
  std::printf("%s: %d of %zu differ\n", path.c_str(), different, file->vectors.size());
  return different != 0;
}

int usage(const std::string &why) {
  std::fprintf(stderr, "tessera_soak: %s\n%s", why.c_str(), kHelp);
  return 2;
}

int run(int argc, char **argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--serve")
    return Vendor::serve(argv[2]);
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (flag == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    if (flag == "--no-shrink" || flag == "--list" || flag == "--show") {
      flags.shrinks &= flag != "--no-shrink";
      flags.list |= flag == "--list";
      flags.show |= flag == "--show";
      continue;
    }
    std::map<std::string, std::string *> texts = {{"--class", &flags.names},
                                                  {"--vendor", &flags.vendor},
                                                  {"--record", &flags.record},
                                                  {"--case", &flags.file}};
    std::map<std::string, uint64_t *> numbers = {{"--count", &flags.count},
                                                 {"--first", &flags.first},
                                                 {"--seed", &flags.seed},
                                                 {"--batch", &flags.batch}};
    std::map<std::string, int *> ints = {{"--differences", &flags.differences},
                                         {"--refused", &flags.refused}};
    if (!texts.contains(flag) && !numbers.contains(flag) && !ints.contains(flag))
      return usage("no flag " + flag);
    if (++i == argc)
      return usage(flag + " needs a value");
    if (texts.contains(flag)) {
      *texts[flag] = argv[i];
      continue;
    }
    char *end;
    uint64_t value = std::strtoull(argv[i], &end, 10);
    if (*end || end == argv[i])
      return usage(flag + " needs a number");
    if (numbers.contains(flag))
      *numbers[flag] = value;
    else
      *ints[flag] = int(value);
    flags.hasSeed |= flag == "--seed";
  }
  if (flags.batch == 0)
    return usage("--batch 0");
  if (flags.list) {
    for (const Class &c : classes())
      std::printf("%s\n", c.name.data());
    return 0;
  }
  std::vector<const Class *> chosen;
  std::string names = flags.names + ",";
  while (!names.empty()) {
    std::string name = names.substr(0, names.find(','));
    names.erase(0, name.size() + 1);
    size_t before = chosen.size();
    for (const Class &c : classes())
      if (name == "all" || name == c.name)
        chosen.push_back(&c);
    if (chosen.size() == before)
      return usage("no class '" + name + "'; --list prints them");
  }
  if (const char *e = std::getenv("TESSERA_VENDOR_SIM"); flags.vendor.empty() && e)
    flags.vendor = e;
  if (flags.vendor.empty())
    return usage("--vendor, the vendor's simulator library, is missing");
  if (!flags.hasSeed)
    flags.seed =
        flags.record.empty()
            ? uint64_t(std::chrono::system_clock::now().time_since_epoch().count()) % 1000000000
            : 1;
  auto arena = Arena::open("/proc/self/exe", flags.vendor);
  if (!arena) {
    std::fprintf(stderr, "%s\n", arena.error().text().c_str());
    return 2;
  }
  if (!flags.file.empty())
    return playFile(*arena, flags.file, flags.show);
  std::printf("seed %llu\n", (unsigned long long)flags.seed);
  std::fflush(stdout);
  Soak soak(*arena, flags);
  bool equal = true;
  for (const Class *c : chosen) {
    if (flags.record.empty()) {
      equal &= c->name == "streams" ? soak.runStreams(*c) : soak.run(*c);
    } else if (c->forms.empty()) {
      continue; // its commands are those of the other classes
    } else if (Status s = soak.record(*c); !s) {
      std::fprintf(stderr, "%s\n", s.error().text().c_str());
      equal = false;
    }
  }
  return equal ? 0 : 1;
}

} // namespace
} // namespace tessera::soak

int main(int argc, char **argv) { return tessera::soak::run(argc, argv); }
