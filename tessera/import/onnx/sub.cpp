#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {
void importSub(Node &n) { importArith<top::SubOp>(n); }
} // namespace tessera::onnx_import
