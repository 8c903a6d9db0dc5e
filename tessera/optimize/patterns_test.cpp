// Rewrites from text: the worked example, what matches and what not, natives, and bad files.
#include "tessera/interpret/interpret.h"
#include "tessera/optimize/patterns.h"
#include "tessera/optimize/test_network.h"

#include "tessera/support/file.h"
#include "tessera/support/testing.h"

#include <gmock/gmock.h>

namespace tessera::optimize {
namespace {

using testing::HasSubstr;

class Patterns : public testing::Test {
protected:
  Result<std::vector<PassCount>> apply(ir::Module &m, const std::string &text) {
    file_ = folder_ / "p.mlir";
    EXPECT_TRUE(writeText(file_, text));
    return applyPatterns(m, file_);
  }
  /// The error's text.
  std::string refused(const std::string &text) {
    ir::Module m = classifier("");
    auto done = apply(m, text);
    EXPECT_FALSE(done);
    return done ? "" : done.error().text();
  }
  /// Scores, Softmax, ArgMax; the network's outputs are `more` and the classes.
  static ir::Module classifier(const std::string &more) {
    return network("tensor<1x5x6x7xf32>",
                   more.empty() ? "tensor<1x1x6x7xf32>"
                                : "tensor<1x5x6x7xf32>, tensor<1x1x6x7xf32>",
                   R"(%in = top.Input %arg0 : (tensor<1x5x6x7xf32>) -> tensor<1x5x6x7xf32> loc("in")
%p = top.Softmax %in {axis = 1 : i64} : (tensor<1x5x6x7xf32>) -> tensor<1x5x6x7xf32> loc("p")
%c = top.Arg %p {axis = 1 : i64, select_last_index = true} : (tensor<1x5x6x7xf32>) -> tensor<1x1x6x7xf32> loc("classes")
return )" + (more.empty() ? std::string("%c : tensor<1x1x6x7xf32>")
                          : more + ", %c : tensor<1x5x6x7xf32>, tensor<1x1x6x7xf32>"));
  }
  static std::string example() {
    auto text = readText(std::filesystem::path(TESSERA_SOURCE_DIR) /
                         "docs/patterns/argmax_of_softmax.mlir");
    EXPECT_TRUE(text);
    return text ? *text : "";
  }
  static std::vector<std::string> ops(ir::Module &m) {
    std::vector<std::string> list;
    m.main().walk([&](mlir::Operation *op) {
      if (op->getNumResults() == 1)
        list.push_back(op->getName().stripDialect().str() + " " + ir::nameOf(op));
    });
    return list;
  }
  ScratchFolder folder_;
  std::filesystem::path file_;
};

TEST_F(Patterns, TheWorkedExampleKeepsNamesAttributesAndClasses) {
  ir::Module m = classifier(""), before = m.clone();
  auto counts = apply(m, example());
  ASSERT_TRUE(counts) << counts.error().text();
  ASSERT_EQ(counts->size(), 1u);
  EXPECT_EQ((*counts)[0].pass, "argmax_of_softmax");
  EXPECT_EQ((*counts)[0].rewrites, 1);
  EXPECT_EQ(ops(m), (std::vector<std::string>{"Input in", "Arg classes"}));
  EXPECT_THAT(m.text(), HasSubstr("select_last_index = true"));
  EXPECT_THAT(m.text(), HasSubstr("from = array<i64: 102>")); // the replaced op's
  TensorMap image;
  image.set("in", randomTensor({1, 5, 6, 7}, 3));
  auto a = interpret::Runner(before).run(image), b = interpret::Runner(m).run(image);
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(std::ranges::equal(a->find("classes")->bytes(), b->find("classes")->bytes()));
}

TEST_F(Patterns, WhatOthersReadStays) {
  ir::Module m = classifier("%p");
  auto counts = apply(m, example());
  ASSERT_TRUE(counts) << counts.error().text();
  EXPECT_EQ(ops(m), (std::vector<std::string>{"Input in", "Softmax p", "Arg classes"}));
}

TEST_F(Patterns, NothingToDoIsNoError) {
  ir::Module m =
      network("tensor<1x3x4x4xf32>", "tensor<1x3x4x4xf32>",
              R"(%in = top.Input %arg0 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("in")
%r = top.Relu %in : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> loc("r")
return %r : tensor<1x3x4x4xf32>)");
  auto counts = apply(m, example());
  ASSERT_TRUE(counts) << counts.error().text();
  EXPECT_EQ((*counts)[0].rewrites, 0);
}

// x * 4 becomes x * 2 + x * 2, by all natives there are.
constexpr const char *kHalves = R"(pdl.pattern @halves : benefit(1) {
  %t = pdl.type
  %wt = pdl.type
  %x = pdl.operand
  %constant = pdl.operation "top.Weight" -> (%wt : !pdl.type)
  %w = pdl.result 0 of %constant
  %four = pdl.attribute = 4.0 : f64
  pdl.apply_native_constraint "IsConstant"(%w : !pdl.value)
  pdl.apply_native_constraint "HasOneUse"(%w : !pdl.value)
  pdl.apply_native_constraint "ConstantIs"(%w, %four : !pdl.value, !pdl.attribute)
  %mul = pdl.operation "top.Mul"(%x, %w : !pdl.value, !pdl.value) -> (%t : !pdl.type)
  pdl.rewrite %mul {
    %half = pdl.attribute = 0.5 : f64
    %two = pdl.apply_native_rewrite "ScaledConstant"(%w, %half : !pdl.value, !pdl.attribute) : !pdl.value
    %a = pdl.operation "top.Mul"(%x, %two : !pdl.value, !pdl.value) -> (%t : !pdl.type)
    %r = pdl.result 0 of %a
    %sum = pdl.operation "top.Add"(%r, %r : !pdl.value, !pdl.value) -> (%t : !pdl.type)
    pdl.replace %mul with %sum
  }
})";

TEST_F(Patterns, NativesSeeAndMakeConstants) {
  for (float factor : {4.0f, 3.0f}) {
    ir::Module m =
        network("tensor<1x2x3x4xf32>", "tensor<1x2x3x4xf32>",
                R"(%in = top.Input %arg0 : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> loc("in")
%w = top.Weight : () -> tensor<1x2x1x1xf32> loc("w")
%y = top.Mul %in, %w : (tensor<1x2x3x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x3x4xf32> loc("y")
return %y : tensor<1x2x3x4xf32>)");
    setWeight(m, "w", {factor, factor});
    ir::Module before = m.clone();
    auto counts = apply(m, kHalves);
    ASSERT_TRUE(counts) << counts.error().text();
    EXPECT_EQ((*counts)[0].rewrites, factor == 4 ? 1 : 0) << m.text();
    TensorMap image;
    image.set("in", randomTensor({1, 2, 3, 4}, 5));
    auto a = interpret::Runner(before).run(image), b = interpret::Runner(m).run(image);
    ASSERT_TRUE(a) << a.error().text();
    ASSERT_TRUE(b) << b.error().text() << m.text();
    EXPECT_TRUE(std::ranges::equal(a->find("y")->bytes(), b->find("y")->bytes()));
  }
}

TEST_F(Patterns, BadFilesAreRefusedWithThePlace) {
  EXPECT_THAT(refused(""), HasSubstr("holds no pdl.pattern"));
  EXPECT_THAT(refused("pdl.pattern"), HasSubstr("p.mlir:1:"));
  EXPECT_THAT(refused(example().substr(0, 400)), HasSubstr("p.mlir:"));
  EXPECT_THAT(refused("func.func private @f()"), HasSubstr("where a pdl.pattern is meant"));
  auto with = [&](const std::string &from, const std::string &to) {
    std::string text = example();
    size_t at = text.rfind(from);
    EXPECT_NE(at, text.npos) << from;
    return refused(text.replace(at, from.size(), to));
  };
  EXPECT_THAT(with("top.Arg", "top.Agr"), HasSubstr("did you mean 'top.Arg'?"));
  EXPECT_THAT(with("{\"axis\" =", "{\"axes\" ="), HasSubstr("has no attribute 'axes'"));
  EXPECT_THAT(with("CopyAttributes", "CopyAtributes"), HasSubstr("did you mean 'CopyAttributes'?"));
  EXPECT_THAT(with("(%arg, %new : !pdl.operation, !pdl.operation)", "(%arg : !pdl.operation)"),
              HasSubstr("other operands or results"));
  // The softmax in place of the classes: another shape than the replaced op's.
  EXPECT_THAT(
      with("pdl.replace %arg with %new", "pdl.replace %arg with (%probabilities : !pdl.value)"),
      HasSubstr("p.mlir"));
  EXPECT_THAT(with("pdl.replace %arg with %new", "pdl.erase %arg"), HasSubstr("p.mlir:15:5"));
  EXPECT_THAT(with("pdl.replace %arg with %new", "pdl.replace %arg with (%scores : !pdl.value)"),
              HasSubstr("makes the output 'classes' the same tensor as an input"));
  EXPECT_THAT(with("pdl.operation \"top.Arg\"(%scores", "pdl.operation \"top.Weight\"(%scores"),
              HasSubstr("a new top.Weight"));
  EXPECT_THAT(with("} -> (%index_type : !pdl.type)\n    pdl.apply", "}\n    pdl.apply"),
              HasSubstr("p.mlir:13"));
}

// Rewrites that MLIR takes and then dies of, or makes a network of that is none.
TEST_F(Patterns, RewritesThatLeaveNothingOfTheRootAreRefused) {
  auto rewrite = [&](const std::string &body) {
    std::string text = example();
    size_t begin = text.find("    pdl.apply_native_rewrite"), end = text.rfind("  }\n}");
    return refused(text.replace(begin, end - begin, body));
  };
  const std::string replace = "pdl.replace %arg with %new\n";
  EXPECT_THAT(rewrite(""), HasSubstr("does not end in its only pdl.replace"));
  EXPECT_THAT(rewrite(replace + replace), HasSubstr("does not end in its only pdl.replace"));
  EXPECT_THAT(rewrite(replace + "%r = pdl.result 0 of %arg\n"),
              HasSubstr("does not end in its only pdl.replace"));
  EXPECT_THAT(rewrite("pdl.replace %softmax with %new\n"),
              HasSubstr("does not end in its only pdl.replace, of its root"));
  EXPECT_THAT(rewrite("pdl.replace %new with %arg\n"), HasSubstr("of its root"));
  EXPECT_THAT(rewrite("%r = pdl.result 0 of %arg\npdl.replace %arg with (%r : !pdl.value)\n"),
              HasSubstr("a replacement by what is replaced"));
  EXPECT_THAT(rewrite("%r = pdl.result 1 of %new\npdl.replace %arg with (%r : !pdl.value)\n"),
              HasSubstr("a second result"));
  EXPECT_THAT(rewrite("pdl.replace %arg with %arg\n"), HasSubstr("p.mlir:"));
  EXPECT_THAT(refused(std::string(100000, '{')), HasSubstr("nests more than 100 brackets"));
  EXPECT_THAT(refused("pdl.pattern @p : benefit(1) {\n%x = pdl.operand\n%root = pdl.operation (%x "
                      ": !pdl.value)\npdl.rewrite %root {\n%t = pdl.type : tensor<1xf32>\n%new = "
                      "pdl.operation \"top.Relu\"(%x : !pdl.value) -> (%t : "
                      "!pdl.type)\npdl.replace %root with %new\n}\n}\n"),
              HasSubstr("a rewrite of no known op"));
}

TEST_F(Patterns, OneThatNeverEndsIsRefused) {
  ir::Module m = classifier("");
  auto done = apply(m, R"(pdl.pattern @again : benefit(1) {
  %t = pdl.type
  %x = pdl.operand
  %axis = pdl.attribute
  %root = pdl.operation "top.Softmax"(%x : !pdl.value) {"axis" = %axis} -> (%t : !pdl.type)
  pdl.rewrite %root {
    %one = pdl.operation "top.Softmax"(%x : !pdl.value) {"axis" = %axis} -> (%t : !pdl.type)
    pdl.replace %root with %one
  }
})");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text(), HasSubstr("never comes to an end"));
}

} // namespace
} // namespace tessera::optimize
