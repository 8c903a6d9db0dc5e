#pragma once
// What a run over many inputs has finished, written down as it goes, so that a killed run can go
// on: a file of JSON lines in the output folder. The first line says which run it is (network and
// options by their content), every other one names a finished input with its outputs.
#include "tessera/support/status.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

namespace tessera::evaluate {

inline constexpr const char *kJournalName = "run.journal";

class Journal {
public:
  enum class Start {
    Fresh,    ///< the folder must hold no journal
    Resume,   ///< goes on where there is one; error "other-run" where it is of another run
    Overwrite ///< drops what was there
  };
  /// Opens `folder`'s journal for this process alone. `run` says what decides the outputs' bytes.
  /// Errors: "busy" while another process writes there, "not-empty", "other-run", "write-failed".
  static Result<Journal> open(const std::filesystem::path &folder,
                              const nlohmann::ordered_json &run, Start start);
  Journal(Journal &&other) noexcept;
  Journal(const Journal &) = delete;
  Journal &operator=(const Journal &) = delete;
  ~Journal();

  /// Inputs that were finished when the journal was opened.
  size_t size() const { return finished_.size(); }
  /// Whether `input` was finished, is unchanged since, and `outputs` are as they were written.
  bool has(const std::filesystem::path &input,
           const std::vector<std::filesystem::path> &outputs) const;
  /// Appends a line. Thread-safe.
  Status add(const std::filesystem::path &input, const std::vector<std::filesystem::path> &outputs);

private:
  Journal() = default;
  std::filesystem::path path_;
  int file_ = -1; ///< locked as long as it is open
  std::map<std::string, nlohmann::ordered_json> finished_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
};

} // namespace tessera::evaluate
