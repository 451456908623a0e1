"""The functions that an exported C file computes with: our own polynomials, without branches, the same bits everywhere.

Each result is within about 4 units in the last place wherever it is a normal number. NaN gives NaN, and infinities give
limits. The coefficients are those of the compiled core (``csrc/math.inl``), which says how they were fitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """The C text of one function, and the names of those that it calls."""

    text: str
    needs: tuple[str, ...] = ()


# What the names of operations are in C; the functions of <math.h> have the plain ones.
CALLS = {
    "sigmoid": "sigmoid_of",
    "tanh": "tanh_of",
    "relu": "relu_of",
    "exp": "exp_of",
    "log": "log_of",
    "softplus": "softplus_of",
    "sqrt": "sqrt_of",
    "absolute": "absolute_of",
    "sin": "sin_of",
    "cos": "cos_of",
    "select": "chosen_of",
    "maximum": "larger_of",
    "minimum": "smaller_of",
    "row_sum": "row_sum",
    "row_mean": "row_mean",
    "row_max": "row_max",
}

_LOGARITHMS = """
/* 1 / ln 2, and ln 2 in two parts: n times the first is exact for every n that occurs. */
#define LOG2_E 0x1.715476p0f
#define LN2_HIGH 0x1.63p-1f
#define LN2_LOW -0x1.bd0106p-13f
"""

_POWER = """
/* 2^n for a float that holds n + SHIFT, whose lowest bits are n + 127: a float keeps its exponent so. */
#define SHIFT 12583039.0f
static inline float power_of_two(float shifted)
{
    return float_of(bits_of(shifted) << 23);
}
"""

_RATIO = """
/* exp(r) = (even + odd) / (even - odd) for |r| <= ln(2)/2. */
static inline float even_of(float r)
{
    return r * r * 0x1.9984a6p-4f + 1.0f;
}

static inline float odd_of(float r)
{
    return r * (r * r * 0x1.10bd86p-7f + 0.5f);
}
"""

_SIGMOID = """
/* 1 / (1 + exp(-x)), with one division. */
static inline float sigmoid_of(float x)
{
    const float above = -89.0f > x ? -89.0f : x;
    const float y = 87.0f < above ? 87.0f : above;
    const float shifted = y * -LOG2_E + SHIFT;
    const float n = SHIFT - shifted;
    const float r = y - n * LN2_HIGH - n * LN2_LOW;
    const float even = even_of(r), odd = odd_of(r);
    const float upper = even + odd;
    return upper / (power_of_two(shifted) * (even - odd) + upper);
}
"""

_TANH = """
/* (exp(2x) - 1) / (exp(2x) + 1), with one division; what was rounded above stands below too. */
static inline float tanh_of(float x)
{
    const float size = absolute_of(x);
    const float y = 9.1f < size ? 9.1f : size;
    const float shifted = y * (2.0f * LOG2_E) + SHIFT;
    const float r = y - (shifted - SHIFT) * 0x1.62e43p-2f;
    const float z = r * r;
    const float even = z * 0x1.9984a6p-2f + 1.0f;
    const float odd = r * (z * 0x1.10bd86p-4f + 1.0f);
    const float power = power_of_two(shifted);
    const float upper = (1.0f + power) * odd - (1.0f - power) * even;
    const float rest = even - odd;
    return float_of(bits_of(upper) | (bits_of(x) & 0x80000000u)) / (upper + (rest + rest));
}
"""

_EXP = """
/* 2^n exp(r) with x = n ln 2 + r; below -87.7 it is 0, and where it is no float any more infinite. */
static inline float exp_of(float x)
{
    const float y = -88.0f > x ? -88.0f : x;
    const float wished = y * LOG2_E + SHIFT;
    const float shifted = SHIFT + 127.0f < wished ? SHIFT + 127.0f : wished;
    const float n = shifted - SHIFT;
    const float r = y - n * LN2_HIGH - n * LN2_LOW;
    float p = r * 0x1.a0ffaep-10f + 0x1.11838ap-7f;
    p = p * r + 0x1.550266p-5f;
    p = p * r + 0x1.5555aap-3f;
    p = p * r + 0x1.00003cp-1f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * power_of_two(shifted);
}
"""

_LOG = """
/* n ln 2 + log(m) with m between the square roots of 1/2 and of 2; log(1 + f) = 2 atanh(f / (2 + f)). */
static inline float log_of(float x)
{
    const float y = x < 0x1p-126f ? x * 0x1p23f : x;
    const uint32_t biased = bits_of(y) - 0x3f3504f3u + (127u << 23);
    const float m = float_of(bits_of(y) - (biased & 0xff800000u) + (127u << 23));
    const float n = (float)(int32_t)(biased >> 23) - (x < 0x1p-126f ? 150.0f : 127.0f);
    const float f = m - 1.0f;
    const float s = f / (f + 2.0f);
    const float z = s * s;
    const float p = ((z * 0x1.31e82cp-2f + 0x1.995e8cp-2f) * z + 0x1.55557ap-1f) * z;
    const float result = n * LN2_HIGH + (f + (n * LN2_LOW - s * (f - p)));
    const float inside = x < float_of(0x7f800000u) ? result : x;
    const float outside = x < 0.0f ? float_of(0x7fc00000u) : float_of(0xff800000u);
    return x <= 0.0f ? outside : inside;
}
"""

_SOFTPLUS = """
/* max(x, 0) + log(1 + exp(-|x|)); log(1 + e) = 2 atanh(w / 2) with w = e / (1 + e / 2). */
static inline float softplus_of(float x)
{
    const float below = float_of(bits_of(x) | 0x80000000u);
    const float y = -88.0f > below ? -88.0f : below;
    const float shifted = y * LOG2_E + SHIFT;
    const float n = shifted - SHIFT;
    const float r = y - n * LN2_HIGH - n * LN2_LOW;
    const float even = even_of(r), odd = odd_of(r);
    const float upper = power_of_two(shifted) * (even + odd);
    const float w = upper / (upper * 0.5f + (even - odd));
    const float z = w * w;
    float p = z * 0x1.1eff94p-11f + 0x1.1eb4bap-9f;
    p = p * z + 0x1.99d28ep-7f;
    p = p * z + 0x1.5555p-4f;
    return (0.0f > x ? 0.0f : x) + (w * z * p + w);
}
"""

_SQRT = """
/* Heron's steps from a guess that halves the exponent. */
static inline float sqrt_of(float x)
{
    const float y = x < 0x1p-100f ? x * 0x1p48f : x;
    float root = float_of((bits_of(y) >> 1) + 0x1fbd1df5u);
    root = 0.5f * (root + y / root);
    root = 0.5f * (root + y / root);
    root = 0.5f * (root + y / root);
    root = x < 0x1p-100f ? root * 0x1p-24f : root;
    root = x < float_of(0x7f800000u) ? root : x;
    return x > 0.0f ? root : (x == 0.0f ? x : float_of(0x7fc00000u));
}
"""

_TURN = """
/* The sine of x + quarters of a turn, in double: good for every |x| up to 2^27, where floats are 8 apart. */
static inline float sine_from(float x, double quarters)
{
    const double near = (double)x * 0x1.45f306dc9c883p-1 + 0x1.8p52;
    const double n = near - 0x1.8p52;
    const double r = ((double)x - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34;
    const double whole = n + quarters;
    const double four = whole * 0.25 + 0x1.8p52;
    const double turned = whole - 4.0 * (four - 0x1.8p52);
    const double z = r * r;
    const double s = r * (1.0 + z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z * (1.0 / 362880.0)))));
    const double even = -1.0 / 720.0 + z * (1.0 / 40320.0 + z * (-1.0 / 3628800.0));
    const double c = 1.0 + z * (-1.0 / 2.0 + z * (1.0 / 24.0 + z * even));
    const double odd = turned == 1.0 ? c : -c;
    const double straight = turned == 0.0 ? s : -s;
    return (float)(turned == 1.0 || turned == -1.0 ? odd : straight);
}
"""

_SIN = """
static inline float sin_of(float x)
{
    return sine_from(x, 0.0);
}
"""

_COS = """
static inline float cos_of(float x)
{
    return sine_from(x, 1.0);
}
"""

_ABSOLUTE = """
static inline float absolute_of(float x)
{
    return float_of(bits_of(x) & 0x7fffffffu);
}
"""

# Compilers do not agree about the sign of a zero that was chosen: + 0.0f makes it positive.
_RELU = """
static inline float relu_of(float x)
{
    return (0.0f > x ? 0.0f : x) + 0.0f;
}
"""

_CHOSEN = """
static inline float chosen_of(float condition, float yes, float no)
{
    return (condition != 0.0f ? yes : no) + 0.0f;
}
"""

_LARGER = """
static inline float larger_of(float a, float b)
{
    return (a > b ? a : b) + 0.0f;
}
"""

_SMALLER = """
static inline float smaller_of(float a, float b)
{
    return (a < b ? a : b) + 0.0f;
}
"""

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

# Eight rows of the matrix at once: one load and one store of a sum for eight products, added in the order of the rows.
_PRODUCT = """
/* sum += v M for a matrix M [inputs, outputs] that lies row by row. Each output adds its products in the order of the
   inputs, whatever the compiler does: it may only work on several outputs at once. */
static void add_product(float *restrict sum, const float *restrict v, const float *restrict m, size_t inputs,
                        size_t outputs)
{
    for (size_t left = inputs / 8; left > 0; left--, v += 8, m += 8 * outputs) {
        const float a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
        for (size_t j = 0; j < outputs; j++) {
            float s = sum[j];
            s += a * m[j];
            s += b * m[outputs + j];
            s += c * m[2 * outputs + j];
            s += d * m[3 * outputs + j];
            s += e * m[4 * outputs + j];
            s += f * m[5 * outputs + j];
            s += g * m[6 * outputs + j];
            s += h * m[7 * outputs + j];
            sum[j] = s;
        }
    }
    for (size_t left = inputs % 8; left > 0; left--, v++, m += outputs) {
        for (size_t j = 0; j < outputs; j++) {
            sum[j] += v[0] * m[j];
        }
    }
}
"""

_WORD = """
typedef union {
    float number;
    uint32_t bits;
} float_or_bits;

static inline uint32_t bits_of(float x)
{
    float_or_bits w;
    w.number = x;
    return w.bits;
}
"""

_FLOAT_OF = """
static inline float float_of(uint32_t bits)
{
    float_or_bits w;
    w.bits = bits;
    return w.number;
}
"""

# In the order in which they stand in a file.
FUNCTIONS: dict[str, Function] = {
    "bits_of": Function(_WORD),
    "float_of": Function(_FLOAT_OF, ("bits_of",)),
    "absolute_of": Function(_ABSOLUTE, ("float_of",)),
    "LN2": Function(_LOGARITHMS),
    "power_of_two": Function(_POWER, ("LN2", "float_of")),
    "even_of": Function(_RATIO),
    "sigmoid_of": Function(_SIGMOID, ("power_of_two", "even_of")),
    "tanh_of": Function(_TANH, ("power_of_two", "absolute_of")),
    "exp_of": Function(_EXP, ("power_of_two",)),
    "log_of": Function(_LOG, ("LN2", "float_of")),
    "softplus_of": Function(_SOFTPLUS, ("power_of_two", "even_of")),
    "sqrt_of": Function(_SQRT, ("float_of",)),
    "sine_from": Function(_TURN),
    "sin_of": Function(_SIN, ("sine_from",)),
    "cos_of": Function(_COS, ("sine_from",)),
    "relu_of": Function(_RELU),
    "chosen_of": Function(_CHOSEN),
    "larger_of": Function(_LARGER),
    "smaller_of": Function(_SMALLER),
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


def functions(used: Iterable[str]) -> str:
    """The text of some functions and of all that they call, each once, in an order that C accepts.

    >>> "exp_of" in functions(["sigmoid_of"]), "power_of_two" in functions(["sigmoid_of"])
    (False, True)
    """
    wanted, left = set(), list(used)
    while left:
        name = left.pop()
        if name not in wanted:
            wanted.add(name)
            left.extend(FUNCTIONS[name].needs)
    return "\n".join(function.text.strip("\n") + "\n" for name, function in FUNCTIONS.items() if name in wanted)
