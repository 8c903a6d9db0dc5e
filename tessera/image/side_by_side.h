#pragma once
// The picture a person judges by: image, truth, masks and where they differ.
#include "tessera/image/image.h"

namespace tessera {

struct SideBySideRow {
  Image image;
  Mask truth, reference, mask; ///< of the image's size; reference may be empty in all rows
};
struct SideBySideTitles {
  std::string image = "image", truth = "truth", reference = "float mask", mask = "INT8 mask",
              differences = "differences";
};

/// One row a picture: image, truth, reference (if any), mask, and the image in grey under the
/// mask's errors: red = object only in the mask, blue = object only in the truth. Each cell is
/// `cellWidth` wide.
Image sideBySide(const std::vector<SideBySideRow> &rows, const SideBySideTitles &titles = {},
                 int cellWidth = 300);

} // namespace tessera
