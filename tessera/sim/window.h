#pragma once
// The extended input of a sliding window: insertion between neighbours, then padding around
// ("BM1684X measured numerics", section 4.2). Padding wins where both could apply; reflect,
// replicate and circular padding index the grid after insertion.
#include "tessera/chip/chip.h"
#include "tessera/support/status.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <vector>

namespace tessera::sim {

enum class PadMode : uint8_t { Constant = 0, Reflect = 1, Replicate = 2, Circular = 3 };

/// One axis of a window.
struct Axis {
  int64_t in, out, kernel, stride, dilation, insert, padBefore, padAfter;

  int64_t grid() const { return (in - 1) * (insert + 1) + 1; }
  int64_t extended() const { return grid() + padBefore + padAfter; }
  int64_t expectedOut() const {
    int64_t span = extended() - ((kernel - 1) * dilation + 1);
    return span < 0 ? 0 : span / stride + 1;
  }

  static constexpr int32_t kPad = -1, kInsert = -2;
  /// For every extended position the input index, kPad or kInsert; `Window::check` has passed.
  std::vector<int32_t> sources(PadMode mode) const {
    std::vector<int32_t> map(extended());
    int64_t g = grid();
    for (int64_t i = 0; i < int64_t(map.size()); ++i) {
      int64_t p = i - padBefore;
      if (p < 0 || p >= g) {
        switch (mode) {
        case PadMode::Constant:
          map[i] = kPad;
          continue;
        case PadMode::Reflect:
          p = p < 0 ? -p : 2 * (g - 1) - p;
          break;
        case PadMode::Replicate:
          p = p < 0 ? 0 : g - 1;
          break;
        case PadMode::Circular:
          p = ((p % g) + g) % g;
          break;
        }
      }
      map[i] = p % (insert + 1) ? kInsert : int32_t(p / (insert + 1));
    }
    return map;
  }
};

struct Window {
  Axis y, x;
  PadMode mode;

  /// Errors "bad-shape": the output does not fit the geometry.
  Status check() const {
    for (auto [axis, name] : {std::pair{&y, "height"}, std::pair{&x, "width"}}) {
      if (axis->kernel < 1 || axis->stride < 1 || axis->in < 1)
        return fail(
            "bad-shape", name,
            fmt::format("kernel {}, stride {}, input {}", axis->kernel, axis->stride, axis->in));
      if (axis->extended() > chip::kMaxExtended)
        return fail("bad-shape", name,
                    fmt::format("the extended input has {} positions, the chip takes {}",
                                axis->extended(), chip::kMaxExtended));
      // Reflected and circular cells are one input away at most: beyond, the vendor's simulator
      // reads outside its buffer.
      int64_t reach = mode == PadMode::Reflect    ? axis->grid() - 1
                      : mode == PadMode::Circular ? axis->grid()
                                                  : chip::kMaxExtended;
      if (std::max(axis->padBefore, axis->padAfter) > reach)
        return fail("bad-shape", name,
                    fmt::format("pads {}+{} reach past an input of {} cells", axis->padBefore,
                                axis->padAfter, axis->grid()),
                    "reflected pads are narrower than the input, circular ones not wider");
      // A smaller output than the input allows is fine: the rest is not computed.
      if (axis->out > axis->expectedOut())
        return fail("bad-shape", name,
                    fmt::format("output {} but input {}, kernel {}, stride {}, dilation {}, insert "
                                "{}, pads {}+{} give {}",
                                axis->out, axis->in, axis->kernel, axis->stride, axis->dilation,
                                axis->insert, axis->padBefore, axis->padAfter,
                                axis->expectedOut()));
    }
    return {};
  }
};

/// Reads the window's fields, which sCONV and sPorD share by name.
template <class F> Window windowOf(const F &f) {
  return {{int64_t(f.opd0_h), int64_t(f.res0_h), int64_t(f.opd1_h), int64_t(f.res_op_y_str),
           int64_t(f.opd1_y_ins0) + 1, int64_t(f.opd0_y_ins0), int64_t(f.opd0_up_pad),
           int64_t(f.opd0_dn_pad)},
          {int64_t(f.opd0_w), int64_t(f.res0_w), int64_t(f.opd1_w), int64_t(f.res_op_x_str),
           int64_t(f.opd1_x_ins0) + 1, int64_t(f.opd0_x_ins0), int64_t(f.opd0_lf_pad),
           int64_t(f.opd0_rt_pad)},
          PadMode(f.pad_mode)};
}

} // namespace tessera::sim
