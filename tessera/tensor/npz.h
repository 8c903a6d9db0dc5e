#pragma once
// NumPy's npy and npz files. Reads little-endian C-order arrays of every DType (fortran_order and
// big-endian are refused by name), stored or deflated; writes stored entries, npy version 1.0.
#include "tessera/tensor/tensor.h"

#include <filesystem>

namespace tessera {

/// One array; error "bad-file" with path and reason.
Result<Tensor> readNpy(const std::filesystem::path &path);
Status writeNpy(const std::filesystem::path &path, const Tensor &t);

/// All arrays of an archive in its order, names without ".npy".
Result<TensorMap> readNpz(const std::filesystem::path &path);
/// Atomic. The same map gives the same bytes (no times in the archive).
/// F16 is written as '<f2'; BF16, which NumPy lacks, as '<u2'.
Status writeNpz(const std::filesystem::path &path, const TensorMap &tensors);

} // namespace tessera
