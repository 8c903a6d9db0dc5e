// Softmax keeps the order along its axis: the largest score has the largest probability.
pdl.pattern @argmax_of_softmax : benefit(1) {
  %type = pdl.type
  %index_type = pdl.type
  %axis = pdl.attribute
  %scores = pdl.operand
  // What is looked for: an Arg that reads a Softmax along the same axis.
  %softmax = pdl.operation "top.Softmax"(%scores : !pdl.value) {"axis" = %axis} -> (%type : !pdl.type)
  %probabilities = pdl.result 0 of %softmax
  %arg = pdl.operation "top.Arg"(%probabilities : !pdl.value) {"axis" = %axis} -> (%index_type : !pdl.type)
  // What comes in its place: the same Arg on the scores.
  pdl.rewrite %arg {
    %new = pdl.operation "top.Arg"(%scores : !pdl.value) {"axis" = %axis} -> (%index_type : !pdl.type)
    pdl.apply_native_rewrite "CopyAttributes"(%arg, %new : !pdl.operation, !pdl.operation)
    pdl.replace %arg with %new
  }
}
