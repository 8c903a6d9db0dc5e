#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {
void importDiv(Node &n) { importArith<top::DivOp>(n); }
} // namespace tessera::onnx_import
