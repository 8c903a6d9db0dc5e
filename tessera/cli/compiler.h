#pragma once
// What takes the compiler rooms. Their libraries need longer to load than many networks to run, so
// there are two programs of the same verbs: `tessera`, which hands such work over, and
// `tessera-compiler`, which does it.
#include "tessera/driver/stages.h"

namespace tessera::cli {

struct Compiler {
  Result<driver::Report> (*transform)(const driver::TransformOptions &);
  Result<driver::Report> (*calibrate)(const driver::CalibrateOptions &);
  Result<driver::Report> (*deploy)(const driver::DeployOptions &);
  Result<driver::Report> (*explain)(const driver::ExplainOptions &);
  driver::OpenModule openModule;
};

} // namespace tessera::cli
