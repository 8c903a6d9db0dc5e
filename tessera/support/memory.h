#pragma once
// What the host has left.
#include <cstdint>

namespace tessera {

/// Memory that can be had without swapping, in bytes; 0 if the host does not tell.
uint64_t freeMemory();

} // namespace tessera
