#pragma once
// Stage, count, rate and time left of long work: a live line on a terminal, plain lines otherwise.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace tessera {

/// Counts `total` units of a stage. Thread-safe. Prints to stderr, and nothing during the first two
/// seconds.
class Progress {
public:
  Progress(std::string stage, int64_t total, std::string unit = "");
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  void advance(int64_t n = 1);

  /// Turns all progress off, e.g. for --quiet. Default on.
  static void setEnabled(bool on);
  static bool isEnabled();

private:
  void print(bool last);
  using Clock = std::chrono::steady_clock;
  std::string stage_, unit_;
  int64_t total_;
  std::atomic<int64_t> done_{0};
  Clock::time_point start_, lastPrint_;
  std::mutex mutex_;
  bool printed_ = false;
};

} // namespace tessera
