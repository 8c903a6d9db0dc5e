#pragma once
// top + thresholds -> tpu: the network in the chip's types with explicit requantization.
#include "tessera/ir/module.h"
#include "tessera/quantize/qtable.h"

#include <map>
#include <string>
#include <vector>

namespace tessera::quantize {

/// One row of a calibration table: |x| is clipped at `threshold`; min and max were observed.
struct Threshold {
  double threshold = 0, min = 0, max = 0;
};
using Thresholds = std::map<std::string, Threshold>;

struct Options {
  std::string mode = "INT8"; ///< INT8 (symmetric, per-channel weights), F16, BF16 or F32
  std::string chip = "bm1684x";
  bool tieScales = true;    ///< what only a Concat reads is written with the Concat's scale
  bool quantInput = false;  ///< INT8: the network takes its inputs as stored, without a Cast
  bool quantOutput = false; ///< INT8: and gives its outputs so, under their own names
  Modes modes{};            ///< of ops that have another than `mode`
};

struct Quantized {
  ir::Module module; ///< state TPU_LOWERED
  std::vector<std::string>
      notes; ///< rounding of padding values, unused table rows: for the user's eyes
};

/// Lowers a top module. Activations: scale = threshold / 255 as u8 where the table's min >= 0, else
/// threshold / 127 as i8; zero points are 0. Scheme and formulas: reference page "instruction
/// streams" 4.5, 4.7, 4.8. Floats: filters hold values of the type, biases stay f32, ops without a
/// form in it run in f32. Between ops of
/// different precisions stand casts, one for all who read a tensor so. Outputs are cast back to f32
/// under their name + "_f32". Errors, all at
/// once: tensors the table lacks, ops or attributes without an integer form (by tensor name and
/// op), thresholds that are zero or not finite, modes of ops that the network lacks.
/// @param where names the source in messages, e.g. the .mlir path.
Result<Quantized> quantize(const ir::Module &top, const Thresholds &thresholds,
                           const Options &options, const std::string &where);

} // namespace tessera::quantize
