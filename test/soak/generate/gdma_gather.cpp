// DMA_gather.
#include "test/soak/generate/gdma_rows.h"

namespace tessera::soak {
namespace {

Case gather(Draw &d) { return drawRows(d, isa::DMA_gather{}, true); }

const Registered kGather({"gdma_gather", gather, {isa::Form::DMA_gather}});

} // namespace
} // namespace tessera::soak
