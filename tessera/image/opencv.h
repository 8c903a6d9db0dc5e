#pragma once
// Private to this room: OpenCV on our buffers, its exceptions as errors.
#include "tessera/image/image.h"

#include <mutex>

// OpenCV 4.6's headers mix enumerations in a way C++20 frowns on.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-enum-enum-conversion"
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#pragma GCC diagnostic pop

namespace tessera::detail {

/// Parallel work happens between images, never inside OpenCV.
inline void quietOpenCv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(1);
    cv::setUseOptimized(true);
  });
}

/// Views, no copy.
inline cv::Mat view(const Image &image) {
  return cv::Mat(image.height, image.width, CV_8UC3, const_cast<uint8_t *>(image.pixels.data()));
}
inline cv::Mat view(const Mask &mask) {
  return cv::Mat(mask.height, mask.width, CV_8UC1, const_cast<uint8_t *>(mask.pixels.data()));
}

} // namespace tessera::detail
