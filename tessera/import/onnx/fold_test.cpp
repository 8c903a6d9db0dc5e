#include "tessera/import/onnx/fold/fold.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tessera::onnx_import::fold {
namespace {

Tensor longs(Shape shape, std::vector<int64_t> v) {
  return Tensor::of<int64_t>(std::move(shape), v);
}
Tensor floats(Shape shape, std::vector<float> v) { return Tensor::of<float>(std::move(shape), v); }
std::vector<int64_t> valuesOf(const Folded &t) {
  if (!t)
    return ADD_FAILURE() << t.error(), std::vector<int64_t>{};
  Tensor w = t->converted(DType::I64);
  return {w.as<int64_t>().begin(), w.as<int64_t>().end()};
}
using V = std::vector<int64_t>;

TEST(Fold, IntegersAreExactAbove2To53) {
  int64_t big = (int64_t{1} << 60) + 1;
  EXPECT_EQ(valuesOf(binary("Add", longs({1}, {big}), longs({2}, {1, -2}))), (V{big + 1, big - 2}));
  EXPECT_EQ(valuesOf(compare("Less", longs({1}, {big}), longs({1}, {big + 1}))), V{1});
  EXPECT_EQ(valuesOf(compare("Equal", longs({1}, {big}), longs({1}, {big + 1}))), V{0});
}
TEST(Fold, DivisionTruncatesAndModFollowsTheDivisor) {
  EXPECT_EQ(valuesOf(binary("Div", longs({4}, {7, -7, 7, -7}), longs({4}, {2, 2, -2, -2}))),
            (V{3, -3, -3, 3}));
  EXPECT_EQ(valuesOf(binary("Mod", longs({4}, {7, -7, 7, -7}), longs({4}, {4, 4, -4, -4}))),
            (V{3, 1, -1, -3}));
  EXPECT_FALSE(binary("Div", longs({1}, {INT64_MIN}), longs({1}, {-1})));
  EXPECT_EQ(valuesOf(binary("Mod", longs({1}, {INT64_MIN}), longs({1}, {-1}))), V{0});
  EXPECT_FALSE(binary("Mod", longs({1}, {1}), longs({1}, {0})));
}
TEST(Fold, OverflowIsAnError) {
  EXPECT_FALSE(binary("Mul", longs({1}, {INT64_MAX}), longs({1}, {2})));
  EXPECT_FALSE(unary("Neg", longs({1}, {INT64_MIN})));
  EXPECT_FALSE(binary("Pow", longs({1}, {10}), longs({1}, {19})));
  EXPECT_EQ(valuesOf(binary("Pow", longs({3}, {10, -1, 0}), longs({3}, {18, INT64_MAX, 0}))),
            (V{1000000000000000000, -1, 1}));
  EXPECT_FALSE(cast(longs({1}, {300}), DType::U8));
  EXPECT_FALSE(cast(floats({1}, {NAN}), DType::I64));
  EXPECT_FALSE(cast(floats({1}, {1e19f}), DType::I64));
  EXPECT_EQ(valuesOf(cast(floats({3}, {-1.9f, 1.9f, -0.5f}), DType::I32)), (V{-1, 1, 0}));
  EXPECT_EQ(valuesOf(cast(floats({2}, {0.25f, 0}), DType::Bool)), (V{1, 0}));
}
TEST(Fold, FloatsRoundOnceToF32) {
  float a = 16777216.f, b = 0.1f, c = 3.f;
  auto sum = binary("Add", floats({1}, {a}), floats({1}, {1.f}));
  EXPECT_EQ(sum->as<float>()[0], a + 1.f);
  EXPECT_EQ(binary("Div", floats({1}, {b}), floats({1}, {c}))->as<float>()[0], b / c);
  EXPECT_EQ(unary("Sqrt", floats({1}, {2.f}))->as<float>()[0], std::sqrt(2.f));
  EXPECT_EQ(unary("Round", floats({3}, {0.5f, 1.5f, -2.5f}))->as<float>()[1], 2.f);
  EXPECT_EQ(unary("Round", floats({3}, {0.5f, 1.5f, -2.5f}))->as<float>()[2], -2.f);
}
TEST(Fold, TypesMustAgree) { EXPECT_FALSE(binary("Add", floats({1}, {1}), longs({1}, {1}))); }
TEST(Fold, BroadcastAndWhere) {
  EXPECT_EQ(valuesOf(binary("Sub", longs({2, 1}, {10, 20}), longs({3}, {1, 2, 3}))),
            (V{9, 8, 7, 19, 18, 17}));
  EXPECT_FALSE(binary("Sub", longs({2}, {10, 20}), longs({3}, {1, 2, 3})));
  Tensor c = *cast(longs({2, 1}, {1, 0}), DType::Bool);
  EXPECT_EQ(valuesOf(where(c, longs({}, {5}), longs({2}, {7, 8}))), (V{5, 5, 7, 8}));
}
TEST(Fold, Moves) {
  Tensor t = longs({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(valuesOf(Folded(transpose(t, {1, 0}))), (V{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(valuesOf(Folded(slice(t, {1, 2}, {1, -2}, {1, 2}))), (V{5, 3}));
  EXPECT_EQ(valuesOf(Folded(slice(t, {0, 0}, {1, 1}, {2, 0}))), V{});
  EXPECT_EQ(valuesOf(Folded(gather(t, {2, 0}, {2}, 1))), (V{2, 0, 5, 3}));
  EXPECT_EQ(gather(t, {1}, {}, 0).shape(), Shape{3});
  EXPECT_EQ(valuesOf(Folded(concat({t, longs({2, 1}, {8, 9}), longs({2, 0}, {})}, 1))),
            (V{0, 1, 2, 8, 3, 4, 5, 9}));
  EXPECT_EQ(valuesOf(Folded(expand(longs({2, 1}, {4, 5}), {2, 2}))), (V{4, 4, 5, 5}));
}
TEST(Fold, RangesAndReductions) {
  EXPECT_EQ(valuesOf(range(longs({}, {3}), longs({}, {-4}), longs({}, {-3}))), (V{3, 0, -3}));
  EXPECT_EQ(valuesOf(range(longs({}, {3}), longs({}, {3}), longs({}, {1}))), V{});
  EXPECT_FALSE(range(longs({}, {0}), longs({}, {1}), longs({}, {0})));
  EXPECT_FALSE(range(floats({}, {0}), floats({}, {1e30f}), floats({}, {1})));
  Tensor t = longs({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(valuesOf(reduce("ReduceSum", t, {0}, false)), (V{3, 5, 7}));
  EXPECT_EQ(reduce("ReduceMax", t, {0, 1}, true)->shape(), (Shape{1, 1}));
  EXPECT_EQ(valuesOf(reduce("ReduceProd", t, {1}, true)), (V{0, 60}));
}
TEST(Fold, AbsurdSizesAreRefused) {
  EXPECT_FALSE(reasonable({int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_FALSE(reasonable({1 << 20, 1 << 20}));
  EXPECT_FALSE(reasonable({-1}));
  EXPECT_TRUE(reasonable({0, int64_t{1} << 60}));
}

} // namespace
} // namespace tessera::onnx_import::fold
