#include "tessera/interpret/kernels/serial.h"

namespace tessera::interpret {
namespace {
thread_local bool serial = false;
}

SerialScope::SerialScope(bool on) : before_(serial) { serial = serial || on; }
SerialScope::~SerialScope() { serial = before_; }

void forRange(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body) {
  if (n <= 0)
    return;
  if (serial || n <= grain)
    body(0, n);
  else
    parallelFor(n, grain, body);
}

} // namespace tessera::interpret
