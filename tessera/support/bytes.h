#pragma once
// Read-only bytes that are shared instead of copied: a mapped file, a part of one, or a buffer.
#include "tessera/support/status.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace tessera {

class Bytes {
public:
  Bytes() = default;
  Bytes(std::vector<uint8_t> own) {
    auto kept = std::make_shared<const std::vector<uint8_t>>(std::move(own));
    view_ = *kept;
    owner_ = std::move(kept);
  }
  /// `view` stays valid as long as `owner` lives.
  Bytes(std::shared_ptr<const void> owner, std::span<const uint8_t> view)
      : owner_(std::move(owner)), view_(view) {}

  const uint8_t *data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  auto begin() const { return view_.begin(); }
  auto end() const { return view_.end(); }
  operator std::span<const uint8_t>() const { return view_; }
  /// [start, start + size) of these bytes, which must hold them.
  Bytes part(size_t start, size_t size) const { return {owner_, view_.subspan(start, size)}; }
  /// Compares contents.
  friend bool operator==(const Bytes &a, const Bytes &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  std::shared_ptr<const void> owner_;
  std::span<const uint8_t> view_;
};

/// The bytes of `path`, read when they are first looked at. Errors as readFile. The file must not
/// be cut shorter while it is in use; a new one renamed over it does no harm.
Result<Bytes> mapFile(const std::filesystem::path &path);

} // namespace tessera
