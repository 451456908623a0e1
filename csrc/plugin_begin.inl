// The first half of a compiled cell: a file that defines OSTINATO_TARGET, OSTINATO_BYTES, OSTINATO_CELL and OSTINATO_REAL
// (f32 or f64) includes this, then the generated struct, then plugin_end.inl.
#include "vector.inl"
// The operations need the vectors.
#include "math.inl"

namespace OSTINATO_NAMESPACE {
