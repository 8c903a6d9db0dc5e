// A Model as the bytes of a file.
#include "tessera/bmodel/bmodel_generated.h"
#include "tessera/bmodel/file_layout.h"
#include "tessera/support/epoch.h"
#include "tessera/support/file.h"

#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <openssl/sha.h>

namespace tessera::bmodel {
namespace {

uint64_t toPage(uint64_t n) { return (n + kPage - 1) / kPage * kPage; }

void putWord(std::vector<uint8_t> &b, uint64_t v, int n) {
  for (int i = 0; i < n; ++i)
    b.push_back(static_cast<uint8_t>(v >> 8 * i));
}

/// A time in the layout of C's ctime (without the line end), UTC.
std::string timeText(std::time_t t) {
  std::tm tm{};
  gmtime_r(&t, &tm);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &tm)};
}

class Writer {
public:
  Result<std::vector<uint8_t>> write(const Model &m) {
    std::time_t time = 0;
    if (m.time.empty()) {
      TESSERA_ASSIGN(time, sourceDateEpoch());
    }
    if (m.nets.empty())
      problem("", "the model holds no network");
    uint64_t neurons = m.neuronSize;
    std::vector<flatbuffers::Offset<fb::Net>> nets;
    for (const Net &n : m.nets) {
      std::string at = "net '" + n.name + "'";
      if (n.stages.empty())
        problem(at, "has no stage");
      std::vector<flatbuffers::Offset<fb::NetParameter>> stages;
      for (const Stage &s : n.stages) {
        stages.push_back(stage(s, fmt::format("{}, stage {}", at, stages.size())));
        if (!m.neuronSize)
          neurons = std::max(neurons, s.ctxSize);
      }
      nets.push_back(fb::CreateNetDirect(b_, n.name.c_str(), &stages, 0, n.addrMode));
    }
    auto root = fb::CreateModelDirect(b_, "B", m.version.c_str(),
                                      m.time.empty() ? timeText(time).c_str() : m.time.c_str(),
                                      m.chip.c_str(), &nets, neurons, 0, 1);
    b_.Finish(root);
    const uint64_t blobAt = toPage(kHeaderBytes + b_.GetSize());
    blob_.resize(toPage(blob_.size()));
    if (blobAt > UINT32_MAX || blob_.size() > UINT32_MAX)
      problem("", fmt::format("{} bytes are more than the header can state", blob_.size()));
    if (!error_.empty())
      return fail(std::move(error_));

    std::vector<uint8_t> out;
    putWord(out, kMagic, 4);
    putWord(out, kHeaderBytes, 4);
    putWord(out, blobAt - kHeaderBytes, 4);
    putWord(out, blob_.size(), 4);
    out.resize(kHeaderBytes);
    out.insert(out.end(), b_.GetBufferPointer(), b_.GetBufferPointer() + b_.GetSize());
    out.resize(blobAt);
    out.insert(out.end(), blob_.begin(), blob_.end());
    if (!m.recipe.is_null()) {
      std::string text = m.recipe.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      out.insert(out.end(), text.begin(), text.end());
      putWord(out, text.size(), 8);
      out.insert(out.end(), kRecipeMagic.begin(), kRecipeMagic.end());
    }
    return out;
  }

private:
  void problem(const std::string &where, std::string what) {
    error_.add(Diagnostic{"bad-model", where, std::move(what), ""});
  }

  fb::Binary part(std::span<const uint8_t> bytes) {
    return part(std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
  }
  fb::Binary part(std::string_view key) {
    if (key.empty())
      return {0, 0};
    std::array<uint8_t, SHA256_DIGEST_LENGTH> sum{};
    SHA256(reinterpret_cast<const uint8_t *>(key.data()), key.size(), sum.data());
    auto [it, fresh] = parts_.try_emplace({key.size(), sum}, 0);
    if (fresh) {
      blob_.resize(toPage(blob_.size()));
      it->second = blob_.size();
      blob_.insert(blob_.end(), key.begin(), key.end());
    }
    return {it->second, key.size()};
  }

  flatbuffers::Offset<fb::Tensor> tensor(const TensorInfo &t, uint32_t hidden, int index,
                                         const std::string &where) {
    auto type = std::find(std::begin(kTypes), std::end(kTypes), t.dtype);
    if (type == std::end(kTypes))
      problem(where + ", tensor '" + t.name + "'",
              fmt::format("the type {} has no number in the format", dtypeName(t.dtype)));
    std::vector<uint64_t> dims;
    for (int64_t d : t.shape) {
      if (d < 0)
        problem(where + ", tensor '" + t.name + "'", "has a negative size");
      dims.push_back(static_cast<uint64_t>(d));
    }
    std::vector<flatbuffers::Offset<fb::Shape>> shape{fb::CreateShapeDirect(b_, &dims)};
    return fb::CreateTensorDirect(b_, t.name.c_str(), static_cast<uint32_t>(type - kTypes), 0,
                                  t.address, t.size, &shape, kTpuTensor, t.scale, 0, 0, t.zeroPoint,
                                  static_cast<int32_t>(hidden), index);
  }

  /// `index` counts within the list of the network; a tensor between subnets is neither input nor
  /// output of it.
  std::vector<flatbuffers::Offset<fb::Tensor>> tensors(const std::vector<TensorInfo> &list,
                                                       const Stage &s, const std::string &where) {
    std::vector<flatbuffers::Offset<fb::Tensor>> out;
    for (const TensorInfo &t : list) {
      auto named = [&](const TensorInfo &o) { return o.name == t.name; };
      auto in = std::find_if(s.inputs.begin(), s.inputs.end(), named);
      auto result = std::find_if(s.outputs.begin(), s.outputs.end(), named);
      bool isInput = in != s.inputs.end() && (&list != &s.outputs);
      if (isInput)
        out.push_back(tensor(t, kHiddenInput, static_cast<int>(in - s.inputs.begin()), where));
      else if (result != s.outputs.end())
        out.push_back(
            tensor(t, kHiddenOutput, static_cast<int>(result - s.outputs.begin()), where));
      else
        out.push_back(tensor(t, 5, 0, where)); // 5: other
    }
    return out;
  }

  std::vector<flatbuffers::Offset<fb::CmdGroup>> groups(const std::vector<CommandGroup> &list,
                                                        const std::string &where) {
    std::vector<flatbuffers::Offset<fb::CmdGroup>> out;
    for (const CommandGroup &g : list) {
      auto check = [&](const std::vector<uint8_t> &bytes, uint32_t count, const char *engine) {
        if (bytes.size() % 128 || bytes.empty() != (count == 0) || bytes.size() > UINT32_MAX)
          problem(fmt::format("{}, command group {}", where, out.size()),
                  fmt::format(
                      "a {} stream of {} bytes and {} instructions (bytes must be a multiple of "
                      "128, and 0 only with no instruction)",
                      engine, bytes.size(), count));
      };
      check(g.tiu, g.tiuCount, "TIU");
      check(g.gdma, g.gdmaCount, "GDMA");
      fb::Binary tiu = part(g.tiu), gdma = part(g.gdma);
      out.push_back(fb::CreateCmdGroup(b_, g.tiuCount, g.gdmaCount, &tiu, &gdma,
                                       static_cast<uint32_t>(g.tiu.size()),
                                       static_cast<uint32_t>(g.gdma.size())));
    }
    return out;
  }

  flatbuffers::Offset<fb::NetParameter> stage(const Stage &s, const std::string &where) {
    if (s.subnets.empty())
      problem(where, "has no subnet");
    if (s.dynamic)
      problem(where, "is dynamic: its intermediate code is not modelled");
    fb::Binary coeffs = part(s.coeff);
    std::vector<uint8_t> sum(SHA256_DIGEST_LENGTH);
    SHA256(s.coeff.data(), s.coeff.size(), sum.data());
    auto coeff = fb::CreateCoeffMemDirect(b_, s.coeffAddress, &sum, &coeffs);

    std::vector<flatbuffers::Offset<fb::SubNet>> subnets;
    std::vector<CommandGroup> all;
    for (const SubNet &n : s.subnets) {
      std::string at = fmt::format("{}, subnet {}", where, subnets.size());
      if (n.mode != 0 || n.dynamic)
        problem(at, "only static TPU subnets can be written");
      auto in = tensors(n.inputs, s, at), out = tensors(n.outputs, s, at);
      auto list = groups(n.groups, at);
      std::vector<int32_t> next = n.next.empty() ? std::vector<int32_t>{-1} : n.next;
      subnets.push_back(fb::CreateSubNetDirect(b_, n.mode, &list, nullptr, &in, &out, 0, 0, 0, 0, 0,
                                               n.id, &next));
      all.insert(all.end(), n.groups.begin(), n.groups.end());
    }
    auto in = tensors(s.inputs, s, where), out = tensors(s.outputs, s, where);
    auto list = groups(all, where);
    std::vector<uint64_t> sizes = s.ctxSizes;
    if (sizes.empty())
      sizes.push_back(s.ctxSize);
    fb::Binary profile = part(s.netProfile), stat = part(s.netStat),
               locations = part(s.tensorLocations);
    auto ifAny = [](const std::string &text, const fb::Binary &b) {
      return text.empty() ? nullptr : &b;
    };
    return fb::CreateNetParameterDirect(b_, &in, &out, s.ctxAddress, s.ctxSize, coeff, 0, 0, 0,
                                        &list, ifAny(s.netProfile, profile), nullptr, nullptr,
                                        &subnets, 0, &sizes, ifAny(s.netStat, stat), 1, s.ioAddress,
                                        s.ioSize, ifAny(s.tensorLocations, locations));
  }

  flatbuffers::FlatBufferBuilder b_{1 << 16};
  std::vector<uint8_t> blob_;
  std::map<std::pair<size_t, std::array<uint8_t, SHA256_DIGEST_LENGTH>>, uint64_t> parts_;
  Error error_;
};

} // namespace

Result<std::vector<uint8_t>> serialize(const Model &model) { return Writer().write(model); }

Status write(const std::filesystem::path &path, const Model &model) {
  TESSERA_ASSIGN(std::vector<uint8_t> bytes, serialize(model));
  return writeFile(path, bytes);
}

} // namespace tessera::bmodel
