#pragma once
// The commands of one slice of a convolution that is planned on its own. Private to plan_conv.cpp.
#include "tessera/codegen/depthwise.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

namespace tessera::schedule {

/// Everything the slices of one cut share.
struct ConvPlan {
  ConvWork work;
  std::vector<Range> oc, ic; ///< blocks of output channels, parts of input channels
  std::vector<codegen::AxisSlice> rows, columns;
  bool bias = false, padTable = false, weightsSigned = true;
  bool biasInside = false; ///< a depthwise convolution's command adds it
  bool byPhases = false;   ///< a transposed convolution as codegen/deconv.h makes it
  int32_t padValue = 0;
  // Slot numbers.
  int input = -1, weights = -1, pads = -1, acc = -1, sum = -1, result = -1;
  int plane = -1;                        ///< one cell's results before they are interleaved
  std::vector<int> extra;                ///< results of the epilogues
  std::vector<std::vector<int>> scratch; ///< of each epilogue's recipe
  // Constants: offsets in one buffer, known once the cut is chosen.
  int32_t constants = -1;
  std::vector<uint64_t> blocks;    ///< by oc index * ic count + ic index
  std::vector<uint64_t> padTables; ///< by ic part
  uint64_t padRow = 0;             ///< of a stack

  bool floats() const { return work.floats(); }
  /// A pass of its own adds the bias.
  bool hasSum() const { return bias && !floats() && !biasInside; }
  /// A lane's, of a part of the input channels.
  int64_t padBytes(size_t i) const {
    return 2 * dtypeSize(work.input.dtype) * chip::slots(0, ic[i].second - ic[i].first);
  }
  codegen::LaneRange padRange(size_t i, const Addresses &a) const {
    return {a[size_t(pads)], uint32_t(a[size_t(pads)] + padBytes(i))};
  }
  bool tail(size_t i) const { return i + 1 == ic.size(); }
  codegen::ConvBlockLayout layout(size_t o, size_t i) const {
    if (work.depthwise)
      return codegen::depthwiseBlockLayout(
          oc[o].second - oc[o].first, work.y.kernel * work.x.kernel, bias, work.filter.dtype());
    return codegen::convBlockLayout(oc[o].second - oc[o].first, ic[i].second - ic[i].first,
                                    work.y.kernel * work.x.kernel, tail(i), bias,
                                    work.filter.dtype());
  }
};

/// A slice: which batch, band, block and part.
struct ConvPlace {
  int64_t n;
  size_t row, column, o, i;
};

codegen::Instructions loadConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a,
                               int slot);
codegen::Instructions computeConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a);
/// The result and what the epilogues leave.
codegen::Instructions storeConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a);
/// All blocks and pad tables in one buffer.
void addConvConstants(ConvPlan &p, const AddConstant &addConstant);

} // namespace tessera::schedule
