// tessera_fuzz: broken inputs by the million. `tessera_fuzz --help` has the flags. Inputs are run
// in a process of their own: its end or standstill is a finding, and the input is saved.
#include "fuzz/mutate.h"
#include "tessera/support/file.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tessera::fuzz {
namespace {

constexpr const char *kHelp =
    R"(usage: tessera_fuzz [flags]
  --target NAME   container, stream, preset, profile or all (all)
  --count N       inputs a target (100000)
  --first N       index of the first (0); an input depends on target, seed and index only
  --seed S        drawn from the clock and printed if not given
  --bases DIR     good files to start from (fuzz/base)
  --file FILE     run one input, as saved for a finding
  --collect DIR   write DIR/TARGET.txt: the smallest input of each way to end
)";

constexpr int kSecondsAnInput = 30;
constexpr uint64_t kInputsAProcess = 20000;

struct Flags {
  std::string target = "all", bases = "fuzz/base", file, collect;
  uint64_t count = 100000, first = 0, seed = 0;
};

class Fuzzer {
public:
  explicit Fuzzer(const Flags &flags) : flags_(flags) {
    void *p =
        mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    TESSERA_CHECK(p != MAP_FAILED, "no shared page");
    at_ = static_cast<volatile uint64_t *>(p);
  }

  Bytes input(const Target &t, uint64_t index) const {
    return fuzz::input(t.name, flags_.seed, index, bases_);
  }
  Status prepare(const Target &t) {
    TESSERA_ASSIGN(bases_, readBases(flags_.bases, t.name));
    return {};
  }

  bool run(const Target &t) {
    auto start = std::chrono::steady_clock::now();
    uint64_t end = flags_.first + flags_.count;
    int findings = 0;
    for (uint64_t i = flags_.first; i < end && findings < 10;) {
      uint64_t until = std::min(end, i + kInputsAProcess);
      uint64_t stopped = worker(t, i, until);
      if (stopped == until) {
        i = until;
        double s = seconds(start);
        std::fprintf(stderr, "%s: %llu of %llu, %.0f s left\n", t.name.data(),
                     (unsigned long long)(i - flags_.first), (unsigned long long)flags_.count,
                     s / double(i - flags_.first) * double(end - i));
        continue;
      }
      ++findings;
      std::string path = fmt::format("fuzz-{}-{}-{}.bin", t.name, flags_.seed, stopped);
      Status saved = writeFile(path, input(t, stopped));
      std::printf("FINDING: %s, seed %llu, input %llu: %s; %s\nrepeat: tessera_fuzz --target %s "
                  "--file %s\n",
                  t.name.data(), (unsigned long long)flags_.seed, (unsigned long long)stopped,
                  how_.c_str(), saved ? "saved" : "could not be saved", t.name.data(),
                  path.c_str());
      std::fflush(stdout);
      i = stopped + 1;
    }
    std::printf("%-10s %llu inputs, %d findings, seed %llu, %.0f s\n", t.name.data(),
                (unsigned long long)flags_.count, findings, (unsigned long long)flags_.seed,
                seconds(start));
    std::fflush(stdout);
    return findings == 0;
  }

  Status collect(const Target &t) {
    std::map<std::string, std::pair<size_t, Bytes>> ways; // by signature: base, input
    for (uint64_t i = flags_.first; i < flags_.first + flags_.count; ++i) {
      Bytes b = input(t, i);
      std::string how = t.run(b).signature;
      auto [it, fresh] = ways.try_emplace(how, 0, b);
      if (!fresh && b.size() < it->second.second.size())
        it->second.second = std::move(b);
    }
    std::string text;
    for (auto &[how, entry] : ways) {
      std::string best;
      for (size_t k = 0; k < bases_.size(); ++k) {
        std::string d = fmt::format("input {} {}\n", k, how) + delta(bases_[k], entry.second);
        if (best.empty() || d.size() < best.size())
          best = d;
      }
      if (best.size() < 30000)
        text += best;
    }
    return writeText(flags_.collect + "/" + std::string(t.name) + ".txt", text);
  }

private:
  static double seconds(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  /// Runs [from, until) in a child; the index at which it stopped, `until` if it did not.
  uint64_t worker(const Target &t, uint64_t from, uint64_t until) {
    *at_ = from;
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
      for (uint64_t i = from; i < until; ++i) {
        *at_ = i;
        Outcome o = t.run(input(t, i));
        if (!o.broken.empty()) {
          std::fprintf(stderr, "broken promise: %s\n", o.broken.c_str());
          _exit(9);
        }
      }
      _exit(0);
    }
    uint64_t last = from;
    auto moved = std::chrono::steady_clock::now();
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      usleep(2000);
      if (*at_ != last) {
        last = *at_;
        moved = std::chrono::steady_clock::now();
      } else if (seconds(moved) > kSecondsAnInput) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        how_ = fmt::format("no end after {} s", kSecondsAnInput);
        return *at_;
      }
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      return until;
    how_ = WIFSIGNALED(status)        ? fmt::format("signal {}", WTERMSIG(status))
           : WEXITSTATUS(status) == 9 ? "broken promise"
                                      : fmt::format("exit {}", WEXITSTATUS(status));
    return *at_;
  }

  const Flags &flags_;
  std::vector<Bytes> bases_;
  volatile uint64_t *at_;
  std::string how_;
};

int usage(const std::string &why) {
  std::fprintf(stderr, "tessera_fuzz: %s\n%s", why.c_str(), kHelp);
  return 2;
}

int report(const Error &e) {
  std::fprintf(stderr, "%s\n", e.text().c_str());
  return 2;
}

int run(int argc, char **argv) {
  Flags flags;
  flags.seed = uint64_t(std::chrono::system_clock::now().time_since_epoch().count()) % 1000000000;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (flag == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    std::map<std::string, std::string *> texts = {{"--target", &flags.target},
                                                  {"--bases", &flags.bases},
                                                  {"--file", &flags.file},
                                                  {"--collect", &flags.collect}};
    std::map<std::string, uint64_t *> numbers = {
        {"--count", &flags.count}, {"--first", &flags.first}, {"--seed", &flags.seed}};
    if (!texts.contains(flag) && !numbers.contains(flag))
      return usage("no flag " + flag);
    if (++i == argc)
      return usage(flag + " needs a value");
    if (texts.contains(flag)) {
      *texts[flag] = argv[i];
      continue;
    }
    char *end;
    *numbers[flag] = std::strtoull(argv[i], &end, 10);
    if (*end || end == argv[i])
      return usage(flag + " needs a number");
  }
  std::vector<const Target *> chosen;
  for (const Target &t : targets())
    if (flags.target == "all" || flags.target == t.name)
      chosen.push_back(&t);
  if (chosen.empty())
    return usage("no target '" + flags.target + "'");
  if (!flags.file.empty()) {
    if (chosen.size() != 1)
      return usage("--file needs --target");
    auto bytes = readFile(flags.file);
    if (!bytes)
      return report(bytes.error());
    Outcome o = chosen[0]->run(*bytes);
    std::printf("%s\n%s\n", o.signature.c_str(), o.broken.c_str());
    return !o.broken.empty();
  }
  Fuzzer fuzzer(flags);
  std::printf("seed %llu\n", (unsigned long long)flags.seed);
  std::fflush(stdout);
  bool clean = true;
  for (const Target *t : chosen) {
    Status s = fuzzer.prepare(*t);
    if (s && flags.collect.empty())
      clean &= fuzzer.run(*t);
    else if (s)
      s = fuzzer.collect(*t);
    if (!s)
      return report(s.error());
  }
  return clean ? 0 : 1;
}

} // namespace
} // namespace tessera::fuzz

int main(int argc, char **argv) { return tessera::fuzz::run(argc, argv); }
