// Vectors and memory: any place, any part, and never a byte beside it.
#include <sys/mman.h>
#include <unistd.h>

#include <initializer_list>

#include "vector.inl"

#include "checking.h"

using namespace OSTINATO_NAMESPACE;
using checking::same;

namespace {

// The end of a page behind which any access ends the program.
unsigned char* end_of_memory() {
  const long page = sysconf(_SC_PAGESIZE);
  void* two = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (two == MAP_FAILED) return nullptr;
  unsigned char* border = static_cast<unsigned char*>(two) + page;
  return mprotect(border, page, PROT_NONE) == 0 ? border : nullptr;
}

template <class V>
void whole_vectors() {
  using R = scalar_of<V>;
  R from[3 * traits<V>::lanes], to[3 * traits<V>::lanes];
  for (int i = 0; i < 3 * traits<V>::lanes; ++i) from[i] = R(i + 1);
  for (int shift = 0; shift <= traits<V>::lanes; ++shift) {
    for (R& value : to) value = R(-1);
    store(to + shift, load<V>(from + shift));
    for (int i = 0; i < 3 * traits<V>::lanes; ++i) {
      const bool inside = i >= shift && i < shift + traits<V>::lanes;
      CHECK(to[i] == (inside ? from[i] : R(-1)), "lane %d at shift %d is %g", i, shift, double(to[i]));
    }
  }
}

template <class V>
void parts(unsigned char* end) {
  using R = scalar_of<V>;
  for (int n = 0; n <= traits<V>::lanes; ++n) {
    R* last = reinterpret_cast<R*>(end) - n;
    for (int i = 0; i < n; ++i) last[i] = R(i + 1);
    const V value = load_part<V>(last, n);
    for (int i = 0; i < traits<V>::lanes; ++i)
      CHECK(same(R(value[i]), i < n ? R(i + 1) : R(0)), "lane %d of %d is %g", i, n, double(value[i]));
    store_part(last, value + value, n);
    for (int i = 0; i < n; ++i) CHECK(last[i] == R(2 * i + 2), "lane %d of %d is %g", i, n, double(last[i]));
  }
}

template <class V>
void values() {
  using R = scalar_of<V>;
  const R inf = __builtin_inf(), nan = __builtin_nan("");
  for (const R value : {R(0), R(-0.0), R(1.5), inf, -inf, nan}) {
    const V same_lanes = constant<V>(value), from_memory = broadcast<V>(&value);
    for (int i = 0; i < traits<V>::lanes; ++i) {
      CHECK(same(R(same_lanes[i]), value), "constant(%g)", double(value));
      CHECK(same(R(from_memory[i]), value), "broadcast(%g)", double(value));
    }
    for (const R other : {R(0), R(-0.0), R(1.5), inf, -inf, nan}) {
      const V chosen = select(less(same_lanes, constant<V>(other)), constant<V>(nan), constant<V>(-0.0));
      for (int i = 0; i < traits<V>::lanes; ++i)
        CHECK(same(R(chosen[i]), value < other ? nan : R(-0.0)), "%g < %g", double(value), double(other));
    }
  }
  for (int i = 0; i < traits<V>::lanes; ++i)
    CHECK(fused(constant<V>(2), constant<V>(3), constant<V>(4))[i] == R(10), "2 3 + 4 in lane %d", i);
}

template <class V>
void all(unsigned char* end) {
  whole_vectors<V>();
  parts<V>(end);
  values<V>();
}

}  // namespace

int main() {
  static_assert(sizeof(f32) == OSTINATO_BYTES && sizeof(f64) == OSTINATO_BYTES, "vectors have the target's width");
  static_assert(kLanes<f32> * 4 == OSTINATO_BYTES && kLanes<f64> * 8 == OSTINATO_BYTES, "and so many lanes");
  unsigned char* end = end_of_memory();
  CHECK(end, "no memory");
  if (!end) return checking::outcome();
  all<f32>(end);
  all<f64>(end);
  return checking::outcome();
}
