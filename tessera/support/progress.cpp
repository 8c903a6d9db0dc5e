#include "tessera/support/progress.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace tessera {
namespace {
std::atomic<bool> enabled{true};
bool onTerminal() { return ::isatty(STDERR_FILENO); }
} // namespace

void Progress::setEnabled(bool on) { enabled = on; }
bool Progress::isEnabled() { return enabled; }

Progress::Progress(std::string stage, int64_t total, std::string unit)
    : stage_(std::move(stage)), unit_(std::move(unit)), total_(total), start_(Clock::now()),
      lastPrint_(start_) {}

Progress::~Progress() {
  if (printed_)
    print(/*last=*/true);
}

void Progress::advance(int64_t n) {
  done_ += n;
  if (!enabled)
    return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock)
    return;
  using namespace std::chrono_literals;
  auto now = Clock::now();
  if (now - start_ < 2s || now - lastPrint_ < (onTerminal() ? 200ms : 5000ms))
    return;
  lastPrint_ = now;
  print(/*last=*/false);
}

void Progress::print(bool last) {
  printed_ = true;
  double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  int64_t done = done_;
  double rate = done / (seconds > 0 ? seconds : 1);
  std::string line = fmt::format("{}: {}/{}{}{}, {:.1f}/s", stage_, done, total_,
                                 unit_.empty() ? "" : " ", unit_, rate);
  line += last ? fmt::format(", {:.1f} s", seconds)
               : fmt::format(", {:.0f} s left", rate > 0 ? (total_ - done) / rate : 0.0);
  if (onTerminal())
    fmt::print(stderr, "\r\033[K{}{}", line, last ? "\n" : "");
  else
    fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
}

} // namespace tessera
