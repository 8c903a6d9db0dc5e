#pragma once
// Builders of plain networks with random weights.
#include "tessera/schedule/network.h"

#include <random>

namespace tessera::conformance {

class Builder {
public:
  Builder(std::string name, uint32_t seed) : random_(seed) { net_.name = std::move(name); }

  int32_t input(const Shape &shape, DType dtype = DType::F32, double scale = 0);
  /// A Conv2D with random filter and multipliers that keep the result in range. `bias` false: none.
  int32_t conv(int32_t x, int64_t oc, const Window2d &w, DType out, bool bias = true,
               int64_t group = 1, std::vector<int32_t> padValue = {}, DType filterType = DType::I8);
  int32_t deconv(int32_t x, int64_t oc, const Window2d &w, DType out, bool bias = true,
                 int64_t group = 1);
  /// A transposed convolution and the convolution behind it in one; `border`: the bias of the
  /// border cells is another one.
  int32_t upConv(int32_t x, int32_t skip, int64_t oc, DType out, bool bias = true,
                 bool border = true);
  int32_t maxPool(int32_t x, const Window2d &w, bool ceil = false, bool relu = false);
  int32_t cast(int32_t x, DType to, double scale);
  int32_t mulShift(int32_t x, int32_t multiplier, int32_t rshift, DType out);
  /// Padding counts as zeros; keeps the mean's range.
  int32_t averagePool(int32_t x, const Window2d &w);
  int32_t mul(int32_t a, int32_t b, schedule::Mul op, DType out);
  /// Any other op of two floats.
  int32_t pair(std::string type, int32_t a, int32_t b, schedule::Op op);
  int32_t where(int32_t condition, int32_t a, int32_t b);
  int32_t add(int32_t a, int32_t b, schedule::Add op, DType out);
  int32_t concat(const std::vector<int32_t> &xs, int64_t axis = 1);
  int32_t pad(int32_t x, const std::vector<int64_t> &paddings, double value = 0);
  int32_t slice(int32_t x, const std::vector<int64_t> &offset, const std::vector<int64_t> &steps,
                const Shape &sizes);
  int32_t permute(int32_t x, const std::vector<int64_t> &order);
  int32_t interp(int32_t x, std::vector<int64_t> rows, std::vector<int64_t> columns);
  int32_t blend(int32_t x, schedule::Blend how);
  int32_t reshape(int32_t x, const Shape &shape);
  int32_t simple(int32_t x, std::string type, schedule::Op op, DType out, Shape shape = {});
  void output(int32_t t) { net_.outputs.push_back(t); }

  schedule::Network take() { return std::move(net_); }
  const schedule::NetTensor &tensor(int32_t t) const { return net_.tensors[size_t(t)]; }
  std::mt19937 &random() { return random_; }
  int64_t between(int64_t lo, int64_t hi) {
    return lo + int64_t(random_() % uint64_t(hi - lo + 1));
  }
  DType i8OrU8() { return random_() % 2 ? DType::I8 : DType::U8; }

private:
  int32_t layer(std::string type, std::vector<int32_t> inputs, schedule::Op op, Shape shape,
                DType dtype, double scale);
  Tensor weights(DType type, const Shape &shape);
  void tail(int64_t oc, int64_t terms, bool bias, Tensor &biasOut, std::vector<int32_t> &multiplier,
            std::vector<int32_t> &rshift);
  schedule::Network net_;
  std::mt19937 random_;
};

/// The seed's UNet: double 3x3 convs, four pools, 2x2 transposed convs, rescaled concats, pads
/// where sizes are odd, 1x1 head with two classes; F32 in and out. `composed`: with an UpConv in
/// place of transposed convolution, pad, concat and convolution.
schedule::Network unet(int64_t width, int64_t h, int64_t w, uint32_t seed, bool composed = false);
/// Two levels of a residual U-Net: 1x1 shortcuts, adds, stride-2 convs, k3 s2 transposed convs with
/// output padding and a crop.
schedule::Network residual(int64_t width, int64_t h, int64_t w, uint32_t seed);
/// Any graph: each layer reads tensors that were there before, older ones now and then; any
/// windows, sizes and numbers of readers. `types`: those of the layers, I8 standing for U8 too;
/// with casts between. Halves leave as F32.
schedule::Network anyNetwork(int layers, uint32_t seed,
                             const std::vector<DType> &types = {DType::I8});

} // namespace tessera::conformance
