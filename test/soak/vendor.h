#pragma once
// The vendor's simulator as a measuring instrument: its library loaded in a process of its own,
// because it ends the process on commands that it dislikes. Memory is shared with that process.
#include "test/soak/memory.h"

#include <memory>
#include <string>

namespace tessera::soak {

class Vendor {
public:
  /// Starts the player: this program again as `PROGRAM --serve LIBRARY`. Errors "no-vendor".
  static Result<Vendor> start(const std::string &program, const std::string &library);
  Vendor(Vendor &&) noexcept;
  Vendor &operator=(Vendor &&) noexcept;
  ~Vendor();

  const Memories &memories() const;

  /// Gives the cases to the player and returns at once; wait() must follow. For each case: its
  /// patches are written, its command is executed.
  void begin(const Case *cases, size_t count);
  /// The number of cases executed. Less than given: the next one ended the player or took longer
  /// than the time limit; `lastWords` has what it said. A new player has taken over: its memories
  /// hold what the command left half done.
  size_t wait();
  size_t play(const Case *cases, size_t count) {
    begin(cases, count);
    return wait();
  }
  const std::string &lastWords() const;

  /// The player's side, entered by main for --serve.
  static int serve(const char *library);

private:
  struct State;
  explicit Vendor(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

} // namespace tessera::soak
