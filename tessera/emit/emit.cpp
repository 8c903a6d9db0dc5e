#include "tessera/emit/emit.h"

#include <fmt/format.h>
#include <map>

namespace tessera::emit {
namespace {

using codegen::Instruction;
using codegen::LaneRange;
using isa::Engine;

bool meet(const std::vector<LaneRange> &a, const std::vector<LaneRange> &b) {
  for (const LaneRange &x : a)
    for (const LaneRange &y : b)
      if (x.overlaps(y))
        return true;
  return false;
}
bool conflict(const Instruction &a, const Instruction &b) {
  return meet(a.writes, b.writes) || meet(a.writes, b.reads) || meet(a.reads, b.writes);
}

uint64_t globalAddress(const schedule::Schedule &s, const codegen::GlobalBox &box) {
  const schedule::Buffer &b = s.buffers[size_t(box.buffer)];
  TESSERA_CHECK(box.end() <= b.bytes, "a transfer leaves its buffer '" + b.name + "'");
  return b.address + box.offset;
}

isa::Command bound(const schedule::Schedule &s, const Instruction &i) {
  if (i.source.buffer < 0 && i.destination.buffer < 0)
    return i.command;
  auto with = [&](auto d) {
    if (i.source.buffer >= 0)
      isa::setSourceAddress(d, globalAddress(s, i.source));
    if (i.destination.buffer >= 0)
      isa::setDestinationAddress(d, globalAddress(s, i.destination));
    return isa::command(d);
  };
  return i.command.form == isa::Form::DMA_matrix ? with(isa::decode<isa::DMA_matrix>(i.command))
                                                 : with(isa::decode<isa::DMA_tensor>(i.command));
}

bmodel::TensorInfo port(const schedule::Port &p, const schedule::Schedule &s, bool input) {
  bmodel::TensorInfo t;
  t.name = p.name;
  t.dtype = p.dtype;
  t.shape = p.shape;
  t.address = s.buffers[size_t(p.buffer)].address + p.offset;
  t.size = uint64_t(elementCount(p.shape) * dtypeSize(p.dtype));
  if (!dtypeIsFloat(p.dtype))
    t.scale = input ? float(1.0 / p.scale) : float(p.scale);
  return t;
}

} // namespace

Result<std::vector<Streams>> bind(const schedule::Schedule &s, int64_t maxId) {
  std::vector<Streams> groups(1);
  uint32_t waited[2] = {0, 0}; // by engine: newest id of the other engine that it has waited for
  Error errors;
  for (size_t k = 0; k < s.program.size(); ++k) {
    const Instruction &i = s.program[k];
    // The id after the last command is the end instruction's.
    if (int64_t(std::max(groups.back().tiu.size(), groups.back().gdma.size())) + 2 > maxId) {
      groups.emplace_back();
      waited[0] = waited[1] = 0;
    }
    Streams &g = groups.back();
    bool tiu = i.command.engine == Engine::Tiu;
    auto &mine = tiu ? g.tiu : g.gdma;
    const auto &others = tiu ? g.gdmaOrigin : g.tiuOrigin;
    uint32_t &wait = waited[tiu ? 0 : 1];
    for (size_t id = others.size(); id > wait; --id)
      if (conflict(i, s.program[others[id - 1]])) {
        wait = uint32_t(id);
        break;
      }
    isa::Command c = bound(s, i);
    isa::setIds(c, uint32_t(mine.size() + 1), wait);
    if (auto ok = isa::verify(c); !ok)
      errors.add(ok.error());
    mine.push_back(c);
    (tiu ? g.tiuOrigin : g.gdmaOrigin).push_back(k);
  }
  // A command that breaks a rule of the chip is our mistake, whatever the network.
  TESSERA_CHECK(errors.empty(),
                "emitted a command that breaks the chip's rules:\n" + errors.text());
  for (Streams &g : groups) {
    g.tiu.push_back(isa::endCommand(Engine::Tiu, uint32_t(g.tiu.size() + 1)));
    g.gdma.push_back(isa::endCommand(Engine::Gdma, uint32_t(g.gdma.size() + 1)));
  }
  return groups;
}

Result<bmodel::Model> pack(const schedule::Schedule &s, const std::vector<Streams> &streams) {
  bmodel::Model m;
  bmodel::Stage stage;
  for (const auto &p : s.inputs)
    stage.inputs.push_back(port(p, s, true));
  for (const auto &p : s.outputs)
    stage.outputs.push_back(port(p, s, false));
  bmodel::SubNet sub;
  sub.inputs = stage.inputs;
  sub.outputs = stage.outputs;
  for (const Streams &g : streams)
    sub.groups.push_back({isa::encodeStream(Engine::Tiu, g.tiu),
                          isa::encodeStream(Engine::Gdma, g.gdma), uint32_t(g.tiu.size()),
                          uint32_t(g.gdma.size())});
  stage.subnets.push_back(std::move(sub));
  stage.coeffAddress = chip::kGlobalBase;
  std::vector<uint8_t> coeff(s.coefficientBytes);
  for (const auto &b : s.buffers)
    if (b.constant)
      std::copy(b.data.begin(), b.data.end(),
                coeff.begin() + int64_t(b.address - chip::kGlobalBase));
  stage.coeff = std::move(coeff);
  stage.ctxAddress = s.neuronAddress;
  stage.ctxSize = s.neuronBytes;
  stage.ctxSizes = {s.neuronBytes};
  bmodel::Net net;
  net.name = s.name;
  net.stages.push_back(std::move(stage));
  m.nets.push_back(std::move(net));
  return m;
}

nlohmann::ordered_json idTable(const schedule::Schedule &s, const std::vector<Streams> &streams) {
  nlohmann::ordered_json j;
  j["layers"] = nlohmann::ordered_json::array();
  for (const auto &l : s.layers)
    j["layers"].push_back({{"id", l.id},
                           {"tensor", l.name},
                           {"type", l.type},
                           {"top", l.from},
                           {"slices", l.slices},
                           {"cut", l.cut}});
  for (bool tiu : {true, false}) {
    auto list = nlohmann::ordered_json::array();
    for (size_t g = 0; g < streams.size(); ++g) {
      const auto &origin = tiu ? streams[g].tiuOrigin : streams[g].gdmaOrigin;
      for (size_t k = 0, count = 0; k < origin.size(); k += count) {
        const Instruction &i = s.program[origin[k]];
        for (count = 1; k + count < origin.size(); ++count)
          if (const Instruction &next = s.program[origin[k + count]];
              next.layer != i.layer || next.slice != i.slice)
            break;
        list.push_back({g, k + 1, count, i.layer, i.slice});
      }
    }
    j[tiu ? "tiu" : "gdma"] = std::move(list);
  }
  return j;
}

nlohmann::ordered_json tensorTable(const schedule::Schedule &s,
                                   const std::vector<Streams> &streams) {
  std::map<size_t, std::pair<size_t, size_t>> place; // program index -> group, index in its stream
  for (size_t g = 0; g < streams.size(); ++g)
    for (const auto *origin : {&streams[g].tiuOrigin, &streams[g].gdmaOrigin})
      for (size_t k = 0; k < origin->size(); ++k)
        place[(*origin)[k]] = {g, k};
  std::map<int32_t, nlohmann::ordered_json> parts; // by layer
  for (size_t k = 0; k < s.program.size(); ++k)
    for (const auto &part : s.program[k].completes) {
      auto [group, index] = place.at(k);
      auto row = nlohmann::ordered_json::array({group, index, part.tensor.address});
      for (int64_t v : part.begin)
        row.push_back(v);
      for (int64_t v : {part.tensor.c, part.tensor.h, part.tensor.w})
        row.push_back(v);
      parts[s.program[k].layer].push_back(std::move(row));
    }
  auto list = nlohmann::ordered_json::array();
  for (const schedule::StoredTensor &t : s.stored) {
    nlohmann::ordered_json row = {{"name", t.name},
                                  {"dtype", dtypeName(t.dtype)},
                                  {"shape", t.shape},
                                  {"layer", t.layer},
                                  {"scale", dtypeIsFloat(t.dtype) ? 1.0 : t.scale},
                                  {"zero_point", 0}};
    if (!t.parts.empty()) {
      for (const auto &part : t.parts) {
        auto of = nlohmann::ordered_json::array({s.layers[size_t(part.layer)].name});
        for (int64_t v : part.begin)
          of.push_back(v);
        row["parts"].push_back(std::move(of));
      }
    } else if (t.buffer < 0) {
      row["local"] = std::move(parts[t.layer]);
    } else {
      row["address"] = s.buffers[size_t(t.buffer)].address + t.offset;
      row["stride"] = t.stride;
      if (t.lastStore) {
        auto [group, index] = place.at(*t.lastStore);
        row["group"] = group;
        row["gdma"] = index;
      }
    }
    list.push_back(std::move(row));
  }
  return list;
}

Result<Emitted> emit(const schedule::Network &network, const schedule::Schedule &s) {
  TESSERA_CHECK(s.layers.size() == network.layers.size(), "schedule of another network");
  TESSERA_ASSIGN(auto streams, bind(s));
  Emitted e;
  TESSERA_ASSIGN(e.model, pack(s, streams));
  e.ids = idTable(s, streams);
  e.tensors = tensorTable(s, streams);
  return e;
}

} // namespace tessera::emit
