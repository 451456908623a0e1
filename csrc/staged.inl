// One step of a cell that is no straight line: sums along a row and products with matrices stand inside it. The generated
// phases work on one row, with a loop over its vectors for each stage; between phases the core multiplies all rows.
// Included by recur.inl.
#ifndef OSTINATO_STAGED_INL
#define OSTINATO_STAGED_INL

#include "ostinato.h"

namespace OSTINATO_NAMESPACE {

// Vectors of units in a panel of so many gates or matrices: a panel has three or four vectors for each k.
constexpr int sub_for(int count) { return count == 1 ? 4 : count == 2 ? 2 : 1; }

// Where the vector w of units of gate n stands in a row of N gates.
template <class V, int N>
OSTINATO_INLINE int64_t place(int n, int64_t w) {
  constexpr int SUB = sub_for(N);
  constexpr int64_t L = kLanes<V>;
  return (w / SUB) * (N * SUB * L) + n * (SUB * L) + (w % SUB) * L;
}

template <class R, int BYTES>
OSTINATO_INLINE R sum_of(const void* vector) {
  if constexpr (BYTES == 2 * sizeof(R)) {
    const R* pair = static_cast<const R*>(vector);
    return pair[0] + pair[1];
  } else {
    typedef R half __attribute__((vector_size(BYTES / 2), aligned(sizeof(R)), may_alias));
    const half* halves = static_cast<const half*>(vector);
    const half sum = halves[0] + halves[1];
    return sum_of<R, BYTES / 2>(&sum);
  }
}

// The sum and the largest of a vector's lanes, in every lane.
template <class V>
OSTINATO_INLINE V total(V value) {
  // By halves, in registers: a chain of additions would wait for each of them.
  return sum_of<scalar_of<V>, int(sizeof(V))>(&value) - V{};
}
template <class V>
OSTINATO_INLINE V largest(V value) {
  scalar_of<V> most = value[0];
  // What is not a number stays one.
  for (int i = 1; i < kLanes<V>; ++i) most = value[i] > most || value[i] != value[i] ? value[i] : most;
  return most - V{};
}

// What a phase knows of its row.
template <class V>
struct row_of {
  using R = scalar_of<V>;
  int64_t vectors, width;
  integer_of<V> mask;  // the units of the last vector
  V share;             // one over their number
  const R* x;
  R** state;           // each part before the step
  R** out;             // and after it
  const R* const* parameter;
  R** given;
  R** result;          // products, by group
  R** operand;
  R *keep, *keep_row;
  R *near, *far, *sums;
  R** gradient;        // in: of each part of the new state; out: of the old one
  R** dq;
  R* dx;
  R** dparameter;
  OSTINATO_INLINE V inside(int64_t w, V value) const { return w + 1 == vectors ? only<V>(mask, value) : value; }
  OSTINATO_INLINE V inside(int64_t w, V value, V beyond) const {
    return w + 1 == vectors ? from_bits<V>((bits(value) & mask) | (bits(beyond) & ~mask)) : value;
  }
};

// The pointers of one row, moved from row to row.
template <class V, class C>
struct cursor {
  using R = scalar_of<V>;
  R *state[C::S], *out[C::S], *given[at_least_one<C::E>], *result[at_least_one<C::GROUPS>];
  R *operand[at_least_one<C::GROUPS>], *dq[at_least_one<C::GROUPS>];
  row_of<V> row;

  cursor(int64_t hidden, int64_t width, const void* const* parameters) {
    constexpr int L = kLanes<V>;
    row.vectors = (hidden + L - 1) / L;
    row.width = width;
    row.mask = lanes_below<V>(int(hidden - (row.vectors - 1) * L));
    row.share = constant<V>(1.0 / double(hidden));
    row.parameter = reinterpret_cast<const R* const*>(parameters);
    row.state = state, row.out = out, row.given = given, row.result = result, row.operand = operand, row.dq = dq;
    row.gradient = state;
  }

  void move(const ostinato_stages* f, const void* const* all_given, int64_t i, bool back) {
    for (int e = 0; e < C::E; ++e) given[e] = static_cast<R*>(const_cast<void*>(all_given[e])) + i * row.width;
    for (int g = 0; g < C::GROUPS; ++g) {
      result[g] = static_cast<R*>(f->result[g]) + i * (back ? row.width : f->group_row[g]);
      operand[g] = f->operand[g] ? static_cast<R*>(f->operand[g]) + i * row.width : nullptr;
      dq[g] = back ? static_cast<R*>(f->dq[g]) + i * f->group_row[g] : nullptr;
    }
    row.near = static_cast<R*>(f->near);
    row.far = static_cast<R*>(f->far) + i * (C::FAR * row.width);
    row.sums = static_cast<R*>(f->sums) + i * at_least_one<C::SUMS>;
  }
};

template <class R>
OSTINATO_INLINE void move_row(R* to, const R* from, int64_t count) {
  for (int64_t n = 0; n < count; ++n) to[n] = from[n];
}
template <class R>
OSTINATO_INLINE void clear_row(R* to, int64_t count) {
  for (int64_t n = 0; n < count; ++n) to[n] = R(0);
}

// All matrices of a group by what they share, for all rows.
template <class V, class C>
void multiply_group(const ostinato_forward* f, int g) {
  using R = scalar_of<V>;
  const ostinato_stages* s = f->stages;
  const int64_t vectors = C::GROUP_SIZE[g] * sub_for(C::GROUP_SIZE[g]), panel = vectors * kLanes<V>;
  const int64_t units = sub_for(C::GROUP_SIZE[g]) * kLanes<V>;
  const int64_t out = g == C::PROJECTED ? s->shown : f->hidden, depth = C::GROUP_SHOWN[g] ? s->shown : f->hidden;
  const void* a = C::GROUP_SHOWN[g] ? f->h : s->operand[g];
  for (int64_t p = 0; p * units < out; ++p)
    f->product[vectors](a, f->width, 1, f->rows, static_cast<const R*>(s->packed[g]) + p * depth * panel, depth, nullptr, 0,
                        static_cast<R*>(s->result[g]) + p * panel, s->group_row[g]);
}

template <class V, class C>
void staged_forward(const ostinato_forward* f) {
  using R = scalar_of<V>;
  if (f->first >= f->last) return;
  const bool keeping = f->keep != nullptr;
  cursor<V, C> at(f->hidden, f->width, f->parameters);
  const auto part = [&](int s) {
    return s == C::OUTPUT ? static_cast<R*>(const_cast<void*>(f->h)) : static_cast<R*>(f->state[s]);
  };
  for (int64_t i = 0; f->zero && i < f->rows; ++i)
    for (int s = 0; f->zero[i] && s < C::S; ++s) clear_row(part(s) + i * f->width, f->width);
  const int phases = keeping ? C::FORWARD_PHASES : C::INFER_PHASES;
  for (int phase = -1; phase < phases; ++phase) {
    for (int64_t i = 0; phase >= 0 && i < f->rows; ++i) {
      at.move(f->stages, f->given, i, false);
      at.row.x = static_cast<const R*>(f->x) + i * f->x_row;
      for (int s = 0; s < C::S; ++s) {
        at.state[s] = part(s) + i * f->width;
        at.out[s] = s == C::OUTPUT ? static_cast<R*>(f->h_next) + i * f->width : at.state[s];
      }
      if (keeping) {
        at.row.keep = static_cast<R*>(f->keep[i]);
        at.row.keep_row = at.row.keep + at.row.vectors * (C::KEEP * kLanes<V>);
        C::template forward<V>(phase, at.row);
      } else {
        C::template infer<V>(phase, at.row);
      }
    }
    for (int g = 0; g < C::GROUPS; ++g)
      if ((keeping ? C::FORWARD_AFTER[g] : C::INFER_AFTER[g]) == phase) multiply_group<V, C>(f, g);
  }
  for (int64_t i = 0; C::PROJECTED >= 0 && i < f->rows; ++i)
    move_row(static_cast<R*>(f->h_next) + i * f->width,
             static_cast<R*>(f->stages->result[at_least_one<C::PROJECTED + 1> - 1]) +
                 i * f->stages->group_row[at_least_one<C::PROJECTED + 1> - 1],
             f->stages->shown);
}

// The transposes of a group's matrices by the gradients of its products, for all rows.
template <class V, class C>
void multiply_back(const ostinato_backward* f, int g) {
  using R = scalar_of<V>;
  const ostinato_stages* s = f->stages;
  constexpr int64_t L = kLanes<V>;
  const int64_t out = g == C::PROJECTED ? s->shown : f->hidden, columns = C::GROUP_SHOWN[g] ? s->shown : f->hidden;
  const int64_t units = sub_for(C::GROUP_SIZE[g]) * L, depth = (out + units - 1) / units * units * C::GROUP_SIZE[g];
  const int64_t vectors = (columns + L - 1) / L;
  for (int64_t w = 0; w < vectors; w += kGroup)
    f->product[vectors - w < kGroup ? vectors - w : kGroup](
        s->dq[g], s->group_row[g], 1, f->rows, static_cast<const R*>(s->packed[g]) + w * L * depth, depth, nullptr, 0,
        static_cast<R*>(s->result[g]) + w * L, f->width);
}

template <class V, class C>
void staged_backward(const ostinato_backward* f) {
  using R = scalar_of<V>;
  if (f->first >= f->last) return;
  const ostinato_stages* stages = f->stages;
  cursor<V, C> at(f->hidden, f->width, f->parameters);
  at.row.dparameter = reinterpret_cast<R**>(const_cast<void**>(f->dparameters));
  R* shown = static_cast<R*>(f->carry[C::OUTPUT]);
  constexpr int project = at_least_one<C::PROJECTED + 1> - 1;
  for (int64_t i = 0; i < f->rows; ++i) {
    const bool cut = f->zero_next && i < f->later && f->zero_next[i];
    for (int s = 0; cut && s < C::S; ++s) clear_row(static_cast<R*>(f->carry[s]) + i * f->width, f->width);
    const R* dy = static_cast<const R*>(f->dy) + i * f->width;
    for (int64_t n = 0; n < f->width; ++n) shown[i * f->width + n] += dy[n];
    if (C::PROJECTED >= 0)
      move_row(static_cast<R*>(stages->dq[project]) + i * stages->group_row[project], shown + i * f->width, stages->shown);
  }
  for (int phase = -1; phase < C::BACKWARD_PHASES; ++phase) {
    for (int64_t i = 0; phase >= 0 && i < f->rows; ++i) {
      at.move(stages, f->given, i, true);
      for (int s = 0; s < C::S; ++s) at.state[s] = static_cast<R*>(f->carry[s]) + i * f->width;
      at.row.keep = static_cast<R*>(const_cast<void*>(f->keep[i]));
      at.row.keep_row = at.row.keep + at.row.vectors * (C::KEEP * kLanes<V>);
      at.row.dx = static_cast<R*>(f->dx) + i * f->gate_row;
      C::template backward<V>(phase, at.row);
    }
    for (int g = 0; g < C::GROUPS; ++g)
      if (C::BACKWARD_AFTER[g] == phase) multiply_back<V, C>(f, g);
  }
  if (C::PROJECTED < 0) return;
  const R* seen = nullptr;
  for (int g = 0; g < C::GROUPS; ++g)
    if (C::GROUP_SHOWN[g] && C::BACKWARD_AFTER[g] >= -1) seen = static_cast<const R*>(stages->result[g]);
  for (int64_t i = 0; i < f->rows; ++i) {
    clear_row(shown + i * f->width, f->width);
    if (seen) move_row(shown + i * f->width, seen + i * f->width, stages->shown);
  }
}

}  // namespace OSTINATO_NAMESPACE

#endif
