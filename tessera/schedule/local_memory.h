#pragma once
// Who has which bytes of local memory from which slice to which. Everything is placed before the
// first command is made, so that a load can be told how early its place is free.
#include "tessera/schedule/plan.h"

#include <map>

namespace tessera::schedule {

/// One content of one slot of a plan: from the first slice that wants it to the last, all slices of
/// all plans counted through. It may be there before (what is loaded ahead) and a while longer
/// (what is being stored).
struct LocalObject {
  int slot = 0;
  int64_t version = 0;
  size_t first = 0, last = 0;
  bool loaded = false;
  int64_t bytes = 0; ///< reserved, of a lane
  bool ownBank = false;
  uint32_t address = 0;
  size_t begin = 0, end = 0; ///< nobody else has its bytes in slices begin..end
};

struct PlanObjects {
  std::vector<LocalObject> objects;
  std::vector<std::vector<size_t>> used; ///< by slice: by slot, index of the object, or none
  static constexpr size_t kNone = ~size_t(0);
};
/// The objects of a plan's first `slices`, which count from `firstSlice`. Two versions that share a
/// copy of a slot are never there at the same time: what comes back after another has been there is
/// a new object.
PlanObjects localObjects(const LayerPlan &plan, size_t slices, size_t firstSlice, int64_t capacity);

class LocalMemory {
public:
  explicit LocalMemory(int64_t bytes) : bytes_(bytes) {}
  /// Places a plan's objects behind those of the plans placed before: what is made or kept first,
  /// then loads in the order they are wanted, each as early as it can be there. False if they do
  /// not fit.
  bool place(std::vector<LocalObject> &objects);
  /// Takes note of an object that has been placed otherwise.
  void add(const LocalObject &o);

private:
  using Objects = std::vector<LocalObject>;
  /// A place that is free in slices [begin, end].
  std::optional<uint32_t> find(const LocalObject &o, size_t begin, size_t end, bool high) const;
  /// No object is there before slice `earliest`.
  bool place(Objects &objects, size_t earliest);

  struct Taken {
    size_t begin, end;
    int64_t from, to;
  };
  int64_t bytes_;
  std::multimap<size_t, Taken> brief_; ///< by begin; those that are there for few slices
  std::vector<Taken> lasting_;
};

/// True if the plan can be placed in empty memory.
bool fitsLocalMemory(const LayerPlan &plan, int64_t capacity);

} // namespace tessera::schedule
