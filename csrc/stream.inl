// The loops of the streaming runtime: one row, one instruction after another, for any vector width. Included after
// vector.inl, math.inl, product.inl and recur.inl. Needs no library.
#ifndef OSTINATO_STREAM_INL
#define OSTINATO_STREAM_INL

#include "stream.h"

namespace OSTINATO_NAMESPACE {
namespace streaming {

using ostinato::Step;
constexpr int L = kLanes<f32>;

// Elementwise --------------------------------------------------------------------------------------------------------

// to = function(a, b, c, d) along vectors; a scalar's stride is 0. The operands that a function does not read cost
// nothing.
template <class F>
OSTINATO_INLINE void along(const Step* step, F function) {
  const float *a = step->from[0], *b = step->from[1], *c = step->from[2], *d = step->from[3];
  const int64_t a_stride = step->stride[0], b_stride = step->stride[1], c_stride = step->stride[2],
                d_stride = step->stride[3];
  float* to = step->to;
  float* const end = to + step->count * L;
  do {
    store(to, function(a, b, c, d));
    a += a_stride, b += b_stride, c += c_stride, d += d_stride, to += L;
  } while (to != end);
}

OSTINATO_INLINE f32 get(const float* from) { return load<f32>(from); }

#define OSTINATO_ALONG(name, value)                                                  \
  void name(const Step* step) {                                                      \
    along(step, [](const float* a, const float* b, const float* c, const float* d) { \
      (void)a, (void)b, (void)c, (void)d;                                            \
      return value;                                                                  \
    });                                                                              \
  }

OSTINATO_ALONG(run_add, get(a) + get(b))
OSTINATO_ALONG(run_subtract, get(a) - get(b))
OSTINATO_ALONG(run_multiply, get(a) * get(b))
OSTINATO_ALONG(run_divide, get(a) / get(b))
OSTINATO_ALONG(run_negate, -get(a))
OSTINATO_ALONG(run_sigmoid, sigmoid(get(a)))
OSTINATO_ALONG(run_tanh, tanh(get(a)))
OSTINATO_ALONG(run_relu, relu(get(a)))
OSTINATO_ALONG(run_exp, exp(get(a)))
OSTINATO_ALONG(run_log, log(get(a)))
OSTINATO_ALONG(run_softplus, softplus(get(a)))
OSTINATO_ALONG(run_sqrt, sqrt(get(a)))
OSTINATO_ALONG(run_absolute, absolute(get(a)))
OSTINATO_ALONG(run_sin, sin(get(a)))
OSTINATO_ALONG(run_cos, cos(get(a)))
OSTINATO_ALONG(run_maximum, maximum(get(a), get(b)))
OSTINATO_ALONG(run_minimum, minimum(get(a), get(b)))
OSTINATO_ALONG(run_less, select(less(get(a), get(b)), constant<f32>(1), constant<f32>(0)))
OSTINATO_ALONG(run_select, select(get(a) != constant<f32>(0), get(b), get(c)))
OSTINATO_ALONG(run_copy, get(a))
OSTINATO_ALONG(run_spread, broadcast<f32>(a))
OSTINATO_ALONG(run_add_sigmoid, sigmoid(get(a) + get(b)))
OSTINATO_ALONG(run_add_tanh, tanh(get(a) + get(b)))
OSTINATO_ALONG(run_fused, fused(get(a), get(b), get(c)))
OSTINATO_ALONG(run_fused_sigmoid, sigmoid(fused(get(a), get(b), get(c))))
OSTINATO_ALONG(run_fused_tanh, tanh(fused(get(a), get(b), get(c))))
OSTINATO_ALONG(run_two_products, fused(get(a), get(b), get(c) * get(d)))
OSTINATO_ALONG(run_blend, fused(get(a), get(b), (constant<f32>(1) - get(a)) * get(c)))
OSTINATO_ALONG(run_times_tanh, get(a) * tanh(get(b)))
#undef OSTINATO_ALONG

// Along a row --------------------------------------------------------------------------------------------------------

// Halves are joined until one lane is left: an order that nothing changes.
template <int Half, class F>
OSTINATO_INLINE float join_halves(float* lanes, F join) {
  for (int i = 0; i < Half; ++i) lanes[i] = join(lanes[i], lanes[i + Half]);
  if constexpr (Half > 1) join_halves<Half / 2>(lanes, join);
  return lanes[0];
}

template <class F>
OSTINATO_INLINE float across(f32 all, F join) {
  float lanes[L];
  store(lanes, all);
  return join_halves<L / 2>(lanes, join);
}

OSTINATO_INLINE f32 sum_of(const float* from, int64_t width) {
  f32 sum = constant<f32>(0);
  int64_t i = 0;
  for (; i + L <= width; i += L) sum = sum + get(from + i);
  if (i < width) sum = sum + only(lanes_below<f32>(int(width - i)), get(from + i));
  const float total = across(sum, [](float a, float b) { return a + b; });
  return broadcast<f32>(&total);
}

void run_row_sum(const Step* step) { store(step->to, sum_of(step->from[0], step->count)); }

void run_row_mean(const Step* step) {
  store(step->to, sum_of(step->from[0], step->count) / constant<f32>(double(step->count)));
}

void run_row_max(const Step* step) {
  const int64_t width = step->count;
  f32 most = constant<f32>(-__builtin_inf());
  int64_t i = 0;
  for (; i + L <= width; i += L) most = maximum(most, get(step->from[0] + i));
  if (i < width) {
    const integer_of<f32> inside = lanes_below<f32>(int(width - i));
    const f32 rest = get(step->from[0] + i);
    most = maximum(most, select(inside != 0, rest, most));
  }
  const float one = across(most, [](float a, float b) { return a > b || a != a ? a : b; });
  store(step->to, broadcast<f32>(&one));
}

// Tables -------------------------------------------------------------------------------------------------------------

// Rows of a table follow one another without padding; behind the last one there is room for a vector.
OSTINATO_INLINE void add_rows(const Step* step, f32 factor) {
  const float* table = step->from[0];
  const int64_t width = step->width, count = step->ids->count;
  for (int64_t at = 0; at < width; at += L) {
    f32 sum = constant<f32>(0);
    for (int64_t i = 0; i < count; ++i) {
      const float* row = table + step->ids->id[i] * width + at;
      sum = sum + (width == 1 ? broadcast<f32>(row) : get(row));
    }
    store(step->to + at, sum * factor);
  }
}

void run_lookup_sum(const Step* step) { add_rows(step, constant<f32>(1)); }

void run_lookup_mean(const Step* step) {
  const int64_t count = step->ids->count;
  add_rows(step, constant<f32>(1.0 / double(count > 0 ? count : 1)));
}

void run_count(const Step* step) { store(step->to, constant<f32>(double(step->ids->count))); }

// Products -----------------------------------------------------------------------------------------------------------

// Sums that are in registers at once; of 32 or of 16.
#if OSTINATO_BYTES == 64 || defined(__aarch64__)
constexpr int kBlock = 16;
#else
constexpr int kBlock = 12;
#endif

template <int NV, int S, int... A>
OSTINATO_INLINE void add_starts(f32 (&sum)[S * NV], const float* const* starts, indices<A...>) {
  ((sum[A] = sum[A] + get(starts[A])), ...);
}

// More products than that are not summed in one go: sums of sums round less.
constexpr int64_t kStretch = 64;

// to = start + x w for one block of NV vectors of columns: w is one stretch of memory, k by k. Few columns are summed
// in S parts, so that no multiplication waits for the one before.
template <int NV>
const float* block(const float* x, int64_t depth, const float* w, const float* const* starts, float* to) {
  constexpr int S = NV >= kInFlight ? 1 : NV * 2 >= kInFlight ? 2 : NV * 4 >= kInFlight ? 4 : 8;
  f32 sum[S * NV];
  for (;;) {
    clear_sums<f32, S * NV>(sum, count<S * NV>());
    const int64_t now = depth < kStretch ? depth : kStretch;
    int64_t k = 0;
    if constexpr (S == 1) {
      // There is no product of depth 0.
      do {
        add_parts<f32, 1, NV, S>(sum, x + k, 0, 1, w, count<S>());
        w += NV * L;
      } while (++k < now);
    } else {
      for (; k + S <= now; k += S) {
        add_parts<f32, 1, NV, S>(sum, x + k, 0, 1, w, count<S>());
        w += S * NV * L;
      }
      for (; k < now; ++k) {
        add_parts<f32, 1, NV, S>(sum, x + k, 0, 1, w, count<1>());
        w += NV * L;
      }
      join_parts<f32, 1, NV, S>(sum, count<NV>());
    }
    if (starts)
      add_starts<NV, S>(sum, starts, count<NV>());
    else
      add_sums<f32, 1, NV, S>(sum, to, 0, count<NV>());
    end_sums<f32, 1, NV, S>(sum, to, 0, count<NV>());
    depth -= now, x += now, starts = nullptr;
    if (depth == 0) return w;
  }
}

typedef const float* (*block_product)(const float*, int64_t, const float*, const float* const*, float*);

template <int... N>
struct block_table {
  static constexpr block_product of[] = {nullptr, block<N + 1>...};
};
template <int... N>
constexpr block_table<N...> table_of(indices<N...>) {
  return {};
}
using blocks = decltype(table_of(count<kBlock>()));

void run_product(const Step* step) {
  const float *x = step->from[0], *w = step->from[1];
  const float* const* starts = step->starts;
  float* to = step->to;
  const int32_t parts = ostinato::blocks_of(step->width, kBlock);
  for (int32_t i = 0; i < parts; ++i) {
    const int32_t size = ostinato::block_size(step->width, parts, i);
    w = blocks::of[size](x, step->count, w, starts, to);
    starts += size, to += size * L;
  }
}

// The chunk ----------------------------------------------------------------------------------------------------------

OSTINATO_INLINE void let_in(const ostinato::Door& door, const float* from) {
  if (door.width == 1) return store(door.place, broadcast<f32>(from));
  int64_t i = 0;
  for (; i + L <= door.width; i += L) store(door.place + i, get(from + i));
  if (i < door.width) store(door.place + i, load_part<f32>(from + i, int(door.width - i)));
}

OSTINATO_INLINE void let_out(const ostinato::Door& door, float* to) {
  int64_t i = 0;
  for (; i + L <= door.width; i += L) store(to + i, get(door.place + i));
  if (i < door.width) store_part(to + i, get(door.place + i), int(door.width - i));
}

void run_chunk(const ostinato::Running* stream, const ostinato_stream_chunk* chunk) {
  const Step* const end = stream->step + stream->steps;
  for (int64_t t = chunk->first; t < chunk->steps; ++t) {
    for (int32_t i = 0; i < stream->numbers; ++i)
      let_in(stream->number[i], chunk->number[i] + t * stream->number[i].width);
    for (int32_t i = 0; i < stream->ids; ++i) {
      const int64_t first = !stream->many[i] ? t : t == 0 ? 0 : chunk->ends[i][t - 1];
      stream->now[i] = {chunk->id[i] + first, stream->many[i] ? chunk->ends[i][t] - first : 1};
    }
    const Step* step = stream->step;
    // What replaces the state stands behind the outputs.
    for (; step != end && step->run; ++step) step->run(step);
    for (int32_t i = 0; i < stream->outputs; ++i)
      let_out(stream->output[i], chunk->output[i] + t * stream->output[i].width);
    if (step != end)
      for (++step; step != end; ++step) step->run(step);
  }
}

int64_t not_finite(const float* from, int64_t count) {
  // What is finite is 0 after this, and nothing else is.
  f32 sum = constant<f32>(0);
  int64_t i = 0;
  for (; i + L <= count; i += L) sum = fused(get(from + i), constant<f32>(0), sum);
  if (i < count) sum = fused(load_part<f32>(from + i, int(count - i)), constant<f32>(0), sum);
  if (across(sum, [](float a, float b) { return a + b; }) == 0) return -1;
  for (i = 0; i < count; ++i)
    if (!(__builtin_fabsf(from[i]) <= __FLT_MAX__)) break;
  return i;
}

constexpr void (*operations[ostinato::kOperations])(const Step*) = {
    nullptr,      nullptr,      nullptr,           nullptr,        run_lookup_sum,   run_lookup_mean, run_count,
    run_product,  nullptr,      nullptr,           run_add,        run_subtract,     run_multiply,    run_divide,
    run_negate,   run_sigmoid,  run_tanh,          run_relu,       run_exp,          run_log,         run_softplus,
    run_sqrt,     run_absolute, run_sin,           run_cos,        run_maximum,      run_minimum,     run_less,
    run_select,   run_row_sum,  run_row_mean,      run_row_max,    run_copy,         run_spread,      run_add_sigmoid,
    run_add_tanh, run_fused,    run_fused_sigmoid, run_fused_tanh, run_two_products, run_blend,       run_times_tanh};

constexpr ostinato::StreamTarget target = {L, kBlock, operations, run_chunk, not_finite};

}  // namespace streaming
}  // namespace OSTINATO_NAMESPACE

#endif
