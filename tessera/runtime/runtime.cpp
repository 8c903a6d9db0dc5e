#include "tessera/runtime/runtime.h"

#include "tessera/numerics/half.h"
#include "tessera/numerics/rounding.h"
#include "tessera/runtime/capture.h"
#include "tessera/sim/kernels/conv.h"
#include "tessera/support/memory.h"
#include "tessera/support/parallel.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace tessera::runtime {
namespace {

using bmodel::Stage;
using bmodel::SubNet;
using bmodel::TensorInfo;

Error located(const std::string &where, const Error &error) {
  Error out;
  for (Diagnostic d : error.diagnostics()) {
    d.where = d.where.empty() ? where : where + ": " + d.where;
    out.add(d);
  }
  return out;
}

/// The subnets in running order, from the first along `next`.
Result<std::vector<const SubNet *>> runningOrder(const Stage &stage) {
  std::vector<const SubNet *> order;
  std::set<int32_t> seen;
  const SubNet *at = &stage.subnets.front();
  while (true) {
    std::string where = fmt::format("subnet {}", at->id);
    if (!seen.insert(at->id).second)
      return fail("unsupported-subnet", where, "the subnets run in a circle");
    if (at->mode != 0)
      return fail(
          "unsupported-subnet", where,
          fmt::format("runs on {}, only TPU subnets can be simulated",
                      at->mode == 1 ? "the CPU" : fmt::format("the host (mode {})", at->mode)));
    if (at->dynamic)
      return fail("unsupported-subnet", where, "is dynamic: it holds no command words",
                  "compile it for fixed shapes");
    order.push_back(at);
    if (at->next.empty())
      break;
    if (at->next.size() > 1)
      return fail("unsupported-subnet", where, "branches into several subnets");
    auto next = std::find_if(stage.subnets.begin(), stage.subnets.end(),
                             [&](const SubNet &s) { return s.id == at->next.front(); });
    if (next == stage.subnets.end())
      return fail("bad-file", where,
                  fmt::format("names a next subnet {} that is not there", at->next.front()));
    at = &*next;
  }
  if (order.size() != stage.subnets.size())
    return fail("unsupported-subnet", "",
                fmt::format("only {} of {} subnets are reached from the first", order.size(),
                            stage.subnets.size()));
  return order;
}

std::string names(const std::vector<TensorInfo> &tensors) {
  std::string s;
  for (const TensorInfo &t : tensors)
    s += fmt::format("{}'{}' {} {}", s.empty() ? "" : ", ", t.name, dtypeName(t.dtype),
                     shapeText(t.shape));
  return s;
}

/// Elements of an input or output that are worth a task.
constexpr int64_t kPiece = 1 << 16;

template <class T>
void quantize(std::span<const float> in, uint8_t *out, float scale, int32_t zero) {
  auto *to = reinterpret_cast<T *>(out);
  parallelFor(int64_t(in.size()), kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      to[i] = numerics::saturate<T>(
          numerics::roundToInt(in[i] * scale + float(zero), numerics::Rounding::HalfAway));
  });
}

template <class T>
void dequantize(const uint8_t *in, std::span<float> out, float scale, int32_t zero) {
  parallelFor(int64_t(out.size()), kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T v;
      std::memcpy(&v, in + i * sizeof(T), sizeof(T));
      out[i] = (float(v) - float(zero)) * scale;
    }
  });
}

Status storeInput(const TensorInfo &info, const Tensor &given, uint8_t *out) {
  if (given.dtype() == info.dtype) {
    std::memcpy(out, given.bytes().data(), given.bytes().size());
    return {};
  }
  auto mismatch = [&] {
    return fail(
        "bad-dtype", fmt::format("input '{}'", info.name),
        fmt::format("is {}, the model stores {}", dtypeName(given.dtype()), dtypeName(info.dtype)),
        "give f32 or the stored type");
  };
  if (given.dtype() != DType::F32)
    return mismatch();
  std::span<const float> values = given.as<float>();
  switch (info.dtype) {
  case DType::I8:
    quantize<int8_t>(values, out, info.scale, info.zeroPoint);
    return {};
  case DType::U8:
    quantize<uint8_t>(values, out, info.scale, info.zeroPoint);
    return {};
  case DType::I16:
    quantize<int16_t>(values, out, info.scale, info.zeroPoint);
    return {};
  case DType::U16:
    quantize<uint16_t>(values, out, info.scale, info.zeroPoint);
    return {};
  case DType::I32:
    quantize<int32_t>(values, out, info.scale, info.zeroPoint);
    return {};
  case DType::F16:
  case DType::BF16:
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t v = info.dtype == DType::F16 ? numerics::floatToHalf(values[i])
                                            : numerics::floatToBfloat(values[i]);
      std::memcpy(out + 2 * i, &v, 2);
    }
    return {};
  default:
    return mismatch();
  }
}

Result<Tensor> loadOutput(const TensorInfo &info, const uint8_t *in) {
  Tensor t(DType::F32, info.shape);
  std::span<float> out = t.as<float>();
  switch (info.dtype) {
  case DType::F32:
    std::memcpy(out.data(), in, out.size_bytes());
    return t;
  case DType::I8:
    dequantize<int8_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::U8:
    dequantize<uint8_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::I16:
    dequantize<int16_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::U16:
    dequantize<uint16_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::I32:
    dequantize<int32_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::U32:
    dequantize<uint32_t>(in, out, info.scale, info.zeroPoint);
    return t;
  case DType::F16:
  case DType::BF16:
    for (size_t i = 0; i < out.size(); ++i) {
      uint16_t v;
      std::memcpy(&v, in + 2 * i, 2);
      out[i] = info.dtype == DType::F16 ? numerics::halfToFloat(v) : numerics::bfloatToFloat(v);
    }
    return t;
  default:
    return fail("bad-dtype", fmt::format("tensor '{}'", info.name),
                fmt::format("type {} has no meaning as f32", dtypeName(info.dtype)));
  }
}

/// Bytes of a tensor whose elements take `size` bytes each.
Result<uint64_t> bytesOf(const TensorInfo &t, int64_t size) {
  int64_t bytes = size;
  for (int64_t d : t.shape)
    if (d < 0 || __builtin_mul_overflow(bytes, d, &bytes))
      return fail("bad-file", fmt::format("tensor '{}'", t.name),
                  fmt::format("has an impossible shape {}", shapeText(t.shape)));
  return uint64_t(bytes);
}

/// Where a tensor lies in the machine, all of it.
Result<uint8_t *> memoryOf(sim::Machine &m, const TensorInfo &t, sim::Access access) {
  TESSERA_ASSIGN(uint64_t bytes, bytesOf(t, dtypeSize(t.dtype)));
  auto p = m.bytes(t.address, bytes, access);
  if (!p)
    return fail(located(fmt::format("tensor '{}'", t.name), p.error()));
  return *p;
}

/// Whether the host can hold the outputs as floats: better known before the run than after it.
Status checkOutputs(const Stage &stage) {
  uint64_t bytes = 0, free = freeMemory();
  for (const TensorInfo &t : stage.outputs) {
    TESSERA_ASSIGN(uint64_t floats, bytesOf(t, sizeof(float)));
    bytes += floats;
    if (free && bytes > free)
      return fail("out-of-memory", fmt::format("tensor '{}'", t.name),
                  fmt::format("the outputs up to this one take {} bytes as f32, the host has {} "
                              "free",
                              bytes, free));
  }
  return {};
}

uint64_t contextBytes(const Stage &stage) {
  uint64_t sum = 0;
  for (uint64_t size : stage.ctxSizes)
    sum += size;
  return std::max(stage.ctxSize, sum);
}

/// Global memory of a stage: its coefficients as they are, zeros for the rest. Addresses stay those
/// of the compiler, so that nothing needs relocation.
Status mapMemory(sim::Machine &m, const Stage &stage) {
  TESSERA_TRY(m.mapReadOnly(stage.coeffAddress, stage.coeff));
  TESSERA_TRY(m.mapGlobal(stage.ctxAddress, contextBytes(stage)));
  return m.mapGlobal(stage.ioAddress, stage.ioSize);
}

} // namespace

Result<Session> Session::open(const std::filesystem::path &path,
                              const bmodel::Selection &selection) {
  std::shared_future<Status> check;
  TESSERA_ASSIGN(bmodel::Model model, bmodel::read(path, &check));
  TESSERA_TRY(bmodel::select(model, selection, path.string()));
  return create(std::move(model), path.string(), std::move(check));
}

Result<Session> Session::create(bmodel::Model model, const std::string &where,
                                std::shared_future<Status> check) {
  TESSERA_TRY(sim::kernels::checkKernelChoice());
  auto data = std::make_shared<Data>();
  data->where = where;
  data->model = std::move(model);
  data->check = std::move(check);
  if (data->model.chip != "BM1684X")
    return fail("unsupported-model", where,
                fmt::format("is for {}, not for BM1684X", data->model.chip));
  if (data->model.nets.size() != 1)
    return fail("unsupported-model", where,
                fmt::format("holds {} networks, one can be run", data->model.nets.size()),
                "select the one you want");
  const std::vector<Stage> &stages = data->model.nets.front().stages;
  if (stages.empty())
    return fail("bad-file", where, "holds no stage");
  for (size_t s = 0; s < stages.size(); ++s) {
    std::string stageText = stages.size() > 1 ? fmt::format("{}: stage {}", where, s) : where;
    if (stages[s].dynamic)
      return fail("unsupported-subnet", stageText, "is dynamic: it holds no command words",
                  "compile it for fixed shapes");
    if (stages[s].subnets.empty())
      return fail("bad-file", stageText, "holds no subnet");
    auto order = runningOrder(stages[s]);
    if (!order)
      return fail(located(stageText, order.error()));
    std::vector<sim::Plan> groups;
    for (const SubNet *subnet : *order)
      for (const bmodel::CommandGroup &g : subnet->groups) {
        std::string place = fmt::format("{}: group {}", stageText, groups.size());
        std::vector<isa::Command> tiu, gdma;
        for (auto [engine, bytes, count, commands] :
             {std::tuple(isa::Engine::Tiu, &g.tiu, g.tiuCount, &tiu),
              {isa::Engine::Gdma, &g.gdma, g.gdmaCount, &gdma}}) {
          if (bytes->empty())
            continue;
          auto decoded = isa::decodeStream(engine, *bytes, count);
          if (!decoded)
            return fail(located(place, decoded.error()));
          *commands = std::move(*decoded);
        }
        auto plan = sim::Plan::make(std::move(tiu), std::move(gdma));
        if (!plan)
          return fail(located(subnet->groups.size() > 1 || order->size() > 1 ? place : stageText,
                              plan.error()));
        groups.push_back(std::move(*plan));
      }
    data->groups.push_back(std::move(groups));
    data->idle.emplace_back();
  }
  Session session;
  session.data_ = std::move(data);
  return session;
}

Result<size_t> Session::stageFor(const TensorMap &inputs) const {
  const std::vector<Stage> &stages = data_->model.nets.front().stages;
  const Stage &first = stages.front();
  Error problems;
  for (const TensorInfo &t : first.inputs)
    if (!inputs.contains(t.name))
      problems.add(Diagnostic{"missing-input", data_->where,
                              fmt::format("input '{}' was not given", t.name),
                              "the model takes " + names(first.inputs)});
  for (const auto &[name, tensor] : inputs)
    if (std::none_of(first.inputs.begin(), first.inputs.end(),
                     [&, &n = name](const TensorInfo &t) { return t.name == n; }))
      problems.add(Diagnostic{"unknown-input", data_->where, fmt::format("has no input '{}'", name),
                              "the model takes " + names(first.inputs)});
  if (!problems.empty())
    return fail(problems);
  for (size_t s = 0; s < stages.size(); ++s) {
    const Stage &stage = stages[s];
    bool fits = stage.inputs.size() == first.inputs.size();
    for (const TensorInfo &t : stage.inputs) {
      const Tensor *given = inputs.find(t.name);
      fits = fits && given && given->shape() == t.shape;
    }
    if (fits)
      return s;
  }
  std::string given, taken;
  for (const auto &[name, tensor] : inputs)
    given += fmt::format("{}'{}' {}", given.empty() ? "" : ", ", name, shapeText(tensor.shape()));
  for (const Stage &stage : stages)
    taken += (taken.empty() ? "" : "; or ") + names(stage.inputs);
  return fail("shape-mismatch", data_->where, "given " + given, "the model takes " + taken);
}

uint64_t Session::runBytes() const {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  auto stageBytes = [&](const Stage &s) {
    uint64_t sum = chip::kLmemBytes + (chip::kL2End - chip::kL2Base);
    auto add = [&](uint64_t bytes) { return !__builtin_add_overflow(sum, bytes, &sum); };
    if (!add(contextBytes(s)) || !add(s.ioSize))
      return kMost;
    for (const auto *list : {&s.inputs, &s.outputs})
      for (const TensorInfo &t : *list)
        if (auto bytes = bytesOf(t, sizeof(float)); !bytes || !add(*bytes))
          return kMost;
    return sum;
  };
  uint64_t most = 0;
  for (const Stage &s : data_->model.nets.front().stages)
    most = std::max(most, stageBytes(s));
  return most;
}

Result<std::unique_ptr<sim::Machine>> Session::takeMachine(size_t stage) const {
  {
    std::unique_lock lock(data_->mutex);
    if (auto &idle = data_->idle[stage]; !idle.empty()) {
      auto machine = std::move(idle.back());
      idle.pop_back();
      lock.unlock();
      machine->wipe(); // here and not when it is given back: the last run needs none
      return machine;
    }
  }
  auto machine = std::make_unique<sim::Machine>();
  TESSERA_TRY(mapMemory(*machine, data_->model.nets.front().stages[stage]));
  return machine;
}

Status Session::bind(sim::Machine &machine, size_t stage, const TensorMap &inputs) const {
  const Stage &s = data_->model.nets.front().stages[stage];
  for (const TensorInfo &t : s.outputs)
    if (auto memory = memoryOf(machine, t, sim::Access::Read); !memory)
      return fail(located(data_->where, memory.error()));
  for (const TensorInfo &t : s.inputs) {
    auto memory = memoryOf(machine, t, sim::Access::Write);
    if (!memory)
      return fail(located(data_->where, memory.error()));
    if (auto stored = storeInput(t, *inputs.find(t.name), *memory); !stored)
      return fail(located(data_->where, stored.error()));
  }
  return {};
}

Result<TensorMap> Session::readOutputs(sim::Machine &machine, size_t stage) const {
  TensorMap outputs;
  for (const TensorInfo &t : data_->model.nets.front().stages[stage].outputs) {
    auto memory = memoryOf(machine, t, sim::Access::Read);
    if (!memory)
      return fail(located(data_->where, memory.error()));
    auto tensor = loadOutput(t, *memory);
    if (!tensor)
      return fail(located(data_->where, tensor.error()));
    outputs.set(t.name, std::move(*tensor));
  }
  return outputs;
}

Result<Steps> Session::begin(const TensorMap &inputs) const {
  TESSERA_ASSIGN(size_t stage, stageFor(inputs));
  if (data_->check.valid())
    TESSERA_TRY(data_->check.get());
  const Stage &here = data_->model.nets.front().stages[stage];
  if (auto s = checkOutputs(here); !s)
    return fail(located(data_->where, s.error()));
  Steps steps(*this, stage);
  steps.machine_ = std::make_unique<sim::Machine>();
  if (auto s = mapMemory(*steps.machine_, here); !s)
    return fail(located(data_->where, s.error()));
  TESSERA_TRY(bind(*steps.machine_, stage, inputs));
  const auto &groups = data_->groups[stage];
  for (size_t g = 0; g < groups.size(); ++g)
    for (const sim::Place &p : groups[g].places())
      steps.list_.push_back({g, p});
  return steps;
}

const isa::Command &Steps::command(size_t k) const {
  const At &a = list_[k];
  return session_.data_->groups[stage_][a.group].at(a.place);
}

Status Steps::step() {
  TESSERA_CHECK(!done(), "a step behind the last command");
  const At &a = list_[next_];
  operands_.clear();
  machine_->observe(&operands_);
  Status s = sim::execute(*machine_, command(next_));
  machine_->observe(nullptr);
  if (!s)
    return fail(
        located(fmt::format("{}: group {}, {} stream, instruction {}", session_.data_->where,
                            a.group, isa::engineName(a.place.engine), a.place.index),
                s.error()));
  ++next_;
  return {};
}

Result<TensorMap> Steps::outputs() { return session_.readOutputs(*machine_, stage_); }

Result<Tensor> realValues(const TensorInfo &info, const uint8_t *stored) {
  return loadOutput(info, stored);
}

Result<TensorMap> Session::run(const TensorMap &inputs, const RunOptions &options) const {
  TESSERA_ASSIGN(size_t stageIndex, stageFor(inputs));
  const Stage *stage = &data_->model.nets.front().stages[stageIndex];
  auto here = [&](const Error &e) { return fail(located(data_->where, e)); };
  std::optional<Capture> capture;
  if (options.dumpAllTensors) {
    auto list = bmodel::tensorTable(data_->model, stageIndex);
    if (!list)
      return here(list.error());
    capture.emplace(std::move(*list));
  }
  if (auto s = checkOutputs(*stage); !s)
    return here(s.error());
  auto taken = takeMachine(stageIndex);
  if (!taken)
    return here(taken.error());
  sim::Machine &machine = **taken;
  TESSERA_TRY(bind(machine, stageIndex, inputs));
  if (capture)
    if (auto s = capture->start(machine); !s)
      return here(s.error());
  const auto &groups = data_->groups[stageIndex];
  for (size_t g = 0; g < groups.size(); ++g) {
    sim::RunHooks hooks;
    if (options.hooks)
      hooks = *options.hooks;
    if (capture)
      hooks.afterCommand = [&](const sim::Machine &m, const sim::Place &place,
                               const isa::Command &command) -> Status {
        TESSERA_TRY(capture->after(machine, g, place));
        return options.hooks && options.hooks->afterCommand
                   ? options.hooks->afterCommand(m, place, command)
                   : Status{};
      };
    if (auto s = groups[g].run(machine, &hooks); !s)
      return fail(
          located(groups.size() > 1 ? fmt::format("{}: group {}", data_->where, g) : data_->where,
                  s.error()));
  }
  if (data_->check.valid())
    TESSERA_TRY(data_->check.get());
  TESSERA_ASSIGN(TensorMap outputs, readOutputs(machine, stageIndex));
  if (capture) {
    for (const TensorInfo &t : stage->inputs)
      outputs.set(t.name, *inputs.find(t.name));
    Error errors;
    auto rest = capture->finish([&](const bmodel::StoredTensor &t, const Tensor &stored) {
      if (outputs.contains(t.name))
        return;
      auto values =
          loadOutput({t.name, t.dtype, t.shape, 0, 0, t.scale, t.zeroPoint}, stored.bytes().data());
      if (values)
        outputs.set(t.name, std::move(*values));
      else
        errors.add(values.error());
    });
    if (!errors.empty())
      return here(errors);
    // A vendor's table lacks the slices of some ops; ours names every element.
    if (!rest.empty() && data_->model.recipe.is_object() && data_->model.recipe.contains("tensors"))
      return here(Error("bad-file", fmt::format("tensor '{}'", rest.front()),
                        "is never whole by the table behind the blob", "compile the model again"));
  }
  // After a mistake the machine is dropped instead.
  std::lock_guard lock(data_->mutex);
  data_->idle[stageIndex].push_back(std::move(*taken));
  return outputs;
}

} // namespace tessera::runtime
