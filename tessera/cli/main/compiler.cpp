// tessera-compiler: all verbs, with everything they need.
#include "tessera/cli/verb.h"

int main(int argc, char **argv) {
  using namespace tessera;
  static constexpr cli::Compiler compiler{driver::transform, driver::calibrate, driver::deploy, driver::explain,
                                          driver::openModule};
  return cli::runProgram(argc, argv, compiler);
}
