#pragma once
// The import function of every op type, one file an op group named as in ir/top.
#include "tessera/import/onnx/node.h"

namespace tessera::onnx_import {

void importConv(Node &);
void importConvTranspose(Node &);
void importBatchNormalization(Node &);
void importRelu(Node &);
void importLeakyRelu(Node &);
void importClip(Node &);
void importSigmoid(Node &);
void importSoftmax(Node &);
void importArg(Node &);
void importMaxPool(Node &);
void importAveragePool(Node &);
void importGlobalPool(Node &);
void importConcat(Node &);
void importPad(Node &);
void importResize(Node &);
void importUpsample(Node &);
void importAdd(Node &);
void importSub(Node &);
void importMul(Node &);
void importDiv(Node &);
void importCompare(Node &);
void importWhere(Node &);
void importGather(Node &);
void importSlice(Node &);
void importSplit(Node &);
void importCast(Node &);
void importReshape(Node &);
void importFlatten(Node &);
void importSqueeze(Node &);
void importUnsqueeze(Node &);
void importTranspose(Node &);
void importIdentity(Node &);
void importDropout(Node &);
void importMinMax(Node &);
// Shape arithmetic: always a constant.
void importConstant(Node &);
void importConstantOfShape(Node &);
void importShape(Node &);
void importSize(Node &);
void importRange(Node &);
void importExpand(Node &);
void importReduce(Node &);
void importUnaryConstant(Node &);
void importBinaryConstant(Node &);

} // namespace tessera::onnx_import
