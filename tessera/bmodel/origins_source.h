#pragma once
// Private to origins.cpp and tensor_table.cpp: what both read.
#include "tessera/bmodel/origins.h"

namespace tessera::bmodel {

using Json = nlohmann::ordered_json;

inline Unexpected damaged(const char *what, const std::string &why) {
  return fail("bad-file", what, why, "compile the model again");
}

/// Null if there is none.
inline const Stage *stageOf(const Model &model, size_t stage) {
  if (model.nets.empty() || stage >= model.nets.front().stages.size())
    return nullptr;
  return &model.nets.front().stages[stage];
}

/// One op as the vendor's tensor locations list it: ids before and after it in one group.
struct VendorOp {
  std::string type; ///< without "tpu."
  int64_t line = 0;
  size_t group = 0;
  int64_t before[2] = {0, 0}, after[2] = {0, 0};
  Json results;
};

/// Ids start again in every group; a group of an op is told by that.
Result<std::vector<VendorOp>> vendorOps(const Stage &);

} // namespace tessera::bmodel
