#pragma once
// Inner tensors gathered while a bmodel runs: each part right after the commands that complete it.
#include "tessera/bmodel/origins.h"
#include "tessera/sim/sim.h"

#include <map>

namespace tessera::runtime {

/// Copies the part out of the machine's memory into `whole`, a tensor of the stored type and shape.
/// Error "bad-address" where the part leaves mapped memory or its lane.
Status readPiece(sim::Machine &, const bmodel::Piece &, Tensor &whole);

class Capture {
public:
  explicit Capture(std::vector<bmodel::StoredTensor> tensors);

  /// What is whole before the first command.
  Status start(sim::Machine &);
  /// After a command; cheap for those that complete nothing.
  Status after(sim::Machine &, size_t group, const sim::Place &);
  const std::vector<bmodel::StoredTensor> &tensors() const { return tensors_; }
  /// The stored values so far, empty before its first part; `complete`: all elements were seen.
  const Tensor &values(size_t tensor) const { return whole_[tensor]; }
  bool complete(size_t tensor) const { return missing_[tensor] == 0; }
  /// Tensor and part that the last start() or after() took.
  const std::vector<std::pair<size_t, size_t>> &taken() const { return taken_; }
  /// Calls `done` for every tensor of which all elements were seen, in the table's order, with the
  /// stored values; names of the others are returned.
  std::vector<std::string>
  finish(const std::function<void(const bmodel::StoredTensor &, const Tensor &)> &done) const;

private:
  struct Part {
    size_t tensor, piece;
    int waits; ///< commands that have to run still
  };
  Status take(sim::Machine &, const Part &);

  std::vector<bmodel::StoredTensor> tensors_;
  std::vector<Tensor> whole_;
  std::vector<int64_t> missing_;        ///< elements by tensor
  std::vector<std::vector<bool>> seen_; ///< by tensor, only where it has several pieces
  std::vector<Part> parts_;
  std::vector<std::pair<size_t, size_t>> taken_;
  /// Group, engine, index -> parts that wait for it.
  std::map<std::tuple<size_t, int, size_t>, std::vector<size_t>> waiting_;
};

} // namespace tessera::runtime
