// The first half of a compiled cell. A file that defines OSTINATO_CELL and OSTINATO_REAL (float or double) includes this,
// then the generated struct, then plugin_end.inl. The CPU target is the one that the compiler writes for.
#if defined(__AVX512F__)
#define OSTINATO_TARGET avx512
#define OSTINATO_BYTES 64
#elif defined(__AVX2__)
#define OSTINATO_TARGET avx2
#define OSTINATO_BYTES 32
#elif defined(__aarch64__)
#define OSTINATO_TARGET neon
#define OSTINATO_BYTES 16
#else
#define OSTINATO_TARGET baseline
#define OSTINATO_BYTES 16
#endif
#include "vector.inl"
// The operations need the vectors.
#include "math.inl"
#include "recur.inl"

namespace OSTINATO_NAMESPACE {
