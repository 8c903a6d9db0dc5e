#pragma once
// Walks a folder of images through a network at any stage and scores its masks against the truth.
#include "tessera/driver/model/model.h"
#include "tessera/image/mask.h"

namespace tessera::evaluate {

/// From a network's output to a mask of the truth's size.
struct DecideOptions {
  std::optional<double> threshold; ///< on the difference of two channels, or on the one channel
  CleanUp cleanUp;                 ///< all off by default
};

/// The mask a network's first output means, at `width` x `height`: logits resized bilinearly first,
/// then two channels: channel 1 - channel 0 > threshold (0); one channel: > threshold (0, or 0.5
/// for probabilities); class numbers: nearest resize, > 0. Error "bad-output" for other channel
/// counts.
Result<Mask> maskOf(const driver::Model &model, const TensorMap &outputs, int width, int height,
                    const DecideOptions &options);

struct Options {
  std::filesystem::path images, masks;
  /// Scored beside the model; where `masks` is empty its masks are the truth instead.
  driver::Model *reference = nullptr;
  DecideOptions decide;
  int64_t count = 0;            ///< first so many images; 0 = all
  std::filesystem::path output; ///< folder for the masks as STEM_mask.png; empty = none
  int64_t pictures = 0;         ///< keep so many images with all masks, for a picture
};

struct ImageScore {
  std::string image;
  double dice = 0, iou = 0;
  double referenceDice = 0; ///< with masks and a reference
};

/// One image with every mask, for the side-by-side picture.
struct Pictured {
  Image image;
  Mask truth, reference, mask; ///< reference is empty without one
};

struct Scores {
  std::vector<ImageScore> images;      ///< in name order
  double dice = 0, iou = 0;            ///< means over images
  std::optional<double> referenceDice; ///< the reference against the masks, if both are given
  std::optional<double> ms, score;     ///< a bmodel's: score = 100 * dice + 300 - ms
  std::vector<Pictured> pictures;
};

/// Errors, all at once: images without a mask, unreadable files, masks of another size than their
/// image.
Result<Scores> evaluate(driver::Model &model, const Options &options);

} // namespace tessera::evaluate
