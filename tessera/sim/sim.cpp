#include "tessera/sim/sim.h"

#include "tessera/sim/exec/exec.h"

namespace tessera::sim {

namespace exec {
Status system(Machine &, const isa::Command &) { return {}; }
} // namespace exec

ExecuteFn executeFunction(isa::Form form) {
  using isa::Form;
  switch (form) {
  case Form::sCONV:
    return exec::conv;
  case Form::sPorD:
    return exec::pord;
  case Form::sAR:
    return exec::ar;
  case Form::sRQDQ:
    return exec::rqdq;
  case Form::TIU_long:
    return exec::tiuLong;
  case Form::sTRANSBC:
    return exec::transbc;
  case Form::sSG:
    return exec::sg;
  case Form::sSGL:
    return exec::sgl;
  case Form::sCMP:
    return exec::cmp;
  case Form::sSFU:
    return exec::sfu;
  case Form::sLIN:
    return exec::lin;
  case Form::sMM:
    return exec::mm;
  case Form::sVC:
    return exec::vc;
  case Form::sSEG:
    return exec::seg;
  case Form::sMM2:
    return exec::mm2;
  case Form::SYS:
  case Form::SYSID:
  case Form::sDMA_sys:
    return exec::system;
  case Form::DMA_tensor:
    return exec::gdmaTensor;
  case Form::DMA_matrix:
  case Form::sDMA_matrix:
    return exec::gdmaMatrix;
  case Form::DMA_general:
  case Form::sDMA_general:
    return exec::gdmaGeneral;
  case Form::DMA_cw_transpose:
    return exec::gdmaCwTranspose;
  case Form::DMA_nonzero:
  case Form::sDMA_nonzero:
    return exec::gdmaNonzero;
  case Form::DMA_masked_select:
  case Form::sDMA_masked_select:
    return exec::gdmaMaskedSelect;
  case Form::DMA_gather:
    return exec::gdmaGather;
  case Form::DMA_scatter:
    return exec::gdmaScatter;
  default:
    return nullptr;
  }
}

} // namespace tessera::sim
