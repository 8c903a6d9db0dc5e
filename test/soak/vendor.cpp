#include "test/soak/vendor.h"

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tessera::soak {
namespace {

constexpr int kMemoryFd = 10, kSocketFd = 11, kLogFd = 12;
constexpr int kSecondsPerBatch = 120;
constexpr uint64_t kPage = 4096;

// The shared file: a page of state, the three memories (each with a page of slack, because the
// library's arrays begin within a page), then the program of a batch.
struct Shared {
  uint64_t executed; ///< cases done of this batch
  uint64_t skew[3];  ///< where in its first page each memory begins
};
constexpr uint64_t kSizes[3] = {kLocalBytes, kWindowBytes, chip::kL2Bytes};
constexpr uint64_t startOf(int part) {
  uint64_t at = kPage;
  for (int i = 0; i < part; ++i)
    at += (kSizes[i] + kPage - 1) / kPage * kPage + kPage;
  return at;
}
constexpr uint64_t kProgram = startOf(3), kProgramBytes = uint64_t(256) << 20;
constexpr uint64_t kSharedBytes = kProgram + kProgramBytes;

// A program is a row of records, each with this header; patches are followed by their bytes,
// commands by 128 bytes.
struct Record {
  enum Kind : uint64_t { kEnd, kPatch, kCommand } kind;
  uint64_t place, size; ///< of a command: its engine, 128
};

uint8_t *mapShared() {
  void *p =
      mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, kMemoryFd, 0);
  return p == MAP_FAILED ? nullptr : static_cast<uint8_t *>(p);
}

/// The library's local memory, as get_local_mem describes it.
struct LocalMemory {
  char *raw;
  uint32_t **lanes;
  int count, size, align, needFree;
};

/// Lets the shared file take the place of `size` bytes at `memory`, keeping what shares its pages.
bool share(void *memory, int part) {
  auto address = reinterpret_cast<uintptr_t>(memory);
  uintptr_t begin = address / kPage * kPage;
  uint64_t bytes = (address - begin + kSizes[part] + kPage - 1) / kPage * kPage;
  // Only the edges are not the memory's own: keep their bytes.
  uint8_t head[kPage], tail[kPage];
  std::memcpy(head, reinterpret_cast<void *>(begin), kPage);
  std::memcpy(tail, reinterpret_cast<void *>(begin + bytes - kPage), kPage);
  void *p = mmap(reinterpret_cast<void *>(begin), bytes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED, kMemoryFd, off_t(startOf(part)));
  if (p == MAP_FAILED)
    return false;
  std::memcpy(p, head, address - begin);
  uint64_t used = (address - begin + kSizes[part]) % kPage;
  if (used)
    std::memcpy(reinterpret_cast<uint8_t *>(begin + bytes - kPage) + used, tail + used,
                kPage - used);
  return true;
}

} // namespace

int Vendor::serve(const char *library) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  dup2(kLogFd, 1);
  dup2(kLogFd, 2);
  uint8_t *shared = mapShared();
  // Before the library is loaded: it turns denormals off, and the tables begin with some.
  std::vector<uint8_t> tables = sim::staticMemory();
  void *lib = dlopen(library, RTLD_NOW);
  if (!shared || !lib) {
    std::fprintf(stderr, "%s\n", lib ? "no shared memory" : dlerror());
    return 3;
  }
  auto init = reinterpret_cast<int (*)(int, int64_t)>(dlsym(lib, "cmodel_init"));
  auto localMem = reinterpret_cast<LocalMemory *(*)(int)>(dlsym(lib, "get_local_mem"));
  auto globalMem = reinterpret_cast<void *(*)(int)>(dlsym(lib, "get_global_memaddr"));
  auto l2Mem = reinterpret_cast<void *(*)(int)>(dlsym(lib, "get_l2_sram"));
  auto staticMem = reinterpret_cast<char *(*)(int)>(dlsym(lib, "get_static_memaddr_by_node"));
  auto execute = reinterpret_cast<void (*)(int, void *, unsigned)>(dlsym(lib, "execute_command"));
  if (!init || !localMem || !globalMem || !l2Mem || !staticMem || !execute) {
    std::fprintf(stderr, "the library lacks a function of the simulator's interface\n");
    return 3;
  }
  if (init(0, int64_t(kWindowBytes)) != 0)
    return 3;
  std::memcpy(staticMem(0), tables.data(), tables.size());
  void *memories[3] = {localMem(0)->raw, globalMem(0), l2Mem(0)};
  auto *state = reinterpret_cast<Shared *>(shared);
  for (int i : {0, 1, 2}) {
    if (!share(memories[i], i))
      return 3;
    state->skew[i] = reinterpret_cast<uintptr_t>(memories[i]) % kPage;
  }
  Memories mine{static_cast<uint8_t *>(memories[0]), static_cast<uint8_t *>(memories[1]),
                static_cast<uint8_t *>(memories[2])};
  char token = 'r';
  while (write(kSocketFd, &token, 1) == 1 && read(kSocketFd, &token, 1) == 1) {
    const uint8_t *p = shared + kProgram;
    for (;;) {
      Record r;
      std::memcpy(&r, p, sizeof r);
      p += sizeof r;
      if (r.kind == Record::kEnd)
        break;
      if (r.kind == Record::kPatch) {
        std::memcpy(mine.at(r.place, r.size), p, r.size);
      } else {
        alignas(128) uint8_t words[256] = {};
        std::memcpy(words, p, r.size);
        execute(0, words, unsigned(r.place));
        __atomic_add_fetch(&state->executed, 1, __ATOMIC_RELEASE);
      }
      p += r.size;
    }
    std::fflush(stdout);
    if (ftruncate(kLogFd, 0) == 0)
      lseek(kLogFd, 0, SEEK_SET);
  }
  _exit(0);
}

struct Vendor::State {
  std::string program, library, words;
  int memory = -1, log = -1, socket = -1;
  pid_t player = -1;
  uint8_t *shared = nullptr;
  Memories memories;
  size_t given = 0;

  ~State() {
    end();
    if (shared)
      munmap(shared, kSharedBytes);
    for (int fd : {memory, log})
      if (fd >= 0)
        close(fd);
  }
  void end() {
    if (player > 0) {
      kill(player, SIGKILL);
      waitpid(player, nullptr, 0);
      player = -1;
    }
    if (socket >= 0)
      close(socket);
    socket = -1;
  }
  Shared *header() { return reinterpret_cast<Shared *>(shared); }

  /// One byte from the player, or false when it has ended or the time is up.
  bool answer() {
    pollfd p{socket, POLLIN, 0};
    int ready;
    do
      ready = poll(&p, 1, kSecondsPerBatch * 1000);
    while (ready < 0 && errno == EINTR);
    char token;
    return ready == 1 && read(socket, &token, 1) == 1;
  }

  Status launch() {
    end();
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      return fail("no-vendor", library, "no socket pair");
    player = fork();
    if (player == 0) {
      dup2(pair[1], kSocketFd);
      dup2(memory, kMemoryFd);
      dup2(log, kLogFd);
      execl(program.c_str(), program.c_str(), "--serve", library.c_str(), nullptr);
      _exit(3);
    }
    close(pair[1]);
    socket = pair[0];
    if (player < 0 || !answer()) {
      Error error("no-vendor", library, "the vendor's simulator does not start: " + said());
      end();
      return fail(error);
    }
    uint8_t *at[3];
    for (int i : {0, 1, 2})
      at[i] = shared + startOf(i) + header()->skew[i];
    memories = {at[0], at[1], at[2]};
    return {};
  }

  /// What the player complained of: the line of its failed assertion, else its last line.
  std::string said() {
    std::string text(4096, '\0');
    off_t size = lseek(log, 0, SEEK_END), from = std::max<off_t>(0, size - off_t(text.size()));
    ssize_t got = pread(log, text.data(), text.size(), from);
    text.resize(got > 0 ? size_t(got) : 0);
    if (ftruncate(log, 0) == 0)
      lseek(log, 0, SEEK_SET);
    std::string chosen = "(nothing said)";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      bool isTrace = line.find("[0x") != std::string::npos || line.empty();
      if (!isTrace)
        chosen = line;
      if (line.find("ssert") != std::string::npos || line.find("ASSERT") != std::string::npos)
        break;
    }
    return chosen;
  }
};

Vendor::Vendor(std::unique_ptr<State> s) : state_(std::move(s)) {}
Vendor::Vendor(Vendor &&) noexcept = default;
Vendor &Vendor::operator=(Vendor &&) noexcept = default;
Vendor::~Vendor() = default;
const Memories &Vendor::memories() const { return state_->memories; }
const std::string &Vendor::lastWords() const { return state_->words; }

Result<Vendor> Vendor::start(const std::string &program, const std::string &library) {
  signal(SIGPIPE, SIG_IGN);
  auto s = std::make_unique<State>();
  s->program = program;
  s->library = library;
  // The player's own descriptors must not be these numbers before it starts.
  auto high = [](int fd) { return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 20); };
  int memory = memfd_create("soak", MFD_CLOEXEC), log = memfd_create("said", MFD_CLOEXEC);
  s->memory = high(memory);
  s->log = high(log);
  close(memory);
  close(log);
  if (s->memory < 0 || s->log < 0 || ftruncate(s->memory, off_t(kSharedBytes)) != 0)
    return fail("no-vendor", library, "no shared memory");
  void *p =
      mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, s->memory, 0);
  if (p == MAP_FAILED)
    return fail("no-vendor", library, "no shared memory");
  s->shared = static_cast<uint8_t *>(p);
  TESSERA_TRY(s->launch());
  return Vendor(std::move(s));
}

void Vendor::begin(const Case *cases, size_t count) {
  uint8_t *p = state_->shared + kProgram, *end = p + kProgramBytes;
  auto put = [&](Record r, const void *bytes) {
    TESSERA_CHECK(p + 2 * sizeof r + r.size <= end, "a batch larger than its buffer");
    std::memcpy(p, &r, sizeof r);
    std::memcpy(p + sizeof r, bytes, r.size);
    p += sizeof r + r.size;
  };
  for (size_t i = 0; i < count; ++i) {
    for (const Patch &patch : cases[i].patches)
      put({Record::kPatch, placeOf(patch), patch.bytes.size()}, patch.bytes.data());
    put({Record::kCommand, uint64_t(cases[i].command.engine), sizeof(isa::Words)},
        cases[i].command.words.data());
  }
  Record last{Record::kEnd, 0, 0};
  std::memcpy(p, &last, sizeof last);
  state_->given = count;
  state_->header()->executed = 0;
  char token = 'g';
  if (write(state_->socket, &token, 1) != 1)
    state_->words = "the player is gone"; // wait() finds it out
}

size_t Vendor::wait() {
  bool alive = state_->answer();
  size_t executed = __atomic_load_n(&state_->header()->executed, __ATOMIC_ACQUIRE);
  if (alive)
    return executed;
  int status = 0;
  bool ended = waitpid(state_->player, &status, WNOHANG) == state_->player;
  for (int i = 0; !ended && i < 100; ++i) { // the socket closes a moment earlier
    usleep(1000);
    ended = waitpid(state_->player, &status, WNOHANG) == state_->player;
  }
  if (ended)
    state_->player = -1;
  state_->words = (!ended                ? fmt::format("no end after {} s", kSecondsPerBatch)
                   : WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                         : fmt::format("exit {}", WEXITSTATUS(status))) +
                  ": " + state_->said();
  Status s = state_->launch();
  TESSERA_CHECK(s.has_value(), s ? "" : s.error().text());
  return executed;
}

} // namespace tessera::soak
