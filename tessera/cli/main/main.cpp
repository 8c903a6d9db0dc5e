// tessera: starts at once; work for the compiler rooms goes on in the program beside it.
#include "tessera/cli/verb.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace {

using namespace tessera;
char **arguments;

/// Becomes tessera-compiler, which takes the same arguments; returns only if it cannot.
Unexpected goOnThere() {
  std::error_code ec;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
  program /= "tessera-compiler";
  ::execv(program.c_str(), arguments);
  return fail("bad-install", program.string(),
              std::string("cannot be started: ") + std::strerror(errno),
              "this work is done by that program, which belongs beside tessera");
}

template <class Answer, class... Options> Result<Answer> elsewhere(Options...) {
  return goOnThere();
}

} // namespace

int main(int argc, char **argv) {
  arguments = argv;
  static constexpr cli::Compiler compiler{elsewhere, elsewhere, elsewhere, elsewhere, elsewhere};
  return cli::runProgram(argc, argv, compiler);
}
