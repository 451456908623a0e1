// The operations of cells on vectors, against the C library in float64.
//   math                     special values, and a coarse sweep that must stay below 4 ULP
//   math sweep STEP [flush]  each operation on every STEP-th float: its name, the largest error in ULP, where, and how
//                            many results are of the wrong kind; with flush, denormal numbers are zeros in and out
//   math double OPERATION    float64 from standard input to standard output
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cstdlib>
#include <initializer_list>

#include "vector.inl"

#include "math.inl"

#include "checking.h"

namespace ours = OSTINATO_NAMESPACE;
using checking::bits_of;
using checking::float_of;
using checking::same;
using ours::f32;
using ours::f64;

namespace {

constexpr int kLanes32 = ours::traits<f32>::lanes;
constexpr double kSmallestNormal = 0x1p-126, kInfinity = __builtin_inf(), kNaN = __builtin_nan("");

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }

struct Operation {
  const char* name;
  void (*vector)(const float* x, float* y);
  double (*exact)(double x);
  f64 (*doubles)(f64 x);
};

#define OPERATION(name, exact)                                                                                      \
  {#name, [](const float* x, float* y) { ours::store(y, ours::name(ours::load<f32>(x))); },                          \
   [](double x) -> double { return exact; }, [](f64 x) { return ours::name(x); }}

const Operation kOperations[] = {
    OPERATION(exp, std::exp(x)),       OPERATION(tanh, std::tanh(x)), OPERATION(sigmoid, sigmoid(x)),
    OPERATION(log, std::log(x)),       OPERATION(softplus, softplus(x)), OPERATION(sqrt, std::sqrt(x)),
    OPERATION(sin, std::sin(x)),       OPERATION(cos, std::cos(x)),   OPERATION(relu, x < 0 ? 0 : x),
    OPERATION(absolute, std::fabs(x)),
};

struct Worst {
  double ulp = 0;
  float at = 0;
  uint64_t wrong = 0;
  float wrong_at = 0;

  void see(float x, float y, double exact, bool flush) {
    const float rounded = float(exact);
    if (std::isnan(exact) || std::isinf(y) != std::isinf(rounded)) {
      // Just below the overflow the error may carry a result over it, and the other way round.
      const bool border = !std::isnan(exact) && !std::isnan(y) && std::fabs(exact) > 0x1.fffffp127 &&
                          std::fabs(exact) < 0x1.00001p128 && (y > 0) == (exact > 0) && std::fabs(y) > 0x1.fffffp127f;
      if (!std::isnan(y) && !border) count(x);
    } else if (std::isinf(rounded)) {
      if (y != rounded) count(x);
    } else if (std::fabs(exact) < kSmallestNormal) {
      // Too small to be normal: near enough, or 0; what only moves bits keeps them under flushing.
      const double far = flush ? kSmallestNormal : 4 * checking::ulp_at(kSmallestNormal);
      if (!(y == 0 || std::fabs(y - exact) <= far)) count(x);
    } else if (flush && std::fabs(exact) < kSmallestNormal * (1 + 0x1p-20) && y == 0) {
      // One step below the smallest normal number, which was flushed.
    } else {
      const double error = std::fabs(double(y) - exact) / checking::ulp_at(exact);
      // Not "error > ulp": a NaN counts.
      if (std::isnan(error)) count(x);
      if (error > ulp) ulp = error, at = x;
    }
  }

  void count(float x) {
    if (wrong++ == 0) wrong_at = x;
  }
};

void set_flushing() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | (uint64_t(1) << 24)));
#endif
}

void set_exact() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() & ~0x8040u);
#elif defined(__aarch64__)
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control & ~(uint64_t(1) << 24)));
#endif
}

void see_all(const Operation& operation, const uint32_t* bits, bool flush, Worst& worst) {
  float x[kLanes32], y[kLanes32];
  for (int i = 0; i < kLanes32; ++i) x[i] = float_of(bits[i]);
  if (flush) set_flushing();
  operation.vector(x, y);
  if (flush) set_exact();
  for (int i = 0; i < kLanes32; ++i) {
    const bool zero_to_it = flush && std::fabs(x[i]) < kSmallestNormal;
    worst.see(x[i], y[i], operation.exact(zero_to_it ? std::copysign(0.0, x[i]) : double(x[i])), flush);
  }
}

Worst sweep(const Operation& operation, uint64_t step, bool flush) {
  Worst worst;
  uint32_t bits[kLanes32];
  for (uint64_t from = 0; from < uint64_t(1) << 32; from += step * kLanes32) {
    for (int i = 0; i < kLanes32; ++i) bits[i] = uint32_t(from + i * step);
    see_all(operation, bits, flush, worst);
  }
  // All floats around the places where something changes: limits, the ends of reductions, the smallest and largest
  // floats.
  for (const double place :
       {0.0, 0x1p-126, 0x1p-24, 0.17328679, 0.34657359, 0.69314718, 0.70710678, 1.0, 1.41421356, 2.0, 9.0, 9.1,
        16.6355324, 87.0, 87.3365448, 87.6831, 88.0, 88.3762626, 88.7228394, 89.0, 103.972076, 104.0, 0x1.fffffep127}) {
    for (const uint32_t sign : {0u, 0x80000000u}) {
      const uint32_t middle = bits_of(float(place)) | sign;
      for (int64_t shift = -4096; shift < 4096; shift += kLanes32) {
        for (int i = 0; i < kLanes32; ++i) bits[i] = uint32_t(middle + shift + i);
        see_all(operation, bits, flush, worst);
      }
    }
  }
  return worst;
}

float result(const char* name, float x) {
  float all[kLanes32], y[kLanes32];
  for (float& value : all) value = x;
  for (const Operation& operation : kOperations)
    if (std::strcmp(operation.name, name) == 0) operation.vector(all, y);
  for (int i = 1; i < kLanes32; ++i) CHECK(same(y[i], y[0]), "%s(%g) differs in lane %d", name, double(x), i);
  return y[0];
}

void special_values() {
  const struct {
    const char* name;
    double x, y;
  } cases[] = {
      {"exp", kInfinity, kInfinity}, {"exp", -kInfinity, 0},  {"exp", 0, 1},        {"exp", -0.0, 1},
      {"exp", 89, kInfinity},        {"exp", -1e30, 0},       {"exp", 1e30, kInfinity},
      {"tanh", 0, 0},                {"tanh", -0.0, -0.0},    {"tanh", kInfinity, 1}, {"tanh", -kInfinity, -1},
      {"tanh", 9.1, 1},              {"tanh", -9.1, -1},      {"tanh", 1e-30, 1e-30}, {"tanh", -0x1p-126, -0x1p-126},
      {"sigmoid", 0, 0.5},           {"sigmoid", -0.0, 0.5},  {"sigmoid", kInfinity, 1}, {"sigmoid", -kInfinity, 0},
      {"sigmoid", 1e30, 1},          {"sigmoid", -1e30, 0},   {"sigmoid", 17.5, 1},
      {"log", 1, 0},                 {"log", 0, -kInfinity},  {"log", -0.0, -kInfinity}, {"log", kInfinity, kInfinity},
      {"log", -1, kNaN},             {"log", -kInfinity, kNaN}, {"log", -1e-45, kNaN},
      {"softplus", kInfinity, kInfinity}, {"softplus", -kInfinity, 0}, {"softplus", 1e30, 1e30}, {"softplus", 100, 100},
      {"relu", kInfinity, kInfinity}, {"relu", -kInfinity, 0}, {"relu", -1, 0},     {"relu", 2, 2},
      {"sqrt", -1, kNaN},            {"sqrt", -0.0, -0.0},    {"sqrt", kInfinity, kInfinity},
      {"absolute", -0.0, 0},         {"absolute", -kInfinity, kInfinity},
      {"sin", kInfinity, kNaN},      {"cos", -kInfinity, kNaN},
  };
  for (const auto& one : cases) {
    const float y = result(one.name, float(one.x));
    CHECK(same(y, float(one.y)), "%s(%g) is %g", one.name, one.x, double(y));
  }
  // NaN with either sign, quiet, and with bits that must not be taken for an exponent.
  for (const uint32_t nan : {0x7fc00000u, 0xffc00000u, 0x7fffffffu, 0x7fc00081u, 0xffd5a5a5u})
    for (const Operation& operation : kOperations) {
      const float y = result(operation.name, float_of(nan));
      CHECK(std::isnan(y), "%s(NaN %x) is %g", operation.name, unsigned(nan), double(y));
    }
}

template <class V>
void pairs() {
  using R = ours::scalar_of<V>;
  const R values[] = {R(0), R(1), R(-2), R(kInfinity), R(-kInfinity), R(kNaN)};
  for (const R a : values)
    for (const R b : values) {
      const bool nan = std::isnan(a) || std::isnan(b);
      const V x = ours::constant<V>(a), y = ours::constant<V>(b);
      CHECK(same(R(ours::maximum(x, y)[0]), nan ? R(kNaN) : a > b ? a : b), "maximum(%g, %g)", double(a), double(b));
      CHECK(same(R(ours::minimum(x, y)[0]), nan ? R(kNaN) : a < b ? a : b), "minimum(%g, %g)", double(a), double(b));
    }
}

double bound_of(const Operation& operation) {
  const char* name = operation.name;
  if (std::strcmp(name, "relu") == 0 || std::strcmp(name, "absolute") == 0) return 0;
  // A square root is rounded correctly.
  return std::strcmp(name, "sqrt") == 0 ? 0.5 : 4;
}

void coarse_sweep() {
  for (const Operation& operation : kOperations)
    for (const bool flush : {false, true}) {
      // The C library itself is not made for flushing.
      if (flush && (std::strcmp(operation.name, "sin") == 0 || std::strcmp(operation.name, "cos") == 0)) continue;
      const Worst worst = sweep(operation, 1000003, flush);
      CHECK(worst.ulp <= bound_of(operation), "%s: %.3f ULP at %a", operation.name, worst.ulp, double(worst.at));
      CHECK(worst.wrong == 0, "%s: %a and others", operation.name, double(worst.wrong_at));
    }
}

int doubles(const char* name) {
  for (const Operation& operation : kOperations) {
    if (std::strcmp(operation.name, name) != 0) continue;
    constexpr int lanes = ours::traits<f64>::lanes;
    double x[lanes] = {}, y[lanes];
    for (size_t n; (n = std::fread(x, sizeof(double), lanes, stdin)) > 0;) {
      ours::store(y, operation.doubles(ours::load<f64>(x)));
      std::fwrite(y, sizeof(double), n, stdout);
    }
    return 0;
  }
  std::fprintf(stderr, "no operation %s\n", name);
  return 2;
}

int table(uint64_t step, bool flush) {
  for (const Operation& operation : kOperations) {
    const Worst worst = sweep(operation, step, flush);
    std::printf("%s %.4f %a %llu %a\n", operation.name, worst.ulp, double(worst.at),
                static_cast<unsigned long long>(worst.wrong), double(worst.wrong_at));
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], "double") == 0) return doubles(words[2]);
  if (count >= 3 && std::strcmp(words[1], "sweep") == 0)
    return table(std::strtoull(words[2], nullptr, 10), count > 3 && std::strcmp(words[3], "flush") == 0);
  special_values();
  pairs<f32>();
  pairs<f64>();
  coarse_sweep();
  return checking::outcome();
}
