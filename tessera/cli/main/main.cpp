#include "tessera/cli/verb.h"

int main(int argc, char **argv) { return tessera::cli::runProgram(argc, argv); }
