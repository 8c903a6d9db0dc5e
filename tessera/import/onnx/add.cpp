#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {
void importAdd(Node &n) { importArith<top::AddOp>(n); }
} // namespace tessera::onnx_import
