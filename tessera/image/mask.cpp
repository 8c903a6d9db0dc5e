#include "tessera/image/mask.h"

#include "tessera/image/opencv.h"

#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

struct Overlap {
  int64_t a = 0, b = 0, both = 0;
};

Overlap overlapOf(const Mask &a, const Mask &b) {
  TESSERA_CHECK(a.width == b.width && a.height == b.height, "masks of different sizes compared");
  Overlap o;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    bool inA = a.pixels[i] != 0, inB = b.pixels[i] != 0;
    o.a += inA;
    o.b += inB;
    o.both += inA && inB;
  }
  return o;
}

Mask toMask(const cv::Mat &mat) {
  Mask mask(mat.cols, mat.rows);
  for (int y = 0; y < mat.rows; ++y)
    for (int x = 0; x < mat.cols; ++x)
      mask.at(x, y) = mat.at<uint8_t>(y, x) != 0;
  return mask;
}

void keepLargest(cv::Mat &m) {
  cv::Mat labels, stats, centres;
  int count = cv::connectedComponentsWithStats(m, labels, stats, centres, 8, CV_32S);
  int best = 0, area = 0;
  for (int i = 1; i < count; ++i)
    if (stats.at<int>(i, cv::CC_STAT_AREA) > area) {
      area = stats.at<int>(i, cv::CC_STAT_AREA);
      best = i;
    }
  if (best > 0)
    m = (labels == best) / 255;
}

void fill(cv::Mat &m) {
  // A ring of background around the picture joins everything that reaches the border.
  cv::Mat ringed;
  cv::copyMakeBorder(m, ringed, 1, 1, 1, 1, cv::BORDER_CONSTANT, cv::Scalar(0));
  cv::floodFill(ringed, cv::Point(0, 0), cv::Scalar(2), nullptr, {}, {}, 4);
  cv::Mat inner = ringed(cv::Rect(1, 1, m.cols, m.rows));
  m = (inner != 2) / 255;
}

} // namespace

Result<Mask> decideMask(const Tensor &output, MaskRule rule, std::optional<double> threshold,
                        int width, int height) {
  detail::quietOpenCv();
  Shape s = output.shape();
  while (s.size() > 3 && s.front() == 1)
    s.erase(s.begin());
  if (s.size() == 2)
    s.insert(s.begin(), 1);
  bool classes = rule == MaskRule::Classes;
  if (s.size() != 3 || (s[0] != 1 && (classes || s[0] != 2)) || s[1] < 1 || s[2] < 1)
    return fail("bad-output", "",
                "has shape " + shapeText(output.shape()) + ", a mask needs one image of " +
                    (classes ? "class numbers" : "one or two channels"),
                "choose another output with --output_names");
  Tensor values = output.converted(DType::F32);
  int h = int(s[1]), w = int(s[2]);
  cv::Mat decision(h, w, CV_32F);
  auto v = values.as<float>();
  for (int64_t i = 0; i < int64_t(h) * w; ++i)
    decision.ptr<float>()[i] = s[0] == 2 ? v[int64_t(h) * w + i] - v[i] : v[i];
  double limit = threshold.value_or(rule == MaskRule::Probability && s[0] == 1 ? 0.5 : 0.0);
  try {
    if (w != width || h != height)
      cv::resize(decision, decision, {width, height}, 0, 0,
                 classes ? cv::INTER_NEAREST_EXACT : cv::INTER_LINEAR);
  } catch (const cv::Exception &e) {
    return fail("bad-output", "", "cannot be resized to the mask's size: " + e.err);
  }
  Mask mask(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      mask.at(x, y) = decision.at<float>(y, x) > limit;
  return mask;
}

Mask cleanUp(const Mask &mask, const CleanUp &o) {
  if (!o.largestComponent && !o.fillHoles && o.opening == 0 && o.median == 0)
    return mask;
  for (int size : {o.opening, o.median})
    TESSERA_CHECK(size >= 0 && size <= 255 && (size == 0 || size % 2 == 1),
                  "clean-up by an even size");
  if (mask.pixels.empty())
    return mask;
  detail::quietOpenCv();
  cv::Mat m = detail::view(mask).clone();
  if (o.largestComponent)
    keepLargest(m);
  if (o.fillHoles)
    fill(m);
  if (o.opening > 1)
    cv::morphologyEx(m, m, cv::MORPH_OPEN,
                     cv::getStructuringElement(cv::MORPH_ELLIPSE, {o.opening, o.opening}));
  if (o.median > 1)
    cv::medianBlur(m, m, o.median);
  return toMask(m);
}

double dice(const Mask &a, const Mask &b) {
  Overlap o = overlapOf(a, b);
  return o.a + o.b == 0 ? 1.0 : 2.0 * double(o.both) / double(o.a + o.b);
}

double iou(const Mask &a, const Mask &b) {
  Overlap o = overlapOf(a, b);
  int64_t either = o.a + o.b - o.both;
  return either == 0 ? 1.0 : double(o.both) / double(either);
}

} // namespace tessera
