#include "tessera/sim/machine.h"

#include "tessera/support/parallel.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace tessera::sim {

namespace {
/// Large pages want to begin at a multiple of their size. As much address space without memory lies
/// before and behind: a command that got past its checks ends the program instead of reading what
/// lies beside.
constexpr uint64_t kLarge = 2 << 20;
constexpr uint64_t withGuards(uint64_t bytes) { return (bytes + 4095) / 4096 * 4096 + 2 * kLarge; }
} // namespace

Pages::Pages(size_t bytes) : size_(bytes) {
  if (bytes == 0)
    return;
  size_t wanted = withGuards(bytes), mapped = wanted + kLarge;
  void *p = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw std::bad_alloc();
  auto *begin = static_cast<uint8_t *>(p);
  uint64_t before = -reinterpret_cast<uint64_t>(p) % kLarge; // the surplus is given back
  if (before)
    munmap(begin, before);
  begin += before;
  munmap(begin + wanted, kLarge - before);
  data_ = begin + kLarge;
  if (mprotect(data_, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(begin, wanted);
    throw std::bad_alloc();
  }
  if (bytes >= kLarge)
    madvise(data_, bytes, MADV_HUGEPAGE); // advice: a host without large pages does without
}

Pages::~Pages() {
  if (data_)
    munmap(data_ - kLarge, withGuards(size_));
}

Pages::Pages(Pages &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Pages &Pages::operator=(Pages &&other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

namespace {

/// Of every machine whose commands have not written static memory.
const std::vector<uint8_t> &tables() {
  static const std::vector<uint8_t> words = staticMemory();
  return words;
}

void zero(uint8_t *data, uint64_t size) {
  constexpr int64_t kPiece = 1 << 20;
  parallelFor((int64_t(size) + kPiece - 1) / kPiece, 1, [&](int64_t begin, int64_t end) {
    std::memset(data + begin * kPiece, 0, std::min(uint64_t(end * kPiece), size) - begin * kPiece);
  });
}

} // namespace

Machine::Machine() : lmem_(chip::kLmemBytes), l2_(chip::kL2End - chip::kL2Base) {}

void Machine::wipe() {
  static_.clear();
  filtered = 0;
  zero(lmem_.data(), lmem_.size());
  auto clear = [](uint8_t *data, Extent &written) {
    if (written.to > written.from)
      zero(data + written.from, written.to - written.from);
    written = {};
  };
  clear(l2_.data(), l2Written_);
  for (Region &r : regions_)
    clear(r.data, r.written);
}

Status Machine::add(Region region) {
  std::string where = fmt::format("global memory 0x{:x}", region.base);
  if (region.base < chip::kGlobalBase || region.base > chip::kGlobalEnd ||
      region.size > chip::kGlobalEnd - region.base)
    return fail("bad-address", where,
                fmt::format("{} bytes do not fit 0x{:x}..0x{:x}", region.size, chip::kGlobalBase,
                            chip::kGlobalEnd));
  auto next = std::upper_bound(regions_.begin(), regions_.end(), region.base,
                               [](uint64_t base, const Region &r) { return base < r.base; });
  if ((next != regions_.end() && region.base + region.size > next->base) ||
      (next != regions_.begin() && std::prev(next)->base + std::prev(next)->size > region.base))
    return fail("bad-address", where,
                fmt::format("{} bytes overlap memory that is mapped already", region.size));
  regions_.insert(next, region);
  return {};
}

Status Machine::mapGlobal(uint64_t base, uint64_t size) {
  if (size == 0)
    return {};
  if (size > chip::kGlobalEnd - chip::kGlobalBase)
    return fail("bad-address", fmt::format("global memory 0x{:x}", base),
                fmt::format("{} bytes are more than the chip's window", size));
  try {
    Pages pages(size);
    TESSERA_TRY(add({base, size, pages.data(), true, {}}));
    owned_.push_back(std::move(pages));
  } catch (const std::bad_alloc &) {
    return fail("out-of-memory", fmt::format("global memory 0x{:x}", base),
                fmt::format("the host gives no {} bytes", size));
  }
  return {};
}

Status Machine::mapReadOnly(uint64_t base, std::span<const uint8_t> bytes) {
  if (bytes.empty())
    return {};
  return add({base, bytes.size(), const_cast<uint8_t *>(bytes.data()), false, {}});
}

uint8_t *Machine::scratch(int which, size_t bytes) {
  // Address space costs nothing: more of it than most instructions need keeps the touched pages.
  constexpr size_t kReserve = size_t(256) << 20;
  if (scratch_[which].size() < bytes)
    scratch_[which] = Pages(std::max({bytes, 2 * scratch_[which].size(), kReserve}));
  return scratch_[which].data();
}

Result<uint8_t *> Machine::bytes(uint64_t address, uint64_t size, Access access) {
  auto within = [&](uint64_t base, uint64_t extent) {
    return address >= base && address - base <= extent && size <= extent - (address - base);
  };
  auto bad = [&](std::string why) {
    return fail(
        "bad-address", fmt::format("0x{:x}", address),
        fmt::format("{} of {} bytes {}", access == Access::Read ? "read" : "write", size, why));
  };
  switch (chip::spaceOf(address)) {
  case chip::Space::Local:
    if (!within(address & ~uint64_t(chip::kLaneBytes - 1), chip::kLaneBytes))
      return bad("runs past the end of its lane");
    return lmem_.data() + (address - chip::kLmemBase);
  case chip::Space::Static:
    if (!within(chip::kStaticBase, chip::kStaticBytes))
      return bad("runs past the end of static memory");
    // Tables are all machines' own until a command writes over them.
    if (access == Access::Write && static_.empty())
      static_.assign(tables().begin(), tables().end());
    return const_cast<uint8_t *>(static_.empty() ? tables().data() : static_.data()) +
           (address - chip::kStaticBase);
  case chip::Space::L2:
    if (!within(chip::kL2Base, chip::kL2Bytes))
      return bad("runs past the end of L2's usable part");
    if (access == Access::Write)
      l2Written_.add(address - chip::kL2Base, address - chip::kL2Base + size);
    return l2_.data() + (address - chip::kL2Base);
  case chip::Space::Global: {
    auto next = std::upper_bound(regions_.begin(), regions_.end(), address,
                                 [](uint64_t a, const Region &r) { return a < r.base; });
    if (next == regions_.begin())
      return bad("is below all memory of the model");
    Region &r = *std::prev(next);
    if (!within(r.base, r.size))
      return bad("is outside the memory of the model");
    if (access == Access::Write && !r.writable)
      return bad("goes to coefficients, which no command may change");
    if (access == Access::Write)
      r.written.add(address - r.base, address - r.base + size);
    return r.data + (address - r.base);
  }
  case chip::Space::None:
    break;
  }
  return bad("is no memory of the chip");
}

} // namespace tessera::sim
