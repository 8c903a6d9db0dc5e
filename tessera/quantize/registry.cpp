// Which op is lowered by which function: the only list to extend for a new op.
#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

LowerFunction findLowering(llvm::StringRef opName) {
  static const std::map<std::string, LowerFunction> table = {
      {"top.Conv", lowerConv2D},
      {"top.Deconv", lowerDeconv},
      {"top.MaxPool", lowerPool2D},
      {"top.AvgPool", lowerPool2D},
      {"top.Add", lowerAdd},
      {"top.Concat", lowerConcat},
      {"top.Pad", lowerPad},
      {"top.Slice", lowerSlice},
      {"top.Interp", lowerInterp},
      {"top.Relu", lowerRelu},
      {"top.LeakyRelu", lowerLeakyRelu},
      {"top.Compare", lowerCompare},
      {"top.Arg", lowerArg},
      {"top.Cast", lowerCast},
      {"top.Reshape", lowerReshape},
  };
  auto it = table.find(opName.str());
  return it == table.end() ? nullptr : it->second;
}

} // namespace tessera::quantize
