// The tables of static memory, every block on a 64-byte boundary: bm1684x.md 1.5 up to 0x940, and
// docs/numerics.md for the half-precision blocks, which hold packed values, and those behind them.
#include "tessera/numerics/half.h"
#include "tessera/sim/machine.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace tessera::sim {
namespace {

constexpr double kPi = 3.14159265358979323846;

struct Writer {
  std::vector<uint8_t> &memory;
  void word(size_t offset, size_t index, uint32_t bits) {
    std::memcpy(memory.data() + offset + 4 * index, &bits, 4);
  }
  void half(size_t offset, size_t index, uint16_t bits) {
    std::memcpy(memory.data() + offset + 2 * index, &bits, 2);
  }
  void real(size_t offset, size_t index, double v) {
    word(offset, index, std::bit_cast<uint32_t>(static_cast<float>(v)));
  }
};

double inverseFactorial(int n) {
  double f = 1;
  for (int i = 2; i <= n; ++i)
    f *= i;
  return 1 / f;
}

double logTerm(int n) { return n == 0 ? 0 : (n % 2 ? 1.0 : -1.0) / n; }

/// Coefficient k of an odd or even power series with alternating signs at argument scale a.
double sineTerm(int k, double a) {
  return (k % 2 ? -1 : 1) * std::pow(a, 2 * k + 1) * inverseFactorial(2 * k + 1);
}
double cosineTerm(int k, double a) {
  return (k % 2 ? -1 : 1) * std::pow(a, 2 * k) * inverseFactorial(2 * k);
}

/// arcsin: (2k)! / (4^k (k!)^2 (2k+1)) = product of (2i-1)/(2i) over i <= k, divided by 2k+1.
double arcsineTerm(int k) {
  double product = 1;
  for (int i = 1; i <= k; ++i)
    product *= (2.0 * i - 1) / (2.0 * i);
  return product / (2 * k + 1);
}

/// tan(pi x) = sum t_k (pi x)^(2k+1); the t_k follow from tan' = 1 + tan^2.
std::vector<double> tangentTerms(int count) {
  std::vector<double> t(count);
  for (int k = 0; k < count; ++k) {
    double square = k == 0 ? 1 : 0;
    for (int i = 0; i < k; ++i)
      square += t[i] * t[k - 1 - i];
    t[k] = square / (2 * k + 1);
  }
  for (int k = 0; k < count; ++k)
    t[k] *= std::pow(kPi, 2 * k + 1);
  return t;
}

} // namespace

std::vector<uint8_t> staticMemory() {
  std::vector<uint8_t> memory(chip::kStaticBytes);
  Writer w{memory};
  for (int k = 0; k < 192; ++k)
    w.real(0x000, k, std::exp(double(k - 103)));
  for (int n = 0; n < 32; ++n)
    w.real(0x400, n, inverseFactorial(n));
  for (int n = 0; n < 64; ++n)
    w.real(0x480, n, logTerm(n));
  // Complementary error function, Numerical Recipes' Chebyshev fit in t = 1 / (1 + x/2).
  constexpr double kErf[10] = {-1.26551223, 1.00002368,  0.37409196, 0.09678418,  -0.18628806,
                               0.27886807,  -1.13520398, 1.48851587, -0.82215223, 0.17087277};
  for (int n = 0; n < 10; ++n)
    w.real(0x580, n, kErf[n]);
  for (uint32_t n = 0; n < 64; ++n)
    w.word(0x5C0, n, n);
  for (int k = 0; k < 32; ++k) {
    w.real(0x6C0, k, sineTerm(k, 2 * kPi));
    w.real(0x740, k, cosineTerm(k, 2 * kPi));
  }
  for (int k = 0; k < 64; ++k)
    w.real(0x7C0, k, arcsineTerm(k));
  std::vector<double> tangent = tangentTerms(32);
  for (int k = 0; k < 32; ++k)
    w.real(0x8C0, k, tangent[k]);
  // The series once more for half types: 16 packed values in a block of 64 bytes each.
  auto halves = [&](size_t offset, auto term) {
    for (size_t n = 0; n < 16; ++n) {
      auto v = static_cast<float>(term(int(n)));
      w.half(offset, n, numerics::floatToHalf(v));
      w.half(offset + 0x40, n, numerics::floatToBfloat(v));
    }
  };
  halves(0x940, inverseFactorial);
  halves(0x9C0, logTerm);
  halves(0xA40, [](int n) { return sineTerm(n, 2 * kPi); });
  halves(0xAC0, [](int n) { return cosineTerm(n, 2 * kPi); });
  for (int n = 0; n < 32; ++n) // arctangent
    w.real(0xB40, n, (n % 2 ? -1.0 : 1.0) / (2 * n + 1));
  return memory;
}

} // namespace tessera::sim
