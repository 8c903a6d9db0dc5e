#pragma once
// The BM1684X as data: geometry, the address map as commands see it, limits, local-memory layouts.
// Source: reference bm1684x.md sections 1, 2 and 2.10.
#include <cstdint>

namespace tessera::chip {

// Geometry (bm1684x.md 1.1).
inline constexpr int64_t kLanes = 64;             ///< SIMD slices, each with private memory
inline constexpr int64_t kLaneBytes = 256 * 1024; ///< local memory of one lane
inline constexpr int64_t kLaneShift = 18;         ///< log2(kLaneBytes)
inline constexpr int64_t kBanks = 16;             ///< single-port banks of one lane
inline constexpr int64_t kBankBytes = kLaneBytes / kBanks; ///< 16 KiB
inline constexpr int64_t kLmemBytes = kLanes * kLaneBytes; ///< 16 MiB
inline constexpr int64_t kEuBytes = 64; ///< bytes one lane processes a vector step

// Address map (bm1684x.md 1.2). TIU commands see local memory from 0; GDMA commands from kLmemBase.
inline constexpr uint64_t kLmemBase = 0x0800'0000;
inline constexpr uint64_t kLmemEnd = kLmemBase + uint64_t(kLmemBytes);
inline constexpr uint64_t kStaticBase = 0x0900'0000;
inline constexpr uint64_t kStaticBytes = 64 * 1024;
inline constexpr uint64_t kStaticEnd = kStaticBase + kStaticBytes;
inline constexpr uint64_t kL2Base = 0x1000'0000;
inline constexpr uint64_t kL2Bytes = 0x1F'B000; ///< usable part of the 2 MiB window
inline constexpr uint64_t kL2End = 0x1020'0000; ///< end of the window
inline constexpr uint64_t kGlobalBase = 0x1'0000'0000;
inline constexpr uint64_t kGlobalEnd = 0x3'0000'0000;
inline constexpr int64_t kGlobalAlign = 4096; ///< of coefficients and neurons (bm1684x.md 5.5)
inline constexpr int64_t kStreamAlign = 128;  ///< of command streams (bm1684x.md 2.3)

// Limits (bm1684x.md 2.10). Ranges are inclusive.
inline constexpr int64_t kMaxDim = 65535;              ///< any size field: 1..65535
inline constexpr int64_t kMaxWindowStride = 15;        ///< conv, pool: 1..15
inline constexpr int64_t kMaxPad = 15;                 ///< per side: 0..15
inline constexpr int64_t kMaxDilation = 15;            ///< 1..15 (the field holds dilation - 1)
inline constexpr int64_t kMaxConvInsert = 14;          ///< zeros between inputs of a convolution
inline constexpr int64_t kMaxPoolInsert = 7;           ///< the same of pool and depthwise
inline constexpr int64_t kMaxExtended = 65535;         ///< (i-1)*(ins+1)+1+pads
inline constexpr int64_t kMaxConvStride = 65535;       ///< free strides of a convolution's input
inline constexpr int64_t kMaxArStride = (1 << 18) - 1; ///< free strides of element-wise operands
inline constexpr int64_t kMaxGdmaColumnStride = 128;   ///< GDMA w stride in bytes: 1..128
inline constexpr int64_t kMaxId = (1 << 20) - 1;       ///< command ids of one group

/// Type codes of the `*_prec` and `src_data_format` fields (bm1684x.md 3.2).
enum class Type : uint8_t {
  Int8 = 0,
  Fp16 = 1,
  Fp32 = 2,
  Int16 = 3,
  Int32 = 4,
  Bf16 = 5,
  Int4 = 6
};
/// Bits of one element; 0 for the unused code 7.
constexpr int64_t bitsOf(uint64_t typeCode) {
  constexpr int64_t bits[8] = {8, 16, 32, 16, 32, 16, 4, 0};
  return bits[typeCode & 7];
}
constexpr int64_t bitsOf(Type t) { return bitsOf(uint64_t(t)); }
/// Whole bytes of one element; 0 for int4 and the unused code.
constexpr int64_t bytesOf(Type t) { return bitsOf(t) / 8; }
constexpr bool isFloat(Type t) { return t == Type::Fp16 || t == Type::Fp32 || t == Type::Bf16; }
/// Input channels the matrix cube sums in one step (bm1684x.md 1.1).
constexpr int64_t cubeInputs(Type t) {
  return t == Type::Int8 ? 64 : t == Type::Int4 ? 128 : bitsOf(t) == 16 ? 32 : 1;
}
/// Elements one lane processes a vector step: 64 bytes.
constexpr int64_t euCount(int64_t elemBytes) { return kEuBytes / elemBytes; }

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t alignUp(int64_t x, int64_t k) { return ceilDiv(x, k) * k; }

/// Lane, offset in the lane and bank of a local address as TIU commands write it (no base).
constexpr int64_t laneOf(uint64_t localAddr) { return int64_t(localAddr >> kLaneShift); }
constexpr int64_t offsetOf(uint64_t localAddr) { return int64_t(localAddr & (kLaneBytes - 1)); }
constexpr int64_t bankOf(uint64_t localAddr) { return offsetOf(localAddr) / kBankBytes; }
constexpr uint64_t localAddress(int64_t lane, int64_t offset) {
  return uint64_t(lane) << kLaneShift | uint64_t(offset);
}

/// Channel slots a lane needs for `c` channels from `startLane` (bm1684x.md 2.1). Channel k lives
/// in lane (startLane + k) % 64, slot (startLane + k) / 64.
constexpr int64_t slots(int64_t startLane, int64_t c) { return ceilDiv(startLane + c, kLanes); }

/// Strides in elements: element address in the lane = offset + size*(n*n + slot*c + h*h + w*w).
struct LocalLayout {
  int64_t n = 0, c = 0, h = 0, w = 0;
  bool operator==(const LocalLayout &) const = default;
};
/// Layout 0 (bm1684x.md 2.2): every channel plane starts on a 64-byte unit.
constexpr LocalLayout alignedLayout(int64_t startLane, int64_t n, int64_t c, int64_t h, int64_t w,
                                    int64_t elemBytes) {
  int64_t plane = alignUp(h * w, euCount(elemBytes));
  return {slots(startLane, c) * plane, plane, w, 1};
}
/// Layout 1: planes without gaps.
constexpr LocalLayout compactLayout(int64_t startLane, int64_t n, int64_t c, int64_t h, int64_t w) {
  return {slots(startLane, c) * h * w, h * w, w, 1};
}
/// Layout 3 of SG classes: every row starts on a 64-byte unit.
constexpr LocalLayout rowAlignedLayout(int64_t startLane, int64_t n, int64_t c, int64_t h,
                                       int64_t w, int64_t elemBytes) {
  int64_t row = alignUp(w, euCount(elemBytes));
  return {slots(startLane, c) * h * row, h * row, row, 1};
}
/// A compact [1,c,1,1] vector repeated over n, h and w: free strides (0,1,0,0).
constexpr LocalLayout perChannelLayout() { return {0, 1, 0, 0}; }
/// Bytes a lane needs for the tensor in the given layout, from the first to the last element.
constexpr int64_t alignedLaneBytes(int64_t startLane, int64_t n, int64_t c, int64_t h, int64_t w,
                                   int64_t elemBytes) {
  return n * alignedLayout(startLane, n, c, h, w, elemBytes).n * elemBytes;
}

/// Where an address of a GDMA command lies.
enum class Space : uint8_t { Local, Static, L2, Global, None };
constexpr Space spaceOf(uint64_t gdmaAddr) {
  return gdmaAddr >= kLmemBase && gdmaAddr < kLmemEnd       ? Space::Local
         : gdmaAddr >= kStaticBase && gdmaAddr < kStaticEnd ? Space::Static
         : gdmaAddr >= kL2Base && gdmaAddr < kL2End         ? Space::L2
         : gdmaAddr >= kGlobalBase && gdmaAddr < kGlobalEnd ? Space::Global
                                                            : Space::None;
}

} // namespace tessera::chip
