#pragma once
// Private to sSG: the decoded command, and its families of operations.
#include "tessera/sim/exec/sg.h"

namespace tessera::sim::exec {

// PL: one index per position, the same for all channels. PE: every channel has its own. The
// "hazard" variants differ in the banks they may use only.
enum SgOp : uint64_t {
  kPlGather1 = 0,
  kPlGather2 = 1,
  kPlGatherRectangle = 2,
  kPlScatter1 = 3,
  kPlScatter2 = 4,
  kPeGather = 5,
  kPeScatter = 6,
  kPeMultiGather = 7,
  kMaskSelect = 8,
  kNonzero = 9,
  kPingPong = 10,
  kPeGatherHazard = 13,
  kPeScatterHazard = 14,
  kMaskSelectHazard = 15,
  kNonzeroHazard = 16,
};

struct SgJob {
  Machine &m;
  isa::sSG f;
  Dims d; ///< of the result
  int64_t size;
  bool limited() const { return f.opd3_const; } ///< an all-ones index names no item
  bool fills() const { return f.opd2_const; }   ///< what names no item becomes the constant
  const uint8_t *constant() const { return reinterpret_cast<const uint8_t *>(&f.opd2_addr); }
};

inline Status sameSize(const char *what, uint64_t a, uint64_t b) {
  if (a != b)
    return fail("bad-shape", "", fmt::format("{}: {} and {}", what, a, b));
  return {};
}
inline Status oneRow(const char *what, uint64_t rows) {
  if (rows != 1)
    return fail("bad-shape", what, fmt::format("{} rows where one is meant", rows));
  return {};
}

/// The table or values (1, c, 1, opd0_w) of the operations by tables; batches share them.
Result<Local> peSource(const SgJob &);

Status plGather(SgJob);
Status plGatherRectangle(SgJob);
Status plScatter(SgJob);
Status peGather(const SgJob &);
Status peMultiGather(SgJob);
Status peScatter(const SgJob &);
Status maskSelect(const SgJob &);
Status nonzero(const SgJob &);
Status pingPong(const SgJob &);

} // namespace tessera::sim::exec
