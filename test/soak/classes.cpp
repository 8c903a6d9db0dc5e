// The list of classes, the forms without one, and where generators place their tensors.
#include "test/soak/generator.h"

#include <algorithm>

namespace tessera::soak {
namespace {

std::vector<Class> &registry() {
  static std::vector<Class> list;
  return list;
}

} // namespace

Registered::Registered(Class c) {
  auto &list = registry();
  list.insert(std::upper_bound(list.begin(), list.end(), c,
                               [](const Class &a, const Class &b) { return a.name < b.name; }),
              std::move(c));
}

const std::vector<Class> &classes() { return registry(); }

const std::vector<Exempt> &exempt() {
  static const std::vector<Exempt> list = {
      {isa::Form::LAR, "the vendor's simulator does nothing for this class"},
  };
  return list;
}

bool LaneRoom::isFree(int64_t begin, int64_t end) const {
  return std::none_of(taken_.begin(), taken_.end(),
                      [&](Range r) { return begin < r.end && r.begin < end; });
}

int64_t LaneRoom::take(int64_t bytes, int64_t align) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    int64_t last = (chip::kLaneBytes - bytes) / align;
    TESSERA_CHECK(last >= 0, "a tensor larger than a lane");
    int64_t begin = draw_.between(0, last) * align;
    if (isFree(begin, begin + bytes)) {
      taken_.push_back({begin, begin + bytes});
      return begin;
    }
  }
  internalError(__FILE__, __LINE__, "no room left in the lane for another tensor");
}

} // namespace tessera::soak
