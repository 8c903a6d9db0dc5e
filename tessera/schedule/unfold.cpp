#include "tessera/schedule/unfold.h"

#include "tessera/codegen/arith.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

namespace {

struct Span {
  int64_t begin = 0, end = 0; ///< of a slice's rows or columns
  bool empty() const { return begin >= end; }
};

/// Which of `count` outputs from `out0` see a real input cell at offset `k` of the window.
Span inside(const WindowAxis &a, int64_t k, int64_t out0, int64_t count) {
  int64_t shift = k * a.dilation - a.padBefore; // input = output * stride + shift
  int64_t first = shift >= 0 ? 0 : chip::ceilDiv(-shift, a.stride);
  int64_t end = shift >= a.in ? 0 : (a.in - 1 - shift) / a.stride + 1;
  return {std::clamp<int64_t>(first - out0, 0, count), std::clamp<int64_t>(end - out0, 0, count)};
}

/// The outputs whose windows lie inside altogether.
Span whole(const WindowAxis &a, int64_t out0, int64_t count) {
  Span s{0, count};
  for (int64_t k = 0; k < a.kernel; ++k) {
    Span i = inside(a, k, out0, count);
    s = {std::max(s.begin, i.begin), std::min(s.end, i.end)};
  }
  return s;
}

} // namespace

bool unfoldPays(int64_t ic, int64_t cells) {
  return cells > 1 && chip::slots(0, ic * cells) < chip::slots(0, ic) * cells;
}

Instructions loadUnfolded(const Unfold &u, int64_t n, int64_t c0, int64_t row0, int64_t column0,
                          const LocalTensor &to) {
  Instructions list;
  auto layout = localSide(to);
  auto pad = [&](Span rows, Span columns) {
    if (!rows.empty() && !columns.empty())
      list.push_back(fillLocal(to, rows.begin, rows.end, columns.begin, columns.end, u.padValue));
  };
  Span y = whole(u.y, row0, to.h), x = whole(u.x, column0, to.w);
  if (y.empty() || x.empty()) {
    pad({0, to.h}, {0, to.w});
  } else { // bands above and below, then what is left at the sides
    pad({0, y.begin}, {0, to.w});
    pad({y.end, to.h}, {0, to.w});
    pad(y, {0, x.begin});
    pad(y, {x.end, to.w});
  }
  int64_t ic = u.input.shape[1];
  for (int64_t cell = c0 / ic; cell * ic < c0 + to.c; ++cell) {
    int64_t ky = cell / u.x.kernel, kx = cell % u.x.kernel;
    Span rows = inside(u.y, ky, row0, to.h), columns = inside(u.x, kx, column0, to.w);
    if (rows.empty() || columns.empty())
      continue;
    int64_t begin = std::max(cell * ic, c0), end = std::min((cell + 1) * ic, c0 + to.c);
    View from = u.input.part(
        {n, begin - cell * ic, (row0 + rows.begin) * u.y.stride + ky * u.y.dilation - u.y.padBefore,
         (column0 + columns.begin) * u.x.stride + kx * u.x.dilation - u.x.padBefore},
        {1, end - begin, rows.end - rows.begin, columns.end - columns.begin},
        {1, 1, u.y.stride, u.x.stride});
    int64_t k = begin - c0;
    LocalSide side = layout;
    side.address =
        uint32_t(chip::localAddress(k % chip::kLanes, to.address + k / chip::kLanes * layout.c +
                                                          rows.begin * layout.h + columns.begin));
    list.push_back(loadTensor(from, side));
  }
  return list;
}

} // namespace tessera::schedule
