#include "tessera/image/codec/codec.h"
#include "tessera/support/file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <gif_lib.h>
#include <memory>
#include <opencv2/imgcodecs.hpp>

namespace fs = std::filesystem;
namespace tessera {
namespace {

constexpr const char *kSuffixes[] = {".jpg", ".jpeg", ".jpe", ".png",  ".bmp",
                                     ".dib", ".webp", ".tif", ".tiff", ".gif",
                                     ".pbm", ".pgm",  ".ppm", ".pnm",  ".jp2"};

bool isGif(const std::vector<uint8_t> &bytes) {
  return bytes.size() >= 6 && std::memcmp(bytes.data(), "GIF8", 4) == 0;
}

/// Decoders fill a truncated JPEG up with grey; it is complete only with an end marker behind its
/// scans. Walked from the front: phones append films, whose bytes would pass for markers.
bool isTruncatedJpeg(const std::vector<uint8_t> &b) {
  if (b.size() < 4 || b[0] != 0xFF || b[1] != 0xD8)
    return false;
  for (size_t i = 2; i + 1 < b.size();) {
    if (b[i] != 0xFF || b[i + 1] == 0 || b[i + 1] == 0xFF) {
      ++i; // entropy-coded bytes of a scan, an escaped 0xFF, padding
      continue;
    }
    uint8_t marker = b[i + 1];
    if (marker == 0xD9)
      return false;
    i += 2;
    bool alone = marker == 1 || (marker >= 0xD0 && marker <= 0xD8); // restarts and such: no length
    if (!alone && i + 1 < b.size())
      i += std::max(2, b[i] << 8 | b[i + 1]);
  }
  return true;
}

Result<cv::Mat> decode(const fs::path &path, const std::vector<uint8_t> &bytes, int flags) {
  detail::quietOpenCv();
  if (bytes.empty())
    return fail("bad-image", path.string(), "is empty");
  if (isTruncatedJpeg(bytes))
    return fail("bad-image", path.string(), "is truncated: the JPEG has no end");
  TESSERA_ASSIGN(const detail::Codec *codec, detail::codec());
  cv::Mat mat;
  try {
    mat = codec->decode(bytes, flags);
  } catch (const std::exception &e) {
    return fail("bad-image", path.string(), std::string("cannot be decoded: ") + e.what());
  }
  if (mat.empty())
    return fail("bad-image", path.string(), "is no picture that can be decoded",
                "PNG, JPEG, GIF, BMP, WebP, TIFF and PNM can be read");
  return mat;
}

/// The first frame's palette indices on the whole canvas (0 outside the frame), and its palette.
struct Gif {
  int width = 0, height = 0;
  std::vector<uint8_t> indices;
  std::vector<std::array<uint8_t, 3>> palette; ///< blue, green, red
};

struct GifSource {
  const std::vector<uint8_t> *bytes;
  size_t at = 0;
};

Result<Gif> readGif(const fs::path &path, const std::vector<uint8_t> &bytes) {
  GifSource source{&bytes};
  int code = 0;
  auto read = [](GifFileType *file, GifByteType *to, int count) {
    auto *s = static_cast<GifSource *>(file->UserData);
    int n = static_cast<int>(std::min<size_t>(count, s->bytes->size() - s->at));
    std::memcpy(to, s->bytes->data() + s->at, n);
    s->at += n;
    return n;
  };
  auto bad = [&](int e) {
    const char *text = GifErrorString(e);
    return fail("bad-image", path.string(),
                std::string("is a broken GIF: ") + (text ? text : "unknown error"));
  };
  std::unique_ptr<GifFileType, void (*)(GifFileType *)> file(DGifOpen(&source, read, &code),
                                                             [](GifFileType *f) {
                                                               int ignored = 0;
                                                               DGifCloseFile(f, &ignored);
                                                             });
  if (!file)
    return bad(code);
  if (file->SWidth < 1 || file->SHeight < 1 || int64_t(file->SWidth) * file->SHeight > 1 << 28)
    return fail("bad-image", path.string(), "is a GIF of unreasonable size");
  if (DGifSlurp(file.get()) != GIF_OK)
    return bad(file->Error);
  if (file->ImageCount < 1)
    return fail("bad-image", path.string(), "is a GIF without a frame");
  const SavedImage &frame = file->SavedImages[0];
  Gif gif;
  gif.width = file->SWidth;
  gif.height = file->SHeight;
  gif.indices.resize(size_t(gif.width) * gif.height);
  const GifImageDesc &d = frame.ImageDesc;
  for (int y = std::max(0, -d.Top); y < d.Height && y + d.Top < gif.height; ++y)
    for (int x = std::max(0, -d.Left); x < d.Width && x + d.Left < gif.width; ++x)
      gif.indices[size_t(y + d.Top) * gif.width + x + d.Left] =
          frame.RasterBits[size_t(y) * d.Width + x];
  const ColorMapObject *map = d.ColorMap ? d.ColorMap : file->SColorMap;
  for (int i = 0; map && i < map->ColorCount; ++i)
    gif.palette.push_back({map->Colors[i].Blue, map->Colors[i].Green, map->Colors[i].Red});
  gif.palette.resize(256);
  return gif;
}

} // namespace

int64_t Mask::area() const {
  return std::count_if(pixels.begin(), pixels.end(), [](uint8_t v) { return v != 0; });
}

Result<Image> readImage(const fs::path &path) {
  TESSERA_ASSIGN(auto bytes, readFile(path));
  if (isGif(bytes)) {
    TESSERA_ASSIGN(Gif gif, readGif(path, bytes));
    Image image(gif.width, gif.height);
    for (size_t i = 0; i < gif.indices.size(); ++i)
      std::copy_n(gif.palette[gif.indices[i]].begin(), 3, &image.pixels[i * 3]);
    return image;
  }
  TESSERA_ASSIGN(cv::Mat mat, decode(path, bytes, cv::IMREAD_COLOR));
  Image image(mat.cols, mat.rows);
  mat.copyTo(detail::view(image));
  return image;
}

Result<Mask> readMask(const fs::path &path) {
  TESSERA_ASSIGN(auto bytes, readFile(path));
  Mask mask;
  if (isGif(bytes)) {
    TESSERA_ASSIGN(Gif gif, readGif(path, bytes));
    mask = Mask(gif.width, gif.height);
    for (size_t i = 0; i < gif.indices.size(); ++i)
      mask.pixels[i] = gif.indices[i] != 0;
    return mask;
  }
  TESSERA_ASSIGN(cv::Mat mat, decode(path, bytes, cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR));
  mask = Mask(mat.cols, mat.rows);
  cv::Mat above = mat > 0; // 255 per channel where above 0, at any depth
  int channels = mat.channels();
  for (int y = 0; y < mat.rows; ++y) {
    const uint8_t *row = above.ptr<uint8_t>(y);
    for (int x = 0; x < mat.cols; ++x) {
      uint8_t any = 0;
      for (int c = 0; c < std::min(channels, 3); ++c)
        any |= row[x * channels + c];
      mask.at(x, y) = any != 0;
    }
  }
  return mask;
}

bool isImageFile(const fs::path &path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) != std::end(kSuffixes);
}

Result<std::vector<fs::path>> listImages(const fs::path &folder) {
  std::error_code ec;
  if (!fs::is_directory(folder, ec))
    return fail("bad-file", folder.string(),
                fs::exists(folder, ec) ? "is no folder" : "does not exist");
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (isImageFile(it->path()) && it->is_regular_file(ec))
      files.push_back(it->path());
  if (ec)
    return fail("bad-file", folder.string(), "cannot be listed: " + ec.message());
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace tessera
