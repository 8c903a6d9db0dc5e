// Which op is lowered by which function: the only list to extend for a new op.
#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

// A row: the top op and the function in the file of that op's name.
#define TESSERA_LOWERINGS(ROW)                                                                     \
  ROW("top.Conv", lowerConv2D)                                                                     \
  ROW("top.Deconv", lowerDeconv)                                                                   \
  ROW("top.UpConv", lowerUpConv)                                                                   \
  ROW("top.MaxPool", lowerPool2D)                                                                  \
  ROW("top.AvgPool", lowerPool2D)                                                                  \
  ROW("top.Add", lowerAdd)                                                                         \
  ROW("top.Sub", lowerSub)                                                                         \
  ROW("top.Mul", lowerMul)                                                                         \
  ROW("top.Div", lowerDiv)                                                                         \
  ROW("top.Scale", lowerScale)                                                                     \
  ROW("top.Clip", lowerClip)                                                                       \
  ROW("top.Concat", lowerConcat)                                                                   \
  ROW("top.Pad", lowerPad)                                                                         \
  ROW("top.Slice", lowerSlice)                                                                     \
  ROW("top.Interp", lowerInterp)                                                                   \
  ROW("top.Relu", lowerRelu)                                                                       \
  ROW("top.LeakyRelu", lowerLeakyRelu)                                                             \
  ROW("top.Sigmoid", lowerSigmoid)                                                                 \
  ROW("top.Softmax", lowerSoftmax)                                                                 \
  ROW("top.Compare", lowerCompare)                                                                 \
  ROW("top.Arg", lowerArg)                                                                         \
  ROW("top.Cast", lowerCast)                                                                       \
  ROW("top.Permute", lowerPermute)                                                                 \
  ROW("top.Reshape", lowerReshape)                                                                 \
  ROW("top.Where", lowerWhere)                                                                     \
  ROW("top.Gather", lowerGather)

#define TESSERA_DECLARE(OP, FUNCTION) void FUNCTION(Lowering &, mlir::Operation *);
TESSERA_LOWERINGS(TESSERA_DECLARE)
#undef TESSERA_DECLARE

LowerFunction findLowering(llvm::StringRef opName) {
#define TESSERA_ENTRY(OP, FUNCTION) {OP, FUNCTION},
  static const std::map<std::string, LowerFunction> table = {TESSERA_LOWERINGS(TESSERA_ENTRY)};
#undef TESSERA_ENTRY
  auto it = table.find(opName.str());
  return it == table.end() ? nullptr : it->second;
}

} // namespace tessera::quantize
