#pragma once
// Private to read.cpp and write.cpp: the numbers of the file's layout.
#include "tessera/bmodel/bmodel.h"

#include <string_view>

namespace tessera::bmodel {

inline constexpr uint32_t kMagic = 0xFF55AAEE;
inline constexpr uint64_t kHeaderBytes = 64;
/// The vendor's tools want every part of the blob, and the blob itself, to begin at a multiple of
/// this in the file ("bmodel is not 4k aligned" otherwise).
inline constexpr uint64_t kPage = 4096;
/// The recipe lies behind the blob, then its length (8 bytes), then this. Read from the end of the
/// file.
inline constexpr std::string_view kRecipeMagic = "TSRrecp1";
inline constexpr uint32_t kTpuTensor = 1, kHiddenInput = 1, kHiddenOutput = 2;

/// Index = Tensor.data_type (section 5.3). 4-bit types have no counterpart here.
inline constexpr DType kTypes[] = {DType::F32, DType::F16, DType::I8,  DType::U8,  DType::I16,
                                   DType::U16, DType::I32, DType::U32, DType::BF16};

} // namespace tessera::bmodel
