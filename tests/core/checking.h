// What the programs here share: a check that prints and counts, and floats by their bits. A program that is run without
// arguments checks all that it can, prints what is wrong, and returns the number of wrong things, at most 100.
#ifndef CHECKING_H
#define CHECKING_H

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace checking {

inline int wrong = 0;

// The value for main to return.
inline int outcome() { return wrong < 100 ? wrong : 100; }

#define CHECK(condition, ...)                                      \
  do {                                                             \
    if (!(condition) && checking::wrong++ < 20) {                  \
      std::fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      std::fprintf(stderr, __VA_ARGS__);                           \
      std::fputc('\n', stderr);                                    \
    }                                                              \
  } while (false)

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

// Equal to the bit, or both NaN.
template <class R>
bool same(R a, R b) {
  return std::memcmp(&a, &b, sizeof(R)) == 0 || (std::isnan(a) && std::isnan(b));
}

// The distance of neighbouring floats where the exact result lies; below the normal floats, that of the smallest ones.
inline double ulp_at(double exact) {
  int exponent;
  std::frexp(exact, &exponent);
  return std::ldexp(1.0, exponent > -125 ? exponent - 24 : -149);
}

}  // namespace checking

#endif
