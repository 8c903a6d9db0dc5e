#pragma once
// What the gather and scatter classes (sSG, sSGL) share: indices and the item that stands for none.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {

inline int64_t unsignedAt(const uint8_t *p, int64_t i, int64_t size) {
  return size == 1   ? p[i]
         : size == 2 ? loadAs<uint16_t>(p + 2 * i)
                     : int64_t(loadAs<uint32_t>(p + 4 * i));
}

inline void copyItem(uint8_t *to, const uint8_t *from, int64_t size) {
  switch (size) {
  case 1:
    *to = *from;
    break;
  case 2:
    std::memcpy(to, from, 2);
    break;
  default:
    std::memcpy(to, from, 4);
  }
}

/// Bytes of an index; error for types that the chip takes no indices of.
inline Result<int64_t> indexBytes(uint64_t type) {
  if (Type(type) != Type::Int8 && Type(type) != Type::Int16)
    return fail("bad-command", "opd1_prec", fmt::format("indices of type {}", type),
                "indices are unsigned integers of 8 or 16 bits");
  return chip::bytesOf(Type(type));
}
/// The index that names no item where the command says so: all ones.
constexpr int64_t noneOf(int64_t indexBytes) { return (int64_t(1) << 8 * indexBytes) - 1; }

inline Unexpected outside(int64_t items) {
  return fail("bad-index", "opd1", fmt::format("an index is outside the table of {} items", items));
}

/// A tensor all of whose channel slots share one place in their lane ("T4", bm1684x.md 2.2).
inline Result<Local> sharedTable(Machine &m, uint64_t address, Dims d, int64_t size) {
  return local(m, "opd0", address, {1, std::min(d.c, chip::kLanes), d.h, d.w}, size,
               {0, 0, chip::alignUp(d.w, chip::euCount(size)), 1});
}

/// body(n, c) for every plane, channels of different lanes side by side; false means an index
/// outside the table.
template <class Body> bool forPlanes(Dims d, Body body) {
  std::array<uint8_t, chip::kLanes> bad{};
  forLanes(d.c, d.count(), [&](int64_t first) {
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t c = first; c < d.c; c += chip::kLanes)
        if (!body(n, c))
          bad[first] = 1;
  });
  return std::find(bad.begin(), bad.end(), 1) == bad.end();
}

/// How many items each plane has found, 16 bits a plane. Written when all items are: where both lie
/// on the same bytes, the numbers stay.
class Counts {
public:
  explicit Counts(Dims d) : d_(d), found_(size_t(d.n * d.c)) {}
  uint16_t &at(int64_t n, int64_t c) { return found_[size_t(n * d_.c + c)]; }
  void store(const Local &to) {
    for (int64_t n = 0; n < d_.n; ++n)
      for (int64_t c = 0; c < d_.c; ++c)
        storeAs(to.plane(n, c), at(n, c));
  }

private:
  Dims d_;
  std::vector<uint16_t> found_;
};

} // namespace tessera::sim::exec
