#include "tessera/sim/kernels/conv.h"

#include "tessera/sim/kernels/conv_x86.h"
#include "tessera/sim/kernels/elementwise.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace tessera::sim::kernels {
namespace {

// The reference: no vector, no unrolling. Sums are unsigned so that they wrap as the chip's do.
template <class Cell, class Weight, int kPerCell> void portable(const ConvTask &t) {
  for (int64_t o = 0; o < t.channels; ++o)
    for (int64_t p = 0; p < t.positions; ++p) {
      auto sum = static_cast<uint32_t>(t.adds ? t.out[o * t.outStride + p] : t.init[o]);
      for (int64_t g = 0; g < t.groups; ++g)
        for (int64_t k = 0; k < t.tapCount; ++k) {
          Cell cell[kPerCell];
          Weight weight[kPerCell];
          std::memcpy(cell, t.cells + g * t.groupStride + t.taps[k] + 4 * p, 4);
          std::memcpy(weight, t.weights + (g * t.tapCount + k) * t.channels + o, 4);
          for (int i = 0; i < kPerCell; ++i)
            sum += static_cast<uint32_t>(int32_t(cell[i]) * int32_t(weight[i]));
        }
      t.out[o * t.outStride + p] = static_cast<int32_t>(sum);
    }
}
void portableBytes(const ConvTask &t) { portable<uint8_t, int8_t, 4>(t); }
void portableWords(const ConvTask &t) { portable<int16_t, int16_t, 2>(t); }

void plainFinish(const FinishTask &t) {
  addSaturateInt32(t.total, t.sums, t.bias, t.count);
  if (t.out)
    requantizeInt32(t.out, t.total, t.count, *t.requantize);
}

std::vector<ConvKernel> available() {
  std::vector<ConvKernel> list{{"portable", portableBytes, portableWords, plainFinish, 0}};
  for (const ConvKernel &k : x86Kernels()) {
    list.push_back(k);
    if (!list.back().finish)
      list.back().finish = plainFinish;
  }
  return list;
}

const std::vector<ConvKernel> &all() {
  static const std::vector<ConvKernel> list = available();
  return list;
}

const ConvKernel *named(std::string_view name) {
  for (const ConvKernel &k : all())
    if (k.name == name)
      return &k;
  return nullptr;
}

std::atomic<const ConvKernel *> &chosen() {
  static std::atomic<const ConvKernel *> kernel = [] {
    const char *name = std::getenv("TESSERA_SIM_KERNEL");
    const ConvKernel *k = name ? named(name) : nullptr;
    return k ? k : &all().back();
  }();
  return kernel;
}

} // namespace

std::span<const ConvKernel> convKernels() { return all(); }

const ConvKernel &convKernel() { return *chosen().load(); }

numerics::Vectors floatVectors() {
  using numerics::Vectors;
  std::string_view name = convKernel().name;
  Vectors widest = numerics::widestVectors();
  return name == "portable"                   ? Vectors::Portable
         : name == "avx512" || name == "vnni" ? widest
                                              : std::min(widest, Vectors::Avx2);
}

Status checkKernelChoice() {
  const char *name = std::getenv("TESSERA_SIM_KERNEL");
  if (!name || named(name))
    return {};
  std::string known;
  for (const ConvKernel &k : all())
    known += (known.empty() ? "" : ", ") + std::string(k.name);
  return fail("bad-environment", "TESSERA_SIM_KERNEL",
              "'" + std::string(name) + "' is no kernel of this machine",
              "it has " + known + "; or unset it");
}

bool setConvKernel(std::string_view name) {
  const ConvKernel *k = name.empty() ? &all().back() : named(name);
  if (k)
    chosen() = k;
  return k != nullptr;
}

} // namespace tessera::sim::kernels
