// The product of a few rows with one packed panel, for any vector width: the inner loop of everything that multiplies.
//
// A panel holds NV vectors of columns for each k, one after the other: b[k * NV * lanes + column]. A tile of rows x NV vectors
// is summed in registers: every accumulator is one element of an array that is only touched with constant indices, so
// that the compiler keeps each in a register of its own (read the assembly after any change).
//
// Included by recur.inl after vector.inl. Needs no library.
#ifndef OSTINATO_PRODUCT_INL
#define OSTINATO_PRODUCT_INL


namespace OSTINATO_NAMESPACE {

template <int... I>
struct indices {};
template <int N, int... I>
struct counted : counted<N - 1, N - 1, I...> {};
template <int... I>
struct counted<0, I...> {
  using type = indices<I...>;
};
template <int N>
using count = typename counted<N>::type;

#if OSTINATO_BYTES == 64 || defined(__aarch64__)
constexpr int kAccumulators = 24;  // of 32 registers
#else
constexpr int kAccumulators = 12;  // of 16: three broadcasts and one load beside them
#endif
constexpr int kInFlight = 8;  // independent sums that hide the latency of a multiplication

template <class V, int MR, int NV, int S, int... A, int... J>
OSTINATO_INLINE void add_products(V (&sum)[S * MR * NV], const scalar_of<V>* a, int64_t a_row, const scalar_of<V>* b,
                                  int part, indices<A...>, indices<J...>) {
  constexpr int L = kLanes<V>;
  const V column[NV] = {load<V>(b + J * L)...};
  const int base = part * MR * NV;
  ((sum[base + A] = fused(broadcast<V>(a + (A / NV) * a_row), column[A % NV], sum[base + A])), ...);
}

template <class V, int MR, int NV, int S, int... P>
OSTINATO_INLINE void add_parts(V (&sum)[S * MR * NV], const scalar_of<V>* a, int64_t a_row, int64_t a_step,
                               const scalar_of<V>* b, indices<P...>) {
  (add_products<V, MR, NV, S>(sum, a + P * a_step, a_row, b + P * NV * kLanes<V>, P, count<MR * NV>(), count<NV>()), ...);
}

template <class V, int MR, int NV, int S, int... A>
OSTINATO_INLINE void join_parts(V (&sum)[S * MR * NV], indices<A...>) {
  if constexpr (S == 2) {
    ((sum[A] = sum[A] + sum[MR * NV + A]), ...);
  } else if constexpr (S == 4) {
    ((sum[A] = (sum[A] + sum[MR * NV + A]) + (sum[2 * MR * NV + A] + sum[3 * MR * NV + A])), ...);
  } else if constexpr (S == 8) {
    ((sum[A] = ((sum[A] + sum[MR * NV + A]) + (sum[2 * MR * NV + A] + sum[3 * MR * NV + A])) +
               ((sum[4 * MR * NV + A] + sum[5 * MR * NV + A]) + (sum[6 * MR * NV + A] + sum[7 * MR * NV + A]))),
     ...);
  }
}

template <class V, int MR, int NV, int S, int... A>
OSTINATO_INLINE void begin_sums(V (&sum)[S * MR * NV], const scalar_of<V>* c, int64_t c_row, indices<A...>) {
  ((sum[A] = load<V>(c + (A / NV) * c_row + (A % NV) * kLanes<V>)), ...);
}

template <class V, int MR, int NV, int S, int... A>
OSTINATO_INLINE void add_sums(V (&sum)[S * MR * NV], const scalar_of<V>* c, int64_t c_row, indices<A...>) {
  ((sum[A] = sum[A] + load<V>(c + (A / NV) * c_row + (A % NV) * kLanes<V>)), ...);
}

template <class V, int MR, int NV, int S, int... A>
OSTINATO_INLINE void end_sums(V (&sum)[S * MR * NV], scalar_of<V>* c, int64_t c_row, indices<A...>) {
  (store(c + (A / NV) * c_row + (A % NV) * kLanes<V>, sum[A]), ...);
}

template <class V, int N, int... A>
OSTINATO_INLINE void clear_sums(V (&sum)[N], indices<A...>) {
  ((sum[A] = constant<V>(0)), ...);
}

template <class V, int N, int... A>
OSTINATO_INLINE void repeat(V (&sum)[N], V factor, V term, indices<A...>) {
  ((sum[A] = fused(sum[A], factor, term)), ...);
}

// MR rows: c = bias + a b (bias: one row of the panel's width, or null for zeros), or c + a b: the new products are
// summed on their own first, so that rounding does not grow with the number of calls.
template <class V, int MR, int NV>
OSTINATO_INLINE void tile(const scalar_of<V>* a, int64_t a_row, int64_t a_step, const scalar_of<V>* b, int64_t depth,
                          const scalar_of<V>* bias, bool more, scalar_of<V>* c, int64_t c_row) {
  constexpr int N = MR * NV;
  constexpr int S = N >= kInFlight ? 1 : N * 2 >= kInFlight ? 2 : N * 4 >= kInFlight ? 4 : 8;
  V sum[S * N];
  clear_sums<V, S * N>(sum, count<S * N>());
  if (bias) begin_sums<V, MR, NV, S>(sum, bias, 0, count<N>());
  int64_t k = 0;
  for (; k + S <= depth; k += S) {
    add_parts<V, MR, NV, S>(sum, a, a_row, a_step, b, count<S>());
    a += S * a_step;
    b += S * NV * kLanes<V>;
  }
  if constexpr (S > 1) {
    for (; k < depth; ++k) {
      add_parts<V, MR, NV, S>(sum, a, a_row, a_step, b, count<1>());
      a += a_step;
      b += NV * kLanes<V>;
    }
    join_parts<V, MR, NV, S>(sum, count<N>());
  }
  if (more) add_sums<V, MR, NV, S>(sum, c, c_row, count<N>());
  end_sums<V, MR, NV, S>(sum, c, c_row, count<N>());
}

// Rows are taken MR at a time; what is left over never ends in a single row if it can be helped, because one row alone
// leaves the multipliers idle.
template <class V, int NV>
void panel_product(const scalar_of<V>* a, int64_t a_row, int64_t a_step, int64_t rows, const scalar_of<V>* b,
                   int64_t depth, const scalar_of<V>* bias, bool more, scalar_of<V>* c, int64_t c_row) {
  constexpr int most = kAccumulators / NV > 6 ? 6 : kAccumulators / NV < 1 ? 1 : kAccumulators / NV;
#define OSTINATO_ROWS(MR)                                                        \
  {                                                                              \
    tile<V, MR, NV>(a, a_row, a_step, b, depth, bias, more, c, c_row);           \
    a += MR * a_row, c += MR * c_row, rows -= MR;                                \
  }
  while (rows > 0) {
    if constexpr (most >= 6) {
      if (rows >= 6 && rows != 7) {
        OSTINATO_ROWS(6)
        continue;
      }
    }
    if constexpr (most >= 4) {
      if (rows >= 4 && rows != 5) {
        OSTINATO_ROWS(4)
        continue;
      }
    }
    if constexpr (most >= 3) {
      if (rows >= 3 && rows != 4) {
        OSTINATO_ROWS(3)
        continue;
      }
    }
    if constexpr (most >= 2) {
      if (rows >= 2) {
        OSTINATO_ROWS(2)
        continue;
      }
    }
    OSTINATO_ROWS(1)
  }
#undef OSTINATO_ROWS
}

}  // namespace OSTINATO_NAMESPACE

#endif
