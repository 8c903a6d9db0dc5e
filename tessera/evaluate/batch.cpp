#include "tessera/evaluate/batch.h"

#include "tessera/image/image.h"
#include "tessera/support/bytes.h"
#include "tessera/support/file.h"
#include "tessera/support/memory.h"
#include "tessera/support/parallel.h"
#include "tessera/support/progress.h"
#include "tessera/tensor/npz.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <openssl/sha.h>
#include <string_view>

namespace fs = std::filesystem;
namespace tessera::evaluate {
namespace {

using Json = nlohmann::ordered_json;

Result<std::string> sumOf(const fs::path &file) {
  TESSERA_ASSIGN(Bytes bytes, mapFile(file));
  std::array<uint8_t, SHA256_DIGEST_LENGTH> sum{};
  SHA256(bytes.data(), bytes.size(), sum.data());
  std::string text;
  for (uint8_t b : sum)
    text += fmt::format("{:02x}", b);
  return text;
}

/// What decides the outputs' bytes, for the journal.
Result<Json> identity(const driver::Model &model, const BatchOptions &o) {
  Json run{{"tessera", TESSERA_VERSION}};
  TESSERA_ASSIGN(run["model"], sumOf(model.path()));
  if (model.path().extension() == ".mlir") { // its weights lie in the npz that it names
    TESSERA_ASSIGN(std::string text, readText(model.path()));
    constexpr std::string_view kEnding = ".npz\"";
    for (size_t end = 0; (end = text.find(kEnding, end)) != std::string::npos; ++end) {
      size_t begin = text.rfind('"', end - 1) + 1;
      fs::path file = model.path().parent_path() / text.substr(begin, end + 4 - begin);
      if (std::error_code ec; fs::exists(file, ec)) {
        TESSERA_ASSIGN(run["weights"], sumOf(file));
      }
    }
  }
  for (const driver::InputInfo &i : model.inputs())
    run["inputs"].push_back(
        {{"name", i.name}, {"shape", i.shape}, {"preprocess", toJson(i.recipe)}});
  run["all_tensors"] = o.all;
  run["output"] = !o.output.empty();
  run["mask"] = nullptr;
  if (const CleanUp &c = o.decide.cleanUp; !o.mask.empty())
    run["mask"] = {{"threshold", o.decide.threshold ? Json(*o.decide.threshold) : Json()},
                   {"largest_component", c.largestComponent},
                   {"fill_holes", c.fillHoles},
                   {"opening", c.opening},
                   {"median", c.median}};
  return run;
}

std::vector<fs::path> outputsOf(const Job &job) {
  std::vector<fs::path> files;
  for (const fs::path &f : {job.output, job.mask})
    if (!f.empty())
      files.push_back(f);
  return files;
}

Result<std::vector<BatchReport::Item>> itemsOf(const std::vector<fs::path> &inputs,
                                               const BatchOptions &o) {
  std::vector<BatchReport::Item> items;
  std::map<std::string, fs::path> byStem;
  Error errors;
  for (const fs::path &input : inputs) {
    std::string stem = input.stem().string();
    if (auto [it, fresh] = byStem.try_emplace(stem, input); !fresh)
      errors.add(Diagnostic{"same-output", input.string(),
                            "has the name of " + it->second.string() +
                                ": both would be written to '" + stem + "'",
                            "rename one, or run them into folders of their own"});
    BatchReport::Item &item = items.emplace_back();
    item.job.input = input;
    if (!o.output.empty())
      item.job.output = o.output / (stem + ".npz");
    if (!o.mask.empty())
      item.job.mask = o.mask / (stem + "_mask.png");
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return items;
}

/// A run that was killed leaves files that were being written.
void removeLeftovers(const std::vector<BatchReport::Item> &items) {
  std::map<fs::path, std::vector<fs::path>> byFolder;
  std::error_code ec;
  for (const auto &item : items)
    for (const fs::path &file : outputsOf(item.job)) {
      auto [it, fresh] = byFolder.try_emplace(file.parent_path());
      if (fresh)
        for (const auto &entry : fs::directory_iterator(it->first, ec))
          if (entry.path().filename().string().starts_with("."))
            it->second.push_back(entry.path());
      std::string begin = "." + file.stem().string() + ".tmp";
      for (const fs::path &hidden : it->second)
        if (hidden.filename().string().starts_with(begin))
          fs::remove(hidden, ec);
    }
}

} // namespace

bool isArrayFile(const fs::path &p) { return p.extension() == ".npz" || p.extension() == ".npy"; }

Result<TensorMap> runJob(driver::Model &model, const Job &job, const JobOptions &o) {
  // A picture is decoded once, for the network and for the size of its mask.
  Image picture;
  TensorMap inputs;
  if (isArrayFile(job.input)) {
    TESSERA_ASSIGN(inputs, model.readInput(job.input));
  } else {
    TESSERA_ASSIGN(picture, readImage(job.input));
    TESSERA_ASSIGN(inputs, model.preprocessImage(picture, job.input.string()));
  }
  if (!job.savedInput.empty())
    TESSERA_TRY(writeNpz(job.savedInput, inputs));
  TESSERA_ASSIGN(TensorMap outputs, model.run(inputs, o.all));
  if (!job.output.empty())
    TESSERA_TRY(writeNpz(job.output, outputs));
  if (!job.mask.empty()) {
    int width = picture.width, height = picture.height;
    if (isArrayFile(job.input)) { // no picture: the output's own size
      const Tensor *t = outputs.find(model.outputs().front().name);
      width = static_cast<int>(t->shape().back());
      height = t->rank() > 1 ? static_cast<int>(t->shape()[t->rank() - 2]) : 1;
    }
    TESSERA_ASSIGN(Mask mask, maskOf(model, outputs, width, height, o.decide));
    TESSERA_TRY(writeMaskPng(job.mask, mask));
  }
  return outputs;
}

Result<std::vector<fs::path>> expandInputs(const std::vector<fs::path> &inputs) {
  std::vector<fs::path> files;
  Error errors;
  std::error_code ec;
  for (const fs::path &input : inputs) {
    if (!fs::exists(input, ec)) {
      errors.add(Diagnostic{"bad-file", input.string(), "does not exist", ""});
      continue;
    }
    if (!fs::is_directory(input, ec)) {
      files.push_back(input);
      continue;
    }
    std::vector<fs::path> inside;
    for (fs::directory_iterator it(input, ec), end; !ec && it != end; it.increment(ec))
      if ((isImageFile(it->path()) || isArrayFile(it->path())) && it->is_regular_file(ec))
        inside.push_back(it->path());
    if (ec)
      errors.add(Diagnostic{"bad-file", input.string(), "cannot be listed: " + ec.message(), ""});
    else if (inside.empty())
      errors.add(Diagnostic{"no-images", input.string(), "holds no image and no array", ""});
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return files;
}

int runsSideBySide(const driver::Model &model, int64_t images) {
  if (!model.concurrent())
    return 1;
  int64_t runs = std::clamp<int64_t>(images, 1, threadCount());
  uint64_t each = model.runBytes(), free = freeMemory();
  if (each && free) // a tenth stays for everything else
    runs = std::clamp<int64_t>(int64_t(free / 10 * 9 / each), 1, runs);
  return int(runs);
}

Result<BatchReport> runBatch(driver::Model &model, const std::vector<fs::path> &inputs,
                             const BatchOptions &o) {
  BatchReport report;
  TESSERA_ASSIGN(report.items, itemsOf(inputs, o));
  for (const fs::path &folder : {o.output, o.mask})
    if (std::error_code ec; !folder.empty() && !fs::create_directories(folder, ec) && ec)
      return fail("write-failed", folder.string(), "cannot be made: " + ec.message(),
                  "for several inputs outputs are folders");
  const fs::path &home = o.output.empty() ? o.mask : o.output;
  std::error_code ec;
  if (o.start != Journal::Start::Overwrite && !fs::exists(home / kJournalName, ec))
    for (const auto &item : report.items)
      for (const fs::path &file : outputsOf(item.job))
        if (fs::exists(file, ec))
          return fail("not-empty", file.string(), "is there already and would be overwritten",
                      "give an empty folder, or --overwrite");
  TESSERA_ASSIGN(Json run, identity(model, o));
  TESSERA_ASSIGN(Journal journal, Journal::open(home, run, o.start));
  removeLeftovers(report.items);

  std::vector<BatchReport::Item *> open;
  for (auto &item : report.items) {
    item.already = journal.has(item.job.input, outputsOf(item.job));
    report.already += item.already;
    if (!item.already)
      open.push_back(&item);
  }
  report.sideBySide = runsSideBySide(model, int64_t(open.size()));
  if (Progress::isEnabled() && o.start == Journal::Start::Resume)
    fmt::print(stderr, "resumed: {} of {} inputs were done already\n", report.already,
               report.items.size());
  if (uint64_t each = model.runBytes(); Progress::isEnabled() && each && report.sideBySide > 1)
    fmt::print(stderr, "{} inputs side by side, about {} MiB each, {} MiB free\n",
               report.sideBySide, (each >> 20) + 1, freeMemory() >> 20);

  Progress progress("run " + model.path().filename().string(), int64_t(open.size()), "inputs");
  std::atomic<bool> full = false; // no output can be written any more: the rest would fail alike
  parallelRuns(int64_t(open.size()), report.sideBySide, [&](int64_t i) {
    BatchReport::Item &item = *open[size_t(i)];
    if (full)
      return;
    Status status;
    if (auto outputs = runJob(model, item.job, o); !outputs)
      status = Unexpected(outputs.error());
    else
      status = journal.add(item.job.input, outputsOf(item.job));
    item.done = status.has_value();
    if (!status) {
      item.error = status.error();
      full = full || item.error.diagnostics().front().code == std::string("write-failed");
      fmt::print(stderr, "{}\n", item.error.text());
    }
    progress.advance();
  });
  for (const BatchReport::Item *item : open)
    report.done += item->done;
  report.failed = int64_t(open.size()) - report.done;
  return report;
}

} // namespace tessera::evaluate
