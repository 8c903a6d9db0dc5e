// Where tensors live: buffers, views into them, global addresses.
#include "tessera/schedule/scheduler.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

int32_t Scheduler::addBuffer(std::string name, uint64_t bytes, std::vector<uint8_t> data) {
  Buffer b;
  b.name = std::move(name);
  b.bytes = bytes;
  b.constant = !data.empty();
  b.data = std::move(data);
  out_.buffers.push_back(std::move(b));
  return int32_t(out_.buffers.size()) - 1;
}

View Scheduler::ownBuffer(int32_t t) {
  auto s = shape(t);
  int64_t bytes = elementCount(tensor(t).shape) * dtypeSize(tensor(t).dtype);
  return View::dense(addBuffer(tensor(t).name, uint64_t(bytes)), 0, s, tensor(t).dtype);
}

View Scheduler::insideOf(const Layer &layer, size_t i) const {
  const View &whole = view(layer.output);
  std::array<int64_t, 4> begin{0, 0, 0, 0};
  if (auto *c = std::get_if<Concat>(&layer.op)) {
    for (size_t k = 0; k < i; ++k)
      begin[size_t(c->axis)] += shape(layer.inputs[k])[size_t(c->axis)];
    return whole.part(begin, shape(layer.inputs[i]));
  }
  auto &pad = std::get<Pad>(layer.op);
  size_t rank = pad.paddings.size() / 2;
  auto size = shape(layer.inputs[0]);
  for (size_t a = 0; a < rank; ++a) {
    begin[a] = std::max<int64_t>(pad.paddings[a], 0);
    size[a] += std::min<int64_t>(pad.paddings[a], 0) + std::min<int64_t>(pad.paddings[a + rank], 0);
  }
  return whole.part(begin, size);
}

std::vector<bool> Scheduler::repeatingLayers() const {
  auto repeats = [&](const Layer &layer) {
    auto in = shape(layer.inputs[0]);
    if (std::holds_alternative<Interp>(layer.op))
      return in[2] == 1 && in[3] == 1;
    auto *concat = std::get_if<Concat>(&layer.op);
    return concat && concat->axis == 1 && in[1] == 1 &&
           std::ranges::all_of(layer.inputs, [&](int32_t t) { return t == layer.inputs[0]; });
  };
  std::vector<bool> list(net_.layers.size(), false);
  for (size_t l = net_.layers.size(); l-- > 0;) {
    int32_t t = net_.layers[l].output;
    list[l] = repeats(net_.layers[l]) && !std::ranges::count(net_.outputs, t);
    for (size_t m = l + 1; m < net_.layers.size() && list[l]; ++m) {
      const Layer &reader = net_.layers[m];
      auto others = [&] {
        return std::ranges::any_of(reader.inputs, [&](int32_t i) { return i != t; });
      };
      if (std::ranges::count(reader.inputs, t) && !list[m]) {
        auto recipe = recipeOf(reader);
        list[l] = recipe && recipe->repeats && others();
      }
    }
  }
  return list;
}

void Scheduler::placeTensors() {
  std::vector<bool> repeating = repeatingLayers();
  views_.assign(net_.tensors.size(), {});
  aliased_.assign(net_.tensors.size(), -1);
  std::vector<int32_t> producer(net_.tensors.size(), -1);
  for (size_t l = 0; l < net_.layers.size(); ++l)
    producer[size_t(net_.layers[l].output)] = int32_t(l);
  for (size_t t = 0; t < net_.tensors.size(); ++t)
    if (auto bytes = net_.tensors[t].constant.bytes(); !bytes.empty())
      views_[t] =
          View::dense(addBuffer(net_.tensors[t].name, bytes.size(), {bytes.begin(), bytes.end()}),
                      0, shape(int32_t(t)), net_.tensors[t].dtype);
  std::vector<bool> port(net_.tensors.size(), false);
  for (auto *list : {&net_.inputs, &net_.outputs})
    for (int32_t t : *list)
      port[size_t(t)] = true;
  auto isView = [&](int32_t t) { // shares its producer's input memory
    if (producer[size_t(t)] < 0)
      return false;
    const Op &op = net_.layers[size_t(producer[size_t(t)])].op;
    return isOneOf<Slice, Reshape>(op) || repeating[size_t(producer[size_t(t)])];
  };
  // Where a Concat or Pad consumes a tensor, its producer writes straight into the result.
  for (size_t l = net_.layers.size(); l-- > 0;) {
    const Layer &layer = net_.layers[l];
    int32_t o = layer.output;
    if (views_[size_t(o)].buffer < 0 && !(isView(o) && !port[size_t(o)]))
      views_[size_t(o)] = ownBuffer(o);
    bool concat = std::holds_alternative<Concat>(layer.op),
         padding = std::holds_alternative<Pad>(layer.op);
    if ((!concat && !padding) || repeating[l])
      continue;
    if (padding)
      for (int64_t p : std::get<Pad>(layer.op).paddings)
        padding = padding && p >= 0; // a crop would cut what the producer writes
    if (!concat && !padding)
      continue;
    if (views_[size_t(o)].buffer < 0)
      continue;
    for (size_t i = 0; i < layer.inputs.size(); ++i) {
      int32_t t = layer.inputs[i];
      if (views_[size_t(t)].buffer >= 0 || port[size_t(t)] || producer[size_t(t)] < 0 || isView(t))
        continue;
      views_[size_t(t)] = insideOf(layer, i);
      aliased_[size_t(t)] = int32_t(l);
      aliasIndex_[t] = i;
    }
  }
  for (int32_t t : net_.inputs)
    if (views_[size_t(t)].buffer < 0)
      views_[size_t(t)] = ownBuffer(t);
  // Slices and reshapes see their input's memory where that needs no move.
  for (const Layer &layer : net_.layers) {
    int32_t o = layer.output;
    if (views_[size_t(o)].buffer >= 0)
      continue;
    const View &in = view(layer.inputs[0]);
    if (auto *s = std::get_if<Slice>(&layer.op)) {
      std::array<int64_t, 4> begin{0, 0, 0, 0}, step{1, 1, 1, 1};
      std::copy(s->offset.begin(), s->offset.end(), begin.begin());
      std::copy(s->steps.begin(), s->steps.end(), step.begin());
      views_[size_t(o)] = in.part(begin, shape(o), step);
      shared_.insert(o);
    } else if (repeating[size_t(&layer - net_.layers.data())]) {
      views_[size_t(o)] = in;
      auto &v = views_[size_t(o)];
      for (size_t a = 1; a < 4; ++a)
        if (v.shape[a] != shape(o)[a])
          v.stride[a] = 0;
      v.shape = shape(o);
      shared_.insert(o);
    } else if (in.isDense()) {
      views_[size_t(o)] = View::dense(in.buffer, in.offset, shape(o), in.dtype);
      shared_.insert(o);
    } else {
      views_[size_t(o)] = ownBuffer(o);
    }
  }
}

bool Scheduler::addParts(int32_t t, std::array<int64_t, 4> begin,
                         std::vector<StoredTensor::Part> &parts) const {
  auto made = std::find_if(net_.layers.begin(), net_.layers.end(),
                           [&](const Layer &l) { return l.output == t; });
  if (made == net_.layers.end())
    return false; // a network input
  auto l = size_t(made - net_.layers.begin());
  if (!isPassed(*made) || groupOf_[l].first == groupOf_[l].second) {
    parts.push_back({int32_t(l), begin});
    return true;
  }
  if (auto *pad = std::get_if<Pad>(&made->op))
    for (size_t a = 0; a < 4; ++a)
      begin[a] += pad->paddings[a];
  for (int32_t input : made->inputs) {
    if (!addParts(input, begin, parts))
      return false;
    begin[1] += shape(input)[1];
  }
  return true;
}

void Scheduler::listStored() {
  std::vector<std::vector<size_t>> stores(out_.buffers.size()); // by buffer, program order
  std::set<int32_t> local;                                      // layers
  for (size_t k = 0; k < out_.program.size(); ++k) {
    if (int32_t b = out_.program[k].destination.buffer; b >= 0)
      stores[size_t(b)].push_back(k);
    if (!out_.program[k].completes.empty())
      local.insert(out_.program[k].layer);
  }
  for (const Layer &layer : net_.layers) {
    const NetTensor &t = tensor(layer.output);
    const View &v = view(layer.output);
    StoredTensor s{t.name, t.shape, t.dtype, t.scale, int32_t(&layer - net_.layers.data())};
    auto [first, last] = groupOf_[size_t(s.layer)];
    if (isPassed(layer) && first != last) {
      if (!addParts(layer.output, {0, 0, 0, 0}, s.parts))
        continue;
    } else if (!local.count(s.layer)) {
      const auto &list = stores[size_t(v.buffer)];
      auto last = std::find_if(list.rbegin(), list.rend(), [&](size_t k) {
        return out_.program[k].destination.mayOverlap(v.box());
      });
      s.buffer = v.buffer;
      s.offset = v.offset;
      s.stride = v.stride;
      if (last != list.rend())
        s.lastStore = *last;
    }
    out_.stored.push_back(std::move(s));
  }
}

void Scheduler::listUses() {
  for (size_t k = 0; k < out_.program.size(); ++k)
    for (int32_t buffer : {out_.program[k].source.buffer, out_.program[k].destination.buffer})
      if (buffer >= 0) {
        auto &use = out_.buffers[size_t(buffer)].use;
        use = {use ? use->first : k, k};
      }
  // Ports keep their memory: a caller may fill an input once and run often.
  for (auto *list : {&net_.inputs, &net_.outputs})
    for (int32_t t : *list)
      out_.buffers[size_t(view(t).buffer)].use = {0, out_.program.size()};
}

Status Scheduler::assignAddresses() {
  uint64_t at = chip::kGlobalBase;
  auto align = [](uint64_t x) { return uint64_t(chip::alignUp(int64_t(x), chip::kGlobalAlign)); };
  for (Buffer &b : out_.buffers)
    if (b.constant) {
      b.address = at;
      at = align(at + b.bytes);
    }
  out_.coefficientBytes = at - chip::kGlobalBase;
  out_.neuronAddress = at;
  listUses();
  // First fit, large ones first: between buffers that live at the same time nothing overlaps.
  std::vector<Buffer *> order;
  for (Buffer &b : out_.buffers)
    if (!b.constant && b.use)
      order.push_back(&b);
  std::stable_sort(order.begin(), order.end(),
                   [](const Buffer *a, const Buffer *b) { return a->bytes > b->bytes; });
  std::vector<Buffer *> placed;
  uint64_t end = out_.neuronAddress;
  for (Buffer *b : order) {
    uint64_t where = out_.neuronAddress;
    std::sort(placed.begin(), placed.end(),
              [](const Buffer *a, const Buffer *c) { return a->address < c->address; });
    for (const Buffer *p : placed) {
      if (p->use->second < b->use->first || b->use->second < p->use->first)
        continue;
      if (where + b->bytes <= p->address)
        break;
      where = std::max(where, align(p->address + p->bytes));
    }
    b->address = where;
    end = std::max(end, align(where + b->bytes));
    placed.push_back(b);
  }
  out_.neuronBytes = end - out_.neuronAddress;
  if (end > chip::kGlobalEnd)
    return fail("out-of-memory", net_.name,
                fmt::format("needs {} bytes of the chip's memory, which has {}",
                            end - chip::kGlobalBase, chip::kGlobalEnd - chip::kGlobalBase),
                "use a smaller input");
  return {};
}

} // namespace tessera::schedule
