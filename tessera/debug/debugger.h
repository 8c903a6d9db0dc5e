#pragma once
// A debugger for bmodels on the simulator. Commands are lines of text (docs/debug.md, `help`), so
// that a person, a script and a test drive it alike.
#include "tessera/bmodel/origins.h"
#include "tessera/runtime/capture.h"
#include "tessera/runtime/runtime.h"

#include <set>

namespace tessera::debug {

class Debugger {
public:
  /// Stands before the first command. Errors of Session::begin and of a damaged side table.
  static Result<Debugger> make(runtime::Session session, TensorMap inputs);

  /// Runs one line and returns what to print. A mistake is an error and changes nothing; an error
  /// of the simulator leaves the run where it is, to be looked at or restarted.
  Result<std::string> run(const std::string &line);
  bool finished() const { return quit_; }
  /// Where the run stands: "tiu:17 CONV Conv2D_4".
  std::string where() const;

private:
  struct Range {
    uint64_t address = 0, bytes = 0; ///< as GDMA commands write addresses
    std::string text;
  };
  struct Break {
    enum Kind { Op, Id, Write, Watch } kind = Op;
    int number = 0;
    std::string text;
    std::set<int32_t> layers;
    std::string operation; ///< "CONV": every such command
    isa::Engine engine = isa::Engine::Tiu;
    uint32_t id = 0;
    Range range;
    std::vector<uint8_t> old; ///< of a watch
  };
  struct Command;
  using Words = std::vector<std::string>;

  Debugger(runtime::Session session, TensorMap inputs)
      : session_(std::move(session)), inputs_(std::move(inputs)) {}
  Status restart();
  static const std::vector<Command> &commands();

  Result<std::string> help(const Words &);
  Result<std::string> breakAt(const Words &);
  Result<std::string> watch(const Words &);
  Result<std::string> remove(const Words &);
  Result<std::string> breaks(const Words &);
  Result<std::string> step(const Words &);
  Result<std::string> next(const Words &);
  Result<std::string> goOn(const Words &);
  Result<std::string> startAgain(const Words &);
  Result<std::string> info(const Words &);
  Result<std::string> last(const Words &);
  Result<std::string> list(const Words &);
  Result<std::string> ops(const Words &);
  Result<std::string> tensorList(const Words &);
  Result<std::string> print(const Words &);
  Result<std::string> picture(const Words &);
  Result<std::string> save(const Words &);
  Result<std::string> compare(const Words &);
  Result<std::string> quit(const Words &);

  /// Runs one command and looks at watches and write breaks; text where one of them says stop.
  Result<std::optional<std::string>> advance();
  /// Whether a break stands before the next command; its text.
  std::optional<std::string> stopsHere();
  Result<Range> parseRange(const std::string &word, uint64_t defaultBytes) const;
  Result<uint64_t> parseCount(const Words &words, size_t at, uint64_t fallback) const;
  Result<std::vector<uint8_t>> bytesOf(const Range &);
  /// A tensor by name, or memory by "ADDRESS TYPE SHAPE [LAYOUT]"; real values if `real`.
  Result<Tensor> tensorFor(const Words &words, bool real);
  Result<size_t> tensorNamed(const std::string &name) const;
  std::string commandText(size_t k) const;
  const bmodel::Layer *layerOf(size_t k) const;
  std::vector<std::string> opNames() const;

  runtime::Session session_;
  TensorMap inputs_;
  std::optional<runtime::Steps> steps_;
  std::optional<runtime::Capture> capture_;
  std::string noTensors_; ///< why there are none
  bmodel::Origins origins_;
  std::vector<Break> breaks_;
  std::set<std::pair<int32_t, int32_t>> entered_; ///< layer and slice
  int numbers_ = 0;
  bool broken_ = false; ///< the simulator refused the next command
  bool quit_ = false;
};

} // namespace tessera::debug
