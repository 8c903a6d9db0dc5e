#pragma once
// One input, or many, through a network at any stage and into files.
#include "tessera/evaluate/evaluate.h"
#include "tessera/evaluate/journal.h"

namespace tessera::evaluate {

/// An input with the files made of it; empty paths: not wanted.
struct Job {
  std::filesystem::path input; ///< image, .npy or .npz
  std::filesystem::path output, mask, savedInput;
};

/// How the files are made.
struct JobOptions {
  DecideOptions decide;
  bool all = false; ///< also inner tensors
};

bool isArrayFile(
    const std::filesystem::path &path); ///< .npy or .npz, which are never pre-processed

/// Runs one and writes its files, each whole or not at all.
Result<TensorMap> runJob(driver::Model &model, const Job &job, const JobOptions &options);

/// Folders become the images and arrays directly inside, in name order; the rest stays. Errors:
/// "no-images" for a folder without any, "bad-file" for what is not there.
Result<std::vector<std::filesystem::path>>
expandInputs(const std::vector<std::filesystem::path> &inputs);

struct BatchOptions : JobOptions {
  std::filesystem::path output, mask; ///< folders for STEM.npz and STEM_mask.png; one may be empty
  Journal::Start start = Journal::Start::Fresh;
};

struct BatchReport {
  struct Item {
    Job job;
    bool already = false; ///< finished by an earlier run
    bool done = false;    ///< finished by this one
    Error error;          ///< why not; empty where the batch stopped before it
  };
  std::vector<Item> items; ///< in the order of the inputs
  int64_t done = 0, already = 0, failed = 0;
  int sideBySide = 1;
};

/// How many runs of `model` fit side by side: as many as threads, images and free memory allow.
int runsSideBySide(const driver::Model &model, int64_t images);

/// All inputs, several side by side. An input that fails is told at once on standard error, and the
/// rest goes on; where nothing can be written any more it stops. Errors before anything runs:
/// "same-output" for inputs of one name, "not-empty" for outputs that are there already, and the
/// journal's.
Result<BatchReport> runBatch(driver::Model &model, const std::vector<std::filesystem::path> &inputs,
                             const BatchOptions &options);

} // namespace tessera::evaluate
