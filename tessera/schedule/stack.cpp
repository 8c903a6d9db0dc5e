#include "tessera/schedule/stack.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/deconv.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <cstring>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// Element i becomes elements i*bands .. i*bands+bands-1.
template <class T> std::vector<T> repeated(const std::vector<T> &values, int64_t bands) {
  std::vector<T> out;
  for (const T &v : values)
    out.insert(out.end(), size_t(bands), v);
  return out;
}

Tensor stackedFilter(const Tensor &filter, int64_t bands) {
  int64_t oc = filter.dim(0), ic = filter.dim(1),
          cells = filter.dim(2) * filter.dim(3) * dtypeSize(filter.dtype());
  Tensor wide(filter.dtype(), {oc * bands, ic * bands, filter.dim(2), filter.dim(3)});
  auto from = filter.bytes();
  auto to = wide.bytes();
  std::ranges::fill(to, decltype(to)::value_type(0));
  for (int64_t o = 0; o < oc; ++o)
    for (int64_t g = 0; g < bands; ++g)
      std::memcpy(to.data() + ((o * bands + g) * ic * bands + g * ic) * cells,
                  from.data() + o * ic * cells, size_t(ic * cells));
  return wide;
}

/// [n, c, h, w] as [n, c*bands, h/bands, w]; nullopt where rows of a channel and the next channel's
/// are not evenly apart.
std::optional<View> stackedView(View v, int64_t bands) {
  if (v.shape[2] % bands || (v.shape[1] > 1 && v.stride[1] != v.shape[2] * v.stride[2]))
    return std::nullopt;
  v.shape[1] *= bands;
  v.shape[2] /= bands;
  v.stride[1] = v.shape[2] * v.stride[2];
  return v;
}

/// Whether channels that are summed in one step without bands still are with them.
bool keepsSteps(DType type, int64_t ic, int64_t bands) {
  int64_t cube = chip::cubeInputs(typeCode(type));
  return !dtypeIsFloat(type) || ic * bands <= cube || cube % ic == 0 || ic % cube == 0;
}

} // namespace

bool Stack::padsAlike() const {
  return std::ranges::all_of(padValue, [&](int32_t v) { return v == padValue[0]; });
}

Tensor padRow(const Stack &s) {
  int64_t ic = s.input.shape[1], width = s.input.shape[3];
  auto size = size_t(dtypeSize(s.input.dtype));
  Tensor row(s.input.dtype, {1, ic, 1, width});
  for (int64_t i = 0; i < ic * width; ++i)
    std::memcpy(row.bytes().data() + size_t(i) * size, &s.padValue[size_t(i / width)], size);
  return row;
}

Instructions loadStacked(const Stack &s, int64_t n, int64_t row0, int64_t column0,
                         const View &padding, const LocalTensor &to) {
  Instructions fills, loads;
  int64_t ic = s.input.shape[1], height = s.input.shape[2];
  auto layout = localSide(to);
  int64_t above = 0, below = to.h; // rows that every band has
  for (int64_t g = 0; g < s.bands; ++g) {
    int64_t first = g * s.step + row0 - s.padBefore; // of the input, in row 0 of the part
    int64_t begin = std::clamp<int64_t>(-first, 0, to.h),
            end = std::clamp<int64_t>(height - first, begin, to.h);
    auto rowsFrom = [&](int64_t row) {
      LocalSide side = layout;
      side.address =
          uint32_t(chip::localAddress(g * ic, to.address + row * layout.h * to.elementBytes()));
      return side;
    };
    for (int64_t row = 0; !s.padsAlike() && row < to.h; ++row)
      if (row < begin || row >= end)
        loads.push_back(loadTensor(padding.part({0, 0, 0, 0}, {1, ic, 1, to.w}), rowsFrom(row)));
    above = std::max(above, begin);
    below = std::min(below, end);
    if (begin < end)
      loads.push_back(
          loadTensor(s.input.part({n, 0, first + begin, column0}, {1, ic, end - begin, to.w}),
                     rowsFrom(begin)));
  }
  if (!s.padsAlike())
    return loads;
  int64_t padValue = s.padValue.empty() ? 0 : s.padValue[0];
  above = std::min(above, to.h);
  below = std::max(below, above);
  if (above > 0)
    fills.push_back(fillLocal(to, 0, above, 0, to.w, padValue));
  if (below < to.h)
    fills.push_back(fillLocal(to, below, to.h, 0, to.w, padValue));
  fills.insert(fills.end(), std::make_move_iterator(loads.begin()),
               std::make_move_iterator(loads.end()));
  return fills;
}

std::optional<ConvWork> stacked(const ConvWork &work, int64_t bands) {
  int64_t ic = work.filter.dim(1), oc = work.filter.dim(0);
  bool transposed = work.rotate;
  int64_t rows = work.y.out / bands, step = work.y.insert + 1;
  bool even = work.y.out % bands == 0 && (transposed ? rows % step == 0 : step == 1);
  if (work.unfold || bands < 2 || std::max(ic, oc) * bands > chip::kLanes || !even ||
      !keepsSteps(work.input.dtype, ic, bands))
    return std::nullopt;
  ConvWork w = work;
  auto output = stackedView(work.output, bands);
  if (!output)
    return std::nullopt;
  w.output = *output;
  for (Epilogue &e : w.epilogues) {
    auto view = stackedView(e.output, bands);
    if (!view)
      return std::nullopt;
    e.output = *view;
    if (e.recipe)
      continue;
    if (rows % e.poolY.stride)
      return std::nullopt;
    e.poolY.in = rows;
    e.poolY.out = rows / e.poolY.stride;
  }
  Stack s{work.input, bands, rows * work.y.stride, work.y.padBefore, work.padValue};
  if (transposed) {
    // What band 0 sees, on an input of its own that begins with the first row it sees.
    int64_t before = work.y.padBefore,
            first = -(before >= 0 ? before / step : -chip::ceilDiv(-before, step));
    w.y.in = (rows - 1 - before + work.y.extent() - 1) / step - first + 1;
    w.y.padBefore = before + first * step;
    s.step = rows / step;
    s.padBefore = -first;
  } else {
    w.y.in = (rows - 1) * work.y.stride + (work.y.kernel - 1) * work.y.dilation + 1;
    w.y.padBefore = 0;
  }
  w.y.out = rows;
  w.input.shape[1] = ic * bands;
  w.input.shape[2] = w.y.in;
  w.filter = stackedFilter(work.filter, bands);
  if (!work.bias.empty()) {
    w.bias = Tensor(work.bias.dtype(), {oc * bands});
    for (int64_t o = 0; o < oc * bands; ++o) // I32 or F32
      std::memcpy(w.bias.bytes().data() + 4 * o, work.bias.bytes().data() + o / bands * 4, 4);
  }
  if (work.multiplier.size() > 1)
    w.multiplier = repeated(work.multiplier, bands);
  if (work.rshift.size() > 1)
    w.rshift = repeated(work.rshift, bands);
  for (int64_t g = 1; g < bands; ++g)
    w.padValue.insert(w.padValue.end(), work.padValue.begin(), work.padValue.end());
  w.stack = std::move(s);
  return w;
}

std::vector<LocalPart> unstacked(const Stack &s, int64_t rows, const LocalPart &part) {
  std::vector<LocalPart> list;
  for (int64_t k = part.begin[1]; k < part.begin[1] + part.tensor.c; ++k) {
    LocalPart one = part;
    one.tensor.c = 1;
    one.tensor.address =
        uint32_t(chip::localAddress((k - part.begin[1]) % chip::kLanes, part.tensor.address));
    one.begin[1] = k / s.bands;
    one.begin[2] += k % s.bands * rows;
    list.push_back(one);
  }
  return list;
}

} // namespace tessera::schedule
