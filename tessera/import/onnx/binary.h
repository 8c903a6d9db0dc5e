#pragma once
// What Add, Sub, Mul, Div and the comparisons share.
#include "tessera/import/onnx/fold/fold.h"
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

/// Sets the folded constant or states why there is none.
inline void setFolded(Node &n, fold::Folded folded) {
  if (folded)
    n.setConstant(std::move(*folded));
  else
    n.problem("bad-node", folded.error());
}

/// Two inputs of one type. False after a problem.
inline bool checkPair(Node &n) {
  if (!n.countInputs(2, 2) || n.in(0).broken || n.in(1).broken)
    return false;
  if (n.in(0).type != n.in(1).type)
    n.problem("bad-node", "inputs '" + n.in(0).name + "' and '" + n.in(1).name + "' have types " +
                              dtypeName(n.in(0).type) + " and " + dtypeName(n.in(1).type) +
                              ", they must be equal");
  return !n.failed();
}

template <class OpT> void importArith(Node &n) {
  if (!checkPair(n))
    return;
  if (n.allConstant())
    return setFolded(n, fold::binary(n.proto.op_type(), *n.in(0).data, *n.in(1).data));
  // f32 holds the sums and products of 32- and 64-bit class numbers and sizes; it holds neither the
  // wrap-around of small types nor an integer quotient.
  DType type = n.in(0).type;
  if (!dtypeIsFloat(type) &&
      ((type != DType::I32 && type != DType::I64) || n.proto.op_type() == "Div")) {
    n.floatOnly(0);
    return;
  }
  mlir::Value lhs = n.operand(0), rhs = n.operand(1);
  n.emit<OpT>(type, lhs, rhs);
}

} // namespace tessera::onnx_import
