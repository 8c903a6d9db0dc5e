#include "tessera/bmodel/origins.h"

#include <gmock/gmock.h>

namespace tessera::bmodel {
namespace {

using isa::Engine;

/// One group of `tiu` and `gdma` commands; their bytes are never looked at here.
Model modelOf(uint32_t tiu, uint32_t gdma) {
  Model m;
  SubNet n;
  n.groups.push_back(
      {std::vector<uint8_t>(tiu * 128), std::vector<uint8_t>(gdma * 128), tiu, gdma});
  Stage s;
  s.subnets.push_back(n);
  m.nets.push_back({"net", {s}});
  return m;
}

TEST(Origins, OfTheRecipe) {
  Model m = modelOf(4, 3);
  m.recipe = nlohmann::ordered_json::parse(R"({"origins": {
    "layers": [{"id": 7, "type": "Conv2D", "tensor": "a", "top": [3], "onnx": [1, 2], "slices": 2},
               {"id": 9, "type": "Cast", "tensor": "b"}],
    "tiu": [[0, 1, 2, 0, 0], [0, 3, 1, 1, 0]], "gdma": [[0, 1, 1, 0, 1]]}})");
  auto o = origins(m);
  ASSERT_TRUE(o) << o.error().text();
  ASSERT_EQ(o->layers.size(), 2u);
  EXPECT_EQ(o->layers[0].label(), "Conv2D_7");
  EXPECT_EQ(o->layers[0].onnx, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 1)->tensor, "a");
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 2)->tensor, "b");
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 3), nullptr); // the end
  EXPECT_EQ(o->of(Engine::Gdma, 0, 0).slice, 1);
  EXPECT_EQ(o->of(Engine::Gdma, 5, 77).layer, -1);
}

TEST(Origins, DamagedTablesAreRefused) {
  for (const char *text :
       {R"({"layers": [], "tiu": [[0, 1, 1, 0, 0]], "gdma": []})", R"({"layers": 3})", "[]",
        R"({"layers": [{"id": 1, "type": "A", "tensor": "t"}], "tiu": [[0, 1, 99999999999, 0, 0]],
            "gdma": []})",
        R"({"layers": [{"id": 1, "type": "A", "tensor": "t"}], "tiu": [[0, -5, 1, 0, 0]],
            "gdma": []})",
        R"({"layers": [{"id": 1, "type": "A", "tensor": "t"}], "tiu": [[7, 1, 1, 0, 0]],
            "gdma": []})",
        R"({"layers": [{"id": "x", "type": "A", "tensor": "t"}], "tiu": [], "gdma": []})"}) {
    Model m = modelOf(4, 3);
    m.recipe["origins"] = nlohmann::ordered_json::parse(text);
    auto o = origins(m);
    ASSERT_FALSE(o) << text;
    EXPECT_EQ(o.error().diagnostics()[0].code, "bad-file");
  }
}

// Two slices of a convolution that stays in local memory, and its stored half.
constexpr const char *kLocations = R"json([
  {"file-line": 5, "subnet_id": 0, "opcode": "tpu.Load", "tiu_dma_id(before)": [0, 0],
   "tiu_dma_id(after)": [0, 1], "results": [{"address": 0, "layout": "eu_align",
   "memory_type": "<1x2x3x4xui8>", "name": "load_x", "shape": [1, 2, 4, 4],
   "slice": "[0:1, 0:2, 0:1, 0:3, 0:4]", "type": "tensor<1x2x4x4x!quant.uniform<u8:f32, 5.0e-01>>"}]},
  {"file-line": 6, "subnet_id": 0, "opcode": "tpu.Conv2D", "tiu_dma_id(before)": [0, 1],
   "tiu_dma_id(after)": [2, 1], "results": [{"address": 4096, "layout": "eu_align",
   "memory_type": "<1x2x2x4xsi8>", "name": "y", "shape": [1, 2, 4, 4],
   "slice": "[0:1, 0:2, 0:1, 0:2, 0:4]", "type": "tensor<1x2x4x4x!quant.uniform<i8:f32, 2.5e-01:-3>>"}]},
  {"file-line": 6, "subnet_id": 0, "opcode": "tpu.Conv2D", "tiu_dma_id(before)": [2, 1],
   "tiu_dma_id(after)": [3, 1], "results": [{"address": 4096, "layout": "eu_align",
   "memory_type": "<1x2x2x4xsi8>", "name": "y", "shape": [1, 2, 4, 4],
   "slice": "[0:1, 0:2, 0:1, 2:4, 0:4]", "type": "tensor<1x2x4x4x!quant.uniform<i8:f32, 2.5e-01:-3>>"}]},
  {"file-line": 7, "subnet_id": 0, "opcode": "tpu.Store", "tiu_dma_id(before)": [3, 1],
   "tiu_dma_id(after)": [3, 2], "results": [{"address": 4294967328, "layout": "continuous",
   "memory_type": "<1x2x2x4xf32>", "name": "z", "shape": [1, 2, 4, 4],
   "slice": "[0:1, 0:2, 0:1, 2:4, 0:4]", "type": "tensor<1x2x4x4xf32, 4294967296 : i64>"}]}])json";

TEST(Origins, OfTheVendorsTensorLocations) {
  Model m = modelOf(4, 3);
  m.nets[0].stages[0].tensorLocations = kLocations;
  auto o = origins(m);
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->layer(Engine::Gdma, 0, 0)->label(), "Load_5");
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 1)->label(), "Conv2D_6");
  EXPECT_EQ(o->of(Engine::Tiu, 0, 1).slice, 0);
  EXPECT_EQ(o->of(Engine::Tiu, 0, 2).slice, 1);
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 2)->tensor, "y");
  EXPECT_EQ(o->layer(Engine::Gdma, 0, 1)->label(), "Store_7");
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 3), nullptr);

  auto t = tensorTable(m);
  ASSERT_TRUE(t) << t.error().text();
  ASSERT_EQ(t->size(), 2u); // the load is a copy
  const StoredTensor &y = (*t)[0], &z = (*t)[1];
  EXPECT_EQ(y.name, "y");
  EXPECT_EQ(y.dtype, DType::I8);
  EXPECT_FLOAT_EQ(y.scale, 0.25f);
  EXPECT_EQ(y.zeroPoint, -3);
  ASSERT_EQ(y.pieces.size(), 2u);
  EXPECT_TRUE(y.pieces[1].local);
  EXPECT_EQ(y.pieces[1].begin, (std::array<int64_t, 4>{0, 0, 2, 0}));
  EXPECT_EQ(y.pieces[1].size, (std::array<int64_t, 4>{1, 2, 2, 4}));
  EXPECT_EQ(y.pieces[0].after[0], 1u);
  EXPECT_EQ(y.pieces[1].after[0], 2u);
  EXPECT_FALSE(y.pieces[1].after[1]);
  EXPECT_EQ(z.dtype, DType::F32);
  EXPECT_EQ(z.pieces[0].stride, (std::array<int64_t, 4>{32, 16, 4, 1}));
  EXPECT_EQ(z.pieces[0].after[1], 1u);
}

TEST(Origins, CutOffLocationsAreCompletedByTheProfile) {
  Model m = modelOf(4, 3);
  std::string text = kLocations;
  size_t last = text.rfind("\n  {");
  text.replace(last - 2, 2, "\n  },"); // laid out as the vendor's, and ending inside the last op
  m.nets[0].stages[0].tensorLocations = text.substr(0, text.size() - 90);
  m.nets[0].stages[0].netStat =
      "Conv2D_6|CONV|s:1|b:1|g:1|e:2|t:1  Store_7|GDMA_TENSOR|s:1|b:3|g:2|e:2|t:1|dr:1|sz:1";
  auto o = origins(m);
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->of(Engine::Tiu, 0, 2).slice, 1);
  EXPECT_EQ(o->layer(Engine::Gdma, 0, 1)->label(), "Store_7");
  EXPECT_EQ(o->layer(Engine::Gdma, 0, 1)->tensor, "");
}

TEST(Origins, OfAnEmbeddedProfile) {
  Model m = modelOf(3, 3);
  m.nets[0].stages[0].netStat =
      "ENGINE_BD       ENGINE_GDMA      \n"
      "                Load_4|GDMA_TENSOR|s:0|b:0|g:1|e:9|t:10|dr:0|sz:64|bw:6.4   \n"
      "Conv2D_19|CONV|s:10|b:2|g:1|e:19|t:10    Load_5|GDMA_TENSOR|s:9|b:0|g:2|e:9|t:1|dr:0|sz:1\n";
  auto o = origins(m);
  ASSERT_TRUE(o) << o.error().text();
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 1)->label(), "Conv2D_19");
  EXPECT_EQ(o->layer(Engine::Gdma, 0, 1)->label(), "Load_5");
  EXPECT_EQ(o->layer(Engine::Tiu, 0, 0), nullptr);
}

TEST(TensorTable, MakesATensorOfOthers) {
  Model m = modelOf(4, 3);
  m.recipe["tensors"] = nlohmann::ordered_json::parse(R"([
    {"name": "a", "dtype": "i8", "shape": [1, 2, 4, 4], "local": [[0, 1, 64, 0, 0, 0, 0, 2, 4, 4]]},
    {"name": "b", "dtype": "i8", "shape": [1, 3, 3, 4], "address": 4294967296, "gdma": 1},
    {"name": "cat", "dtype": "i8", "shape": [1, 5, 4, 4],
     "parts": [["a", 0, 0, 0, 0], ["b", 0, 2, 1, 0]]}])");
  auto t = tensorTable(m);
  ASSERT_TRUE(t) << t.error().text();
  const StoredTensor &cat = t->at(2);
  EXPECT_TRUE(cat.zeroRest);
  ASSERT_EQ(cat.pieces.size(), 2u);
  EXPECT_TRUE(cat.pieces[0].local);
  EXPECT_EQ(cat.pieces[1].begin, (std::array<int64_t, 4>{0, 2, 1, 0}));
  EXPECT_EQ(cat.pieces[1].size, (std::array<int64_t, 4>{1, 3, 3, 4}));
  m.recipe["tensors"][2]["parts"][1][2] = 3; // one channel beyond the end
  EXPECT_FALSE(tensorTable(m));
}

TEST(TensorTable, RefusesPartsThatLieNowhere) {
  auto tableOf = [](const std::string &part) {
    Model m = modelOf(4, 3);
    m.recipe["tensors"] = nlohmann::ordered_json::parse(
        R"([{"name": "t", "dtype": "i8", "shape": [1, 2, 4, 4], )" + part + "}]");
    return tensorTable(m);
  };
  EXPECT_TRUE(tableOf(R"("local": [[0, 1, 64, 0, 0, 0, 0, 2, 4, 4]])"));
  EXPECT_TRUE(tableOf(R"("address": 4294967296, "gdma": 1)"));
  for (const char *part :
       {R"("local": [[0, 1, 64, 0, 0, 2, 0, 2, 4, 4]])", R"("local": [[0, 1, 64, 0]])",
        R"("local": [[0, 1, 99999999999, 0, 0, 0, 0, 2, 4, 4]])",
        R"("local": [[0, 1, 64, 0, 0, 0, 0, 0, 4, 4]])", R"("address": "x")", R"("gdma": 1)",
        R"("address": 0, "stride": [-1, 0, 0, 0])"}) {
    auto t = tableOf(part);
    ASSERT_FALSE(t) << part;
    EXPECT_EQ(t.error().diagnostics()[0].code, "bad-file");
  }
  EXPECT_FALSE(tableOf(R"("parts": [["t", 0, 0, 0, 0]])")) << "a part of itself";
  auto none = tensorTable(modelOf(1, 1));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().diagnostics()[0].code, "no-tensor-table");
}

} // namespace
} // namespace tessera::bmodel
