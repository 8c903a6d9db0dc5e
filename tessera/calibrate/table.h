#pragma once
// The calibration table: TPU-MLIR's `cali_table` text, which its tools and ours exchange.
#include "tessera/support/status.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tessera::calibrate {

/// One tensor. |x| is clipped at threshold; min and max were observed.
struct Row {
  std::string name;
  double threshold = 0, min = 0, max = 0;
  bool operator==(const Row &) const = default;
};

struct Table {
  std::string model;         ///< file name of the calibrated .mlir, for the header
  std::string method = "kl"; ///< as in Options
  int64_t bins = 2048;
  int64_t samples = 0;   ///< images
  std::vector<Row> rows; ///< in op order
  /// What the user should know but the text has no place for: dead ranges that were allowed.
  std::vector<std::string> notes;

  const Row *find(const std::string &name) const;
};

/// Header lines with '#', then "name threshold min max" with seven decimals. The header's time is
/// SOURCE_DATE_EPOCH, else 1970-01-01, so that the same table gives the same bytes.
std::string tableText(const Table &table);
Status writeTable(const std::filesystem::path &path, const Table &table);

/// The rows of TPU-MLIR's or our text, and model, method, bins and samples where the header states
/// them. Rows of further sections, which TPU-MLIR opens with a '#' and a word ("#int4_th"), are
/// passed over. Errors "bad-table", all at once, with line numbers: rows that do not end in three
/// finite numbers, a negative threshold, min above max, a tensor named twice, no row at all.
Result<Table> parseTable(const std::string &text, const std::string &where);
Result<Table> readTable(const std::filesystem::path &path);

} // namespace tessera::calibrate
