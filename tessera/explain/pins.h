#pragma once
// Choices of the scheduler as a file of JSON that a person can read, change and give back:
//   {"pins": [{"layers": [FIRST, LAST], "cut": "..."}, ...]}
// FIRST and LAST are the names of the results of a group's first and last layer (one name: a layer
// on its own); "cut" may be left out.
#include "tessera/schedule/schedule.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace tessera::explain {

/// Error "bad-pins", by the number of the pin, for a file of another form; all mistakes at once.
Result<std::vector<schedule::Pin>> readPins(const std::filesystem::path &file);

/// Every choice of a schedule.
nlohmann::ordered_json pinsJson(const schedule::Network &network, const schedule::Schedule &s);

} // namespace tessera::explain
