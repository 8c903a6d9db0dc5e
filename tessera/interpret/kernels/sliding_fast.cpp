// The float fast path on oneDNN. oneDNN itself always runs on one thread: the work is cut into
// strips of rows whose heights depend on the shape alone, so that results are the same for any
// number of threads.
#include "tessera/interpret/kernels/serial.h"
#include "tessera/interpret/kernels/sliding.h"
#include "tessera/support/status.h"

#include <algorithm>
#include <atomic>
#include <dnnl.hpp>
#include <map>
#include <omp.h>
#include <optional>

namespace tessera::interpret {
namespace {

using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
constexpr auto kF32 = dnnl::memory::data_type::f32;

/// One axis of one strip as oneDNN wants it: cells [first, first + in) of the input, zeros before
/// and after.
struct Extent {
  int64_t first, in, before, after;
  auto operator<=>(const Extent &) const = default;
};

/// Outputs j0 .. j0 + count of an axis whose taps start at `offset` and span `span` cells; nothing
/// where no input cell takes part (all padding), which oneDNN cannot express.
std::optional<Extent> extentOf(int64_t in, int64_t stride, int64_t offset, int64_t span, int64_t j0,
                               int64_t count) {
  int64_t begin = j0 * stride + offset, end = begin + (count - 1) * stride + span;
  int64_t first = std::max<int64_t>(begin, 0), last = std::min(end, in);
  if (first >= last)
    return std::nullopt;
  return Extent{first, last - first, first - begin, end - last};
}

/// Taps of one phase: kernel indices in ascending offset order, evenly spaced.
struct Kernel1d {
  std::vector<int64_t> index;
  int64_t offset = 0, spacing = 1;
  int64_t span() const { return (int64_t(index.size()) - 1) * spacing + 1; }
};

Kernel1d kernelOf(const std::vector<Tap> &taps) {
  Kernel1d k;
  for (const Tap &t : taps)
    k.index.push_back(t.kernel);
  if (!taps.empty())
    k.offset = taps[0].offset;
  if (taps.size() > 1)
    k.spacing = taps[1].offset - taps[0].offset;
  return k;
}

dnnl::memory::desc strided(Dims dims, Dims strides) { return {dims, kF32, strides}; }

class Engine {
public:
  static const dnnl::engine &get() {
    static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
    return e;
  }
};

struct Primitive {
  dnnl::convolution_forward::primitive_desc desc;
  dnnl::convolution_forward run;
  dnnl::memory weights;
};

/// All strips of one pair of phases. Weights of these taps are gathered into a dense filter first.
class PhaseConv {
public:
  PhaseConv(const SlidingShape &s, int64_t qy, int64_t qx, const float *x, const float *w,
            const float *bias, bool relu, float *y)
      : s_(s), ky_(kernelOf(s.rows.phase[qy])), kx_(kernelOf(s.cols.phase[qx])), qy_(qy), qx_(qx),
        x_(x), y_(y), bias_(bias), relu_(relu) {
    int64_t icg = s.ic / s.group, kh = ky_.index.size(), kw = kx_.index.size();
    filter_.resize(s.oc * icg * kh * kw);
    float *to = filter_.data();
    for (int64_t p = 0; p < s.oc * icg; ++p)
      for (int64_t ky : ky_.index)
        for (int64_t kx : kx_.index)
          *to++ = w[(p * s.kh + ky) * s.kw + kx];
  }

  /// False if a strip would see no input at all.
  bool prepare() {
    if (ky_.index.empty() || kx_.index.empty())
      return false;
    count_ = s_.rows.count(qy_);
    auto cols =
        extentOf(s_.cols.in, s_.cols.inStride, kx_.offset, kx_.span(), 0, s_.cols.count(qx_));
    if (!cols)
      return false;
    cols_ = *cols;
    // About 32 MFLOP a strip, at least 8 rows so that halos stay small.
    int64_t perRow = 2 * s_.oc * s_.ic / s_.group * int64_t(ky_.index.size() * kx_.index.size()) *
                     s_.cols.count(qx_);
    rows_ = std::max<int64_t>(8, (int64_t(32) << 20) / std::max<int64_t>(perRow, 1));
    for (int64_t j = 0; j < count_; j += rows_) {
      int64_t n = std::min(rows_, count_ - j);
      auto rows = extentOf(s_.rows.in, s_.rows.inStride, ky_.offset, ky_.span(), j, n);
      if (!rows)
        return false;
      Extent shape = *rows;
      shape.first = n;
      build(shape, *rows, n);
      strips_.push_back({j, n, *rows, &primitives_.at(shape)});
    }
    return true;
  }

  int64_t strips() const { return int64_t(strips_.size()); }

  void run(int64_t image, int64_t strip) const {
    omp_set_num_threads(1); // of this thread; oneDNN would otherwise start a team inside a TBB task
    const Strip &t = strips_[strip];
    const auto &e = Engine::get();
    dnnl::stream stream(e);
    int64_t plane = s_.rows.in * s_.cols.in, outPlane = s_.rows.out * s_.cols.out;
    auto *from =
        const_cast<float *>(x_ + image * s_.ic * plane + t.rows.first * s_.cols.in + cols_.first);
    dnnl::memory user(
        strided({1, s_.ic, t.rows.in, cols_.in}, {s_.ic * plane, plane, s_.cols.in, 1}), e, from);
    int64_t py = s_.rows.phases(), px = s_.cols.phases();
    float *to = y_ + image * s_.oc * outPlane + (t.first * py + qy_) * s_.cols.out + qx_;
    dnnl::memory result(strided({1, s_.oc, t.count, s_.cols.count(qx_)},
                                {s_.oc * outPlane, outPlane, py * s_.cols.out, px}),
                        e, to);
    const auto &d = t.primitive->desc;
    dnnl::memory src(d.src_desc(), e), dst(d.dst_desc(), e), scratch(d.scratchpad_desc(), e);
    dnnl::reorder(user, src).execute(stream, user, src);
    std::unordered_map<int, dnnl::memory> args{{DNNL_ARG_SRC, src},
                                               {DNNL_ARG_WEIGHTS, t.primitive->weights},
                                               {DNNL_ARG_DST, dst},
                                               {DNNL_ARG_SCRATCHPAD, scratch}};
    if (bias_)
      args.insert({DNNL_ARG_BIAS, dnnl::memory(d.bias_desc(), e, const_cast<float *>(bias_))});
    t.primitive->run.execute(stream, args);
    dnnl::reorder(dst, result).execute(stream, dst, result);
    stream.wait();
  }

private:
  struct Strip {
    int64_t first, count;
    Extent rows;
    const Primitive *primitive;
  };

  void build(const Extent &shape, const Extent &rows, int64_t n) {
    if (primitives_.contains(shape))
      return;
    const auto &e = Engine::get();
    int64_t icg = s_.ic / s_.group, ocg = s_.oc / s_.group, kh = ky_.index.size(),
            kw = kx_.index.size();
    Dims wDims = s_.group == 1 ? Dims{s_.oc, s_.ic, kh, kw} : Dims{s_.group, ocg, icg, kh, kw};
    auto any = [](Dims d) { return dnnl::memory::desc(d, kF32, Tag::any); };
    dnnl::memory::desc src = any({1, s_.ic, rows.in, cols_.in}), weights = any(wDims),
                       bias({s_.oc}, kF32, Tag::a), dst = any({1, s_.oc, n, s_.cols.count(qx_)});
    Dims strides{s_.rows.inStride, s_.cols.inStride}, dilates{ky_.spacing - 1, kx_.spacing - 1},
        before{rows.before, cols_.before}, after{rows.after, cols_.after};
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (relu_) {
      dnnl::post_ops ops;
      ops.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
      attr.set_post_ops(ops);
    }
    auto kind = dnnl::prop_kind::forward_inference;
    auto algorithm = dnnl::algorithm::convolution_direct;
    auto op = bias_ ? dnnl::convolution_forward::desc(kind, algorithm, src, weights, bias, dst,
                                                      strides, dilates, before, after)
                    : dnnl::convolution_forward::desc(kind, algorithm, src, weights, dst, strides,
                                                      dilates, before, after);
    dnnl::convolution_forward::primitive_desc desc(op, attr, e);
    // Strips of other heights may want other weight layouts; equal ones share one reordered copy.
    dnnl::memory packed;
    for (const auto &[_, m] : primitives_)
      if (m.weights.get_desc() == desc.weights_desc())
        packed = m.weights;
    if (!packed) {
      dnnl::memory plain({wDims, kF32, s_.group == 1 ? Tag::oihw : Tag::goihw}, e,
                         const_cast<float *>(filter_.data()));
      packed = dnnl::memory(desc.weights_desc(), e);
      dnnl::stream stream(e);
      dnnl::reorder(plain, packed).execute(stream, plain, packed);
      stream.wait();
    }
    primitives_.emplace(shape, Primitive{desc, dnnl::convolution_forward(desc), packed});
  }

  const SlidingShape &s_;
  Kernel1d ky_, kx_;
  int64_t qy_, qx_;
  const float *x_;
  float *y_;
  const float *bias_;
  bool relu_;
  std::vector<float> filter_;
  int64_t count_ = 0, rows_ = 0;
  Extent cols_{};
  std::map<Extent, Primitive> primitives_; ///< by rows of output and padding of a strip
  std::vector<Strip> strips_;
};

} // namespace

bool slidingSumsFast(const SlidingShape &s, const float *x, const float *w, const float *bias,
                     bool relu, float *y) {
  if (s.rows.out <= 0 || s.cols.out <= 0)
    return true;
  try {
    omp_set_num_threads(1);
    std::vector<PhaseConv> phases;
    for (int64_t qy = 0; qy < s.rows.phases(); ++qy)
      for (int64_t qx = 0; qx < s.cols.phases(); ++qx)
        if (s.rows.count(qy) > 0 && s.cols.count(qx) > 0) {
          phases.emplace_back(s, qy, qx, x, w, bias, relu, y);
          if (!phases.back().prepare())
            return false;
        }
    struct Task {
      size_t phase;
      int64_t image, strip;
    };
    std::vector<Task> tasks;
    for (size_t p = 0; p < phases.size(); ++p)
      for (int64_t n = 0; n < s.n; ++n)
        for (int64_t t = 0; t < phases[p].strips(); ++t)
          tasks.push_back({p, n, t});
    std::atomic<bool> failed{false};
    forRange(int64_t(tasks.size()), 1, [&](int64_t first, int64_t last) {
      try {
        for (int64_t i = first; i < last; ++i)
          phases[tasks[i].phase].run(tasks[i].image, tasks[i].strip);
      } catch (const dnnl::error &) {
        failed = true;
      }
    });
    return !failed;
  } catch (const dnnl::error &) {
    return false;
  }
}

} // namespace tessera::interpret
