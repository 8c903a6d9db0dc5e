#pragma once
// Pictures and masks on plain buffers, and the files they come from. OpenCV and giflib stay behind
// these functions: no header of this room shows them.
#include "tessera/support/status.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tessera {

/// An 8-bit colour picture: rows from the top, pixels from the left, three bytes a pixel in
/// OpenCV's order blue, green, red. pixels.size() == width * height * 3.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  Image() = default;
  /// Black.
  Image(int width, int height)
      : width(width), height(height), pixels(size_t(width) * size_t(height) * 3) {}
  uint8_t *at(int x, int y) { return &pixels[(size_t(y) * width + x) * 3]; }
  const uint8_t *at(int x, int y) const { return &pixels[(size_t(y) * width + x) * 3]; }
  bool operator==(const Image &) const = default;
};

/// A binary mask: one byte a pixel, 1 = object, 0 = background. pixels.size() == width * height.
struct Mask {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  Mask() = default;
  /// All background.
  Mask(int width, int height)
      : width(width), height(height), pixels(size_t(width) * size_t(height)) {}
  uint8_t &at(int x, int y) { return pixels[size_t(y) * width + x]; }
  uint8_t at(int x, int y) const { return pixels[size_t(y) * width + x]; }
  /// Number of object pixels.
  int64_t area() const;
  bool operator==(const Mask &) const = default;
};

/// Reads any picture OpenCV knows (JPEG with its EXIF turn, PNG, BMP, WebP, TIFF, PNM, ...) and GIF
/// (first frame, through its palette) as 8-bit BGR; grey is repeated, 16-bit is scaled to 8, alpha
/// is dropped: what cv2.imread gives by default. Errors naming the file: "bad-file" where it cannot
/// be read, "bad-image" where it is empty, truncated or of an unknown format.
Result<Image> readImage(const std::filesystem::path &path);

/// Reads a mask at its own size: 1 where any colour channel of the pixel is above 0, at any depth
/// (a 16-bit 1 counts); an alpha channel is no colour. GIF: palette index above 0 of the first
/// frame. Errors as readImage.
Result<Mask> readMask(const std::filesystem::path &path);

/// True for names ending in a suffix readImage can try (".jpg", ".PNG", ".gif", ...): for listing
/// folders.
bool isImageFile(const std::filesystem::path &path);

/// All image files directly inside `folder`, sorted by name as bytes. Error "bad-file" where
/// `folder` is missing or no folder; an empty list is no error.
Result<std::vector<std::filesystem::path>> listImages(const std::filesystem::path &folder);

/// One channel, 0 and 255. Atomic; same mask, same bytes.
Status writeMaskPng(const std::filesystem::path &path, const Mask &mask);
/// Colour PNG whatever the suffix. Atomic; same picture, same bytes.
Status writeImagePng(const std::filesystem::path &path, const Image &image);

} // namespace tessera
