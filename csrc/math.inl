// The operations of cells on vectors. Include vector.inl first, and compile with -O3 -ffp-contract=fast -fno-math-errno
// -fno-trapping-math, never with -ffast-math: NaN and infinity mean what they say.
//
// On float every result that is a normal number is within 4 ULP of the exact one, for every input there is; results too
// small to be normal may be 0. NaN gives NaN, and infinities give limits. On double the lanes go through the C library
// one by one: float64 is here to be right.
//
// Coefficients are minimax fits (relative error below 0.5 * 2^-24 before they were rounded to float), made with
// Lawson's weighted least squares in float64. See Muller, Elementary Functions (3rd ed., 2016) for the reductions.

namespace OSTINATO_NAMESPACE {

// Parts of exp on float ----------------------------------------------------------------------------------------------

// x = n ln 2 + r with a whole n and |r| <= ln(2)/2 up to rounding. `shifted` is n + kShift: its low bits are n + 127,
// which is how a float keeps the exponent n, so that one shift makes 2^n.
constexpr double kShift = 0x1.8p23 + 127;
constexpr double kLog2E = 0x1.715476p0;
// ln 2 in two parts; n times the first is exact for every n that occurs.
constexpr double kLn2High = 0x1.63p-1;
constexpr double kLn2Low = -0x1.bd0106p-13;

OSTINATO_INLINE f32 power_of_two(f32 shifted) { return from_bits<f32>(bits(shifted) << 23); }

// x - n ln 2.
OSTINATO_INLINE f32 reduce(f32 x, f32 n) {
  const f32 high = x - n * constant<f32>(kLn2High);
  return high - n * constant<f32>(kLn2Low);
}

// exp(r) = (even + odd) / (even - odd) for |r| <= ln(2)/2, since tanh(r/2) = odd / even with even = 1 + c r^2 and
// odd = r (1/2 + d r^2). Where a division follows anyway this takes half the constants and two thirds of the latency of
// a polynomial.
struct ratio32 {
  f32 even;
  f32 odd;
};

OSTINATO_INLINE ratio32 ratio(f32 r) {
  const f32 z = r * r;
  const f32 even = fused(z, constant<f32>(0x1.9984a6p-4), constant<f32>(1));
  const f32 odd = r * fused(z, constant<f32>(0x1.10bd86p-7), constant<f32>(0.5));
  return {even, odd};
}

// The larger and the smaller of a limit and x; x where it is NaN.
template <class V>
OSTINATO_INLINE V at_least(V limit, V x) {
  return limit > x ? limit : x;
}

template <class V>
OSTINATO_INLINE V at_most(V limit, V x) {
  return limit < x ? limit : x;
}

// x86 has just that in one instruction, with just that treatment of NaN, but compilers make a comparison and a blend.
#if defined(__AVX512F__) && OSTINATO_BYTES == 64
#if defined(__clang__)
OSTINATO_INLINE f32 at_least(f32 limit, f32 x) { return __builtin_ia32_maxps512(limit, x, 4); }
OSTINATO_INLINE f32 at_most(f32 limit, f32 x) { return __builtin_ia32_minps512(limit, x, 4); }
#else
OSTINATO_INLINE f32 at_least(f32 limit, f32 x) { return __builtin_ia32_maxps512_mask(limit, x, x, -1, 4); }
OSTINATO_INLINE f32 at_most(f32 limit, f32 x) { return __builtin_ia32_minps512_mask(limit, x, x, -1, 4); }
#endif
#elif defined(__AVX__) && OSTINATO_BYTES == 32
OSTINATO_INLINE f32 at_least(f32 limit, f32 x) { return __builtin_ia32_maxps256(limit, x); }
OSTINATO_INLINE f32 at_most(f32 limit, f32 x) { return __builtin_ia32_minps256(limit, x); }
#elif defined(__SSE__) && OSTINATO_BYTES == 16
OSTINATO_INLINE f32 at_least(f32 limit, f32 x) { return __builtin_ia32_maxps(limit, x); }
OSTINATO_INLINE f32 at_most(f32 limit, f32 x) { return __builtin_ia32_minps(limit, x); }
#endif

// From here on tanh is 1 in float.
constexpr double kTanhLimit = 9.1;

// float --------------------------------------------------------------------------------------------------------------

// The bits of a float.
OSTINATO_INLINE f32 absolute(f32 x) { return from_bits<f32>(bits(x) & 0x7fffffffu); }

OSTINATO_INLINE f32 exp(f32 x) {
  // Below -87.7 the exponent of 2^n is 0, so that the product is 0.
  const f32 y = at_least(constant<f32>(-88), x);
  // 2^128 is no float, but exp(88.5) is: n stops at 127, and from there r grows up to ln 2 (and beyond: then p 2^127
  // overflows as it should). So this polynomial is good on [-ln(2)/2, ln 2].
  const f32 shifted = at_most(constant<f32>(kShift + 127), fused(y, constant<f32>(kLog2E), constant<f32>(kShift)));
  const f32 r = reduce(y, shifted - constant<f32>(kShift));
  f32 p = fused(r, constant<f32>(0x1.a0ffaep-10), constant<f32>(0x1.11838ap-7));
  p = fused(p, r, constant<f32>(0x1.550266p-5));
  p = fused(p, r, constant<f32>(0x1.5555aap-3));
  p = fused(p, r, constant<f32>(0x1.00003cp-1));
  p = fused(p, r, constant<f32>(1));
  p = fused(p, r, constant<f32>(1));
  return p * power_of_two(shifted);
}

// 1 / (1 + exp(-x)), with one division.
OSTINATO_INLINE f32 sigmoid(f32 x) {
  // At -89 the power of two is infinite and the result 0; the exact one is no longer normal below -87.4.
  const f32 y = at_most(constant<f32>(87), at_least(constant<f32>(-89), x));
  const f32 shifted = fused(y, constant<f32>(-kLog2E), constant<f32>(kShift));
  // Here r is that of -x with its sign turned, so the ratio is turned over.
  const ratio32 e = ratio(reduce(y, constant<f32>(kShift) - shifted));
  const f32 upper = e.even + e.odd;
  return upper / fused(power_of_two(shifted), e.even - e.odd, upper);
}

// (exp(2x) - 1) / (exp(2x) + 1), with one division.
OSTINATO_INLINE f32 tanh(f32 x) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  const f32 y = at_most(constant<f32>(kTanhLimit), at_least(constant<f32>(-kTanhLimit), x));
#else
  const f32 y = at_most(constant<f32>(kTanhLimit), absolute(x));
#endif
  // 2y = n ln 2 + 2r, where n is so small that one part of ln 2 is enough; the ratio is that of 2r.
  const f32 shifted = fused(y, constant<f32>(2 * kLog2E), constant<f32>(kShift));
  const f32 r = y - (shifted - constant<f32>(kShift)) * constant<f32>(0x1.62e43p-2);
  const f32 z = r * r;
  const f32 even = fused(z, constant<f32>(0x1.9984a6p-2), constant<f32>(1));
  const f32 odd = r * fused(z, constant<f32>(0x1.10bd86p-4), constant<f32>(1));
  const f32 power = power_of_two(shifted);
  // For n = 0 one factor is 0 and this is odd / even, in which nothing cancels; in this order a zero keeps its sign.
  const f32 above = constant<f32>(1) + power, below = constant<f32>(1) - power;
  const f32 upper = above * odd - below * even;
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return upper / (above * even - below * odd);
#else
  // Where each product is rounded, that would cost more than 4 ULP near 1. So what was rounded stands in both parts,
  // which needs a positive x.
  const f32 rest = even - odd;
  return from_bits<f32>(bits(upper) | (bits(x) & 0x80000000u)) / (upper + (rest + rest));
#endif
}

OSTINATO_INLINE f32 log(f32 x) {
  // Numbers below the normal ones are scaled by 2^23 first.
  const auto small = x < constant<f32>(0x1p-126);
  const f32 y = small ? x * constant<f32>(0x1p23) : x;
  // y = 2^n m with m in [sqrt(1/2), sqrt 2): the exponent of y / sqrt(1/2), rounded down.
  const integer_of<f32> from_root = bits(y) - 0x3f3504f3u;
  const integer_of<f32> exponent = from_root & 0xff800000u;
  const f32 m = from_bits<f32>(bits(y) - exponent);
  typedef int32_t signed32 __attribute__((vector_size(OSTINATO_BYTES)));
  const f32 whole = __builtin_convertvector(reinterpret_cast<signed32>(exponent) >> 23, f32);
  const f32 n = whole - (small ? constant<f32>(23) : constant<f32>(0));
  // log(1 + f) = 2 atanh(s), s = f / (2 + f).
  const f32 f = m - constant<f32>(1);
  const f32 s = f / (f + constant<f32>(2));
  const f32 z = s * s;
  f32 p = fused(z, constant<f32>(0x1.31e82cp-2), constant<f32>(0x1.995e8cp-2));
  p = fused(p, z, constant<f32>(0x1.55557ap-1)) * z;
  // 2 s + s p = f - s (f - p), where the large part is exact.
  const f32 rest = fused(n, constant<f32>(kLn2Low), -(s * (f - p)));
  const f32 result = fused(n, constant<f32>(kLn2High), f + rest);
  const f32 infinity = constant<f32>(__builtin_inf());
  const f32 outside = x < constant<f32>(0) ? constant<f32>(__builtin_nan("")) : -infinity;
  const f32 inside = x < infinity ? result : x;
  return x <= constant<f32>(0) ? outside : inside;
}

// max(x, 0) + log(1 + exp(-|x|)).
OSTINATO_INLINE f32 softplus(f32 x) {
  const f32 y = at_least(constant<f32>(-88), from_bits<f32>(bits(x) | 0x80000000u));
  const f32 shifted = fused(y, constant<f32>(kLog2E), constant<f32>(kShift));
  const ratio32 e = ratio(reduce(y, shifted - constant<f32>(kShift)));
  // log(1 + e) = 2 atanh(w/2), w = e / (1 + e/2): nearly e where that is small.
  const f32 upper = power_of_two(shifted) * (e.even + e.odd);
  const f32 w = upper / fused(upper, constant<f32>(0.5), e.even - e.odd);
  const f32 z = w * w;
  f32 p = fused(z, constant<f32>(0x1.1eff94p-11), constant<f32>(0x1.1eb4bap-9));
  p = fused(p, z, constant<f32>(0x1.99d28ep-7));
  p = fused(p, z, constant<f32>(0x1.5555p-4));
  return at_least(constant<f32>(0), x) + fused(w * z, p, w);
}

OSTINATO_INLINE f32 sqrt(f32 x) {
  f32 result = x;
  for (int i = 0; i < traits<f32>::lanes; ++i) result[i] = __builtin_sqrtf(x[i]);
  return result;
}

OSTINATO_INLINE f32 sin(f32 x) {
  f32 result = x;
  for (int i = 0; i < traits<f32>::lanes; ++i) result[i] = __builtin_sinf(x[i]);
  return result;
}

OSTINATO_INLINE f32 cos(f32 x) {
  f32 result = x;
  for (int i = 0; i < traits<f32>::lanes; ++i) result[i] = __builtin_cosf(x[i]);
  return result;
}

// double -------------------------------------------------------------------------------------------------------------

OSTINATO_INLINE f64 absolute(f64 x) { return from_bits<f64>(bits(x) & 0x7fffffffffffffffu); }

#define OSTINATO_LANE_BY_LANE(name, function)                                          \
  OSTINATO_INLINE f64 name(f64 x) {                                                    \
    f64 result = x;                                                                    \
    for (int i = 0; i < traits<f64>::lanes; ++i) result[i] = __builtin_##function(x[i]); \
    return result;                                                                     \
  }

OSTINATO_LANE_BY_LANE(exp, exp)
OSTINATO_LANE_BY_LANE(tanh, tanh)
OSTINATO_LANE_BY_LANE(log, log)
OSTINATO_LANE_BY_LANE(log1p, log1p)
OSTINATO_LANE_BY_LANE(sqrt, sqrt)
OSTINATO_LANE_BY_LANE(sin, sin)
OSTINATO_LANE_BY_LANE(cos, cos)

#undef OSTINATO_LANE_BY_LANE

// exp(-|x|) / (1 + exp(-|x|)) for x < 0, and 1 / (1 + exp(-|x|)) otherwise: exact on both sides, and nothing overflows.
OSTINATO_INLINE f64 sigmoid(f64 x) {
  const f64 e = exp(-absolute(x));
  const f64 one = constant<f64>(1);
  return (x < constant<f64>(0) ? e : one) / (one + e);
}

OSTINATO_INLINE f64 softplus(f64 x) { return at_least(constant<f64>(0), x) + log1p(exp(-absolute(x))); }

// both ---------------------------------------------------------------------------------------------------------------

// max(x, 0), and NaN for NaN.
template <class V>
OSTINATO_INLINE V relu(V x) {
  return at_least(constant<V>(0), x);
}

// NaN where either is NaN.
template <class V>
OSTINATO_INLINE V maximum(V a, V b) {
  return a != a ? a : at_least(a, b);
}

template <class V>
OSTINATO_INLINE V minimum(V a, V b) {
  return a != a ? a : at_most(a, b);
}

}  // namespace OSTINATO_NAMESPACE
