#pragma once
// Errors as values. A user's mistake or a limit of the chip travels as an Error made of located
// Diagnostics; a bug of ours stops the program through TESSERA_CHECK ("internal error").
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tessera {

/// One located message. `where` names the place as a user knows it, e.g.
/// "unet.onnx: node 'up3' (ConvTranspose)" or "cali_table line 7"; `message` states the rule with
/// the value found; `hint` says what to do instead. Printed as "where: error[code]: message; hint".
struct Diagnostic {
  std::string code;    ///< short stable name, e.g. "unsupported-op", "bad-file"
  std::string where;   ///< may be empty
  std::string message; ///< lower-case start, no final period
  std::string hint;    ///< may be empty

  std::string text() const;
};

/// All problems found, never only the first where they are independent.
class Error {
public:
  Error() = default;
  Error(Diagnostic d) { list_.push_back(std::move(d)); }
  Error(std::string code, std::string where, std::string message, std::string hint = {})
      : Error(Diagnostic{std::move(code), std::move(where), std::move(message), std::move(hint)}) {}
  void add(Diagnostic d) { list_.push_back(std::move(d)); }
  void add(const Error &e) { list_.insert(list_.end(), e.list_.begin(), e.list_.end()); }
  bool empty() const { return list_.empty(); }
  const std::vector<Diagnostic> &diagnostics() const { return list_; }
  /// One diagnostic a line.
  std::string text() const;

private:
  std::vector<Diagnostic> list_;
};

template <class T> using Result = tl::expected<T, Error>;
using Status = Result<void>;
using Unexpected = tl::unexpected<Error>;

/// `return fail("bad-file", path, "not an npz archive", "...")` from any function that returns a
/// Result.
inline Unexpected fail(std::string code, std::string where, std::string message,
                       std::string hint = {}) {
  return Unexpected(Error(std::move(code), std::move(where), std::move(message), std::move(hint)));
}
inline Unexpected fail(Error e) { return Unexpected(std::move(e)); }

[[noreturn]] void internalError(const char *file, int line, const std::string &what);

} // namespace tessera

#define TESSERA_CONCAT_(a, b) a##b
#define TESSERA_CONCAT(a, b) TESSERA_CONCAT_(a, b)
/// Returns the error of a Status or Result from the enclosing function.
#define TESSERA_TRY(expr)                                                                          \
  do {                                                                                             \
    if (auto tryResult_ = (expr); !tryResult_)                                                     \
      return ::tessera::Unexpected(std::move(tryResult_).error());                                 \
  } while (false)
/// TESSERA_ASSIGN(auto x, f()): unwraps a Result or returns its error.
#define TESSERA_ASSIGN(decl, expr)                                                                 \
  auto TESSERA_CONCAT(assignResult_, __LINE__) = (expr);                                           \
  if (!TESSERA_CONCAT(assignResult_, __LINE__))                                                    \
    return ::tessera::Unexpected(std::move(TESSERA_CONCAT(assignResult_, __LINE__)).error());      \
  decl = std::move(*TESSERA_CONCAT(assignResult_, __LINE__))
/// Our own mistakes only; always on.
#define TESSERA_CHECK(cond, what)                                                                  \
  do {                                                                                             \
    if (!(cond))                                                                                   \
      ::tessera::internalError(__FILE__, __LINE__, what);                                          \
  } while (false)
