#pragma once
// One execute function per instruction class. Each decodes its command, checks every address before
// it changes anything, and leaves memory exactly as the chip would. Errors are located by the
// caller.
#include "tessera/isa/isa.h"
#include "tessera/sim/machine.h"

namespace tessera::sim {

using ExecuteFn = Status (*)(Machine &, const isa::Command &);

namespace exec {
Status conv(Machine &, const isa::Command &);            // sCONV
Status pord(Machine &, const isa::Command &);            // sPorD
Status ar(Machine &, const isa::Command &);              // sAR
Status rqdq(Machine &, const isa::Command &);            // sRQDQ
Status tiuLong(Machine &, const isa::Command &);         // TIU_long: any class above
Status transbc(Machine &, const isa::Command &);         // sTRANSBC
Status sg(Machine &, const isa::Command &);              // sSG
Status sgl(Machine &, const isa::Command &);             // sSGL
Status cmp(Machine &, const isa::Command &);             // sCMP
Status sfu(Machine &, const isa::Command &);             // sSFU
Status lin(Machine &, const isa::Command &);             // sLIN
Status mm(Machine &, const isa::Command &);              // sMM
Status mm2(Machine &, const isa::Command &);             // sMM2
Status vc(Machine &, const isa::Command &);              // sVC
Status seg(Machine &, const isa::Command &);             // sSEG
Status system(Machine &, const isa::Command &);          // SYS, SYSID, sDMA_sys: nothing to compute
Status gdmaTensor(Machine &, const isa::Command &);      // DMA_tensor
Status gdmaMatrix(Machine &, const isa::Command &);      // DMA_matrix, sDMA_matrix
Status gdmaGeneral(Machine &, const isa::Command &);     // DMA_general, sDMA_general
Status gdmaCwTranspose(Machine &, const isa::Command &); // DMA_cw_transpose
Status gdmaNonzero(Machine &, const isa::Command &);     // DMA_nonzero, sDMA_nonzero
Status gdmaGather(Machine &, const isa::Command &);      // DMA_gather
Status gdmaScatter(Machine &, const isa::Command &);     // DMA_scatter
/// DMA_masked_select, sDMA_masked_select
Status gdmaMaskedSelect(Machine &, const isa::Command &);

/// Commands that convChain may do in one pass, at most.
inline constexpr size_t kLongestChain = 3;
/// Executes a convolution, commands.front(), and as many of the commands behind it as can be done
/// in its pass with memory ending as if each ran alone. Returns how many are done; an error is the
/// convolution's.
Result<size_t> convChain(Machine &, std::span<const isa::Command *const> commands);
} // namespace exec

/// The execute function of a form, or null when the simulator does not know it.
ExecuteFn executeFunction(isa::Form);

/// An error about something this class does not do (yet); `what` is a short clause.
inline Unexpected unsupported(std::string what) {
  return fail("unsupported-instruction", "", std::move(what));
}

} // namespace tessera::sim
