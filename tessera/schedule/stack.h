#pragma once
// A convolution of few channels as one of many: bands of rows of the image lie side by side in the
// lanes, and a filter that is zero between bands keeps them apart. A step of the cube takes 64
// input and 64 output channels whether they are used or not, so that eight bands of eight channels
// take the cube an eighth of the steps, and every command behind it works on full lanes. Integer
// sums gain zeros only: the results are the same bits. So do those of halves, whose products are
// summed exactly in blocks of 32 channels, as long as a band's channels stay together in theirs and
// all values are finite: an infinity in one band makes NaN of what lies beside it.
#include "tessera/codegen/conv2d.h"
#include "tessera/schedule/plan.h"

namespace tessera::schedule {

struct ConvWork;

/// Where the bands come from: band g is channels [g*ic, (g+1)*ic), and its row r is row
/// g * step + r - padBefore of the input, or padding outside of it.
struct Stack {
  View input; ///< [n, ic, ih, iw] I8|U8, F16|BF16
  int64_t bands = 1, step = 0, padBefore = 0;
  std::vector<int32_t> padValue; ///< of each of the ic channels, as stored (a float's bits)

  /// One value for all channels, which a TIU command can write.
  bool padsAlike() const;
};

/// A row [1, ic, 1, iw] of padding where it differs by channel: what bands read beyond the input.
Tensor padRow(const Stack &s);

/// Loads rows [row0, row0 + to.h) and columns [column0, column0 + to.w) of batch n, all bands. The
/// first commands, of the TIU, write the padding where the part has any; where channels differ,
/// loads from `padding`, where padRow lies, do.
codegen::Instructions loadStacked(const Stack &s, int64_t n, int64_t row0, int64_t column0,
                                  const View &padding, const codegen::LocalTensor &to);

/// The same convolution over `bands` bands: channel o*bands + g of its result is band g of channel
/// o, which in global memory is the rows of one channel one after the other. Nullopt if the bands
/// are not even, the channels do not fit the lanes side by side, or a result lies otherwise.
std::optional<ConvWork> stacked(const ConvWork &work, int64_t bands);

/// A part [n, o, y, x] of the stacked result as parts of the result itself.
std::vector<codegen::LocalPart> unstacked(const Stack &s, int64_t rows,
                                          const codegen::LocalPart &part);

} // namespace tessera::schedule
