// The largest of some ReLUs is the ReLU of the largest: the pool needs no tensor of its own to read.
pdl.pattern @relu_into_pool : benefit(1) {
  %type = pdl.type
  %pooled = pdl.type
  %no_pads = pdl.attribute = array<i64: 0, 0, 0, 0>
  %x = pdl.operand
  %relu = pdl.operation "top.Relu"(%x : !pdl.value) -> (%type : !pdl.type)
  %positive = pdl.result 0 of %relu
  %pool = pdl.operation "top.MaxPool"(%positive : !pdl.value) {"pads" = %no_pads} -> (%pooled : !pdl.type)
  pdl.rewrite %pool {
    %new = pdl.operation "top.MaxPool"(%x : !pdl.value) -> (%pooled : !pdl.type)
    pdl.apply_native_rewrite "CopyAttributes"(%pool, %new : !pdl.operation, !pdl.operation)
    %result = pdl.result 0 of %new
    %after = pdl.operation "top.Relu"(%result : !pdl.value) -> (%pooled : !pdl.type)
    pdl.replace %pool with %after
  }
}
