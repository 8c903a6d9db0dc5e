// The reference networks of ../shared, imported and rewritten: structure, and equal results.
#include "tessera/import/onnx/import.h"
#include "tessera/interpret/interpret.h"
#include "tessera/optimize/test_network.h"
#include "tessera/tensor/compare.h"

#include <filesystem>
#include <gmock/gmock.h>

namespace tessera::optimize {
namespace {

std::string model(const std::string &name) { return TESSERA_SHARED_DIR "/models/" + name; }

Tensor runOn(const ir::Module &m, const Tensor &image) {
  interpret::Runner runner(m);
  TensorMap inputs;
  inputs.set(runner.inputs().at(0).name, image);
  auto result = runner.run(inputs);
  if (!result) {
    ADD_FAILURE() << result.error().text();
    return {};
  }
  return result->begin()->second;
}

TEST(Models, ResidualUNetReadsTheRawImageInAllThreePlaces) {
  std::string path = model("residual_unet_256.onnx");
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "needs " << path;
  auto imported = onnx_import::importOnnx(path, {});
  ASSERT_TRUE(imported) << imported.error().text();
  ir::Module before = imported->clone(), &after = *imported;
  auto report = optimized(after);
  EXPECT_THAT(report.notes, testing::IsEmpty());
  // No pre-processing, BatchNorm or ReLU is left, and what was cropped is not made.
  std::string ops = opsOf(after);
  for (const char *gone : {"Sub", "Div", "BatchNorm", "Scale", " Relu", "Slice"})
    EXPECT_EQ(ops.find(gone), std::string::npos) << gone << " in " << ops;
  int readers = 0;
  after.main().walk([&](mlir::Operation *op) {
    if (llvm::isa<top::InputOp>(op))
      for (mlir::Operation *user : op->getResult(0).getUsers()) {
        ++readers;
        EXPECT_TRUE((llvm::isa<top::ConvOp, top::ConcatOp>(user)));
      }
  });
  EXPECT_EQ(readers, 3);
  for (float flat : {-1.0f, 0.0f, 255.0f}) {
    Tensor image = randomTensor({1, 3, 256, 256}, 3, 0, 255);
    if (flat >= 0)
      std::fill(image.as<float>().begin(), image.as<float>().end(), flat);
    Tensor a = runOn(before, image), b = runOn(after, image);
    auto c = compareTensors(a, b);
    ASSERT_TRUE(c);
    double largest = 0;
    for (float v : a.as<float>())
      largest = std::max(largest, double(std::abs(v)));
    EXPECT_LE(c->maxAbsDiff, 1e-4 * largest) << "image " << flat << ", of " << largest;
  }
}

} // namespace
} // namespace tessera::optimize
