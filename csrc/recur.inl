// One step of a cell over rows and panels, forward and backward, for any cell, type and vector width. The cell's own
// arithmetic is generated; the products are the core's. Included after vector.inl and math.inl.
#ifndef OSTINATO_RECUR_INL
#define OSTINATO_RECUR_INL

#include "ostinato.h"

namespace OSTINATO_NAMESPACE {

// Vectors of units that the way back multiplies at once.
constexpr int kGroup = 4;

template <class V, int N>
OSTINATO_INLINE void load_each(V (&values)[N], const void* const* from, int64_t at) {
  for (int n = 0; n < N; ++n) values[n] = load<V>(static_cast<const scalar_of<V>*>(from[n]) + at);
}

// All bits set in the first n lanes, none behind them.
template <class V>
OSTINATO_INLINE integer_of<V> lanes_below(int n) {
  integer_of<V> mask;
  for (int i = 0; i < kLanes<V>; ++i) mask[i] = i < n ? -1 : 0;
  return mask;
}

// The lanes of a mask, zeros elsewhere.
template <class V>
OSTINATO_INLINE V only(integer_of<V> mask, V value) {
  return from_bits<V>(bits(value) & mask);
}

template <int N>
constexpr int at_least_one = N > 0 ? N : 1;

}  // namespace OSTINATO_NAMESPACE

#include "staged.inl"

namespace OSTINATO_NAMESPACE {

// Vectors of units in a panel: so many that a panel has three or four vectors for each k.
template <class C>
constexpr int sub_of = C::DENSE || C::STAGED ? sub_for(C::G) : 1;

// What follows the product: activations and the new state of one panel for all rows.
template <class V, class C>
void finish_panel(const ostinato_forward* f, int64_t p, const scalar_of<V>* sums) {
  using R = scalar_of<V>;
  constexpr int L = kLanes<V>, SUB = sub_of<C>, G = C::G;
  constexpr int64_t panel = int64_t(G) * SUB * L;
  const R* x = static_cast<const R*>(f->x) + p * panel;
  const R* h = static_cast<const R*>(f->h);
  R* h_next = static_cast<R*>(f->h_next);
  const R* br = C::DENSE ? static_cast<const R*>(f->br) + p * panel : nullptr;
  for (int q = 0; q < SUB; ++q) {
    const int64_t w = p * SUB + q, at = w * L;
    if (at >= f->hidden) break;
    V named[at_least_one<C::P>];
    if constexpr (C::P > 0) load_each<V, C::P>(named, f->parameters, at);
    for (int64_t i = 0; i < f->rows; ++i) {
      const int64_t unit = i * f->width + at;
      V given[at_least_one<C::E>];
      if constexpr (C::E > 0) load_each<V, C::E>(given, f->given, unit);
      const bool anew = f->zero && f->zero[i];
      V gate[G], seen[at_least_one<C::DENSE ? G : 0>], state[C::S], next[C::S], kept[at_least_one<C::KEEP>];
      for (int g = 0; g < G; ++g) gate[g] = load<V>(x + i * f->x_row + (g * SUB + q) * L);
      if constexpr (C::DENSE) {
        const R* from = anew ? br : sums + i * panel;
        for (int g = 0; g < G; ++g) seen[g] = load<V>(from + (g * SUB + q) * L);
      }
      for (int s = 0; s < C::S; ++s) {
        const R* from = s == C::OUTPUT ? h : static_cast<const R*>(f->state[s]);
        state[s] = anew ? constant<V>(0) : load<V>(from + unit);
      }
      if (f->keep) {
        C::forward(gate, seen, state, named, given, next, kept);
        R* to = static_cast<R*>(f->keep[i]) + w * (C::KEEP * L);
        for (int n = 0; n < C::KEEP; ++n) store(to + n * L, kept[n]);
      } else {
        C::infer(gate, seen, state, named, given, next);
      }
      for (int s = 0; s < C::S; ++s)
        store((s == C::OUTPUT ? h_next : static_cast<R*>(f->state[s])) + unit, next[s]);
    }
  }
}

template <class V, class C>
void step_forward(const ostinato_forward* f) {
  using R = scalar_of<V>;
  constexpr int NV = C::G * sub_of<C>;
  constexpr int64_t panel = int64_t(NV) * kLanes<V>;
  R* sums = static_cast<R*>(f->scratch);
  for (int64_t p = f->first; p < f->last; ++p) {
    if constexpr (C::DENSE) {
      const R* r = static_cast<const R*>(f->r) + p * f->hidden * panel;
      const R* br = static_cast<const R*>(f->br) + p * panel;
      f->product[NV](f->h, f->width, 1, f->rows, r, f->hidden, br, 0, sums, panel);
    }
    finish_panel<V, C>(f, p, sums);
  }
}

// What follows the product on the way back: the gradients of one vector of units for all rows.
template <class V, class C>
void finish_units(const ostinato_backward* f, int64_t w, const scalar_of<V>* sums, int64_t sums_row) {
  using R = scalar_of<V>;
  constexpr int L = kLanes<V>, SUB = sub_of<C>, G = C::G;
  const int64_t at = w * L, gates = (w / SUB) * (int64_t(G) * SUB * L) + (w % SUB) * L;
  const R* dy = static_cast<const R*>(f->dy);
  V named[at_least_one<C::P>], total[at_least_one<C::P>];
  if constexpr (C::P > 0) {
    load_each<V, C::P>(named, f->parameters, at);
    for (int n = 0; n < C::P; ++n) total[n] = constant<V>(0);
  }
  const int inside = f->hidden - at < L ? int(f->hidden - at) : L;
  const integer_of<V> mask = lanes_below<V>(inside);
  for (int64_t i = 0; i < f->rows; ++i) {
    const int64_t unit = i * f->width + at;
    V kept[at_least_one<C::KEEP>], d[C::S], dx[G], du[G], ds[C::S], dp[at_least_one<C::P>];
    const R* from = static_cast<const R*>(f->keep[i]) + w * (C::KEEP * L);
    for (int n = 0; n < C::KEEP; ++n) kept[n] = load<V>(from + n * L);
    const bool cut = f->zero_next && i < f->later && f->zero_next[i];
    for (int s = 0; s < C::S; ++s) {
      d[s] = cut ? constant<V>(0) : load<V>(static_cast<const R*>(f->carry[s]) + unit);
      if (s == C::OUTPUT) {
        if constexpr (C::DENSE) {
          if (i < f->later && !cut) d[s] = d[s] + load<V>(sums + i * sums_row);
        }
        d[s] = d[s] + load<V>(dy + unit);
      }
    }
    V given[at_least_one<C::E>];
    if constexpr (C::E > 0) load_each<V, C::E>(given, f->given, unit);
    C::backward(kept, named, given, d, dx, du, ds, dp);
    if (inside < L) {
      // Beyond the last unit stands whatever the equations make of zeros: it must not reach a product.
      for (int g = 0; g < G; ++g) {
        dx[g] = only<V>(mask, dx[g]);
        if constexpr (C::DENSE && !C::SAME) du[g] = only<V>(mask, du[g]);
      }
      for (int s = 0; s < C::S; ++s) ds[s] = only<V>(mask, ds[s]);
    }
    for (int g = 0; g < G; ++g) {
      const int64_t to = i * f->gate_row + gates + g * (SUB * L);
      store(static_cast<R*>(f->dx) + to, dx[g]);
      if constexpr (C::DENSE && !C::SAME) store(static_cast<R*>(f->du) + to, du[g]);
    }
    for (int s = 0; s < C::S; ++s) store(static_cast<R*>(f->carry[s]) + unit, ds[s]);
    if constexpr (C::P > 0) {
      for (int n = 0; n < C::P; ++n) total[n] = total[n] + dp[n];
    }
  }
  if constexpr (C::P > 0) {
    for (int n = 0; n < C::P; ++n) {
      R* to = static_cast<R*>(f->dparameters[n]) + at;
      store(to, load<V>(to) + total[n]);
    }
  }
}

template <class V, class C>
void step_backward(const ostinato_backward* f) {
  using R = scalar_of<V>;
  constexpr int64_t L = kLanes<V>;
  R* sums = static_cast<R*>(f->scratch);
  for (int64_t w = f->first; w < f->last; w += kGroup) {
    const int64_t vectors = f->last - w < kGroup ? f->last - w : kGroup;
    if constexpr (C::DENSE) {
      if (f->later > 0) {
        const R* rt = static_cast<const R*>(f->rt) + w * L * f->depth;
        f->product[vectors](f->du_next, f->gate_row, 1, f->later, rt, f->depth, nullptr, 0, sums, vectors * L);
      }
    }
    for (int64_t v = 0; v < vectors; ++v) finish_units<V, C>(f, w + v, sums + v * L, vectors * L);
  }
}

// A kernel of either kind: what a struct does not declare is not touched.
template <class V, class C, bool STAGED>
struct kernel_maker {
  static constexpr ostinato_kernel make() {
    return {OSTINATO_ABI, int32_t(sizeof(scalar_of<V>)), kLanes<V>, sub_of<C>, C::G, C::S, C::OUTPUT, C::P, C::KEEP,
            C::DENSE,     C::SAME,
            step_forward<V, C>, step_backward<V, C>,
            C::E, 0, 0, 0, 0, 0, 0, 0, -1, nullptr, nullptr, nullptr};
  }
};
template <class V, class C>
struct kernel_maker<V, C, true> {
  static constexpr ostinato_kernel make() {
    return {OSTINATO_ABI, int32_t(sizeof(scalar_of<V>)), kLanes<V>, sub_of<C>, C::G, C::S, C::OUTPUT, C::P, C::KEEP,
            0,            1,
            staged_forward<V, C>, staged_backward<V, C>,
            C::E, 1, C::NEAR, C::FAR, C::SUMS, C::KEEP_ROWS, C::MATRICES, C::GROUPS, C::PROJECTED, C::GROUP_SIZE,
            C::GROUP_SHOWN, C::GROUP_MATRICES};
  }
};

template <class V, class C>
constexpr ostinato_kernel kernel_of = kernel_maker<V, C, C::STAGED>::make();

}  // namespace OSTINATO_NAMESPACE

#endif
