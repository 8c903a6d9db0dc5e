#pragma once
// The host's limit: dot products on registers only, with nothing loaded or stored, by the
// instruction of each convolution kernel. Exact ones: AVX2 multiplies values widened to 16 bits.
#include <functional>
#include <string_view>

/// Multiply-accumulates of one call; null where the host lacks the kernel's instruction.
struct DotLimit {
  std::string_view kernel;
  double (*run)(long rounds); ///< returns the multiply-accumulates done
};
/// For a kernel's name; run is null for the portable one.
DotLimit dotLimit(std::string_view kernel);
