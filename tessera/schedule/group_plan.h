#pragma once
// What the slices of a planned group share: rows, places in local memory, blocks of weights.
#include "tessera/codegen/upconv.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/group_bands.h"

namespace tessera::schedule {

/// A tensor's place: the new rows of every band start at `head`, those kept lie before them. What
/// no op of the group reads is only there until it is stored: a few rows of one block of channels.
struct GroupBuffer {
  int slot = -1;
  bool carries = false;        ///< rows from one band to the next
  bool passing = false;        ///< no op of the group reads it
  int64_t head = 0, plane = 0; ///< elements
  int64_t newRows = 0;         ///< at most; of a passing one as many as a slice makes
};

/// How an op runs.
struct GroupStep {
  std::vector<int> loads; ///< slot by input, -1 for tensors of the group
  std::vector<int> scratch;
  // Of ops with weights.
  std::vector<Range> blocks; ///< of output channels
  bool resident = true, bias = false, weightsSigned = true, byPhases = false;
  bool biasInside = false; ///< the command of a depthwise convolution adds it
  int64_t biases = 0;      ///< of an UpConv
  int weights = -1;        ///< slot
  int32_t padValue = 0;
  int64_t subRows = 1; ///< of the result that fit the accumulator
  int32_t constants = -1;
  std::vector<uint64_t> offset; ///< of each block in the constants
};

struct GroupPlan {
  GroupWork work;
  GroupBands bands;
  std::vector<GroupBuffer> buffers; ///< by tensor
  std::vector<GroupStep> steps;     ///< by op
  int acc = -1, sum = -1, plane = -1;
  int window = -1; ///< slot of what a command without strides reads of a tensor

  const View &view(int32_t t) const { return work.tensors[size_t(t)].view; }
  const View &inputView(const GroupInput &i) const {
    return i.tensor >= 0 ? view(i.tensor) : i.view;
  }
  int64_t channels(const GroupInput &i) const {
    return i.unfold ? i.unfold->channels() : inputView(i).shape[1];
  }
  /// Of a convolution's input that its windows see: others are neither loaded nor read.
  static codegen::AxisSlice columns(const GroupInput &i) {
    return *codegen::sliceAxis(i.x, 0, i.x.out);
  }
};

/// A slice.
struct GroupPlace {
  int64_t n = 0;
  size_t band = 0, op = 0, block = 0;
  int64_t from = 0, to = 0; ///< rows of the result that it makes
};

} // namespace tessera::schedule
