#pragma once
#include "tessera/codegen/instruction.h"

#include <span>

namespace tessera::codegen {

/// Nearest resize of one slice: result row y takes input row rows[y], column x takes columns[x]
/// (indices into the local input, never decreasing). `between`: [1,c,input rows,result columns] of
/// the same type, used only if needsBetween() says so.
Instructions nearest(const LocalTensor &input, std::span<const int64_t> rows,
                     std::span<const int64_t> columns, const LocalTensor &between,
                     const LocalTensor &result);
/// False where both maps are i / factor: one pass without an intermediate.
bool nearestNeedsBetween(std::span<const int64_t> rows, std::span<const int64_t> columns);

} // namespace tessera::codegen
