#pragma once
// Private to this room: OpenCV's picture codecs, which bring 130 shared libraries and take longer
// to load than most networks to run. They lie in a module that is opened with the first picture.
#include "tessera/image/opencv.h"

namespace tessera::detail {

/// Both throw what OpenCV throws.
struct Codec {
  cv::Mat (*decode)(const std::vector<uint8_t> &bytes, int imreadFlags); ///< empty: no picture
  bool (*encodePng)(const cv::Mat &picture, std::vector<uint8_t> &bytes);
};
/// Name of the module's one function, a `const Codec *()`.
inline constexpr const char *kCodecFunction = "tesseraCodec";

/// The module's functions. Error "bad-install" where it cannot be loaded.
Result<const Codec *> codec();

} // namespace tessera::detail
