// What a command gets done, beside what it costs.
#include "tessera/cycles/cycles.h"
#include <algorithm>

namespace tessera::cycles {
namespace {

using namespace isa;

uint64_t typeBytes(uint64_t code) {
  return std::max<uint64_t>(1, uint64_t(chip::bitsOf(code)) / 8);
}

/// Taps of one axis, over all outputs, that meet no inserted zero. Padding counts: it may hold a
/// value.
uint64_t taps(uint64_t out, uint64_t kernel, uint64_t dilation, uint64_t stride, uint64_t padBefore,
              uint64_t insert) {
  if (insert == 0)
    return out * kernel;
  // The pattern repeats with the period insert + 1 of outputs.
  uint64_t period = insert + 1, total = 0;
  for (uint64_t phase = 0; phase < std::min(period, out); ++phase) {
    uint64_t hits = 0;
    for (uint64_t k = 0; k < kernel; ++k)
      hits += (phase * stride + k * dilation + period * padBefore - padBefore) % period == 0;
    total += hits * ((out - phase + period - 1) / period);
  }
  return total;
}

template <class T> uint64_t convolutionTaps(const T &f) {
  return taps(f.res0_h, f.opd1_h, f.opd1_y_ins0 + 1, f.res_op_y_str, f.opd0_up_pad, f.opd0_y_ins0) *
         taps(f.res0_w, f.opd1_w, f.opd1_x_ins0 + 1, f.res_op_x_str, f.opd0_lf_pad, f.opd0_x_ins0);
}

/// Products a cycle of the whole cube: output channels, input channels and positions of a step
/// (cycles.md 2.1).
double cubePeak(const Preset &p, uint64_t type) {
  switch (chip::bitsOf(type)) {
  case 4:
    return double(p.lanes * p.cubeInt4 * p.cubePositions);
  case 16:
    return double(p.lanes * p.cube16 * p.cubePositions);
  case 32:
    return double(p.lanes * p.cube32 * p.cubePositions32);
  default:
    return double(p.lanes * p.cubeInt8 * p.cubePositions);
  }
}

template <class T> Work tiu(const Preset &p, const T &f) {
  if constexpr (T::kForm == Form::SYS || T::kForm == Form::SYSID) {
    return {};
  } else if constexpr (T::kForm == Form::sMM) {
    uint64_t rows = f.left_tran ? std::max<uint64_t>(1, f.opd0_c) * f.opd0_w : f.opd0_n;
    uint64_t inner = f.left_tran ? f.opd0_n : std::max<uint64_t>(1, f.opd0_c) * f.opd0_w;
    return {Unit::Lanes, rows * inner * f.res0_c * f.res0_w,
            double(p.lanes * p.laneBytes) /
                double(std::max(typeBytes(f.res0_prec), typeBytes(f.opd0_prec)))};
  } else if constexpr (T::kForm == Form::sMM2) {
    return {Unit::Cube, f.res0_c * f.res0_w * f.opd1_c, cubePeak(p, f.opd0_prec)};
  } else {
    uint64_t n = 1, h = 1, done = f.res0_c * f.res0_w;
    if constexpr (requires { f.res0_n; })
      n = f.res0_n, h = f.res0_h;
    done *= n * h;
    uint64_t widest = 1;
    if constexpr (requires { f.res0_prec; })
      widest = std::max(widest, typeBytes(f.res0_prec));
    if constexpr (requires { f.opd0_prec; })
      widest = std::max(widest, typeBytes(f.opd0_prec));
    bool conv = T::kForm == Form::sCONV, pool = T::kForm == Form::sPorD;
    if constexpr (T::kForm == Form::TIU_long)
      conv = f.tsk_typ == 0, pool = f.tsk_typ == 1;
    if constexpr (requires {
                    f.opd0_c;
                    f.opd0_y_ins0;
                  })
      if (conv)
        return {Unit::Cube, f.res0_n * f.res0_c * f.opd0_c * convolutionTaps(f),
                cubePeak(p, f.opd0_prec)};
    if constexpr (requires {
                    f.opd1_h;
                    f.opd0_y_ins0;
                  })
      if (pool)
        done = f.res0_n * f.res0_c *
               (f.tsk_eu_typ < 5 ? convolutionTaps(f) : f.res0_w * f.opd1_h * f.opd1_w); // regions
    return {Unit::Lanes, done, double(p.lanes * p.laneBytes) / double(widest)};
  }
}

} // namespace

Work work(const Command &c, const Preset &p) {
  Work w;
  if (isSystem(c))
    return w;
  if (c.engine == Engine::Gdma)
    return {Unit::Transfer, traffic(c).bytes, double(p.dramBytesPerSecond) / double(p.clock)};
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (engineOf(T::kForm) == Engine::Tiu)
      w = tiu(p, decode<T>(c.words));
  });
  return w;
}

} // namespace tessera::cycles
