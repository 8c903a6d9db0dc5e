#include "tessera/image/preprocess.h"

#include "tessera/image/opencv.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

int interpolation(Resize kernel) {
  switch (kernel) {
  case Resize::Nearest:
    return cv::INTER_NEAREST;
  case Resize::Linear:
    return cv::INTER_LINEAR;
  case Resize::Cubic:
    return cv::INTER_CUBIC;
  case Resize::Area:
    return cv::INTER_AREA;
  }
  return cv::INTER_LINEAR;
}

/// Fits the picture into width x height without distortion; the rest holds padValue.
cv::Mat letterbox(const cv::Mat &from, int width, int height, int64_t padValue, bool centred) {
  double ratio = std::min(double(width) / from.cols, double(height) / from.rows);
  int w = std::max(1, int(from.cols * ratio)), h = std::max(1, int(from.rows * ratio));
  cv::Mat inner, canvas(height, width, from.type(), cv::Scalar::all(double(padValue)));
  cv::resize(from, inner, {w, h}, 0, 0, cv::INTER_LINEAR);
  int left = centred ? (width - w) / 2 : 0, top = centred ? (height - h) / 2 : 0;
  inner.copyTo(canvas(cv::Rect(left, top, w, h)));
  return canvas;
}

double perChannel(const std::vector<double> &list, int64_t c) {
  return list.size() == 1 ? list[0] : list[c];
}

} // namespace

nlohmann::ordered_json toJson(const Preprocess &r) {
  return {{"mean", r.mean},
          {"scale", r.scale},
          {"pixel_format", r.pixelFormat},
          {"channel_format", r.channelFormat},
          {"resize_dims", r.resizeDims},
          {"keep_aspect_ratio", r.keepAspectRatio},
          {"pad_value", r.padValue},
          {"pad_type", r.padType}};
}

Result<Preprocess> preprocessFromJson(const nlohmann::ordered_json &j) {
  Preprocess r;
  try {
    r.mean = j.value("mean", r.mean);
    r.scale = j.value("scale", r.scale);
    r.pixelFormat = j.value("pixel_format", r.pixelFormat);
    r.channelFormat = j.value("channel_format", r.channelFormat);
    r.resizeDims = j.value("resize_dims", r.resizeDims);
    r.keepAspectRatio = j.value("keep_aspect_ratio", r.keepAspectRatio);
    r.padValue = j.value("pad_value", r.padValue);
    r.padType = j.value("pad_type", r.padType);
  } catch (const nlohmann::json::exception &e) {
    return fail("bad-recipe", "pre-processing recipe", e.what());
  }
  return r;
}

Status checkPreprocess(const Preprocess &r, int64_t channels) {
  Error errors;
  auto bad = [&](const char *field, const std::string &message) {
    errors.add(Diagnostic{"bad-recipe", std::string("pre-processing: ") + field, message, ""});
  };
  bool gray = r.pixelFormat == "gray";
  if (!gray && r.pixelFormat != "bgr" && r.pixelFormat != "rgb")
    bad("pixel_format", "'" + r.pixelFormat + "' is not bgr, rgb or gray");
  if (channels != (gray ? 1 : 3))
    bad("pixel_format", "'" + r.pixelFormat + "' makes " + (gray ? "1" : "3") +
                            " channel(s), the input has " + std::to_string(channels));
  for (auto [name, list] : {std::pair("mean", &r.mean), {"scale", &r.scale}})
    if (list->size() != 1 && int64_t(list->size()) != channels && !(gray && list->size() == 3))
      bad(name, "has " + std::to_string(list->size()) + " numbers for " + std::to_string(channels) +
                    " channel(s)");
  if (r.channelFormat != "nchw" && r.channelFormat != "nhwc")
    bad("channel_format", "'" + r.channelFormat + "' is not nchw or nhwc");
  for (auto [name, list] : {std::pair("mean", &r.mean), {"scale", &r.scale}})
    if (!std::all_of(list->begin(), list->end(), [](double v) { return std::isfinite(v); }))
      bad(name, "holds a number that is not finite");
  if (r.padValue < 0 || r.padValue > 255)
    bad("pad_value", std::to_string(r.padValue) + " is no 8-bit grey level, 0 to 255");
  if (r.padType != "center" && r.padType != "normal")
    bad("pad_type", "'" + r.padType + "' is not center or normal");
  if (!r.resizeDims.empty() &&
      (r.resizeDims.size() != 2 || r.resizeDims[0] < 1 || r.resizeDims[1] < 1 ||
       r.resizeDims[0] > 65535 || r.resizeDims[1] > 65535))
    bad("resize_dims", "must be height,width between 1 and 65535");
  if (!errors.empty())
    return fail(std::move(errors));
  return {};
}

Result<Tensor> preprocess(const Image &image, const Preprocess &r, int64_t channels, int64_t height,
                          int64_t width) {
  TESSERA_TRY(checkPreprocess(r, channels));
  detail::quietOpenCv();
  int64_t resizeHeight = r.resizeDims.empty() ? height : r.resizeDims[0];
  int64_t resizeWidth = r.resizeDims.empty() ? width : r.resizeDims[1];
  if (resizeHeight < height || resizeWidth < width)
    return fail("bad-recipe", "pre-processing: resize_dims",
                std::to_string(resizeHeight) + "," + std::to_string(resizeWidth) +
                    " is smaller than the input's " + std::to_string(height) + "," +
                    std::to_string(width),
                "resize to at least the input's size; the rest is cropped around the centre");
  cv::Mat mat;
  try {
    cv::Mat from = detail::view(image);
    if (channels == 1)
      cv::cvtColor(from, from, cv::COLOR_BGR2GRAY);
    if (r.keepAspectRatio)
      mat = letterbox(from, int(resizeWidth), int(resizeHeight), r.padValue, r.padType == "center");
    else
      cv::resize(from, mat, {int(resizeWidth), int(resizeHeight)}, 0, 0, cv::INTER_LINEAR);
  } catch (const cv::Exception &e) {
    return fail("bad-image", "pre-processing", "OpenCV refused: " + e.err);
  }
  int64_t top = (resizeHeight - height) / 2, left = (resizeWidth - width) / 2;
  bool nhwc = r.channelFormat == "nhwc";
  Tensor t(DType::F32,
           nhwc ? Shape{1, height, width, channels} : Shape{1, channels, height, width});
  auto out = t.as<float>();
  for (int64_t c = 0; c < channels; ++c) {
    // Mean and scale belong to the network's channel order, which is the file's BGR reversed for
    // rgb.
    int64_t source = r.pixelFormat == "rgb" ? channels - 1 - c : c;
    float mean = static_cast<float>(perChannel(r.mean, c)),
          scale = static_cast<float>(perChannel(r.scale, c));
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t *row = mat.ptr<uint8_t>(int(y + top)) + left * channels + source;
      for (int64_t x = 0; x < width; ++x)
        out[nhwc ? (y * width + x) * channels + c : (c * height + y) * width + x] =
            (static_cast<float>(row[x * channels]) - mean) * scale;
    }
  }
  return t;
}

Result<Image> resizeImage(const Image &image, int width, int height, Resize kernel) {
  detail::quietOpenCv();
  if (width < 1 || height < 1 || width > 65535 || height > 65535)
    return fail("bad-option", "resize",
                std::to_string(width) + "x" + std::to_string(height) + " is no size");
  Image out(width, height);
  try {
    cv::Mat to = detail::view(out);
    cv::resize(detail::view(image), to, {width, height}, 0, 0, interpolation(kernel));
  } catch (const cv::Exception &e) {
    return fail("bad-image", "resize", "OpenCV refused: " + e.err);
  }
  return out;
}

} // namespace tessera
