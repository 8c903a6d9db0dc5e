// Where inner tensors lie, from our recipe or the vendor's tensor locations.
#include "tessera/bmodel/origins_source.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace tessera::bmodel {
namespace {

constexpr DType kTypes[] = {DType::F32, DType::F16, DType::BF16, DType::I8, DType::U8,
                            DType::I16, DType::U16, DType::I32,  DType::U32};

std::optional<DType> typeNamed(std::string_view name) {
  auto found = std::find_if(std::begin(kTypes), std::end(kTypes),
                            [&](DType t) { return name == dtypeName(t); });
  return found == std::end(kTypes) ? std::nullopt : std::optional(*found);
}

std::array<int64_t, 4> dense(const std::array<int64_t, 4> &s) {
  return {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
}

/// Batch, slot, row, column of a local tensor, both layouts of bm1684x.md 2.2.
std::array<int64_t, 4> localStride(bool aligned, uint64_t address, const std::array<int64_t, 4> &s,
                                   DType type) {
  int64_t lane = chip::laneOf(address);
  chip::LocalLayout l = aligned ? chip::alignedLayout(lane, s[0], s[1], s[2], s[3], dtypeSize(type))
                                : chip::compactLayout(lane, s[0], s[1], s[2], s[3]);
  return {l.n, l.c, l.h, l.w};
}

bool goodShape(const Shape &shape) {
  int64_t count = 1;
  for (int64_t d : shape)
    if (d < 1 || d > (int64_t(1) << 32) || __builtin_mul_overflow(count, d, &count) ||
        count > (int64_t(1) << 30))
      return false;
  return true;
}

bool inside(const Piece &p, const std::array<int64_t, 4> &shape) {
  for (size_t a = 0; a < 4; ++a)
    if (p.begin[a] < 0 || p.size[a] < 1 || p.begin[a] > shape[a] ||
        p.size[a] > shape[a] - p.begin[a] || p.stride[a] < 0 || p.stride[a] > (int64_t(1) << 40))
      return false;
  return !p.local || p.address < uint64_t(chip::kLmemBytes);
}

constexpr size_t kMostPieces = size_t(1) << 20; ///< of a tensor

Result<std::vector<StoredTensor>> tableFromRecipe(const Json &rows) {
  std::vector<StoredTensor> list;
  try {
    for (const Json &j : rows) {
      StoredTensor t;
      t.name = j.at("name");
      std::string type = j.at("dtype");
      auto dtype = typeNamed(type);
      if (!dtype)
        return damaged("recipe tensors", fmt::format("type '{}' of '{}'", type, t.name));
      t.dtype = *dtype;
      t.shape = j.at("shape").get<Shape>();
      if (!goodShape(t.shape))
        return damaged("recipe tensors",
                       fmt::format("shape {} of '{}'", shapeText(t.shape), t.name));
      t.scale = j.value("scale", 1.0f);
      t.zeroPoint = j.value("zero_point", 0);
      t.layer = j.value("layer", -1);
      std::array<int64_t, 4> shape = shape4(t.shape);
      if (j.contains("parts")) {
        t.zeroRest = true;
        for (const Json &row : j.at("parts")) {
          auto of = std::find_if(list.begin(), list.end(), [&](const StoredTensor &s) {
            return s.name == row.at(0).get<std::string>();
          });
          if (of == list.end() || row.size() != 5 ||
              t.pieces.size() + of->pieces.size() > kMostPieces)
            return damaged("recipe tensors", fmt::format("a part of '{}'", t.name));
          for (Piece p : of->pieces) {
            for (size_t a = 0; a < 4; ++a)
              p.begin[a] += std::clamp<int64_t>(row.at(a + 1).get<int64_t>(), -1, int64_t(1) << 32);
            t.pieces.push_back(p);
          }
        }
      } else if (j.contains("local")) {
        for (const Json &row : j.at("local")) {
          auto v = row.get<std::vector<int64_t>>();
          if (v.size() != 10)
            return damaged("recipe tensors", fmt::format("a part of '{}'", t.name));
          Piece p;
          p.local = true;
          p.group = size_t(v[0]);
          p.after[0] = size_t(v[1]);
          p.address = uint64_t(v[2]);
          std::copy(v.begin() + 3, v.begin() + 7, p.begin.begin());
          p.size = {1, v[7], v[8], v[9]};
          if (!inside(p, shape)) // before a layout is made of it
            return damaged("recipe tensors", fmt::format("a part of '{}'", t.name));
          p.stride = localStride(true, p.address, p.size, t.dtype);
          t.pieces.push_back(p);
        }
      } else {
        Piece p;
        p.address = j.at("address");
        p.size = shape;
        p.stride = j.value("stride", dense(shape));
        p.group = j.value("group", size_t(0));
        if (j.contains("gdma"))
          p.after[1] = j["gdma"].get<size_t>();
        t.pieces.push_back(p);
      }
      for (const Piece &p : t.pieces)
        if (!inside(p, shape))
          return damaged("recipe tensors", fmt::format("a part of '{}'", t.name));
      list.push_back(std::move(t));
    }
  } catch (const Json::exception &e) {
    return damaged("recipe tensors", e.what());
  }
  return list;
}

/// The numbers in "[0:1, 0:8, 0:1, 80:160, 0:240]"; empty for "[...]".
std::vector<int64_t> numbersIn(const std::string &text) {
  std::vector<int64_t> list;
  for (size_t i = 0; i < text.size();) {
    if (text[i] < '0' || text[i] > '9') {
      ++i;
      continue;
    }
    int64_t v = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
      v = std::min<int64_t>(10 * v + (text[i] - '0'), int64_t(1) << 40);
    list.push_back(v);
  }
  return list;
}

/// "f32", "ui8", "si8", "i8", ... behind the last x of "<1x3x82x240xui8>".
std::optional<DType> vendorType(const std::string &memory) {
  size_t x = memory.rfind('x');
  if (x == memory.npos)
    return std::nullopt;
  std::string name = memory.substr(x + 1, memory.find('>', x) - x - 1);
  if (name.starts_with("ui"))
    name = "u" + name.substr(2);
  else if (name.starts_with("si"))
    name = name.substr(1);
  return typeNamed(name);
}

/// Scale and zero point of "tensor<..x!quant.uniform<u8:f32, 3.921600e-03:-3>...>"; false for a
/// scale a channel.
bool vendorScale(const std::string &type, StoredTensor &t) {
  size_t at = type.find("!quant.uniform<");
  if (at == type.npos)
    return true;
  size_t comma = type.find(',', at), end = type.find('>', at);
  if (comma == type.npos || end == type.npos || comma > end || type.find('{', at) < end ||
      type.substr(at, comma - at).find("f32:") != type.npos)
    return false;
  t.scale = std::strtof(type.c_str() + comma + 1, nullptr);
  if (size_t colon = type.find(':', comma); colon < end)
    t.zeroPoint = int32_t(std::strtol(type.c_str() + colon + 1, nullptr, 10));
  return true;
}

Result<std::vector<StoredTensor>> tableFromVendor(const Stage &stage) {
  TESSERA_ASSIGN(std::vector<VendorOp> ops, vendorOps(stage));
  std::vector<StoredTensor> list;
  std::map<std::string, size_t> byName;
  std::set<std::string> unreadable;
  std::map<int64_t, int32_t> layers;
  try {
    for (const VendorOp &op : ops) {
      int32_t layer = layers.try_emplace(op.line, int32_t(layers.size())).first->second;
      if (op.type == "Load")
        continue; // a copy of what lies in global memory, under a name of its own
      for (const Json &r : op.results) {
        if (!r.is_object() || r.empty())
          continue;
        StoredTensor t;
        t.name = r.at("name");
        t.layer = layer;
        t.shape = r.at("shape").get<Shape>();
        std::string memory = r.at("memory_type"), layout = r.at("layout");
        auto type = vendorType(memory);
        Piece p;
        p.address = r.at("address");
        p.local = layout != "continuous";
        if (p.local)
          p.address &= uint64_t(chip::kLmemBytes) - 1;
        std::array<int64_t, 4> shape = shape4(t.shape);
        std::vector<int64_t> slice = numbersIn(r.value("slice", ""));
        bool good = type && goodShape(t.shape) && vendorScale(r.value("type", ""), t) &&
                    (layout == "continuous" || layout == "eu_align" || layout == "compact");
        p.size = shape;
        if (slice.size() == 10 && t.shape.size() <= 4) { // n, c, depth, h, w
          good = good && slice[4] == 0 && slice[5] == 1;
          for (size_t a = 0; a < 4; ++a) {
            size_t from = 2 * (a < 2 ? a : a + 1);
            p.begin[a] = slice[from];
            p.size[a] = slice[from + 1] - slice[from];
          }
        } else {
          good = good && slice.empty() && t.shape.size() <= 4;
        }
        p.stride = dense(shape); // a piece's own address is given, inside the whole tensor
        if (!good || !inside(p, shape)) {
          unreadable.insert(t.name);
          continue;
        }
        t.dtype = *type;
        if (p.local)
          p.stride = localStride(layout == "eu_align", p.address, p.size, t.dtype);
        p.group = op.group;
        for (int e : {0, 1})
          if (op.after[e] > op.before[e])
            p.after[e] = size_t(op.after[e] - 1);
        if (!p.after[0] && !p.after[1])
          continue; // no command of its own: a view
        // A local result is computed; where an op computes it, its transfers only brought operands.
        if (p.local && p.after[0])
          p.after[1].reset();
        auto [it, fresh] = byName.try_emplace(t.name, list.size());
        if (fresh)
          list.push_back(t);
        list[it->second].pieces.push_back(p);
      }
    }
  } catch (const Json::exception &e) {
    return damaged("tensor locations", e.what());
  }
  std::erase_if(list, [&](const StoredTensor &t) { return unreadable.contains(t.name); });
  return list;
}

} // namespace

std::array<int64_t, 4> shape4(const Shape &shape) {
  std::array<int64_t, 4> s{1, 1, 1, 1};
  for (size_t a = 0; a < shape.size(); ++a)
    s[std::min<size_t>(a, 3)] *= shape[a];
  return s;
}
Result<std::vector<StoredTensor>> tensorTable(const Model &model, size_t stage) {
  const Stage *s = stageOf(model, stage);
  if (s && stage == 0 && model.recipe.is_object() && model.recipe.contains("tensors") &&
      model.recipe["tensors"].is_array())
    return tableFromRecipe(model.recipe["tensors"]);
  if (s && !s->tensorLocations.empty())
    return tableFromVendor(*s);
  return fail("no-tensor-table", "", "the file does not say where its inner tensors lie",
              "bmodels of tessera carry that table, and those that the vendor's compiler made with "
              "--debug; drop --dump_all_tensors for others");
}

} // namespace tessera::bmodel
