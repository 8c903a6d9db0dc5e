#pragma once
// Where a bmodel's commands come from and where its tensors lie, as far as the file says: ours in
// the recipe behind the blob, the vendor's in what its compiler embeds with --debug.
#include "tessera/bmodel/bmodel.h"
#include "tessera/isa/isa.h"

#include <array>
#include <optional>

namespace tessera::bmodel {

/// An op of the last stage before commands.
struct Layer {
  int64_t id = -1;                ///< of the tpu op; the vendor's: line of its final module
  std::string type, tensor;       ///< "Conv2D" and the name of its result
  std::vector<int64_t> top, onnx; ///< ids of the top ops, indices of the ONNX nodes it stands for
  int64_t slices = 0;
  /// "Conv2D_19", the form of the vendor's profiles: no spaces, no bars.
  std::string label() const;
};

struct Origin {
  int32_t layer = -1, slice = -1; ///< -1: not known
};

/// Of one stage. Groups count over all its subnets in the file's order.
struct Origins {
  std::vector<Layer> layers;
  std::vector<std::vector<Origin>> commands[2]; ///< by engine, group, index in the stream
  /// An origin for every command, also for those that the file does not tell of.
  Origin of(isa::Engine engine, size_t group, size_t index) const;
  /// Null if the file does not say.
  const Layer *layer(isa::Engine engine, size_t group, size_t index) const;
  bool known() const { return !layers.empty(); }
};
/// Without any such data: no layers. Error "bad-file" where there is some and it is damaged.
Result<Origins> origins(const Model &model, size_t stage = 0);

/// Part of a tensor in memory. Whole once the commands named have run; without any, from the start.
struct Piece {
  bool local = false;
  uint64_t address =
      0; ///< as GDMA commands write it; local: as TIU commands do (lane << 18 | byte)
  std::array<int64_t, 4> begin{0, 0, 0, 0}, size{1, 1, 1, 1}; ///< in the tensor, NCHW
  /// Elements; local: of batch, channel slot, row, column.
  std::array<int64_t, 4> stride{0, 0, 0, 0};
  size_t group = 0;
  std::optional<size_t> after[2]; ///< by engine: index in its stream
};
struct StoredTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  float scale = 1; ///< real = (stored - zeroPoint) * scale
  int32_t zeroPoint = 0;
  int32_t layer = -1; ///< index in Origins::layers
  std::vector<Piece> pieces;
  bool zeroRest = false; ///< what no piece covers is zero (a pad's border)
};
/// The results of all layers, in network order, from
///   recipe["tensors"]: [{name, dtype, shape, layer, scale, zero_point, and either
///     address, stride [n,c,h,w], group, gdma (index in its stream of the last store; absent: from
///     the start), or local: [[group, tiu index, address, n, c, h, w (first element), C, H, W
///     (size)], ...] in the aligned layout, or parts: [[name of a row before this one, n, c, h, w
///     (its first element in this tensor)], ...], zero elsewhere}],
/// or from the vendor's tensor locations, whose loads are left out. Error "no-tensor-table" without
/// either, "bad-file" for a damaged one.
Result<std::vector<StoredTensor>> tensorTable(const Model &model, size_t stage = 0);

/// `shape` with ones behind up to four axes; more axes are folded into the last.
std::array<int64_t, 4> shape4(const Shape &shape);

} // namespace tessera::bmodel
