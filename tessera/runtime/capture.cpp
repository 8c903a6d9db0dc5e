#include "tessera/runtime/capture.h"

#include <fmt/format.h>

namespace tessera::runtime {
namespace {

using bmodel::Piece;
using bmodel::StoredTensor;

/// body(n, c, h, first element in the whole tensor) for every row of the piece.
template <class Body> void forRows(const Piece &p, const std::array<int64_t, 4> &shape, Body body) {
  for (int64_t n = 0; n < p.size[0]; ++n)
    for (int64_t c = 0; c < p.size[1]; ++c)
      for (int64_t h = 0; h < p.size[2]; ++h)
        body(n, c, h,
             (((p.begin[0] + n) * shape[1] + p.begin[1] + c) * shape[2] + p.begin[2] + h) *
                     shape[3] +
                 p.begin[3]);
}

} // namespace

Status readPiece(sim::Machine &m, const Piece &p, Tensor &whole) {
  const int64_t size = dtypeSize(whole.dtype());
  uint8_t *out = whole.bytes().data();
  const int64_t extent = (p.size[3] - 1) * p.stride[3] * size + size; // of a row
  Status status;
  forRows(p, bmodel::shape4(whole.shape()), [&](int64_t n, int64_t c, int64_t h, int64_t at) {
    if (!status)
      return;
    uint64_t address = p.address;
    int64_t step = n * p.stride[0] + h * p.stride[2];
    if (p.local) { // channel k lies in lane (first + k) % 64, slot (first + k) / 64
      int64_t lane = chip::laneOf(p.address) + c;
      step += lane / chip::kLanes * p.stride[1];
      address = chip::kLmemBase +
                chip::localAddress(lane % chip::kLanes, chip::offsetOf(p.address) + step * size);
      if (chip::offsetOf(p.address) + step * size + extent > chip::kLaneBytes) {
        status = fail("bad-address", "", "the part leaves its lane");
        return;
      }
    } else {
      address += uint64_t((step + c * p.stride[1]) * size);
    }
    auto row = m.bytes(address, uint64_t(extent), sim::Access::Read);
    if (!row) {
      status = fail(row.error());
      return;
    }
    if (p.stride[3] == 1)
      std::memcpy(out + at * size, *row, size_t(p.size[3] * size));
    else
      for (int64_t w = 0; w < p.size[3]; ++w)
        std::memcpy(out + (at + w) * size, *row + w * p.stride[3] * size, size_t(size));
  });
  return status;
}

Capture::Capture(std::vector<StoredTensor> tensors) : tensors_(std::move(tensors)) {
  whole_.resize(tensors_.size());
  seen_.resize(tensors_.size());
  for (size_t t = 0; t < tensors_.size(); ++t) {
    missing_.push_back(elementCount(tensors_[t].shape));
    if (tensors_[t].zeroRest) {
      missing_.back() = 0;
      for (const Piece &p : tensors_[t].pieces)
        missing_.back() += p.size[0] * p.size[1] * p.size[2] * p.size[3];
    }
    for (size_t k = 0; k < tensors_[t].pieces.size(); ++k) {
      const Piece &p = tensors_[t].pieces[k];
      Part part{t, k, 0};
      for (int e : {0, 1})
        if (p.after[e]) {
          waiting_[{p.group, e, *p.after[e]}].push_back(parts_.size());
          ++part.waits;
        }
      parts_.push_back(part);
    }
  }
}

Status Capture::start(sim::Machine &m) {
  taken_.clear();
  for (const Part &p : parts_)
    if (p.waits == 0)
      TESSERA_TRY(take(m, p));
  return {};
}

Status Capture::after(sim::Machine &m, size_t group, const sim::Place &place) {
  taken_.clear();
  auto found = waiting_.find({group, int(place.engine), place.index});
  if (found == waiting_.end())
    return {};
  for (size_t k : found->second)
    if (--parts_[k].waits == 0)
      TESSERA_TRY(take(m, parts_[k]));
  return {};
}

Status Capture::take(sim::Machine &m, const Part &part) {
  const StoredTensor &t = tensors_[part.tensor];
  const Piece &p = t.pieces[part.piece];
  Tensor &whole = whole_[part.tensor];
  if (whole.empty())
    whole = Tensor(t.dtype, t.shape);
  if (auto s = readPiece(m, p, whole); !s) {
    Error e;
    for (Diagnostic d : s.error().diagnostics()) {
      d.where = fmt::format("tensor '{}'{}{}", t.name, d.where.empty() ? "" : ", ", d.where);
      e.add(d);
    }
    return fail(std::move(e));
  }
  taken_.push_back({part.tensor, part.piece});
  int64_t &missing = missing_[part.tensor];
  if (t.pieces.size() == 1) {
    missing -= p.size[0] * p.size[1] * p.size[2] * p.size[3];
    return {};
  }
  std::vector<bool> &seen = seen_[part.tensor]; // slices may overlap by their halos
  seen.resize(size_t(whole.count()));
  forRows(p, bmodel::shape4(t.shape), [&](int64_t, int64_t, int64_t, int64_t at) {
    for (int64_t w = 0; w < p.size[3]; ++w)
      if (!seen[size_t(at + w)]) {
        seen[size_t(at + w)] = true;
        --missing;
      }
  });
  return {};
}

std::vector<std::string>
Capture::finish(const std::function<void(const StoredTensor &, const Tensor &)> &done) const {
  std::vector<std::string> rest;
  for (size_t t = 0; t < tensors_.size(); ++t)
    if (missing_[t] == 0 && !whole_[t].empty())
      done(tensors_[t], whole_[t]);
    else
      rest.push_back(tensors_[t].name);
  return rest;
}

} // namespace tessera::runtime
