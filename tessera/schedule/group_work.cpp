// A chain of layers as the work of one group.
#include "tessera/schedule/group_resize.h"
#include "tessera/schedule/plan_group.h"
#include "tessera/schedule/scheduler.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

namespace {

WindowAxis same(int64_t size) { return {size, size}; }

} // namespace

/// Builds the work of hosts [first, last]; fails where a layer or a tensor cannot stay inside.
class Scheduler::GroupBuilder {
public:
  GroupBuilder(const Scheduler &s, const std::vector<int32_t> &hosts, size_t first, size_t last,
               Unfolded form)
      : s_(s), form_(form), inside_(s.net_.layers.size(), false), made_(s.net_.tensors.size(), -1) {
    for (size_t h = first; h <= last; ++h)
      inside_[size_t(hosts[h])] = true;
    for (size_t l = 0; l < inside_.size(); ++l)
      if (s.fusedInto_[l] >= 0 && inside_[size_t(s.fusedInto_[l])])
        inside_[l] = true;
    for (size_t h = first; h <= last; ++h)
      hosts_.push_back(hosts[h]);
  }

  std::optional<GroupWork> build() {
    for (int32_t h : hosts_) {
      if (!add(h))
        return std::nullopt;
      for (size_t l = 0; l < inside_.size(); ++l)
        if (s_.fusedInto_[l] == h && !add(int32_t(l)))
          return std::nullopt;
    }
    if (work_.ops.empty())
      return std::nullopt;
    for (size_t k = 0; k < work_.ops.size(); ++k)
      work_.tensors[k].stored = wanted(s_.net_.layers[size_t(work_.ops[k].layer)].output);
    if (failed_)
      return std::nullopt;
    return std::move(work_);
  }

private:
  const Layer &layer(int32_t l) const { return s_.net_.layers[size_t(l)]; }

  /// Whether somebody outside reads a tensor where it lies in global memory.
  bool wanted(int32_t t) {
    if (std::find(s_.net_.outputs.begin(), s_.net_.outputs.end(), t) != s_.net_.outputs.end())
      return true;
    bool any = false;
    for (size_t m = 0; m < s_.net_.layers.size(); ++m)
      for (int32_t input : s_.net_.layers[m].inputs) {
        if (input != t)
          continue;
        bool passed = inside_[m] && isPassed(layer(int32_t(m)));
        if (!inside_[m] || (passed && wanted(layer(int32_t(m)).output)))
          any = true;
      }
    return any;
  }

  /// The tensors of which `t` is made, as far as the group has them: parts of the channels in
  /// order, each with its window.
  void resolve(int32_t t, const WindowAxis &y, const WindowAxis &x, std::vector<GroupInput> &list) {
    GroupInput i;
    i.y = y;
    i.x = x;
    if (made_[size_t(t)] >= 0) {
      i.tensor = made_[size_t(t)];
    } else if (int32_t l = passedInside(t); l >= 0) {
      const Layer &from = layer(l);
      if (auto *pad = std::get_if<Pad>(&from.op)) {
        auto inner = s_.shape(from.inputs[0]);
        auto part = [&](WindowAxis a, size_t axis) {
          a.in = inner[axis];
          a.padBefore += pad->paddings[axis] * (a.insert + 1);
          return a;
        };
        resolve(from.inputs[0], part(y, 2), part(x, 3), list);
      } else {
        for (int32_t input : from.inputs)
          resolve(input, y, x, list);
      }
      return;
    } else {
      i.view = s_.view(t);
    }
    list.push_back(std::move(i));
  }
  int32_t passedInside(int32_t t) const {
    for (int32_t h : hosts_)
      if (layer(h).output == t && isPassed(layer(h)))
        return h;
    return -1;
  }

  int64_t channels(const GroupInput &i) const {
    return i.unfold        ? i.unfold->channels()
           : i.tensor >= 0 ? work_.tensors[size_t(i.tensor)].view.shape[1]
                           : i.view.shape[1];
  }
  /// Whether sums of the parts, one after another, are those of one command over all channels:
  /// of halves where a step of the cube has none of two parts, of F32 never.
  bool addsUpInParts(DType type, const std::vector<GroupInput> &parts) const {
    if (!dtypeIsFloat(type))
      return true;
    return type != DType::F32 &&
           std::all_of(parts.begin(), parts.end() - 1, [&](const GroupInput &i) {
             return channels(i) % chip::cubeInputs(typeCode(type)) == 0;
           });
  }

  bool add(int32_t l) {
    const Layer &layer = s_.net_.layers[size_t(l)];
    auto out = s_.shape(layer.output);
    if (auto *c = std::get_if<Concat>(&layer.op)) {
      failed_ = failed_ || wanted(layer.output);
      return c->axis == 1 && !failed_;
    }
    if (auto *pad = std::get_if<Pad>(&layer.op)) {
      if (pad->paddings.size() != 8 || pad->value != 0 || wanted(layer.output))
        return false;
      for (size_t a = 0; a < 8; ++a)
        if (pad->paddings[a] < 0 || (a % 4 < 2 && pad->paddings[a] != 0))
          return false;
      return true;
    }
    GroupOp op;
    op.layer = l;
    op.result = int32_t(work_.tensors.size());
    auto in = s_.shape(layer.inputs[0]);
    // For ops whose inputs are there as one tensor each, in the group or outside.
    auto read = [&](int32_t t, WindowAxis y, WindowAxis x) {
      GroupInput i;
      i.tensor = made_[size_t(t)];
      i.y = y;
      i.x = x;
      if (i.tensor < 0)
        i.view = s_.view(t);
      op.inputs.push_back(std::move(i));
      return op.inputs.back().tensor >= 0 || passedInside(t) < 0;
    };
    if (auto conv = s_.convWork(l)) {
      if (std::any_of(conv->padValue.begin(), conv->padValue.end(),
                      [&](int32_t v) { return v != conv->padValue[0]; }))
        return false;
      bool padsZero = conv->padValue.empty() || conv->padValue[0] == 0;
      resolve(layer.inputs[0], conv->y, conv->x, op.inputs);
      bool whole = op.inputs.size() == 1 && op.inputs[0].tensor < 0;
      if (!whole && !padsZero && passedInside(layer.inputs[0]) >= 0)
        return false;
      if (op.inputs.size() > 1) {
        bool rounds = conv->depthwise && conv->floats(); // otherwise than a dense one
        if (conv->rotate || rounds || !addsUpInParts(conv->input.dtype, op.inputs))
          return false;
        conv = conv->dense();
      }
      if (whole && s_.options_.unfold != Unfolding::Never)
        if (auto flat = unfolded(*conv, form_)) {
          op.inputs[0].unfold = flat->unfold;
          op.inputs[0].y = flat->y;
          op.inputs[0].x = flat->x;
          conv = std::move(flat);
        }
      int64_t all = 0;
      for (const GroupInput &i : op.inputs) {
        all += channels(i);
        for (const WindowAxis *a : {&i.y, &i.x})
          if (a->stride > chip::kMaxWindowStride || a->dilation > chip::kMaxDilation ||
              a->insert > chip::kMaxConvInsert || a->kernel > chip::kMaxDim ||
              a->in > chip::kMaxDim || a->out > chip::kMaxDim)
            return false;
      }
      TESSERA_CHECK(all == conv->inputChannels(), "inputs of a group's convolution");
      op.conv = std::move(conv);
    } else if (auto *u = std::get_if<UpConv>(&layer.op)) {
      op.upConv = u;
      for (int32_t t : layer.inputs) {
        bool low = op.inputs.empty();
        auto size = s_.shape(t);
        auto axis = [&](size_t a) {
          return low ? upConvAxis(size[a], out[a]) : WindowAxis{size[a], out[a], 0, 1, 1, 3, 1};
        };
        if (!read(t, axis(2), axis(3)))
          return false;
      }
    } else {
      if (auto *p = std::get_if<MaxPool>(&layer.op)) {
        op.relu = p->relu;
        if (p->window.strides[0] > chip::kMaxWindowStride ||
            p->window.strides[1] > chip::kMaxWindowStride ||
            !read(layer.inputs[0], WindowAxis::convolution(p->window, 0, in[2], out[2]),
                  WindowAxis::convolution(p->window, 1, in[3], out[3])))
          return false;
      } else if (auto *p = std::get_if<AvgPool>(&layer.op)) {
        op.average = MulShift{p->multiplier, p->rshift};
        if (p->window.strides[0] > chip::kMaxWindowStride ||
            p->window.strides[1] > chip::kMaxWindowStride ||
            !read(layer.inputs[0], WindowAxis::convolution(p->window, 0, in[2], out[2]),
                  WindowAxis::convolution(p->window, 1, in[3], out[3])))
          return false;
      } else if (std::holds_alternative<Blend>(layer.op) ||
                 std::holds_alternative<Interp>(layer.op)) {
        op.blend = std::get_if<Blend>(&layer.op);
        op.nearest = std::get_if<Interp>(&layer.op);
        auto y = resizeAxis(op, in[2], out[2]);
        // All columns, also those that no weight reads.
        if (!y || out[3] != 2 * in[3] || !read(layer.inputs[0], *y, same(in[3])))
          return false;
      } else if (auto recipe = s_.recipeOf(layer)) {
        op.recipe = std::move(recipe);
        if (!op.recipe->table.empty())
          return false;
        for (int32_t t : layer.inputs)
          if (s_.shape(t) != out || !read(t, same(out[2]), same(out[3])))
            return false;
      } else {
        return false;
      }
    }
    GroupTensor t{s_.view(layer.output)};
    made_[size_t(layer.output)] = op.result;
    work_.tensors.push_back(std::move(t));
    work_.ops.push_back(std::move(op));
    return true;
  }

  const Scheduler &s_;
  Unfolded form_; ///< of convolutions that read nothing of the group
  std::vector<int32_t> hosts_;
  std::vector<bool> inside_;  ///< by layer
  std::vector<int32_t> made_; ///< by tensor: the group's number
  GroupWork work_;
  bool failed_ = false;
};

std::optional<GroupWork> Scheduler::groupWork(const std::vector<int32_t> &hosts, size_t first,
                                              size_t last, Unfolded form) const {
  return GroupBuilder(*this, hosts, first, last, form).build();
}

} // namespace tessera::schedule
