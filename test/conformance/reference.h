#pragma once
// A plain network through the plain kernels, and through scheduler, emitter and simulator.
#include "tessera/cycles/cycles.h"
#include "tessera/emit/emit.h"
#include "tessera/schedule/network.h"
#include "tessera/tensor/tensor.h"

#include <random>

namespace tessera::conformance {

/// Every tensor of the network by index; `inputs` in the order of network.inputs.
std::vector<Tensor> interpret(const schedule::Network &network, const std::vector<Tensor> &inputs);

/// Seeded values that reach the type's limits: full range for integers, a few scales wide for f32.
std::vector<Tensor> randomInputs(const schedule::Network &network, uint32_t seed);

struct Outcome {
  std::string difference; ///< empty if all outputs agree; else tensor, element and both values
  size_t commands = 0;
  cycles::Timeline timeline;
  std::string scheduleText;
};
/// Compiles, runs on the simulator and compares every output with interpret() in every bit. With
/// TESSERA_DUMP=DIR set, also leaves NAME.bmodel, NAME_in.npz and NAME_out.npz there.
Result<Outcome> check(const schedule::Network &network, const std::vector<Tensor> &inputs,
                      const schedule::Options &options = {});

} // namespace tessera::conformance
