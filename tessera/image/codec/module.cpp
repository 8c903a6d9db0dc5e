// The module itself: built as a shared object, see codec.h.
#include "tessera/image/codec/codec.h"

#include <opencv2/imgcodecs.hpp>

using tessera::detail::Codec;

extern "C" const Codec *tesseraCodec() {
  static const Codec codec{
      [](const std::vector<uint8_t> &bytes, int flags) { return cv::imdecode(bytes, flags); },
      [](const cv::Mat &picture, std::vector<uint8_t> &bytes) {
        return cv::imencode(".png", picture, bytes, {cv::IMWRITE_PNG_COMPRESSION, 3});
      }};
  return &codec;
}
