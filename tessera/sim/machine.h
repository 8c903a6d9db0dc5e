#pragma once
// The memories that commands see: local memory, static tables, L2 and global memory. Addresses are
// those of GDMA commands (chip room, address map); TIU commands address local memory from 0.
#include "tessera/chip/chip.h"
#include "tessera/support/status.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tessera::sim {

/// Zero-filled pages that cost memory only where touched; large ones in the host's large pages,
/// whose faults are few.
class Pages {
public:
  explicit Pages(size_t bytes);
  ~Pages();
  Pages(Pages &&other) noexcept;
  Pages &operator=(Pages &&other) noexcept;
  Pages(const Pages &) = delete;
  Pages &operator=(const Pages &) = delete;
  uint8_t *data() const { return data_; }
  size_t size() const { return size_; }

private:
  uint8_t *data_ = nullptr;
  size_t size_ = 0;
};

/// What was written of a memory: [from, to).
struct Extent {
  uint64_t from = UINT64_MAX, to = 0;
  void add(uint64_t begin, uint64_t end) {
    from = std::min(from, begin);
    to = std::max(to, end);
  }
};

enum class Access : uint8_t { Read, Write };

/// A tensor that an instruction asked for, as its execute function names it.
struct OperandUse {
  const char *what; ///< "result", "destination" (written), "opd0", "source", ... (read)
  bool local = false;
  uint64_t address = 0; ///< local: lane << 18 | byte
  int64_t n = 1, c = 1, h = 1, w = 1;
  chip::LocalLayout strides{}; ///< elements; local: c is of channel slots
  int64_t size = 1;            ///< bytes of an element
  bool written() const {
    std::string_view name = what;
    return name.starts_with("result") || name.starts_with("destination");
  }
};

/// One chip. Local memory, L2 and global memory start as zeros, static memory as the vendor's
/// tables (bm1684x.md 1.5). Global memory exists only where it was mapped.
class Machine {
public:
  Machine();

  /// As it was made: everything that was written is zero again, what is mapped stays.
  void wipe();

  /// First byte of a lane; kLaneBytes belong to it.
  uint8_t *lane(int64_t lane) { return lmem_.data() + lane * chip::kLaneBytes; }
  const uint8_t *lane(int64_t lane) const { return lmem_.data() + lane * chip::kLaneBytes; }
  std::span<uint8_t> localMemory() { return {lmem_.data(), lmem_.size()}; }

  /// Adds `size` bytes of zeros at `base` to global memory. Error "bad-address" when outside
  /// 0x1_0000_0000..0x3_0000_0000 or overlapping what is mapped.
  Status mapGlobal(uint64_t base, uint64_t size);
  /// The same on the caller's read-only bytes, which must outlive the machine: a store into them is
  /// an error of the command.
  Status mapReadOnly(uint64_t base, std::span<const uint8_t> bytes);

  /// The host bytes [address, address + size) of static, L2 or global memory, for local memory
  /// within one lane only. Error "bad-address" names the address and what it misses.
  Result<uint8_t *> bytes(uint64_t address, uint64_t size, Access access);
  Result<const uint8_t *> bytes(uint64_t address, uint64_t size) {
    TESSERA_ASSIGN(uint8_t *p, bytes(address, size, Access::Read));
    return p;
  }

  /// How many elements the last nonzero or masked select of the GDMA engine has written. The chip
  /// keeps this number in a register of the engine; no command stores it into memory.
  uint32_t filtered = 0;

  /// Working memory of the instruction under way, at least `bytes`, 64-byte aligned, contents
  /// arbitrary; `which` 0..2. Kept between instructions so that pages are touched once.
  uint8_t *scratch(int which, size_t bytes);

  /// Lists the tensors that instructions ask for from now on; null: nobody looks, nothing is spent.
  void observe(std::vector<OperandUse> *list) { observed_ = list; }
  void note(const OperandUse &use) {
    if (observed_) [[unlikely]]
      observed_->push_back(use);
  }

private:
  std::vector<OperandUse> *observed_ = nullptr;
  struct Region {
    uint64_t base, size;
    uint8_t *data;
    bool writable;
    Extent written;
  };
  Status add(Region region);

  Pages lmem_, l2_;
  Pages scratch_[3] = {Pages(0), Pages(0), Pages(0)};
  Extent l2Written_;
  std::vector<uint8_t> static_; ///< empty: the shared tables
  std::vector<Pages> owned_;
  std::vector<Region> regions_; ///< sorted by base
};

/// The words of static memory, 64 KiB (bm1684x.md 1.5).
std::vector<uint8_t> staticMemory();

} // namespace tessera::sim
