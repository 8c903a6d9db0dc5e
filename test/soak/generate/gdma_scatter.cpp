// DMA_scatter.
#include "test/soak/generate/gdma_rows.h"

namespace tessera::soak {
namespace {

Case scatter(Draw &d) { return drawRows(d, isa::DMA_scatter{}, false); }

const Registered kScatter({"gdma_scatter", scatter, {isa::Form::DMA_scatter}});

} // namespace
} // namespace tessera::soak
