// What the debugger shows of commands, tensors and memory.
#include "tessera/cycles/cycles.h"
#include "tessera/debug/debugger.h"
#include "tessera/debug/show.h"
#include "tessera/debug/trace.h"
#include "tessera/support/suggest.h"
#include "tessera/tensor/npz.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tessera::debug {

using bmodel::Piece;
using bmodel::StoredTensor;

namespace {

std::string listed(const std::vector<int64_t> &ids) {
  std::string s;
  for (int64_t id : ids)
    s += (s.empty() ? "" : ", ") + std::to_string(id);
  return s.empty() ? "-" : s;
}

constexpr DType kTypes[] = {DType::F32, DType::F16, DType::BF16, DType::I8, DType::U8,
                            DType::I16, DType::U16, DType::I32,  DType::U32};

/// The elements of a piece, four axes.
Tensor partOf(const Tensor &t, const Piece &p) {
  auto shape = bmodel::shape4(t.shape());
  Tensor out(t.dtype(), {p.size[0], p.size[1], p.size[2], p.size[3]});
  const size_t size = size_t(dtypeSize(t.dtype())), row = size_t(p.size[3]) * size;
  uint8_t *to = out.bytes().data();
  for (int64_t n = p.begin[0]; n < p.begin[0] + p.size[0]; ++n)
    for (int64_t c = p.begin[1]; c < p.begin[1] + p.size[1]; ++c)
      for (int64_t h = p.begin[2]; h < p.begin[2] + p.size[2]; ++h, to += row)
        std::memcpy(to,
                    t.bytes().data() +
                        size_t(((n * shape[1] + c) * shape[2] + h) * shape[3] + p.begin[3]) * size,
                    row);
  return out;
}

Result<Shape> parseShape(const std::string &text) {
  Shape shape;
  int64_t count = 1;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find('x', at), text.size());
    std::string word = text.substr(at, end - at);
    if (word.empty() || word.size() > 7 || word.find_first_not_of("0123456789") != word.npos ||
        word.find_first_not_of('0') == word.npos || shape.size() == 4)
      return fail("bad-shape", "'" + text.substr(0, 80) + "'", "is no shape of up to four axes",
                  "e.g. 1x3x160x240");
    shape.push_back(std::stoll(word));
    count *= shape.back();
    if (count > 1 << 28)
      return fail("bad-shape", text, "has too many elements");
    at = end + 1;
  }
  return shape;
}

} // namespace

Result<std::string> Debugger::info(const Words &) {
  if (steps_->done())
    return where();
  const size_t k = steps_->position();
  const isa::Command &c = steps_->command(k);
  std::string s = where() + "\n";
  if (const bmodel::Layer *l = layerOf(k))
    s += fmt::format("  op      {} id {}, tensor '{}', top ops {}, ONNX nodes {}\n", l->type, l->id,
                     l->tensor, listed(l->top), listed(l->onnx));
  s += fmt::format(
      "  waits   for id {} of the {}\n", isa::commandDep(c),
      isa::engineName(c.engine == isa::Engine::Tiu ? isa::Engine::Gdma : isa::Engine::Tiu));
  s += fmt::format("  cycles  {} by {}{}\n", cycles::commandCycles(c), cycles::inForce().basis(),
                   cycles::priceIsMeasured(c) ? "" : " (assumed)");
  if (auto t = cycles::traffic(c); t.bytes)
    s += fmt::format("  moves   {} bytes\n", t.bytes);
  std::string fields = isa::disassemble(c);
  for (size_t at = fields.find(isa::info(c.form).name); at < fields.size();) {
    size_t end = std::min(fields.find(' ', at), fields.size());
    s += "  " + fields.substr(at, end - at) + "\n";
    at = end + 1;
  }
  s.pop_back();
  return s;
}

Result<std::string> Debugger::last(const Words &) {
  if (steps_->position() == 0)
    return "no command has run yet";
  return traceLine(*steps_, steps_->position() - 1, origins_);
}

Result<std::string> Debugger::list(const Words &words) {
  TESSERA_ASSIGN(uint64_t count, parseCount(words, 1, 10));
  std::string s;
  for (size_t k = steps_->position(); k < steps_->size() && count > 0; ++k, --count)
    s += (s.empty() ? "" : "\n") + commandText(k);
  return s.empty() ? where() : s;
}

Result<std::string> Debugger::ops(const Words &) {
  std::string s;
  for (const bmodel::Layer &l : origins_.layers)
    s += fmt::format("{}{} '{}'{}", s.empty() ? "" : "\n", l.label(), l.tensor,
                     l.slices > 1 ? fmt::format(", {} slices", l.slices) : std::string());
  return s.empty() ? "the file does not name its ops" : s;
}

Result<std::string> Debugger::tensorList(const Words &) {
  if (!capture_)
    return noTensors_;
  std::string s;
  for (size_t t = 0; t < capture_->tensors().size(); ++t) {
    const StoredTensor &stored = capture_->tensors()[t];
    bool local = std::all_of(stored.pieces.begin(), stored.pieces.end(),
                             [](const Piece &p) { return p.local; });
    s += fmt::format("{}{} {} {}{}{}", s.empty() ? "" : "\n", stored.name, dtypeName(stored.dtype),
                     shapeText(stored.shape), local ? ", local memory only" : "",
                     capture_->complete(t)         ? ", whole"
                     : capture_->values(t).empty() ? ""
                                                   : ", in part");
  }
  return s;
}

Result<size_t> Debugger::tensorNamed(const std::string &name) const {
  std::vector<std::string> names;
  std::vector<size_t> within;
  for (size_t t = 0; capture_ && t < capture_->tensors().size(); ++t) {
    const std::string &n = capture_->tensors()[t].name;
    if (n == name)
      return t;
    if (n.find(name) != n.npos)
      within.push_back(t);
    names.push_back(n);
  }
  if (within.size() == 1)
    return within[0];
  std::string guess = didYouMean(name, names);
  if (within.size() > 1)
    guess = fmt::format("it is part of {} names, e.g. '{}' and '{}'", within.size(),
                        names[within[0]], names[within[1]]);
  return fail("bad-command", "'" + name.substr(0, 200) + "'", "is no tensor",
              !capture_       ? noTensors_
              : guess.empty() ? "tensors lists what there is"
                              : guess);
}

Result<Tensor> Debugger::tensorFor(const Words &words, bool real) {
  if (words.empty())
    return fail("bad-command", "print", "says not what", "help print shows how");
  bool address = std::isdigit(uint8_t(words[0][0])) ||
                 (words[0].size() > 1 && words[0][0] == 'l' && std::isdigit(uint8_t(words[0][1])));
  if (!address || words.size() == 1) {
    if (words.size() > 1)
      return fail("bad-command", "'" + words[1].substr(0, 80) + "'", "was not expected here",
                  "a type and a shape belong to an address; help print shows how");
    size_t open = std::min(words[0].find('['), words[0].size());
    std::string name = words[0].substr(0, open), indices = words[0].substr(open);
    if (const Tensor *t = inputs_.find(name))
      return sliced(*t, indices);
    TESSERA_ASSIGN(size_t t, tensorNamed(name));
    const StoredTensor &stored = capture_->tensors()[t];
    if (capture_->values(t).empty())
      return fail("not-yet", "'" + stored.name + "'", "no part of it has been computed yet",
                  "step or continue until an op makes it");
    Tensor values = capture_->values(t);
    if (real) {
      TESSERA_ASSIGN(values, runtime::realValues({stored.name, stored.dtype, stored.shape, 0, 0,
                                                  stored.scale, stored.zeroPoint},
                                                 values.bytes().data()));
    }
    return sliced(values, indices);
  }
  if (words.size() < 3 || words.size() > 4)
    return fail("bad-command", words[0], "an address goes with a type and a shape",
                "e.g. print l0+0x0 i8 1x3x4x8 aligned");
  TESSERA_ASSIGN(Range range, parseRange(words[0], 1));
  auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                           [&](DType t) { return words[1] == dtypeName(t); });
  if (type == std::end(kTypes)) {
    std::vector<std::string> names;
    for (DType t : kTypes)
      names.push_back(dtypeName(t));
    std::string guess = didYouMean(words[1], names);
    return fail("bad-command", "'" + words[1].substr(0, 80) + "'", "is no type",
                guess.empty() ? "f32 f16 bf16 i8 u8 i16 u16 i32 u32" : guess);
  }
  TESSERA_ASSIGN(Shape shape, parseShape(words[2]));
  while (shape.size() < 4)
    shape.insert(shape.begin(), 1);
  bool local = chip::spaceOf(range.address) == chip::Space::Local;
  std::string layout = words.size() > 3 ? words[3] : local ? "aligned" : "packed";
  if (layout != "packed" && layout != "aligned" && layout != "compact")
    return fail("bad-command", "'" + layout.substr(0, 80) + "'", "is no layout",
                "packed, aligned or compact");
  if ((layout == "packed") == local)
    return fail("bad-command", layout, local ? "is of system memory" : "is of local memory",
                local ? "aligned or compact" : "packed");
  Tensor whole(*type, shape);
  Piece p;
  p.local = local;
  p.address = local ? range.address - chip::kLmemBase : range.address;
  p.size = {shape[0], shape[1], shape[2], shape[3]};
  if (!local) {
    p.stride = {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1};
  } else {
    int64_t lane = chip::laneOf(p.address), size = dtypeSize(*type);
    chip::LocalLayout l =
        layout == "aligned"
            ? chip::alignedLayout(lane, shape[0], shape[1], shape[2], shape[3], size)
            : chip::compactLayout(lane, shape[0], shape[1], shape[2], shape[3]);
    p.stride = {l.n, l.c, l.h, l.w};
  }
  TESSERA_TRY(runtime::readPiece(steps_->machine(), p, whole));
  return whole;
}

Result<std::string> Debugger::print(const Words &words) {
  TESSERA_ASSIGN(Tensor t, tensorFor({words.begin() + 1, words.end()}, true));
  return arrayText(t);
}

Result<std::string> Debugger::picture(const Words &words) {
  if (words.size() < 3 || !words.back().ends_with(".png"))
    return fail("bad-command", "picture", "wants what to draw and a .png",
                "e.g. picture output_Conv out.png");
  TESSERA_ASSIGN(Tensor t, tensorFor({words.begin() + 1, words.end() - 1}, true));
  TESSERA_ASSIGN(Image image, pictureOf(t));
  TESSERA_TRY(writeImagePng(words.back(), image));
  return fmt::format("{}: {} x {}", words.back(), image.width, image.height);
}

Result<std::string> Debugger::save(const Words &words) {
  if (words.size() < 3 || !words.back().ends_with(".npz"))
    return fail("bad-command", "save", "wants what to keep and an .npz",
                "e.g. save output_Conv out.npz");
  TESSERA_ASSIGN(Tensor t, tensorFor({words.begin() + 1, words.end() - 1}, true));
  TensorMap map;
  map.set(words[1].substr(0, words[1].find('[')), t);
  TESSERA_TRY(writeNpz(words.back(), map));
  return fmt::format("{}: {} {}", words.back(), dtypeName(t.dtype()), shapeText(t.shape()));
}

Result<std::string> Debugger::compare(const Words &words) {
  if (words.size() < 2 || words.size() > 3)
    return fail("bad-command", "compare", "wants an .npz", "e.g. compare reference.npz 0.01");
  double tolerance = 0;
  if (words.size() == 3) {
    char *end = nullptr;
    tolerance = std::strtod(words[2].c_str(), &end);
    if (*end || !(tolerance >= 0) || !std::isfinite(tolerance))
      return fail("bad-command", "'" + words[2].substr(0, 80) + "'", "is no tolerance",
                  "the largest difference that is none, e.g. 0.01");
  }
  if (!capture_)
    return fail("no-tensor-table", "compare", noTensors_);
  TESSERA_ASSIGN(TensorMap reference, readNpz(words[1]));
  std::set<std::string> checked;
  // The first element of the parts just completed that differs.
  auto differs = [&]() -> Result<std::string> {
    for (auto [t, piece] : capture_->taken()) {
      const StoredTensor &stored = capture_->tensors()[t];
      const Tensor *want = reference.find(stored.name);
      if (!want || bmodel::shape4(want->shape()) != bmodel::shape4(stored.shape))
        continue;
      checked.insert(stored.name);
      const Piece &p = stored.pieces[piece];
      Tensor have = partOf(capture_->values(t), p), other = partOf(*want, p);
      if (want->dtype() != stored.dtype) { // else stored integers as they are
        TESSERA_ASSIGN(have, runtime::realValues({stored.name, stored.dtype, have.shape(), 0, 0,
                                                  stored.scale, stored.zeroPoint},
                                                 have.bytes().data()));
      }
      Tensor a = have.converted(DType::F64), b = other.converted(DType::F64);
      auto x = a.as<double>(), y = b.as<double>();
      int64_t wrong = 0;
      std::array<int64_t, 4> first{};
      double ours = 0, theirs = 0;
      for (size_t k = 0; k < x.size(); ++k) {
        bool equal = x[k] == y[k] || (std::isnan(x[k]) && std::isnan(y[k])) ||
                     std::abs(x[k] - y[k]) <= tolerance;
        if (equal || wrong++ > 0)
          continue;
        ours = x[k];
        theirs = y[k];
        for (size_t axis = 4, rest = k; axis-- > 0; rest /= size_t(p.size[axis]))
          first[axis] = p.begin[axis] + int64_t(rest % size_t(p.size[axis]));
      }
      if (wrong) {
        std::string at;
        for (size_t axis = 0; axis < std::min<size_t>(stored.shape.size(), 4); ++axis)
          at += (axis ? "," : "") + std::to_string(first[axis]);
        return fmt::format("{} completes a part of '{}' that differs:\n  element [{}]: {:.9g}, "
                           "{} has {:.9g}\n  {} of the part's {} elements differ",
                           steps_->position() ? commandText(steps_->position() - 1) : "the input",
                           stored.name, at, ours, words[1], theirs, wrong, x.size());
      }
    }
    return std::string();
  };
  if (steps_->position() == 0) { // what is whole from the start
    TESSERA_ASSIGN(std::string found, differs());
    if (!found.empty())
      return found;
  }
  while (!steps_->done()) {
    TESSERA_ASSIGN(auto stop, advance());
    TESSERA_ASSIGN(std::string found, differs());
    if (!found.empty())
      return found;
    if (stop)
      return *stop + "\n" + where() + "; compare goes on";
  }
  if (checked.empty())
    return fail("bad-reference", words[1], "holds no tensor of the model that was still to come",
                "tensors lists the names; restart begins again");
  return fmt::format("no difference: {} tensors compared to the end of the run", checked.size());
}

} // namespace tessera::debug
