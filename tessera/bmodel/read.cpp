// A Model from the bytes of a file, and the part of it that is asked for.
#include "tessera/bmodel/bmodel_generated.h"
#include "tessera/bmodel/file_layout.h"
#include "tessera/support/file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <openssl/sha.h>

namespace tessera::bmodel {
namespace {

uint64_t word(std::span<const uint8_t> b, uint64_t at, int n) {
  uint64_t v = 0;
  for (int i = 0; i < n; ++i)
    v |= uint64_t{b[at + i]} << 8 * i;
  return v;
}

/// How deep lists and objects of a JSON text lie in each other.
int depthOf(std::string_view text) {
  int depth = 0, most = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{'))
      most = std::max(most, ++depth);
    else if (!quoted && (c == ']' || c == '}'))
      --depth;
  }
  return most;
}

template <class T> using Vector = flatbuffers::Vector<flatbuffers::Offset<T>>;

template <class T> flatbuffers::uoffset_t sizeOf(const flatbuffers::Vector<T> *v) {
  return v ? v->size() : 0;
}

/// By bytes: the verifier lets a damaged file's list of 64-bit numbers lie at any multiple of 4.
std::vector<uint64_t> longs(const flatbuffers::Vector<uint64_t> &v) {
  std::vector<uint64_t> list(v.size());
  for (size_t i = 0; i < list.size(); ++i)
    list[i] = word({v.Data(), list.size() * 8}, i * 8, 8);
  return list;
}

/// Turns the flatbuffer into a Model and gathers everything that is wrong with it.
class Reader {
public:
  Reader(Bytes blob) : blob_(std::move(blob)) {}

  /// Coefficients and the check code that the file states for them.
  struct Checked {
    Bytes bytes;
    std::array<uint8_t, SHA256_DIGEST_LENGTH> code;
    std::string where;
  };
  std::vector<Checked> checks; ///< for checkCodes() after model()

  Result<Model> model(const fb::Model &m, const std::string &where) {
    Model out;
    out.chip = m.chip()->str();
    out.version = m.version()->str();
    out.time = m.time()->str();
    out.neuronSize = m.neuron_size();
    if (m.net()->size() == 0)
      problem(where, "holds no network");
    for (const fb::Net *n : *m.net()) {
      std::string at = where + ": net '" + n->name()->str() + "'";
      Net &net = out.nets.emplace_back();
      net.name = n->name()->str();
      net.addrMode = n->addr_mode();
      if (sizeOf(n->parameter()) == 0)
        problem(at, "has no stage");
      for (flatbuffers::uoffset_t i = 0; i < sizeOf(n->parameter()); ++i)
        stage(*n->parameter()->Get(i), net.stages.emplace_back(),
              fmt::format("{}, stage {}", at, i));
    }
    if (!error_.empty())
      return fail(std::move(error_));
    return out;
  }

private:
  void problem(const std::string &where, std::string what) {
    // A damaged file has thousands of faults of one cause; a few of them tell it.
    if (error_.diagnostics().size() < 20)
      error_.add(Diagnostic{"bad-file", where, std::move(what), ""});
  }

  Bytes part(const fb::Binary *b, const std::string &where, const char *what) {
    if (!b)
      return {};
    if (b->start() > blob_.size() || b->size() > blob_.size() - b->start()) {
      problem(where, fmt::format("{} claims bytes {} to {} + {} of a blob of {}", what, b->start(),
                                 b->start(), b->size(), blob_.size()));
      return {};
    }
    // Shared ranges are legal, but a small file must not unfold to more than it could hold by
    // itself.
    unfolded_ += b->size();
    if (unfolded_ > 64 * blob_.size() + (1 << 20)) {
      problem(where, "the parts of the blob are shared more often than any real file does");
      return {};
    }
    return blob_.part(b->start(), b->size());
  }

  std::string text(const fb::Binary *b, const std::string &where, const char *what) {
    Bytes bytes = part(b, where, what);
    std::span<const uint8_t> s(bytes.data(), bytes.size());
    while (!s.empty() && s.back() == 0) // padded to whole pages
      s = s.first(s.size() - 1);
    return {s.begin(), s.end()};
  }

  void tensors(const Vector<fb::Tensor> *v, std::vector<TensorInfo> &out,
               const std::string &where) {
    for (flatbuffers::uoffset_t i = 0; i < sizeOf(v); ++i) {
      const fb::Tensor &t = *v->Get(i);
      TensorInfo &o = out.emplace_back();
      o.name = t.name()->str();
      std::string at = where + ", tensor '" + o.name + "'";
      if (t.data_type() >= std::size(kTypes))
        problem(at, fmt::format("has the unsupported data type {}", t.data_type()));
      else
        o.dtype = kTypes[t.data_type()];
      if (t.gmem_stmode() != 0)
        problem(at,
                fmt::format("has storage mode {}; only 0 (1N) is of this chip", t.gmem_stmode()));
      o.address = t.device_addr();
      o.size = t.size();
      o.scale = t.scale();
      o.zeroPoint = t.zero_point();
      uint64_t bytes = static_cast<uint64_t>(dtypeSize(o.dtype));
      if (sizeOf(t.shape()) == 0 || !t.shape()->Get(0)->dim()) {
        problem(at, "has no shape");
        continue;
      }
      bool good = true;
      for (uint64_t d : longs(*t.shape()->Get(0)->dim())) {
        good = good && d >= 1 && d <= (uint64_t{1} << 40) &&
               !__builtin_mul_overflow(bytes, d, &bytes) && bytes <= (uint64_t{1} << 40);
        o.shape.push_back(static_cast<int64_t>(d));
      }
      if (!good)
        problem(at, "has an impossible shape"), o.shape.clear();
      else if (o.size != 0 && bytes > o.size)
        problem(at, fmt::format("of shape {} needs {} bytes, its buffer has {}", shapeText(o.shape),
                                bytes, o.size));
      else if (o.size == 0)
        o.size = bytes; // older files leave it out
    }
  }

  void groups(const Vector<fb::CmdGroup> *v, std::vector<CommandGroup> &out,
              const std::string &where) {
    for (flatbuffers::uoffset_t i = 0; i < sizeOf(v); ++i) {
      const fb::CmdGroup &g = *v->Get(i);
      std::string at = fmt::format("{}, command group {}", where, i);
      CommandGroup &o = out.emplace_back();
      o.tiuCount = g.bdc_num();
      o.gdmaCount = g.gdma_num();
      o.tiu = stream(g.binary_bdc(), g.bdc_num(), g.bdc_cmd_byte(), at, "TIU");
      o.gdma = stream(g.binary_gdma(), g.gdma_num(), g.gdma_cmd_byte(), at, "GDMA");
    }
  }

  std::vector<uint8_t> stream(const fb::Binary *b, uint32_t count, uint32_t stated,
                              const std::string &where, const char *engine) {
    Bytes bytes = part(b, where, engine);
    if (count && b && b->size() == 0)
      problem(where, fmt::format("{} counts {} instructions without a stream", engine, count));
    if (stated && b && stated != b->size())
      problem(where, fmt::format("{} stream has {} bytes, the group states {}", engine, b->size(),
                                 stated));
    if (!b && count)
      problem(where, fmt::format("{} counts {} instructions without a stream", engine, count));
    return {bytes.begin(), bytes.end()};
  }

  void stage(const fb::NetParameter &p, Stage &s, const std::string &where) {
    tensors(p.input_tensor(), s.inputs, where + ", inputs");
    tensors(p.output_tensor(), s.outputs, where + ", outputs");
    s.ctxAddress = p.ctx_addr();
    s.ctxSize = p.ctx_size();
    if (p.ctx_sizes())
      s.ctxSizes = longs(*p.ctx_sizes());
    s.ioAddress = p.io_addr();
    s.ioSize = p.io_size();
    s.dynamic = p.is_dynamic() != 0;
    s.netProfile = text(p.net_profile(), where, "net profile");
    s.netStat = text(p.net_stat(), where, "net statistics");
    s.tensorLocations = text(p.tensor_loc(), where, "tensor locations");
    if (p.core_num() > 1)
      problem(where, fmt::format("is compiled for {} cores; this chip has one", p.core_num()));
    if (const fb::CoeffMem *c = p.coeff_mem()) {
      s.coeffAddress = c->address();
      s.coeff = part(c->binary_coeff(), where, "coefficients");
      if (c->encrypt_mode() != 0)
        problem(where, "the coefficients are encrypted");
      else if (c->check_code() && c->check_code()->size() == SHA256_DIGEST_LENGTH &&
               c->binary_coeff()) {
        Checked &check = checks.emplace_back(Checked{s.coeff, {}, where});
        std::copy_n(c->check_code()->begin(), check.code.size(), check.code.begin());
      }
    }
    for (flatbuffers::uoffset_t i = 0; i < sizeOf(p.sub_net()); ++i) {
      const fb::SubNet &f = *p.sub_net()->Get(i);
      std::string at = fmt::format("{}, subnet {}", where, i);
      SubNet &n = s.subnets.emplace_back();
      n.id = f.id() < 0 ? static_cast<int32_t>(i) : f.id();
      n.mode = f.subnet_mode();
      n.dynamic = f.is_dynamic() != 0;
      tensors(f.input_tensor(), n.inputs, at + ", inputs");
      tensors(f.output_tensor(), n.outputs, at + ", outputs");
      if (f.next_subnet_ids())
        for (int32_t id : *f.next_subnet_ids())
          if (id >= 0)
            n.next.push_back(id);
      if (sizeOf(f.cmd_group()))
        groups(f.cmd_group(), n.groups, at);
      else if (sizeOf(f.core_commands()) > 1)
        problem(at, "holds commands of several cores; this chip has one");
      else if (sizeOf(f.core_commands()) == 1)
        groups(f.core_commands()->Get(0)->gdma_tiu_commands(), n.groups, at);
      // Newer files of one subnet may list the groups in the stage only.
      if (n.groups.empty() && n.mode == 0 && !n.dynamic && sizeOf(p.sub_net()) == 1)
        groups(p.cmd_group(), n.groups, where);
    }
    if (s.subnets.empty()) { // the oldest files have none
      SubNet &n = s.subnets.emplace_back();
      n.dynamic = s.dynamic;
      n.inputs = s.inputs;
      n.outputs = s.outputs;
      groups(p.cmd_group(), n.groups, where);
    }
  }

  Bytes blob_;
  uint64_t unfolded_ = 0;
  Error error_;
};

Status checkCodes(const std::vector<Reader::Checked> &checks) {
  Error errors;
  for (const Reader::Checked &c : checks) {
    std::array<uint8_t, SHA256_DIGEST_LENGTH> sum{};
    SHA256(c.bytes.data(), c.bytes.size(), sum.data());
    if (sum != c.code)
      errors.add(Diagnostic{"bad-file", c.where,
                            "the coefficients do not match their SHA-256 check code",
                            "the file was damaged after it was written"});
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return {};
}

} // namespace

Result<Model> parse(Bytes bytes, const std::string &where, std::shared_future<Status> *check) {
  if (bytes.size() < kHeaderBytes)
    return fail(
        "bad-file", where,
        fmt::format("{} bytes are too short for a bmodel (its header alone has 64)", bytes.size()));
  if (word(bytes, 0, 4) != kMagic)
    return fail("bad-file", where, "not a bmodel: it does not start with 0xFF55AAEE");
  const uint64_t header = word(bytes, 4, 4), flat = word(bytes, 8, 4), binary = word(bytes, 12, 4);
  if (header != kHeaderBytes)
    return fail("bad-file", where,
                fmt::format("the header states a size of {} instead of 64", header));
  const uint64_t end = header + flat + binary;
  if (end > bytes.size())
    return fail("bad-file", where,
                fmt::format("the header states {} + {} + {} bytes, the file has {}", header, flat,
                            binary, bytes.size()),
                "the file was cut off");
  // The verifier wants an aligned buffer, which a span into anything need not be.
  std::vector<uint8_t> table(bytes.begin() + header, bytes.begin() + header + flat);
  flatbuffers::Verifier verifier(table.data(), table.size(), 64, 4'000'000);
  if (table.size() < 8 || !fb::VerifyModelBuffer(verifier))
    return fail("bad-file", where, "the flatbuffer part is damaged (its verifier refuses it)");
  Reader reader(bytes.part(header + flat, binary));
  TESSERA_ASSIGN(Model m, reader.model(*fb::GetModel(table.data()), where));
  if (check)
    *check = std::async(std::launch::async,
                        [checks = std::move(reader.checks)] { return checkCodes(checks); });
  else
    TESSERA_TRY(checkCodes(reader.checks));

  std::span<const uint8_t> tail = std::span(bytes).subspan(end);
  const uint64_t trailer = 8 + kRecipeMagic.size();
  if (tail.size() >= trailer &&
      std::equal(kRecipeMagic.begin(), kRecipeMagic.end(), tail.end() - kRecipeMagic.size(),
                 [](char c, uint8_t b) { return static_cast<uint8_t>(c) == b; })) {
    uint64_t length = word(tail, tail.size() - trailer, 8);
    if (length > tail.size() - trailer)
      return fail("bad-file", where,
                  fmt::format("the recipe states {} bytes, {} lie behind the blob", length,
                              tail.size() - trailer));
    const auto *text = tail.data() + (tail.size() - trailer - length);
    // Reading, copying and printing JSON recur once a level.
    constexpr int kMostLevels = 64;
    if (depthOf({reinterpret_cast<const char *>(text), size_t(length)}) > kMostLevels)
      return fail(
          "bad-file", where,
          fmt::format("the recipe behind the blob is nested deeper than {} levels", kMostLevels));
    m.recipe = nlohmann::ordered_json::parse(text, text + length, nullptr, false);
    if (m.recipe.is_discarded())
      return fail("bad-file", where, "the recipe behind the blob is not JSON");
  }
  return m;
}

Result<Model> read(const std::filesystem::path &path, std::shared_future<Status> *check) {
  TESSERA_ASSIGN(Bytes bytes, mapFile(path));
  return parse(std::move(bytes), path.string(), check);
}

Status select(Model &model, const Selection &selection, const std::string &where) {
  auto list = [](const auto &items, auto text) {
    std::string out;
    for (const auto &item : items)
      out += (out.empty() ? "" : ", ") + text(item);
    return out;
  };
  auto known = [&] {
    return "it holds " + list(model.nets, [](const Net &n) { return "'" + n.name + "'"; });
  };
  auto net = std::find_if(model.nets.begin(), model.nets.end(),
                          [&](const Net &n) { return n.name == selection.net; });
  if (selection.net.empty()) {
    if (model.nets.size() != 1)
      return fail("unknown-net", where, fmt::format("holds {} networks", model.nets.size()),
                  "name the one to run with --net: " + known());
    net = model.nets.begin();
  } else if (net == model.nets.end()) {
    return fail("unknown-net", where, "has no network '" + selection.net + "'", known());
  }
  if (net != model.nets.begin())
    std::swap(*net, model.nets.front());
  model.nets.resize(1);
  if (selection.inputShapes.empty())
    return {};
  auto shapesOf = [](const Stage &s) {
    std::vector<Shape> shapes;
    for (const TensorInfo &t : s.inputs)
      shapes.push_back(t.shape);
    return shapes;
  };
  std::vector<Stage> &stages = model.nets.front().stages;
  auto stage = std::find_if(stages.begin(), stages.end(),
                            [&](const Stage &s) { return shapesOf(s) == selection.inputShapes; });
  if (stage == stages.end()) {
    auto text = [&](const std::vector<Shape> &shapes) { return list(shapes, shapeText); };
    return fail(
        "shape-mismatch", where, "is not compiled for input shapes " + text(selection.inputShapes),
        "it is for " + list(stages, [&](const Stage &s) { return "(" + text(shapesOf(s)) + ")"; }));
  }
  std::rotate(stages.begin(), stage, stage + 1);
  return {};
}

} // namespace tessera::bmodel
