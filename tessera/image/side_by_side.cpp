#include "tessera/image/side_by_side.h"

#include "tessera/image/opencv.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

constexpr int kGap = 4, kTitleHeight = 24;

cv::Mat cellOf(const Image &image, cv::Size size) {
  cv::Mat cell;
  cv::resize(detail::view(image), cell, size, 0, 0, cv::INTER_AREA);
  return cell;
}

cv::Mat cellOf(const Mask &mask, cv::Size size) {
  cv::Mat scaled = detail::view(mask) * 255, cell;
  cv::resize(scaled, cell, size, 0, 0, cv::INTER_AREA);
  cv::cvtColor(cell, cell, cv::COLOR_GRAY2BGR);
  return cell;
}

/// The image in pale grey; red where only the mask has object, blue where only the truth has.
Image differences(const SideBySideRow &r) {
  Image out(r.image.width, r.image.height);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const uint8_t *p = r.image.at(x, y);
      uint8_t grey = uint8_t(128 + (p[0] + p[1] + p[2]) / 6);
      bool truth = r.truth.at(x, y), mask = r.mask.at(x, y);
      uint8_t *to = out.at(x, y);
      to[0] = mask && !truth ? 0 : truth && !mask ? 230 : grey;
      to[1] = mask != truth ? 40 : grey;
      to[2] = mask && !truth ? 230 : truth && !mask ? 0 : grey;
    }
  return out;
}

} // namespace

Image sideBySide(const std::vector<SideBySideRow> &rows, const SideBySideTitles &titles,
                 int cellWidth) {
  detail::quietOpenCv();
  bool reference = !rows.empty() && rows.front().reference.width > 0;
  std::vector<std::string> heads{titles.image, titles.truth};
  if (reference)
    heads.push_back(titles.reference);
  heads.push_back(titles.mask);
  heads.push_back(titles.differences);
  int columns = int(heads.size()), height = kTitleHeight;
  auto cellHeight = [&](const SideBySideRow &r) {
    return std::max(1, int(int64_t(r.image.height) * cellWidth / std::max(1, r.image.width)));
  };
  for (const SideBySideRow &r : rows)
    height += cellHeight(r) + kGap;
  Image picture(columns * (cellWidth + kGap) + kGap, height);
  cv::Mat canvas = detail::view(picture);
  canvas.setTo(cv::Scalar::all(255));
  for (int c = 0; c < columns; ++c)
    cv::putText(canvas, heads[c], {kGap + c * (cellWidth + kGap) + 4, kTitleHeight - 8},
                cv::FONT_HERSHEY_SIMPLEX, 0.5, cv::Scalar::all(0), 1, cv::LINE_AA);
  int y = kTitleHeight;
  for (const SideBySideRow &r : rows) {
    cv::Size size(cellWidth, cellHeight(r));
    std::vector<cv::Mat> cells{cellOf(r.image, size), cellOf(r.truth, size)};
    if (reference)
      cells.push_back(cellOf(r.reference, size));
    cells.push_back(cellOf(r.mask, size));
    cells.push_back(cellOf(differences(r), size));
    for (int c = 0; c < columns; ++c)
      cells[c].copyTo(canvas(cv::Rect(kGap + c * (cellWidth + kGap), y, size.width, size.height)));
    y += size.height + kGap;
  }
  return picture;
}

} // namespace tessera
