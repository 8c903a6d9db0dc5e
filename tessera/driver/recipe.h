#pragma once
// Pre-processing recipes and output kinds as a module's ops hold them.
#include "tessera/driver/model/model.h"
#include "tessera/ir/module.h"

#include <nlohmann/json.hpp>

namespace tessera::driver {

std::vector<InputInfo> inputsOf(const ir::Module &module);
std::vector<OutputInfo> outputsOf(const ir::Module &module);
/// Lowered ops no longer say what an output means (a sigmoid is a table): a tpu module keeps it.
void keepOutputKinds(const ir::Module &top, ir::Module &tpu);
/// Writes flags onto the Input ops of a top module.
void applyRecipe(ir::Module &module, const RecipeFlags &flags);
/// {"inputs":[{name, preprocess}], "outputs":[{name, kind}]}: what `deploy` appends to a bmodel.
nlohmann::ordered_json recipeJson(const std::vector<InputInfo> &inputs,
                                  const std::vector<OutputInfo> &outputs);

} // namespace tessera::driver
