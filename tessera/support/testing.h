#pragma once
// What the unit tests of several rooms share.
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tessera {

/// A folder of one test alone, gone with it. Tests run side by side, each in a process of its own,
/// so a path that only one of them writes needs a name that no other has.
class ScratchFolder {
public:
  /// Throws std::runtime_error if it cannot be made.
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tessera_XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder &) = delete;
  ScratchFolder &operator=(const ScratchFolder &) = delete;

  operator const std::filesystem::path &() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path &file) const { return path_ / file; }

private:
  std::filesystem::path path_;
};

} // namespace tessera
