"""The functions that an exported C file computes with: our own polynomials, without branches, the same bits everywhere.

Each result is within about 4 units in the last place wherever it is a normal number. NaN gives NaN, and infinities give
limits. The coefficients are those of the compiled core (``csrc/math.inl``), which says how they were fitted.
"""

from __future__ import annotations

from collections.abc import Iterable

from ostinato.exporting.c99_rows import ROWS, Function

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
    **ROWS,
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
