// Containers of other ages than ours, built field by field: what old files lack and what new files
// add (bmodel.fbs; "BM1684X" reference, sections 5.2 and 5.4).
#include "tessera/bmodel/bmodel.h"
#include "tessera/bmodel/bmodel_generated.h"

#include <cstring>
#include <gtest/gtest.h>

namespace tessera::bmodel {
namespace {

constexpr uint64_t kCoeff = 0x100000000, kContext = 0x100001000;
constexpr uint64_t kStreamBytes = 128, kCoeffBytes = 64;

/// Builds one file of one net, its blob being a stream of ones for each engine and coefficients.
class Container {
public:
  flatbuffers::FlatBufferBuilder b;

  auto tensor(const char *name, uint64_t address) {
    std::vector<uint64_t> dims{1, 1, 1, 4};
    std::vector<flatbuffers::Offset<fb::Shape>> shapes{fb::CreateShapeDirect(b, &dims)};
    return std::vector<flatbuffers::Offset<fb::Tensor>>{
        fb::CreateTensorDirect(b, name, 2 /*int8*/, 0, address, 0, &shapes)};
  }
  auto group(uint32_t statedBytes) {
    fb::Binary tiu(0, kStreamBytes), gdma(kStreamBytes, kStreamBytes);
    return std::vector<flatbuffers::Offset<fb::CmdGroup>>{
        fb::CreateCmdGroupDirect(b, 1, 1, &tiu, &gdma, statedBytes, statedBytes)};
  }
  flatbuffers::Offset<fb::CoeffMem> coefficients() {
    fb::Binary binary(2 * kStreamBytes, kCoeffBytes);
    return fb::CreateCoeffMemDirect(b, kCoeff, nullptr, &binary);
  }
  Result<Model> parsed(flatbuffers::Offset<fb::NetParameter> stage, const char *version) {
    std::vector<flatbuffers::Offset<fb::NetParameter>> stages{stage};
    std::vector<flatbuffers::Offset<fb::Net>> nets{fb::CreateNetDirect(b, "net", &stages)};
    b.Finish(fb::CreateModelDirect(b, "B", version, "some day", "BM1684X", &nets));
    uint32_t blob = 2 * kStreamBytes + kCoeffBytes;
    std::vector<uint8_t> bytes(64);
    for (auto [at, value] :
         {std::pair<size_t, uint32_t>{0, 0xFF55AAEE}, {4, 64}, {8, b.GetSize()}, {12, blob}})
      std::memcpy(bytes.data() + at, &value, 4);
    bytes.insert(bytes.end(), b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize());
    bytes.insert(bytes.end(), blob, 1);
    return parse(bytes, "file");
  }
};

void expectOneGroup(const Result<Model> &model) {
  ASSERT_TRUE(model) << model.error().text();
  const Stage &stage = model->nets.at(0).stages.at(0);
  ASSERT_EQ(stage.subnets.size(), 1u);
  ASSERT_EQ(stage.subnets[0].groups.size(), 1u);
  EXPECT_EQ(stage.subnets[0].groups[0].tiu, std::vector<uint8_t>(kStreamBytes, 1));
  EXPECT_EQ(stage.subnets[0].groups[0].gdma, std::vector<uint8_t>(kStreamBytes, 1));
  EXPECT_TRUE(stage.subnets[0].next.empty());
  EXPECT_EQ(stage.inputs.at(0).size, 4u) << "left out by old files, follows from the shape";
  EXPECT_EQ(stage.coeff.size(), kCoeffBytes);
  EXPECT_EQ(stage.ctxAddress, kContext);
}

TEST(Versions, TheOldestHaveNoSubnets) {
  Container c;
  auto in = c.tensor("in", kContext), out = c.tensor("out", kContext + 64);
  auto groups = c.group(0); // nor byte counts
  auto coefficients = c.coefficients();
  expectOneGroup(c.parsed(
      fb::CreateNetParameterDirect(c.b, &in, &out, kContext, 4096, coefficients, 0, 0, 0, &groups),
      "2.0"));
}

TEST(Versions, NewerListTheGroupsInTheStageOnly) {
  Container c;
  auto in = c.tensor("in", kContext), out = c.tensor("out", kContext + 64);
  auto groups = c.group(kStreamBytes);
  auto coefficients = c.coefficients();
  std::vector<int32_t> next{-1};
  std::vector<flatbuffers::Offset<fb::SubNet>> subnets{
      fb::CreateSubNetDirect(c.b, 0, nullptr, nullptr, &in, &out, 0, 0, 0, 0, 0, 0, &next)};
  expectOneGroup(c.parsed(fb::CreateNetParameterDirect(c.b, &in, &out, kContext, 4096, coefficients,
                                                       0, 0, 0, &groups, 0, nullptr, 0, &subnets),
                          "2.2"));
}

TEST(Versions, TheNewestKeepThemByCore) {
  for (int cores : {1, 2}) {
    Container c;
    auto in = c.tensor("in", kContext), out = c.tensor("out", kContext + 64);
    auto groups = c.group(kStreamBytes);
    auto coefficients = c.coefficients();
    std::vector<flatbuffers::Offset<fb::CoreCommands>> commands;
    for (int i = 0; i < cores; ++i)
      commands.push_back(fb::CreateCoreCommandsDirect(c.b, &groups));
    std::vector<flatbuffers::Offset<fb::SubNet>> subnets{fb::CreateSubNetDirect(
        c.b, 0, nullptr, nullptr, &in, &out, 0, 0, 0, 0, 0, 0, nullptr, 0, 0, &commands)};
    std::vector<uint64_t> sizes{4096};
    auto model =
        c.parsed(fb::CreateNetParameterDirect(c.b, &in, &out, kContext, 4096, coefficients, 0, 0, 0,
                                              nullptr, 0, nullptr, 0, &subnets, 0, &sizes, 0, 1),
                 "2.2+v9.9");
    if (cores == 1) {
      expectOneGroup(model);
      continue;
    }
    ASSERT_FALSE(model);
    EXPECT_NE(model.error().text().find("net 'net', stage 0, subnet 0: error[bad-file]: holds "
                                        "commands of several cores"),
              std::string::npos)
        << model.error().text();
  }
}

/// A field that no schema of ours knows is passed over.
TEST(Versions, AFieldOfTheFutureIsPassedOver) {
  Container c;
  auto in = c.tensor("in", kContext), out = c.tensor("out", kContext + 64);
  auto inputs = c.b.CreateVector(in), outputs = c.b.CreateVector(out);
  auto groups = c.b.CreateVector(c.group(kStreamBytes));
  auto coefficients = c.coefficients();
  fb::NetParameterBuilder stage(c.b);
  stage.add_input_tensor(inputs);
  stage.add_output_tensor(outputs);
  stage.add_ctx_addr(kContext);
  stage.add_ctx_size(4096);
  stage.add_coeff_mem(coefficients);
  stage.add_cmd_group(groups);
  constexpr flatbuffers::voffset_t kUnknownField = 4 + 2 * 40;
  c.b.AddElement<uint64_t>(kUnknownField, 7, 0);
  expectOneGroup(c.parsed(stage.Finish(), "3.0"));
}

} // namespace
} // namespace tessera::bmodel
