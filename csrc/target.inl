// Everything of one CPU target: its products and its kernels. Each target_*.cc is this, compiled for that target.
#include "vector.inl"
// The operations need the vectors.
#include "math.inl"
#include "product.inl"
#include "recur.inl"
#include "stream.inl"
#include "target.h"

namespace OSTINATO_NAMESPACE {

namespace cells {
#include "kernels.inc"
}

template <class V, int NV>
void product(const void* a, int64_t a_row, int64_t a_step, int64_t rows, const void* b, int64_t depth, const void* bias,
             int32_t more, void* c, int64_t c_row) {
  using R = scalar_of<V>;
  panel_product<V, NV>(static_cast<const R*>(a), a_row, a_step, rows, static_cast<const R*>(b), depth,
                       static_cast<const R*>(bias), more != 0, static_cast<R*>(c), c_row);
}

template <class V>
constexpr ostinato_product products[ostinato::kMostVectors + 1] = {
    nullptr,       product<V, 1>,  product<V, 2>,  product<V, 3>,  product<V, 4>,  product<V, 5>, product<V, 6>,
    product<V, 7>, product<V, 8>,  product<V, 9>,  product<V, 10>, product<V, 11>, product<V, 12>};

#define OSTINATO_KERNEL(name) &kernel_of<f32, cells::name>,
constexpr const ostinato_kernel* kernels32[] = {OSTINATO_CELLS(OSTINATO_KERNEL)};
#undef OSTINATO_KERNEL
#define OSTINATO_KERNEL(name) &kernel_of<f64, cells::name>,
constexpr const ostinato_kernel* kernels64[] = {OSTINATO_CELLS(OSTINATO_KERNEL)};
#undef OSTINATO_KERNEL
#define OSTINATO_KERNEL(name) #name,
constexpr const char* kernel_names[] = {OSTINATO_CELLS(OSTINATO_KERNEL)};
#undef OSTINATO_KERNEL

// Sums that do not wait for one another, all in registers: what the multipliers can do at most.
void add_up(int64_t rounds, float* result) {
  f32 sum[kAccumulators];
  const f32 factor = constant<f32>(0.999), term = constant<f32>(0.001);
  // Sums that begin alike would be computed once for all of them.
  for (int n = 0; n < kAccumulators; ++n) sum[n] = broadcast<f32>(result + n % 16) + constant<f32>(n);
  for (int64_t round = 0; round < rounds; ++round) repeat(sum, factor, term, count<kAccumulators>());
  f32 all = constant<f32>(0);
  for (int n = 0; n < kAccumulators; ++n) all = all + sum[n];
  store(result, all);
}

}  // namespace OSTINATO_NAMESPACE

namespace ostinato {
extern const Target OSTINATO_JOIN(target_, OSTINATO_TARGET);
const Target OSTINATO_JOIN(target_, OSTINATO_TARGET) = {
    OSTINATO_NAME,
    OSTINATO_FLAGS,
    OSTINATO_NAMESPACE::kernel_names,
    OSTINATO_NAMESPACE::kernels32,
    OSTINATO_NAMESPACE::kernels64,
    int32_t(sizeof(OSTINATO_NAMESPACE::kernels32) / sizeof(void*)),
    OSTINATO_NAMESPACE::products<OSTINATO_NAMESPACE::f32>,
    OSTINATO_NAMESPACE::products<OSTINATO_NAMESPACE::f64>,
    OSTINATO_NAMESPACE::add_up,
    int64_t(2) * OSTINATO_NAMESPACE::kAccumulators * OSTINATO_NAMESPACE::kLanes<OSTINATO_NAMESPACE::f32>,
    &OSTINATO_NAMESPACE::streaming::target,
};
}  // namespace ostinato
