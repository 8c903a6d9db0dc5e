#include "tessera/runtime/runtime.h"
#include "tessera/tensor/compare.h"
#include "tessera/tensor/npz.h"

#include <gtest/gtest.h>

namespace tessera::runtime {
namespace {

namespace fs = std::filesystem;

struct VendorCase {
  const char *folder, *name;
};
void PrintTo(const VendorCase &c, std::ostream *out) { *out << c.folder; }

class Vendor : public testing::TestWithParam<VendorCase> {};

/// Binaries of the vendor's compiler give what the vendor's simulator gives, in every element.
TEST_P(Vendor, EveryOutputElementIsEqual) {
  fs::path folder = fs::path(TESSERA_SHARED_DIR) / "oracle/cases" / GetParam().folder;
  std::string name = GetParam().name;
  if (!fs::exists(folder / (name + ".bmodel")))
    GTEST_SKIP() << folder << " is not on this machine";
  auto session = Session::open(folder / (name + ".bmodel"));
  ASSERT_TRUE(session) << session.error().text();
  auto inputs = readNpz(folder / (name + "_in_f32.npz"));
  auto expected = readNpz(folder / (name + "_bmodel_outputs.npz"));
  ASSERT_TRUE(inputs && expected);
  auto outputs = session->run(*inputs);
  ASSERT_TRUE(outputs) << outputs.error().text();
  ASSERT_EQ(outputs->size(), expected->size());
  for (const auto &[tensorName, tensor] : *expected) {
    const Tensor *ours = outputs->find(tensorName);
    ASSERT_NE(ours, nullptr) << tensorName;
    EXPECT_EQ(ours->shape(), tensor.shape());
    auto difference = compareTensors(tensor, *ours);
    ASSERT_TRUE(difference) << difference.error().text();
    EXPECT_EQ(difference->differing, 0)
        << tensorName << " of " << difference->count << ", worst at " << difference->worstIndex;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Vendor,
    testing::Values(VendorCase{"unet8_int8", "u8"}, VendorCase{"residual_int8", "res"},
                    VendorCase{"unet8_int8_asymmetric", "u8"}, VendorCase{"prisma_int8", "prisma"},
                    VendorCase{"unet8_f32", "u8"}, VendorCase{"residual_f16", "res"}),
    [](const auto &info) { return std::string(info.param.folder); });

} // namespace
} // namespace tessera::runtime
