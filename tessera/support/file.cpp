#include "tessera/support/file.h"

#include "tessera/support/bytes.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace tessera {
namespace {

// Fixed slots instead of a container: a signal handler may walk them at any moment.
constexpr int kSlots = 64;
constexpr int kPathMax = 4096;
std::array<std::atomic<bool>, kSlots> slotBusy{};
char slotPath[kSlots][kPathMax];

int claimSlot(const std::string &path) {
  for (int i = 0; i < kSlots; ++i) {
    bool expected = false;
    if (path.size() < kPathMax && slotBusy[i].compare_exchange_strong(expected, true)) {
      std::memcpy(slotPath[i], path.c_str(), path.size() + 1);
      return i;
    }
  }
  return -1;
}

std::string reason(int e) { return std::strerror(e); }

Status flushToDisk(const fs::path &path) {
  int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0)
    return fail("write-failed", path.string(), "cannot reopen: " + reason(errno));
  int rc = ::fsync(fd), e = errno;
  ::close(fd);
  if (rc != 0 && e != EINVAL)
    return fail("write-failed", path.string(), "cannot flush: " + reason(e));
  return {};
}

Status checkReadable(const fs::path &path) {
  std::error_code ec;
  if (fs::is_directory(path, ec))
    return fail("bad-file", path.string(), "is a folder, expected a file");
  // A pipe has no length, and opening one nobody writes to would wait for ever; a device may never
  // end.
  if (fs::exists(path, ec) && !fs::is_regular_file(path, ec))
    return fail("bad-file", path.string(), "is a pipe or a device, expected a file");
  return {};
}

} // namespace

Result<Bytes> mapFile(const fs::path &path) {
  TESSERA_TRY(checkReadable(path));
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail("bad-file", path.string(), "cannot be opened: " + reason(errno));
  struct stat about{};
  int rc = ::fstat(fd, &about), e = errno;
  size_t size = static_cast<size_t>(about.st_size);
  void *p = nullptr;
  if (rc == 0 && size > 0) { // nothing can be mapped of an empty file
    p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    e = errno;
  }
  ::close(fd);
  if (rc != 0 || p == MAP_FAILED)
    return fail("bad-file", path.string(), "cannot be read: " + reason(e));
  std::shared_ptr<const void> owner(p, [size](void *q) {
    if (q)
      ::munmap(q, size);
  });
  return Bytes(std::move(owner), {static_cast<const uint8_t *>(p), size});
}

Result<std::vector<uint8_t>> readFile(const fs::path &path) {
  TESSERA_TRY(checkReadable(path));
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in)
    return fail("bad-file", path.string(), "cannot be opened: " + reason(errno));
  std::streamoff size = in.tellg();
  if (size < 0)
    return fail("bad-file", path.string(), "cannot be read: its size is unknown");
  std::vector<uint8_t> bytes;
  try {
    bytes.resize(static_cast<size_t>(size));
  } catch (const std::exception &) {
    return fail("bad-file", path.string(),
                "cannot be read: " + std::to_string(size) + " bytes do not fit into memory");
  }
  in.seekg(0);
  if (!bytes.empty() && !in.read(reinterpret_cast<char *>(bytes.data()), bytes.size()))
    return fail("bad-file", path.string(), "cannot be read: " + reason(errno));
  return bytes;
}

Result<std::string> readText(const fs::path &path) {
  TESSERA_ASSIGN(auto bytes, readFile(path));
  return std::string(bytes.begin(), bytes.end());
}

Status writeAtomically(const fs::path &path, const std::function<Status(const fs::path &)> &write) {
  std::error_code ec;
  if (fs::is_directory(path, ec))
    return fail("write-failed", path.string(), "is a folder, expected a file name");
  // Onto a link's target, not onto the link itself.
  fs::path target = fs::is_symlink(path, ec) ? fs::weakly_canonical(path, ec) : path;
  fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ec))
    return fail("write-failed", path.string(), "the folder " + folder.string() + " does not exist",
                "create it first");
  // A device or a pipe is written to, never replaced: root could rename a file over /dev/null.
  if (fs::exists(target, ec) && !fs::is_regular_file(target, ec))
    return write(target);
  // The extension stays, since image writers choose the format by it.
  static std::atomic<unsigned> counter{0};
  fs::path temp = folder / ("." + target.stem().string() + ".tmp" + std::to_string(::getpid()) +
                            "-" + std::to_string(counter++) + target.extension().string());
  int slot = claimSlot(temp.string());
  auto release = [&] {
    if (slot >= 0)
      slotBusy[slot] = false;
  };
  Status status = write(temp);
  if (status)
    status = flushToDisk(temp);
  if (status) {
    fs::rename(temp, target, ec);
    if (ec)
      status = fail("write-failed", path.string(), "cannot be replaced: " + ec.message());
  }
  if (!status)
    fs::remove(temp, ec);
  release();
  return status;
}

Status writeFile(const fs::path &path, std::span<const uint8_t> bytes) {
  return writeAtomically(path, [&](const fs::path &temp) -> Status {
    errno = 0;
    std::ofstream out(temp, std::ios::binary);
    if (out)
      out.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    if (out)
      out.close();
    if (!out)
      return fail("write-failed", path.string(), "cannot be written: " + reason(errno),
                  "check the folder's permissions and free space");
    return {};
  });
}

Status writeText(const fs::path &path, const std::string &text) {
  return writeFile(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

void removeUnfinishedFiles() noexcept {
  for (int i = 0; i < kSlots; ++i)
    if (slotBusy[i])
      ::unlink(slotPath[i]);
}

} // namespace tessera
