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
                    VendorCase{"unet8_f32", "u8"}, VendorCase{"unet8_f16", "u8"},
                    VendorCase{"unet8_bf16", "u8"}, VendorCase{"residual_f16", "res"}),
    [](const auto &info) { return std::string(info.param.folder); });

/// A network of one move: int8 input to int8 output through lane 0.
bmodel::Model copyModel() {
  constexpr uint64_t kContext = chip::kGlobalBase + 0x1000;
  bmodel::Stage stage;
  stage.coeffAddress = chip::kGlobalBase;
  stage.coeff = std::vector<uint8_t>(64, 1);
  stage.ctxAddress = kContext;
  stage.ctxSize = 0x2000;
  stage.ctxSizes = {0x2000};
  stage.inputs = {{"in", DType::I8, {1, 1, 1, 4}, kContext, 4, 2.0f, 0}};
  stage.outputs = {{"out", DType::I8, {1, 1, 1, 4}, kContext + 0x1000, 4, 0.25f, 0}};
  std::vector<isa::Command> gdma;
  for (auto [from, to] :
       {std::pair{kContext, chip::kLmemBase}, {chip::kLmemBase, kContext + 0x1000}}) {
    isa::DMA_tensor f;
    f.stride_enable = f.nchw_copy = 1;
    f.src_nsize = f.src_csize = f.src_hsize = 1;
    f.src_wsize = 4;
    f.src_wstride = f.dst_wstride = 1;
    isa::setSourceAddress(f, from);
    isa::setDestinationAddress(f, to);
    isa::Command c = isa::command(f);
    isa::setIds(c, uint32_t(gdma.size() + 1), 0);
    gdma.push_back(c);
  }
  gdma.push_back(isa::endCommand(isa::Engine::Gdma, 3));
  std::vector<isa::Command> tiu{isa::endCommand(isa::Engine::Tiu, 1)};
  bmodel::CommandGroup group;
  group.tiu = isa::encodeStream(isa::Engine::Tiu, tiu);
  group.gdma = isa::encodeStream(isa::Engine::Gdma, gdma);
  group.tiuCount = uint32_t(tiu.size());
  group.gdmaCount = uint32_t(gdma.size());
  bmodel::SubNet subnet;
  subnet.groups = {group};
  subnet.inputs = stage.inputs;
  subnet.outputs = stage.outputs;
  stage.subnets = {subnet};
  bmodel::Net net;
  net.name = "copy";
  net.stages = {stage};
  bmodel::Model model;
  model.nets = {net};
  return model;
}

TensorMap copyInput() {
  TensorMap inputs;
  inputs.set("in", Tensor::of<float>({1, 1, 1, 4}, std::array{1.25f, -1.25f, 100.0f, 0.2f}));
  return inputs;
}

std::string codeOf(const Error &e) { return e.diagnostics().front().code; }

TEST(Session, IntegerTensorsAreScaledAtBothEnds) {
  auto session = Session::create(copyModel(), "copy.bmodel");
  ASSERT_TRUE(session) << session.error().text();
  auto outputs = session->run(copyInput());
  ASSERT_TRUE(outputs) << outputs.error().text();
  auto out = outputs->find("out")->as<float>();
  // 2.5 rounds half away to 3, 200 saturates to 127.
  EXPECT_EQ(std::vector<float>(out.begin(), out.end()),
            (std::vector<float>{0.75f, -0.75f, 31.75f, 0}));
  TensorMap stored;
  stored.set("in", Tensor::of<int8_t>({1, 1, 1, 4}, std::array<int8_t, 4>{1, 2, 3, -4}));
  outputs = session->run(stored);
  ASSERT_TRUE(outputs);
  EXPECT_EQ(outputs->find("out")->as<float>()[3], -1.0f);
}

TEST(Machine, WipedIsAsMade) {
  sim::Machine m;
  ASSERT_TRUE(m.mapGlobal(chip::kGlobalBase, 3 << 20));
  m.lane(63)[chip::kLaneBytes - 1] = 1;
  for (uint64_t at : {chip::kGlobalBase, chip::kGlobalBase + (3 << 20) - 1, chip::kL2Base + 5})
    **m.bytes(at, 1, sim::Access::Write) = 1;
  m.wipe();
  EXPECT_EQ(m.lane(63)[chip::kLaneBytes - 1], 0);
  for (uint64_t at : {chip::kGlobalBase, chip::kGlobalBase + (3 << 20) - 1, chip::kL2Base + 5})
    EXPECT_EQ(**m.bytes(at, 1), 0) << at;
}

TEST(Session, InnerTensorsAreCapturedThroughTheSideTable) {
  bmodel::Model model = copyModel();
  RunOptions all;
  all.dumpAllTensors = true;
  auto plain = Session::create(model, "copy.bmodel")->run(copyInput(), all);
  ASSERT_FALSE(plain);
  EXPECT_EQ(codeOf(plain.error()), "no-tensor-table");
  model.recipe = {{"tensors",
                   {{{"name", "inner"},
                     {"dtype", "i8"},
                     {"shape", {4}},
                     {"address", chip::kGlobalBase + 0x2000},
                     {"scale", 2.0},
                     {"gdma", 1}}}}};
  auto outputs = Session::create(model, "copy.bmodel")->run(copyInput(), all);
  ASSERT_TRUE(outputs) << outputs.error().text();
  ASSERT_TRUE(outputs->contains("inner"));
  EXPECT_EQ(outputs->find("inner")->as<float>()[0], 6.0f);
}

TEST(Session, WrongInputsAreNamedTogether) {
  auto session = Session::create(copyModel(), "copy.bmodel");
  ASSERT_TRUE(session);
  TensorMap inputs;
  inputs.set("other", Tensor(DType::F32, {4}));
  auto outputs = session->run(inputs);
  ASSERT_FALSE(outputs);
  ASSERT_EQ(outputs.error().diagnostics().size(), 2u);
  EXPECT_EQ(codeOf(outputs.error()), "missing-input");
  inputs = TensorMap();
  inputs.set("in", Tensor(DType::F32, {1, 1, 1, 5}));
  outputs = session->run(inputs);
  ASSERT_FALSE(outputs);
  EXPECT_EQ(codeOf(outputs.error()), "shape-mismatch");
}

TEST(Session, WhatIsNoStaticTpuNetworkIsRefused) {
  bmodel::Model model = copyModel();
  model.nets[0].stages[0].subnets[0].mode = 1;
  auto session = Session::create(model, "cpu.bmodel");
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().text().find("cpu.bmodel: subnet 0"), std::string::npos)
      << session.error().text();
  model = copyModel();
  model.nets[0].stages[0].dynamic = true;
  EXPECT_EQ(codeOf(Session::create(model, "dynamic.bmodel").error()), "unsupported-subnet");
  model = copyModel();
  model.chip = "BM1690";
  EXPECT_EQ(codeOf(Session::create(model, "other.bmodel").error()), "unsupported-model");
}

TEST(Session, OutputsThatCannotBeHadAreRefusedBeforeTheRun) {
  bmodel::Model model = copyModel();
  auto &bytes = model.nets[0].stages[0].subnets[0].groups[0].gdma;
  bytes[74] = bytes[75] = 0xFF; // destination of the first move: no memory of the chip
  auto errorOf = [&](bool stepwise) {
    auto session = Session::create(model, "bad.bmodel");
    EXPECT_TRUE(session) << session.error().text();
    if (stepwise) {
      auto steps = session->begin(copyInput());
      return steps ? Error("ran", "", "") : steps.error();
    }
    auto outputs = session->run(copyInput());
    return outputs ? Error("ran", "", "") : outputs.error();
  };
  EXPECT_NE(errorOf(false).text().find("GDMA stream, instruction 0"), std::string::npos);
  bmodel::TensorInfo &out = model.nets[0].stages[0].outputs[0];
  const bmodel::TensorInfo good = out;
  for (bool stepwise : {false, true}) {
    auto expect = [&](const std::string &code) {
      Error e = errorOf(stepwise);
      EXPECT_EQ(codeOf(e), code) << e.text();
      EXPECT_NE(e.text().find("bad.bmodel: tensor 'out'"), std::string::npos) << e.text();
    };
    out.shape = {1, 1, 1 << 20, 1 << 20};
    expect("out-of-memory");
    out.shape = {int64_t(1) << 32, int64_t(1) << 32};
    expect("bad-file");
    out = good;
    out.address += 0x1000;
    expect("bad-address");
    out = good;
  }
}

TEST(Session, BytesOfARunAreCountedWithoutOverflow) {
  bmodel::Model model = copyModel();
  auto bytes = [&] {
    auto session = Session::create(model, "copy.bmodel");
    EXPECT_TRUE(session) << session.error().text();
    return session ? session->runBytes() : 0;
  };
  uint64_t machine = 0x2000 + chip::kLmemBytes + (chip::kL2End - chip::kL2Base);
  EXPECT_EQ(bytes(), machine + 2 * 4 * sizeof(float));
  auto &outputs = model.nets[0].stages[0].outputs;
  outputs[0].shape = {int64_t(1) << 20, int64_t(1) << 20};
  EXPECT_EQ(bytes(), machine + 4 * sizeof(float) + (uint64_t(1) << 42));
  outputs[0].shape = {int64_t(1) << 32, int64_t(1) << 32}; // 0 elements in 64 bits
  EXPECT_EQ(bytes(), ~uint64_t(0));
  outputs[0].shape = {int64_t(1) << 60};
  outputs.resize(6, outputs[0]); // each can be counted, their sum cannot
  EXPECT_EQ(bytes(), ~uint64_t(0));
}

TEST(Session, AStoreIntoCoefficientsIsLocated) {
  bmodel::Model model = copyModel();
  model.nets[0].stages[0].coeff = std::vector<uint8_t>(0x1000, 1);
  auto &bytes = model.nets[0].stages[0].subnets[0].groups[0].gdma;
  bytes[96 + 72] = 0; // destination of the second move: 0x1_0000_0000
  bytes[96 + 73] = 0;
  auto session = Session::create(model, "bad.bmodel");
  ASSERT_TRUE(session) << session.error().text();
  auto outputs = session->run(copyInput());
  ASSERT_FALSE(outputs);
  EXPECT_NE(outputs.error().text().find("bad.bmodel: GDMA stream, instruction 1"),
            std::string::npos)
      << outputs.error().text();
}

} // namespace
} // namespace tessera::runtime
