#include "tessera/image/codec/codec.h"
#include "tessera/support/file.h"

namespace fs = std::filesystem;
namespace tessera {
namespace {

Status writePng(const fs::path &path, const cv::Mat &mat) {
  detail::quietOpenCv();
  if (mat.empty())
    return fail("write-failed", path.string(), "the picture has no pixels");
  TESSERA_ASSIGN(const detail::Codec *codec, detail::codec());
  std::vector<uint8_t> bytes;
  try {
    if (!codec->encodePng(mat, bytes))
      return fail("write-failed", path.string(), "cannot encode the picture as PNG");
  } catch (const cv::Exception &e) {
    return fail("write-failed", path.string(), "cannot encode the picture as PNG: " + e.err);
  }
  return writeFile(path, bytes);
}

} // namespace

Status writeMaskPng(const fs::path &path, const Mask &mask) {
  Mask scaled = mask;
  for (uint8_t &v : scaled.pixels)
    v = v ? 255 : 0;
  return writePng(path, detail::view(scaled));
}

Status writeImagePng(const fs::path &path, const Image &image) {
  return writePng(path, detail::view(image));
}

} // namespace tessera
