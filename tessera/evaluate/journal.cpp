#include "tessera/evaluate/journal.h"

#include "tessera/support/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace fs = std::filesystem;
namespace tessera::evaluate {
namespace {

using Json = nlohmann::ordered_json;

/// The same file has the same name from every working folder; links keep their own.
std::string nameOf(const fs::path &file) {
  std::error_code ec;
  fs::path whole = fs::absolute(file, ec);
  return (ec ? file : whole).lexically_normal().string();
}

/// Size and time of change: tell a file that was replaced since. Null where there is none.
Json stateOf(const fs::path &file, bool withTime) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0)
    return nullptr;
  Json state{{"bytes", about.st_size}};
  if (withTime)
    state["changed"] = about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec;
  return state;
}

Json entryOf(const fs::path &input, const std::vector<fs::path> &outputs) {
  Json entry{{"input", nameOf(input)}, {"state", stateOf(input, true)}, {"outputs", Json::array()}};
  for (const fs::path &o : outputs)
    entry["outputs"].push_back({{"file", nameOf(o)}, {"state", stateOf(o, false)}});
  return entry;
}

/// "model 1a2b... instead of 3c4d..." for every field that differs.
std::string differences(const Json &now, const Json &then) {
  std::string text;
  for (const auto &[key, value] : now.items()) {
    Json before = then.is_object() && then.contains(key) ? then[key] : Json();
    if (before != value)
      text += fmt::format("{}{} was {}, is now {}", text.empty() ? "" : "; ", key, before.dump(),
                          value.dump());
  }
  return text;
}

} // namespace

Result<Journal> Journal::open(const fs::path &folder, const Json &run, Start start) {
  Journal j;
  j.path_ = folder / kJournalName;
  std::string where = j.path_.string();
  j.file_ = ::open(where.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (j.file_ < 0)
    return fail("write-failed", where, std::string("cannot be opened: ") + std::strerror(errno),
                "check the folder's permissions and free space");
  if (::flock(j.file_, LOCK_EX | LOCK_NB) != 0)
    return fail("busy", folder.string(), "another run is writing there",
                "wait for it, or give another folder");
  TESSERA_ASSIGN(std::string text, readText(j.path_));
  // A line counts only with its end: a kill may have cut the last one off.
  std::vector<Json> lines;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(Json::parse(text.substr(at, end - at), nullptr, false));
  bool held = !lines.empty();
  if (held && start == Start::Fresh)
    return fail("not-empty", folder.string(),
                fmt::format("holds a run with {} finished input(s)", lines.size() - 1),
                "--resume goes on with it, --overwrite starts anew; or give another folder");
  if (held && start == Start::Resume) {
    if (std::string text = differences(run, lines.front()); !text.empty())
      return fail("other-run", folder.string(), "holds outputs of another run: " + text,
                  "give that run's model and options, another folder, or --overwrite");
    for (size_t i = 1; i < lines.size(); ++i)
      if (lines[i].is_object() && lines[i].contains("input") && lines[i]["input"].is_string())
        j.finished_[lines[i]["input"].get<std::string>()] = lines[i];
    // What follows the last whole line would swallow the next one.
    if (size_t whole = text.rfind('\n') + 1;
        whole < text.size() && ::ftruncate(j.file_, off_t(whole)) != 0)
      return fail("write-failed", where, std::string("cannot be cut: ") + std::strerror(errno));
    return j;
  }
  std::string line = run.dump() + "\n";
  if (::ftruncate(j.file_, 0) != 0 ||
      ::write(j.file_, line.data(), line.size()) != ssize_t(line.size()))
    return fail("write-failed", where, std::string("cannot be written: ") + std::strerror(errno),
                "check the folder's permissions and free space");
  return j;
}

Journal::Journal(Journal &&other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)),
      finished_(std::move(other.finished_)), mutex_(std::move(other.mutex_)) {}

Journal::~Journal() {
  if (file_ >= 0)
    ::close(file_);
}

bool Journal::has(const fs::path &input, const std::vector<fs::path> &outputs) const {
  auto found = finished_.find(nameOf(input));
  return found != finished_.end() && found->second == entryOf(input, outputs);
}

Status Journal::add(const fs::path &input, const std::vector<fs::path> &outputs) {
  std::string line =
      entryOf(input, outputs).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::lock_guard lock(*mutex_);
  if (::write(file_, line.data(), line.size()) != ssize_t(line.size()))
    return fail("write-failed", path_.string(),
                std::string("cannot be written: ") + std::strerror(errno),
                "check the folder's free space");
  return {};
}

} // namespace tessera::evaluate
