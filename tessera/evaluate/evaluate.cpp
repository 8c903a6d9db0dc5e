#include "tessera/evaluate/batch.h"

#include "tessera/image/image.h"
#include "tessera/support/parallel.h"
#include "tessera/support/progress.h"

#include <map>
#include <mutex>

namespace fs = std::filesystem;
namespace tessera::evaluate {
namespace {

/// Masks by stem, the optional "_mask" dropped.
Result<std::map<std::string, fs::path>> masksByStem(const fs::path &folder) {
  TESSERA_ASSIGN(auto files, listImages(folder));
  std::map<std::string, fs::path> result;
  Error errors;
  for (const fs::path &f : files) {
    std::string stem = f.stem().string();
    if (stem.ends_with("_mask"))
      stem.resize(stem.size() - 5);
    auto [it, inserted] = result.try_emplace(stem, f);
    if (!inserted)
      errors.add(Diagnostic{"ambiguous-mask", folder.string(),
                            "holds two masks for '" + stem + "': " +
                                it->second.filename().string() + " and " + f.filename().string(),
                            "keep one"});
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return result;
}

} // namespace

Result<Mask> maskOf(const driver::Model &model, const TensorMap &outputs, int width, int height,
                    const DecideOptions &options) {
  const driver::OutputInfo &info = model.outputs().front();
  const Tensor *output = outputs.find(info.name);
  TESSERA_CHECK(output, "a run did not return its first output");
  MaskRule rule = info.kind == driver::OutputKind::Classes       ? MaskRule::Classes
                  : info.kind == driver::OutputKind::Probability ? MaskRule::Probability
                                                                 : MaskRule::Logits;
  auto mask = decideMask(*output, rule, options.threshold, width, height);
  if (!mask)
    return fail("bad-output", model.path().string() + ": output '" + info.name + "'",
                mask.error().diagnostics().front().message,
                mask.error().diagnostics().front().hint);
  return cleanUp(*mask, options.cleanUp);
}

Result<Scores> evaluate(driver::Model &model, const Options &o) {
  TESSERA_ASSIGN(auto files, listImages(o.images));
  if (o.count > 0 && files.size() > size_t(o.count))
    files.resize(o.count);
  if (files.empty())
    return fail("no-images", o.images.string(), "holds no image", "");
  std::map<std::string, fs::path> masks;
  if (!o.masks.empty()) {
    TESSERA_ASSIGN(masks, masksByStem(o.masks));
    Error errors;
    for (const fs::path &f : files)
      if (!masks.count(f.stem().string()))
        errors.add(Diagnostic{"missing-mask", f.string(), "has no mask in " + o.masks.string(),
                              "expected " + f.stem().string() + " or " + f.stem().string() +
                                  "_mask in any image format"});
    if (!errors.empty())
      return fail(std::move(errors));
  }

  Scores scores;
  scores.images.resize(files.size());
  scores.pictures.resize(std::min<size_t>(o.pictures, files.size()));
  if (std::error_code ec; !o.output.empty() && !fs::create_directories(o.output, ec) && ec)
    return fail("write-failed", o.output.string(), "cannot be made: " + ec.message(), "");
  std::vector<Error> errors(files.size());
  Progress progress("evaluate " + model.path().filename().string(), files.size(), "images");
  auto one = [&](size_t i) -> Status {
    TESSERA_ASSIGN(Image picture, readImage(files[i]));
    Mask truth, reference;
    if (!o.masks.empty()) { // before the networks run: a wrong mask is found in no time
      const fs::path &file = masks.at(files[i].stem().string());
      TESSERA_ASSIGN(truth, readMask(file));
      if (truth.width != picture.width || truth.height != picture.height)
        return fail("mask-size", file.string(),
                    "is " + std::to_string(truth.width) + "x" + std::to_string(truth.height) +
                        ", its image " + files[i].filename().string() + " is " +
                        std::to_string(picture.width) + "x" + std::to_string(picture.height),
                    "image and mask must show the same pixels");
    }
    auto maskBy = [&](driver::Model &network, const DecideOptions &decide) -> Result<Mask> {
      TESSERA_ASSIGN(TensorMap input, network.preprocessImage(picture, files[i].string()));
      TESSERA_ASSIGN(TensorMap outputs, network.run(input, false));
      return maskOf(network, outputs, picture.width, picture.height, decide);
    };
    TESSERA_ASSIGN(Mask mask, maskBy(model, o.decide));
    if (o.reference) {
      TESSERA_ASSIGN(reference, maskBy(*o.reference, {}));
    }
    if (o.masks.empty())
      truth = reference;
    scores.images[i] = {files[i].filename().string(), dice(mask, truth), iou(mask, truth),
                        o.reference ? dice(reference, truth) : 0};
    if (!o.output.empty())
      TESSERA_TRY(writeMaskPng(o.output / (files[i].stem().string() + "_mask.png"), mask));
    if (int64_t(i) < o.pictures)
      scores.pictures[i] = {picture, truth, reference, mask};
    progress.advance();
    return {};
  };
  int runs = runsSideBySide(model, int64_t(files.size()));
  if (o.reference)
    runs = std::min(runs, runsSideBySide(*o.reference, int64_t(files.size())));
  parallelRuns(int64_t(files.size()), runs, [&](int64_t i) {
    if (Status s = one(size_t(i)); !s)
      errors[size_t(i)] = std::move(s).error();
  });
  Error all;
  for (const Error &e : errors)
    all.add(e);
  if (!all.empty())
    return fail(std::move(all));
  for (const ImageScore &s : scores.images) {
    scores.dice += s.dice / scores.images.size();
    scores.iou += s.iou / scores.images.size();
  }
  if (o.reference && !o.masks.empty()) {
    scores.referenceDice = 0;
    for (const ImageScore &i : scores.images)
      *scores.referenceDice += i.referenceDice / scores.images.size();
  }
  scores.ms = model.milliseconds();
  if (scores.ms)
    scores.score = 100 * scores.dice + 300 - *scores.ms;
  return scores;
}

} // namespace tessera::evaluate
