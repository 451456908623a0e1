"""The loops over rows that an exported C file is made of: products, sums, copies, and the looks at what is finite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """The C text of one function, and the names of those that it calls."""

    text: str
    needs: tuple[str, ...] = ()


_ROW_SUM = """
/* The sum of n numbers, always in this order: four sums of every fourth number, then the rest. */
static float row_sum(const float *v, size_t n)
{
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        a += v[i];
        b += v[i + 1];
        c += v[i + 2];
        d += v[i + 3];
    }
    a = (a + c) + (b + d);
    for (; i < n; i++) {
        a += v[i];
    }
    return a;
}
"""

_ROW_MEAN = """
static float row_mean(const float *v, size_t n)
{
    return row_sum(v, n) / (float)n;
}
"""

_ROW_MAX = """
static float row_max(const float *v, size_t n)
{
    float top = v[0];
    for (size_t i = 1; i < n; i++) {
        top = v[i] > top ? v[i] : top;
    }
    return top + 0.0f;
}
"""

_FLUSHED = """
/* Numbers too small to matter become 0: what decays must not reach the slow, tiny floats. */
static inline float flushed(float x)
{
    return absolute_of(x) < 0x1p-96f ? 0.0f : x;
}
"""

_ALL_FINITE = """
/* Whether no number is infinite or NaN: then no exponent has all its bits. */
static int all_finite(const float *v, size_t n)
{
    uint32_t carries = 0;
    for (size_t i = 0; i < n; i++) {
        carries |= (bits_of(v[i]) & 0x7f800000u) + 0x00800000u;
    }
    return carries < 0x80000000u;
}
"""

_COPY = """
static void copy(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}
"""

_COMMIT = """
static void commit(float *state, const float *next, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        state[i] = flushed(next[i]);
    }
}
"""

_ADD_ROW = """
static void add_row(float *sum, const float *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum[i] += row[i];
    }
}
"""

# Four rows of the matrix at once: one load and one store of a sum for four products, added in the order of the rows.
# Eight would be a little less work, but rows that lie 4096 bytes apart drive each other out of the cache then.
_PRODUCT = """
/* sum += v M for a matrix M [inputs, outputs] that lies row by row. Each output adds its products in the order of the
   inputs, whatever the compiler does: it may only work on several outputs at once. */
static void add_product(float *restrict sum, const float *restrict v, const float *restrict m, size_t inputs,
                        size_t outputs)
{
    for (size_t left = inputs / 4; left > 0; left--, v += 4, m += 4 * outputs) {
        const float a = v[0], b = v[1], c = v[2], d = v[3];
        for (size_t j = 0; j < outputs; j++) {
            float s = sum[j];
            s += a * m[j];
            s += b * m[outputs + j];
            s += c * m[2 * outputs + j];
            s += d * m[3 * outputs + j];
            sum[j] = s;
        }
    }
    for (size_t left = inputs % 4; left > 0; left--, v++, m += outputs) {
        for (size_t j = 0; j < outputs; j++) {
            sum[j] += v[0] * m[j];
        }
    }
}
"""

ROWS: dict[str, Function] = {
    "row_sum": Function(_ROW_SUM),
    "row_mean": Function(_ROW_MEAN, ("row_sum",)),
    "row_max": Function(_ROW_MAX),
    "flushed": Function(_FLUSHED, ("absolute_of",)),
    "all_finite": Function(_ALL_FINITE, ("bits_of",)),
    "copy": Function(_COPY),
    "commit": Function(_COMMIT, ("flushed",)),
    "add_row": Function(_ADD_ROW),
    "add_product": Function(_PRODUCT),
}
