// Before: Deconv 2x2 stride 2, perhaps a Pad of one zero row or column at the end, a Concat of it
//         and one other tensor, and a Conv 3x3 that pads by one cell, each the only reader of the
//         one before.
// After:  one UpConv of the Deconv's input and the other tensor, under the Conv's name: both are
//         linear, so that per output phase they compose to a 2x2 filter on the small tensor. The
//         Deconv's bias reaches a cell over those taps that lie inside the upsampled tensor: a bias
//         for each class of row and column.
// Fails:  stays where the pattern is not whole (another reader or an output in between, groups,
//         dilation, other pads, computed weights), the composed filters are not finite or leave no
//         room in local memory, or, unless asked for everywhere, the cube takes as many steps.
#include "tessera/optimize/rewriter.h"

#include "tessera/chip/chip.h"

#include <algorithm>

namespace tessera::optimize {
namespace {

bool isWindow(mlir::Operation *op, int64_t kernel, int64_t stride, int64_t pad) {
  auto all = [&](const char *name, int64_t value) {
    auto a = op->getAttrOfType<mlir::DenseI64ArrayAttr>(name);
    return a && llvm::all_of(a.asArrayRef(), [&](int64_t v) { return v == value; });
  };
  auto group = op->getAttrOfType<mlir::IntegerAttr>("group");
  return all("kernel_shape", kernel) && all("strides", stride) && all("pads", pad) &&
         all("dilations", 1) && (!group || group.getInt() == 1);
}

struct Match {
  top::ConvOp conv;
  top::ConcatOp concat;
  top::PadOp pad; ///< may be null
  top::DeconvOp deconv;
  int64_t place = 0; ///< of the upsampled tensor among the Concat's inputs
};

bool isMatch(Match &m) {
  mlir::Operation *reader = m.concat;
  mlir::Value v = m.concat.getInputs()[size_t(m.place)];
  auto alone = [&] { return Rewriter::onlyReader(v) == reader && !Rewriter::isOutput(v); };
  m.pad = v.getDefiningOp<top::PadOp>();
  if (m.pad) {
    auto p = m.pad.getPaddings();
    if (!alone() || m.pad.getVal().convertToDouble() != 0 || p.size() != 8)
      return false;
    for (size_t i = 0; i < 8; ++i)
      if (p[i] != 0 && (i < 6 || p[i] != 1))
        return false;
    reader = m.pad;
    v = m.pad.getInput();
  }
  m.deconv = v.getDefiningOp<top::DeconvOp>();
  return m.deconv && alone() && !m.deconv.getDoRelu() && isWindow(m.deconv, 2, 2, 0) &&
         llvm::all_of(m.deconv.getOutputPadding(), [](int64_t p) { return p == 0; });
}

std::optional<Match> match(mlir::Operation *op) {
  Match m;
  m.conv = llvm::dyn_cast<top::ConvOp>(op);
  if (!m.conv || !isWindow(op, 3, 1, 1) || m.conv.getPadValue())
    return std::nullopt;
  m.concat = m.conv.getInput().getDefiningOp<top::ConcatOp>();
  if (!m.concat || m.concat.getAxis() != 1 || m.concat.getInputs().size() != 2 ||
      Rewriter::onlyReader(m.concat.getOutput()) != op || Rewriter::isOutput(m.concat.getOutput()))
    return std::nullopt;
  for (m.place = 0; m.place < 2; ++m.place)
    if (isMatch(m))
      return m;
  return std::nullopt;
}

int64_t slots(int64_t channels) { return chip::ceilDiv(channels, 64); }

/// Steps of the cube for four output cells, before less after.
int64_t gain(int64_t ic, int64_t up, int64_t skip, int64_t oc) {
  int64_t before = slots(ic) * slots(up) + 9 * slots(up + skip) * slots(oc);
  return before - (4 * slots(ic) + 9 * slots(skip)) * slots(oc);
}

void compose(Rewriter &r, Match m) {
  const Tensor *d = r.constant(m.deconv.getFilter()), *k = r.constant(m.conv.getFilter());
  const Tensor *db = m.deconv.getBias() ? r.constant(m.deconv.getBias()) : nullptr;
  const Tensor *kb = m.conv.getBias() ? r.constant(m.conv.getBias()) : nullptr;
  if (!d || !k || (m.deconv.getBias() && !db) || (m.conv.getBias() && !kb))
    return;
  int64_t up = d->dim(0), ic = d->dim(1), oc = k->dim(0), all = k->dim(1), skip = all - up;
  int64_t first = m.place == 0 ? 0 : skip, skipFirst = m.place == 0 ? up : 0;
  if (r.composition != Composition::Always && gain(ic, up, skip, oc) <= 0)
    return;
  // Of 64 output channels; a quarter of a lane leaves room for the tensors.
  if (64 * (16 * slots(ic) + 9 * slots(skip)) > chip::kLaneBytes / 4)
    return;
  auto D = d->as<float>();
  auto K = k->as<float>();
  std::vector<double> low(size_t(4 * oc * ic * 4), 0), side(size_t(oc * skip * 9));
  std::vector<double> bias(size_t(oc * 16), 0);
  for (int64_t o = 0; o < oc; ++o) {
    for (int64_t p = 0; p < 9; ++p)
      for (int64_t c = 0; c < skip; ++c)
        side[size_t((o * skip + c) * 9 + p)] = K[size_t((o * all + skipFirst + c) * 9 + p)];
    for (int64_t phase = 0; phase < 4; ++phase)
      for (int64_t p = 0; p < 3; ++p)
        for (int64_t q = 0; q < 3; ++q) {
          // Kernel cell (p, q) sees row a + p - 1 of the upsampled tensor, counted from the small
          // cell's own.
          int64_t y = phase / 2 + p + 1, x = phase % 2 + q + 1; // two more: not negative
          int64_t t = y / 2 - phase / 2, s = x / 2 - phase % 2;
          for (int64_t c = 0; c < up; ++c) {
            double w = K[size_t((o * all + first + c) * 9 + p * 3 + q)];
            for (int64_t i = 0; i < ic; ++i)
              low[size_t(((phase * oc + o) * ic + i) * 4 + t * 2 + s)] +=
                  w * D[size_t((c * ic + i) * 4 + y % 2 * 2 + x % 2)];
          }
        }
    // Which taps of an axis lie inside the upsampled tensor, by class.
    static constexpr bool kInside[4][3] = {{1, 1, 1}, {0, 1, 1}, {1, 1, 0}, {1, 0, 0}};
    for (int64_t row = 0; row < 4; ++row)
      for (int64_t column = 0; column < 4; ++column) {
        double sum = kb ? kb->as<float>()[size_t(o)] : 0;
        for (int64_t c = 0; db && c < up; ++c)
          for (int64_t p = 0; p < 9; ++p)
            if (kInside[row][p / 3] && kInside[column][p % 3])
              sum += double(K[size_t((o * all + first + c) * 9 + p)]) * db->as<float>()[size_t(c)];
        bias[size_t((o * 4 + row) * 4 + column)] = sum;
      }
  }
  if (!allFinite(low) || !allFinite(bias))
    return;
  std::string name = ir::nameOf(m.conv);
  mlir::Value lowValue = r.createWeight(m.conv, name + "_up_filter", {4, oc, ic, 2, 2}, low);
  mlir::Value sideValue = r.createWeight(m.conv, name + "_skip_filter", {oc, skip, 3, 3}, side);
  mlir::Value biasValue;
  if (db || kb)
    biasValue = r.createWeight(m.conv, name + "_bias", {oc, 4, 4}, bias);
  mlir::OpBuilder builder(m.conv);
  auto made =
      builder.create<top::UpConvOp>(m.conv.getLoc(), m.conv.getOutput().getType(),
                                    m.deconv.getInput(), m.concat.getInputs()[size_t(1 - m.place)],
                                    lowValue, sideValue, biasValue, m.conv.getDoRelu());
  ir::setId(made, ir::idOf(m.conv));
  ir::setOrigin(made, ir::originOf(m.conv));
  for (mlir::Operation *gone : {m.concat.getOperation(), m.deconv.getOperation()})
    Rewriter::mergeOrigin(made, gone);
  if (m.pad)
    Rewriter::mergeOrigin(made, m.pad);
  m.conv.getOutput().replaceAllUsesWith(made.getOutput());
  m.conv->erase(); // the others have lost their readers; remove_dead takes them away
  r.count();
}

} // namespace

void composeUpconv(Rewriter &r) {
  if (r.composition == Composition::Never)
    return;
  for (mlir::Operation *op : r.ops())
    if (auto m = match(op))
      compose(r, *m);
}

} // namespace tessera::optimize
