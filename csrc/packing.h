// Weights and rows brought into the order in which the loops read them. Everything here is copying.
#ifndef OSTINATO_PACKING_H
#define OSTINATO_PACKING_H

#include <string.h>

#include "layout.h"

namespace ostinato {

// Vectors of columns in a panel of a plain product.
constexpr int64_t kGroup = 4;

// GCC before 12 has not the name that clang knows.
#if defined(__clang__)
#define OSTINATO_PICK(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t four_places __attribute__((vector_size(16)));
#define OSTINATO_PICK(a, b, i, j, k, l) __builtin_shuffle(a, b, four_places{i, j, k, l})
#endif

// Four numbers of each of four rows, turned: to[k][u] = from[u][k].
inline void turn(const float* from, int64_t from_row, float* to, int64_t to_row) {
  typedef float four __attribute__((vector_size(16)));
  four row[4];
  for (int u = 0; u < 4; ++u) memcpy(&row[u], from + u * from_row, sizeof(four));
  const four low01 = OSTINATO_PICK(row[0], row[1], 0, 4, 1, 5), low23 = OSTINATO_PICK(row[2], row[3], 0, 4, 1, 5);
  const four high01 = OSTINATO_PICK(row[0], row[1], 2, 6, 3, 7), high23 = OSTINATO_PICK(row[2], row[3], 2, 6, 3, 7);
  const four column[4] = {OSTINATO_PICK(low01, low23, 0, 1, 4, 5), OSTINATO_PICK(low01, low23, 2, 3, 6, 7),
                          OSTINATO_PICK(high01, high23, 0, 1, 4, 5), OSTINATO_PICK(high01, high23, 2, 3, 6, 7)};
  for (int k = 0; k < 4; ++k) memcpy(to + k * to_row, &column[k], sizeof(four));
}
#undef OSTINATO_PICK

inline void turn(const double* from, int64_t from_row, double* to, int64_t to_row) {
  for (int k = 0; k < 4; ++k)
    for (int u = 0; u < 4; ++u) to[k * to_row + u] = from[u * from_row + k];
}

// Where each gate's rows of a weight [G H, depth] begin.
template <class R>
struct Rows {
  Rows(const void* weights, int64_t gates, int64_t hidden, int64_t depth) {
    for (int64_t g = 0; g < gates; ++g) begin[g] = static_cast<const R*>(weights) + g * hidden * depth;
  }
  // Matrices that were given apart, in the order of a group.
  Rows(const void* const* matrices, const int32_t* which, int64_t count) {
    for (int64_t g = 0; g < count; ++g) begin[g] = static_cast<const R*>(matrices[which[g]]);
  }
  const R* begin[OSTINATO_MOST];
};

// Weights [depth] of each gate's units as [panels, depth, G units], for the panels first <= p < last: what a step
// multiplies with.
template <class R>
void pack_by_panel(const Panels& shape, const Rows<R>& weights, int64_t depth, int64_t first, int64_t last, R* packed) {
  const int64_t hidden = shape.out;
  constexpr int64_t kRows = 64;  // so many rows of the panel stay in the cache while its columns are filled
  for (int64_t p = first; p < last; ++p) {
    R* panel = packed + p * depth * shape.panel;
    for (int64_t k0 = 0; k0 < depth; k0 += kRows) {
      const int64_t k1 = least(k0 + kRows, depth);
      for (int64_t g = 0; g < shape.gates; ++g)
        for (int64_t u = 0; u < shape.units;) {
          const int64_t unit = p * shape.units + u;
          R* to = panel + g * shape.units + u;
          const R* from = weights.begin[g] + unit * depth;
          const bool four = unit + 4 <= hidden && u + 4 <= shape.units;
          int64_t k = k0;
          for (; four && k + 4 <= k1; k += 4) turn(from + k, depth, to + k * shape.panel, shape.panel);
          for (; k < k1; ++k)
            for (int64_t n = 0; n < (four ? 4 : 1); ++n)
              to[k * shape.panel + n] = unit < hidden ? from[n * depth + k] : R(0);
          u += four ? 4 : 1;
        }
    }
  }
}

// A vector [G H], or nothing, as [panels, G units].
template <class R>
void pack_vector(const Shape& shape, int64_t hidden, const R* from, R* to) {
  memset(to, 0, size_t(shape.depth) * sizeof(R));
  if (!from) return;
  for (int64_t g = 0; g < shape.gates; ++g)
    for (int64_t unit = 0; unit < hidden; ++unit) to[shape.column(g, unit)] = from[g * hidden + unit];
}

// Where column n of a row of `columns` stands in groups of panels [depth, 4 lanes], and how far its rows are apart.
struct Grouped {
  int64_t lanes, depth, columns;
  int64_t groups() const { return (columns + kGroup * lanes - 1) / (kGroup * lanes); }
  int64_t vectors(int64_t group) const {
    return least((columns - group * kGroup * lanes + lanes - 1) / lanes, kGroup);
  }
  int64_t begin(int64_t group) const { return group * kGroup * lanes; }
  int64_t size() const { return (columns + lanes - 1) / lanes * lanes * depth; }
};

// One row of a matrix into its places; what is missing in the last vector becomes zero.
template <class R>
void pack_row(const Grouped& grouped, int64_t k, const R* row, R* packed) {
  for (int64_t group = 0; group < grouped.groups(); ++group) {
    const int64_t begin = grouped.begin(group), width = grouped.vectors(group) * grouped.lanes;
    const int64_t inside = least(grouped.columns - begin, width);
    R* to = packed + begin * grouped.depth + k * width;
    if (row) {
      memcpy(to, row + begin, size_t(inside) * sizeof(R));
      if (inside < width) memset(to + inside, 0, size_t(width - inside) * sizeof(R));
    } else {
      memset(to, 0, size_t(width) * sizeof(R));
    }
  }
}

// Weights [columns] of each gate's units as the right side of a product over all gates' columns, for some panels of them.
template <class R>
void pack_by_gate(const Panels& shape, const Rows<R>& weights, const Grouped& grouped, int64_t first, int64_t last,
                  R* packed) {
  for (int64_t p = first; p < last; ++p)
    for (int64_t g = 0; g < shape.gates; ++g)
      for (int64_t u = 0; u < shape.units; ++u) {
        const int64_t unit = p * shape.units + u;
        const R* row = unit < shape.out ? weights.begin[g] + unit * grouped.columns : nullptr;
        pack_row(grouped, p * shape.panel + g * shape.units + u, row, packed);
      }
}

template <class R>
void copy(R* to, const R* from, int64_t count) {
  if (count > 0) memcpy(to, from, size_t(count) * sizeof(R));
}

template <class R>
void clear(R* to, int64_t count) {
  if (count > 0) memset(to, 0, size_t(count) * sizeof(R));
}

// What else comes in at a row's step t, from the unit `first` on.
template <class R>
void copy_given(const ostinato_call& call, int n, int64_t row, int64_t t, int64_t first, int64_t count, R* to) {
  const int64_t* strides = call.given_strides + 3 * n;
  const R* from = static_cast<const R*>(call.given[n]) + row * strides[0] + t * strides[1] + first * strides[2];
  if (strides[2] == 1) {
    if (count > 0) memcpy(to, from, size_t(count) * sizeof(R));
  } else {
    for (int64_t u = 0; u < count; ++u) to[u] = from[u * strides[2]];
  }
}

// The width of a part of the state.
inline int64_t width_of(const ostinato_call& call, int part) {
  return call.kernel->staged && part == call.kernel->output ? call.shown : call.hidden;
}

// Per-unit vectors [H] with zeros up to the width.
template <class R>
void pack_parameters(const ostinato_call& call, const Shape& shape, R* packed) {
  for (int64_t n = 0; n < call.kernel->parameters; ++n) {
    clear(packed + n * shape.width, shape.width);
    copy(packed + n * shape.width, static_cast<const R*>(call.parameters[n]), call.hidden);
  }
}

}  // namespace ostinato

#endif
