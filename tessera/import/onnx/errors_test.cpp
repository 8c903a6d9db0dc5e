// One mistake a test: the message names the place, the value found and what to do.
#include "tessera/import/onnx/testing.h"

namespace tessera::onnx_import {
namespace {

using ::testing::AllOf;
using testing::Builder;
using ::testing::HasSubstr;
using ::testing::Not;
using T = onnx::TensorProto;
namespace fs = std::filesystem;

/// x [1, 3, 8, 8] -> one node -> y.
Builder one(const std::string &op, std::vector<std::string> inputs = {"x"}, int64_t opset = 13) {
  Builder b(opset);
  b.input("x", {1, 3, 8, 8}).output("y").floats("w", {4, 3, 3, 3}).floats("c", {3});
  b.node(op, inputs, {"y"}, "n1");
  return b;
}

fs::path bytesFile(const std::string &name, const std::string &bytes) {
  auto path = Builder().write().parent_path() / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string messageOf(const Result<ir::Module> &m) { return m ? "no error" : m.error().text(); }

TEST(Errors, MissingFile) {
  EXPECT_THAT(
      messageOf(importOnnx("/nowhere/net.onnx", {})),
      AllOf(HasSubstr("/nowhere/net.onnx"), HasSubstr("bad-file"), HasSubstr("No such file")));
}
TEST(Errors, Folder) {
  EXPECT_THAT(messageOf(importOnnx(fs::temp_directory_path(), {})), HasSubstr("is a folder"));
}
TEST(Errors, EmptyFile) {
  EXPECT_THAT(messageOf(importOnnx(bytesFile("empty.onnx", ""), {})),
              HasSubstr("holds no ONNX graph"));
}
TEST(Errors, TruncatedAtEveryByteNeverCrashes) {
  Builder b = one("Conv", {"x", "w"});
  std::string bytes = b.model.SerializeAsString();
  int refused = 0;
  for (size_t n = 0; n < bytes.size(); n += 3)
    refused += !importOnnx(bytesFile("cut.onnx", bytes.substr(0, n)), {});
  EXPECT_EQ(refused, int((bytes.size() + 2) / 3));
  EXPECT_THAT(messageOf(importOnnx(bytesFile("cut.onnx", bytes.substr(0, bytes.size() / 2)), {})),
              HasSubstr("truncated"));
}
TEST(Errors, GarbageNeverCrashes) {
  uint64_t seed = 7;
  Builder b = one("Conv", {"x", "w"});
  b.node("Pad", {"y", "c"}, {"z"})
      .node("Slice", {"x", "c", "c"}, {"s"})
      .node("Reshape", {"s", "c"}, {"r"})
      .output("r");
  const std::string good = b.model.SerializeAsString();
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = good;
    for (int k = 0; k < 1 + round % 4; ++k) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bytes[(seed >> 33) % bytes.size()] = char(seed >> 25);
    }
    (void)importOnnx(bytesFile("mutant.onnx", bytes), {}); // an error or a module, in time
  }
  std::string noise(5000, '\0');
  for (char &c : noise)
    c = char((seed = seed * 6364136223846793005u + 1) >> 56);
  EXPECT_FALSE(importOnnx(bytesFile("noise.onnx", noise), {}));
}
TEST(Errors, OpsetTooOldAndTooNew) {
  EXPECT_THAT(one("Relu", {"x"}, 6).text(), AllOf(HasSubstr("has opset 6, supported are 7 to 22"),
                                                  HasSubstr("version_converter")));
  EXPECT_THAT(one("Relu", {"x"}, 23).text(), HasSubstr("has opset 23"));
}
TEST(Errors, NoOpset) {
  Builder b = one("Relu");
  b.model.clear_opset_import();
  EXPECT_THAT(b.text(), HasSubstr("states no opset"));
}

TEST(Errors, AllUnsupportedNodesAtOnce) {
  Builder b;
  b.input("x", {1, 3, 8, 8}).output("y");
  b.node("Erf", {"x"}, {"a"}, "up1")
      .node("Relu", {"a"}, {"r"})
      .node("Pad", {"r", "p"}, {"b"}, "up2")
      .s("mode", "reflect");
  b.ints("p", {0, 0, 1, 1, 0, 0, 1, 1})
      .node("Foo", {"b"}, {"c"}, "up3")
      .node("Bar", {"c"}, {"d"}, "up4")
      .node("Relu", {"d"}, {"y"});
  EXPECT_EQ(b.text(),
            "errors:\n"
            "net.onnx: node 'up1' (Erf): error[unsupported-op]: op type Erf is not supported; "
            "replace it in the model, or end the network before it with --output_names\n"
            "net.onnx: node 'up2' (Pad): error[unsupported-attribute]: attribute mode is "
            "'reflect', only 'constant' is supported; pad with zeros (padding of the next "
            "convolution, or F.pad(..., mode='constant'))\n"
            "net.onnx: node 'up3' (Foo): error[unsupported-op]: op type Foo is not supported; "
            "replace it in the model, or end the network before it with --output_names\n"
            "net.onnx: node 'up4' (Bar): error[unsupported-op]: op type Bar is not supported; "
            "replace it in the model, or end the network before it with --output_names");
}
TEST(Errors, CustomDomain) {
  Builder b = one("Relu");
  b.graph().mutable_node(0)->set_domain("com.vendor");
  EXPECT_THAT(b.text(), HasSubstr("op type Relu of domain 'com.vendor' is not supported"));
}
TEST(Errors, ReproWritesOneNodeModels) {
  Builder b = one("Pad", {"x", "p"});
  b.s("mode", "edge").ints("p", {0, 0, 1, 1, 0, 0, 1, 1});
  ImportOptions options;
  options.reproDir = b.write().parent_path() / "repro";
  std::string text = b.text(options);
  fs::path file = options.reproDir / "node0_Pad_n1.onnx";
  EXPECT_THAT(text, HasSubstr("one-node model: " + file.string()));
  auto again = importOnnx(file, {});
  EXPECT_THAT(messageOf(again),
              HasSubstr("node 'n1' (Pad): error[unsupported-attribute]: attribute mode is 'edge'"));
}
TEST(Errors, OpenSizesNeedAFlag) {
  Builder b;
  b.input("x", {-1, 3, -1, -1}).output("y").node("Relu", {"x"}, {"y"});
  EXPECT_THAT(b.text(), AllOf(HasSubstr("input 'x'"),
                              HasSubstr("has shape dynx3xdynxdyn, which is not fixed"),
                              HasSubstr("--input_shapes \"[[1,3,H,W]]\"")));
}
TEST(Errors, InputShapesContradictTheModel) {
  Builder b;
  b.input("x", {-1, 3, -1, -1}).output("y").node("Relu", {"x"}, {"y"});
  ImportOptions options;
  options.inputShapes = {{1, 4, 8, 8}};
  EXPECT_THAT(b.text(options),
              AllOf(HasSubstr("has shape dynx3xdynxdyn, --input_shapes says 1x4x8x8"),
                    HasSubstr("bad-flag")));
  options.inputShapes = {{1, 3, 8}};
  EXPECT_THAT(b.text(options), HasSubstr("--input_shapes says 1x3x8"));
  options.inputShapes = {{1, 3, 8, 8}, {1}};
  EXPECT_THAT(b.text(options), HasSubstr("holds 2 shapes, the model has 1 inputs ('x')"));
  options.inputShapes = {{1, 3, 0, 8}};
  EXPECT_THAT(b.text(options), HasSubstr("every size must be at least 1"));
  options.inputShapes = {{1, 3, int64_t{1} << 40, int64_t{1} << 40}};
  EXPECT_THAT(b.text(options), HasSubstr("at most 2^32"));
}
TEST(Errors, UnknownOutputName) {
  ImportOptions options;
  options.outputNames = {"yy"};
  EXPECT_THAT(one("Relu").text(options),
              AllOf(HasSubstr("no node computes a tensor 'yy'"), HasSubstr("did you mean 'y'?")));
}
TEST(Errors, MissingTensor) {
  EXPECT_THAT(
      one("Conv", {"x", "weight"}).text(),
      AllOf(
          HasSubstr("node 'n1' (Conv)"),
          HasSubstr("its input 'weight' is neither an input of the graph, a weight nor computed")));
  EXPECT_THAT(one("Conv", {"x", ""}).text(), HasSubstr("needs input 1, which is left out"));
}
TEST(Errors, Cycle) {
  Builder b;
  b.input("x", {1, 3, 8, 8})
      .output("y")
      .node("Add", {"x", "b"}, {"a"}, "first")
      .node("Relu", {"a"}, {"b"}, "second")
      .node("Relu", {"b"}, {"y"});
  EXPECT_THAT(b.text(), AllOf(HasSubstr("node 'first' (Add)"),
                              HasSubstr("computed by a later node, node 'second' (Relu)"),
                              HasSubstr("cycle")));
  Builder self;
  self.input("x", {1, 3, 8, 8}).output("y").node("Add", {"x", "y"}, {"y"}, "loop");
  EXPECT_THAT(self.text(), HasSubstr("(itself)"));
}
TEST(Errors, NameTwice) {
  Builder b;
  b.input("x", {1, 3, 8, 8})
      .output("y")
      .node("Relu", {"x"}, {"y"}, "p")
      .node("Relu", {"x"}, {"y"}, "q");
  EXPECT_THAT(b.text(), AllOf(HasSubstr("node 'q' (Relu)"),
                              HasSubstr("its output 'y' is the name of another tensor")));
}
TEST(Errors, WeightWithoutItsData) {
  Builder b = one("Conv", {"x", "w"});
  b.graph().mutable_initializer(0)->mutable_raw_data()->resize(100);
  EXPECT_THAT(b.text(), AllOf(HasSubstr("tensor 'w'"),
                              HasSubstr("has dims 4x3x3x3 (108 elements), but holds data for 25")));
  b.graph().mutable_initializer(0)->set_dims(0, int64_t{1} << 60);
  EXPECT_THAT(b.text(), HasSubstr("impossible dims"));
  b.graph().mutable_initializer(0)->set_dims(0, -4);
  EXPECT_THAT(b.text(), HasSubstr("impossible dims"));
}
TEST(Errors, EmptyWeight) {
  Builder b;
  b.input("x", {1, 3, 8, 8}).output("y").floats("w", {0, 3, 3, 3}).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(b.text(), HasSubstr("input 'w' has no elements (shape 0x3x3x3)"));
}
TEST(Errors, ChannelsDoNotFit) {
  Builder b;
  b.input("x", {1, 4, 8, 8})
      .output("y")
      .floats("w", {4, 3, 3, 3})
      .node("Conv", {"x", "w"}, {"y"}, "c1");
  EXPECT_THAT(b.text(), AllOf(HasSubstr("node 'c1' (Conv)"), HasSubstr("bad-shape"),
                              HasSubstr("3 input channels"), HasSubstr("4 channels")));
  Builder t;
  t.input("x", {1, 4, 8, 8})
      .output("y")
      .floats("w", {3, 4, 2, 2})
      .node("ConvTranspose", {"x", "w"}, {"y"}, "t1");
  EXPECT_THAT(t.text(), HasSubstr("the filter 'w' has 3 input channels, the input 'x' has 4"));
}
TEST(Errors, OtherRanks) {
  Builder b;
  b.input("x", {1, 3, 8, 8, 8})
      .output("y")
      .floats("w", {4, 3, 3, 3, 3})
      .node("Conv", {"x", "w"}, {"y"}, "c3d");
  EXPECT_THAT(b.text(), AllOf(HasSubstr("node 'c3d' (Conv)"), HasSubstr("1x3x8x8x8, 3-D data"),
                              HasSubstr("only 2-D data")));
  Builder p;
  p.input("x", {1, 3, 8}).output("y").node("MaxPool", {"x"}, {"y"}).is("kernel_shape", {2});
  EXPECT_THAT(p.text(), HasSubstr("1-D data"));
}
TEST(Errors, AttributesOfTheWrongKind) {
  EXPECT_THAT(one("Conv", {"x", "w"}).s("strides", "two").text(),
              HasSubstr("attribute strides is 'two' (STRING), must be INTS"));
  EXPECT_THAT(one("Conv", {"x", "w"}).is("strides", {0, 1}).text(),
              HasSubstr("attribute strides is [0, 1], every entry must be at least 1"));
  EXPECT_THAT(one("Conv", {"x", "w"}).is("strides", {1}).text(),
              HasSubstr("attribute strides is [1], must have 2 entries"));
  EXPECT_THAT(one("Conv", {"x", "w"}).is("pads", {-1, 0, 0, 0}).text(),
              HasSubstr("negative entries are not supported"));
  EXPECT_THAT(one("Conv", {"x", "w"}).is("kernel_shape", {5, 5}).text(),
              HasSubstr("attribute kernel_shape is [5, 5], the filter is 3x3"));
  EXPECT_THAT(one("Conv", {"x", "w"}).s("auto_pad", "SAME").text(),
              HasSubstr("attribute auto_pad is 'SAME'"));
  EXPECT_THAT(one("Conv", {"x", "w"}).a("colour", 3).text(),
              HasSubstr("attribute colour is 3, which Conv is not known to have"));
  EXPECT_THAT(one("Conv", {"x", "w"}).a("group", 0).text(), HasSubstr("group"));
  EXPECT_THAT(one("Conv", {"x", "w"}).a("group", 1).a("group", 1).text(), HasSubstr("given twice"));
  EXPECT_THAT(one("MaxPool").text(), HasSubstr("attribute kernel_shape is missing"));
}
TEST(Errors, RefusedForms) {
  EXPECT_THAT(one("BatchNormalization", {"x", "c", "c", "c", "c"}, 15).a("training_mode", 1).text(),
              HasSubstr("attribute training_mode is 1"));
  EXPECT_THAT(one("BatchNormalization", {"x", "c", "c", "c", "c"}, 8).a("spatial", 0).text(),
              HasSubstr("attribute spatial is 0"));
  EXPECT_THAT(one("Resize", {"x", "", "s"}, 18).floats("s", {4}, {1, 1, 2, 2}).a("x", 1).text(),
              HasSubstr("attribute x is 1"));
  Builder r = one("Resize", {"x", "", "s"}, 18);
  r.a("antialias", 1)
      .s("mode", "linear")
      .s("coordinate_transformation_mode", "tf_crop_and_resize")
      .s("keep_aspect_ratio_policy", "not_larger");
  r.floats("s", {4}, {1, 1, 2, 2});
  EXPECT_THAT(r.text(), AllOf(HasSubstr("antialias is 1"), HasSubstr("'tf_crop_and_resize'"),
                              HasSubstr("'not_larger'")));
  EXPECT_THAT(one("Resize", {"x", "", "s"}).floats("s", {4}, {1, 2, 2, 2}).text(),
              HasSubstr("resizes axis 1 from 3 to 6"));
  EXPECT_THAT(one("Resize", {"x"}).text(), HasSubstr("neither scales nor sizes"));
  EXPECT_THAT(one("Min", {"x", "x"}).text(),
              HasSubstr("Min of 2 inputs is supported for one computed tensor"));
  EXPECT_THAT(one("Sqrt", {"x"}).text(),
              HasSubstr("Sqrt of computed tensors ('x') is not supported"));
  EXPECT_THAT(one("Cast", {"x"}).a("to", T::STRING).text(), HasSubstr("attribute to is STRING"));
}
TEST(Errors, FurtherResults) {
  Builder b;
  b.input("x", {1, 3, 8, 8})
      .output("i", T::INT64)
      .node("MaxPool", {"x"}, {"m", "i"}, "pool")
      .is("kernel_shape", {2, 2});
  EXPECT_THAT(
      b.text(),
      HasSubstr("output 'i': error[unsupported-attribute]: is a further result of its node"));
  b.node("Identity", {"i"}, {"j"}, "use").output("j", T::INT64);
  b.graph().mutable_output()->DeleteSubrange(0, 1);
  EXPECT_THAT(
      b.text(),
      HasSubstr(
          "its input 'i' is a further result of node 'pool' (MaxPool), which is not supported"));
}
TEST(Errors, SizesComputedByTheNetwork) {
  Builder b;
  b.input("x", {1, 3, 8, 8})
      .input("s", {4}, T::INT64)
      .output("y")
      .node("Reshape", {"x", "s"}, {"y"}, "r");
  EXPECT_THAT(b.text(), AllOf(HasSubstr("not-constant"),
                              HasSubstr("the shape (input 1, 's') is computed by the network")));
}
TEST(Errors, ShapeArithmeticThatBreaks) {
  Builder b;
  b.input("x", {1, 3, 8, 8})
      .output("y")
      .ints("z", {0, 0, 0, 0})
      .node("Shape", {"x"}, {"s"})
      .node("Div", {"s", "z"}, {"d"}, "half")
      .node("Reshape", {"x", "d"}, {"y"});
  EXPECT_THAT(b.text(), HasSubstr("node 'half' (Div): error[bad-node]: divides 1 by 0"));
  Builder big;
  big.input("x", {1, 3, 8, 8})
      .output("y")
      .ints("z", {1 << 20, 1 << 20})
      .node("ConstantOfShape", {"z"}, {"c"}, "huge")
      .node("Add", {"x", "c"}, {"y"});
  EXPECT_THAT(big.text(), HasSubstr("node 'huge' (ConstantOfShape): error[bad-shape]: the constant "
                                    "result would have shape [1048576, 1048576]"));
  Builder over;
  over.input("x", {1, 3, 8, 8})
      .output("y")
      .ints("m", {INT64_MAX})
      .node("Add", {"m", "m"}, {"c"}, "sum")
      .node("Reshape", {"x", "c"}, {"y"});
  EXPECT_THAT(over.text(), HasSubstr("node 'sum' (Add): error[bad-node]: Add of "
                                     "9223372036854775807 and 9223372036854775807 overflows"));
}
TEST(Errors, TooLarge) {
  Builder b = one("Pad", {"x", "p"});
  b.ints("p", {0, 0, int64_t{1} << 30, int64_t{1} << 30, 0, 0, 0, 0});
  EXPECT_THAT(b.text(), HasSubstr("which is too large"));
}
TEST(Errors, OutputThatDependsOnNothing) {
  Builder b;
  b.input("x", {1, 3, 8, 8}).output("y").floats("c", {2}).node("Add", {"c", "c"}, {"y"});
  EXPECT_THAT(b.text(), HasSubstr("output 'y': error[bad-model]: is a constant"));
}
TEST(Errors, CheckerHasTheLastWord) {
  Builder b = one("Relu");
  b.graph().clear_name();
  EXPECT_THAT(b.text(), HasSubstr("ONNX's checker refuses it"));
}

} // namespace
} // namespace tessera::onnx_import
