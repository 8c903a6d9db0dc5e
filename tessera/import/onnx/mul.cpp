#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {
void importMul(Node &n) { importArith<top::MulOp>(n); }
} // namespace tessera::onnx_import
