// Vectors of the target's width: the only place that knows how many lanes there are and how they meet memory.
//
// The includer says which target it is: OSTINATO_TARGET (a name: baseline, avx2, avx512, neon) and OSTINATO_BYTES (16,
// 32 or 64: the width of a vector). Everything lives in the namespace ostinato_<target>, and nothing of the standard
// library is used: an inline function that two targets share would be merged by the linker, and an old CPU would meet
// new instructions.
//
// f32 and f64 are vectors of float and of double; V stands for either, traits<V>::scalar for its element. No pointer
// needs an alignment beyond its element's. What reads or writes a part of a vector never touches memory outside that
// part.
#include <stdint.h>

#ifndef OSTINATO_INLINE
#define OSTINATO_INLINE inline __attribute__((always_inline))
#define OSTINATO_PASTE(left, right) left##right
#define OSTINATO_JOIN(left, right) OSTINATO_PASTE(left, right)
#define OSTINATO_NAMESPACE OSTINATO_JOIN(ostinato_, OSTINATO_TARGET)
#endif

namespace OSTINATO_NAMESPACE {

typedef float f32 __attribute__((vector_size(OSTINATO_BYTES)));
typedef double f64 __attribute__((vector_size(OSTINATO_BYTES)));

// The scalar, the vector of whole numbers of the same shape, and the number of lanes of V.
template <class V>
struct traits;

template <>
struct traits<f32> {
  typedef float scalar;
  typedef uint32_t integer __attribute__((vector_size(OSTINATO_BYTES)));
  static constexpr int lanes = OSTINATO_BYTES / 4;
};

template <>
struct traits<f64> {
  typedef double scalar;
  typedef uint64_t integer __attribute__((vector_size(OSTINATO_BYTES)));
  static constexpr int lanes = OSTINATO_BYTES / 8;
};

template <class V>
constexpr int kLanes = traits<V>::lanes;

template <class V>
using scalar_of = typename traits<V>::scalar;

template <class V>
using integer_of = typename traits<V>::integer;

// The same value in every lane. Subtracting 0 keeps the sign of -0, where adding 0 would not.
template <class V>
OSTINATO_INLINE V constant(double value) {
  return static_cast<scalar_of<V>>(value) - V{};
}

template <class V>
OSTINATO_INLINE V broadcast(const scalar_of<V>* from) {
  return *from - V{};
}

template <class V>
OSTINATO_INLINE V load(const scalar_of<V>* from) {
  V value;
  __builtin_memcpy(&value, from, sizeof(V));
  return value;
}

template <class V>
OSTINATO_INLINE void store(scalar_of<V>* to, V value) {
  __builtin_memcpy(to, &value, sizeof(V));
}

// The first n lanes from memory, 0 <= n <= lanes; the others are 0. A fixed number of rounds becomes one masked
// instruction where there is one.
template <class V>
OSTINATO_INLINE V load_part(const scalar_of<V>* from, int n) {
  scalar_of<V> lanes[kLanes<V>];
  for (int i = 0; i < kLanes<V>; ++i) lanes[i] = i < n ? from[i] : scalar_of<V>(0);
  return load<V>(lanes);
}

// The first n lanes to memory, 0 <= n <= lanes.
template <class V>
OSTINATO_INLINE void store_part(scalar_of<V>* to, V value, int n) {
  scalar_of<V> lanes[kLanes<V>];
  store(lanes, value);
  for (int i = 0; i < kLanes<V>; ++i) {
    if (i < n) to[i] = lanes[i];
  }
}

// Bits of a vector as whole numbers, and back.
template <class V>
OSTINATO_INLINE integer_of<V> bits(V value) {
  return reinterpret_cast<integer_of<V>>(value);
}

template <class V>
OSTINATO_INLINE V from_bits(integer_of<V> value) {
  return reinterpret_cast<V>(value);
}

// A mask: all bits set in the lanes where a < b, none elsewhere, and none where either is NaN.
template <class V>
OSTINATO_INLINE auto less(V a, V b) -> decltype(a < b) {
  return a < b;
}

template <class M, class V>
OSTINATO_INLINE V select(M mask, V yes, V no) {
  return mask ? yes : no;
}

// a b + c, rounded once where the target has such an instruction: the compiler contracts it.
template <class V>
OSTINATO_INLINE V fused(V a, V b, V c) {
  return a * b + c;
}

}  // namespace OSTINATO_NAMESPACE
