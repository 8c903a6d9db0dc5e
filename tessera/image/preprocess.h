#pragma once
// From a picture to what the network sees: TPU-MLIR's recipe and defaults.
#include "tessera/image/image.h"
#include "tessera/tensor/tensor.h"

#include <nlohmann/json_fwd.hpp>

namespace tessera {

/// Names, defaults and order are TPU-MLIR's: resize (INTER_LINEAR on 8-bit pixels) to resizeDims,
/// centre crop to the input's size, channel order, then (pixel - mean) * scale per channel in the
/// network's order.
struct Preprocess {
  std::vector<double> mean{0, 0, 0}, scale{1, 1, 1};
  std::string pixelFormat = "bgr";    ///< bgr, rgb, gray
  std::string channelFormat = "nchw"; ///< nchw, nhwc
  std::vector<int64_t> resizeDims;    ///< height, width; empty = the input's size
  bool keepAspectRatio = false;       ///< fit into resizeDims and pad the rest with padValue
  int64_t padValue = 0;
  std::string padType = "center"; ///< center: equal borders; normal: right and bottom only
  bool operator==(const Preprocess &) const = default;
};

nlohmann::ordered_json toJson(const Preprocess &recipe);
/// Missing keys keep their defaults. Error "bad-recipe" for wrong types or values.
Result<Preprocess> preprocessFromJson(const nlohmann::ordered_json &json);
/// Lists of one or three numbers, known words, sizes above 0. Error "bad-recipe" naming the field.
Status checkPreprocess(const Preprocess &recipe, int64_t channels);

/// -> F32 [1, channels, height, width] (nhwc: [1, height, width, channels]). channels is 3, or 1
/// for gray. resizeDims smaller than the input on an axis is an error, as a crop cannot enlarge.
Result<Tensor> preprocess(const Image &image, const Preprocess &recipe, int64_t channels,
                          int64_t height, int64_t width);

enum class Resize { Nearest, Linear, Cubic, Area };
/// 8-bit resize by OpenCV's kernels.
Result<Image> resizeImage(const Image &image, int width, int height, Resize kernel);

} // namespace tessera
