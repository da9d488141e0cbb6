"""Box and Muller's transform in C: the functions of words of ``tracing/normals.py``, which compilers put into loops."""

from ..tracing.normals import filled

TEMPLATE = """
#define BITS(type, bits, name, back) \\
  static inline bits name(const type x) { bits y; __builtin_memcpy(&y, &x, sizeof x); return y; } \\
  static inline type back(const bits x) { type y; __builtin_memcpy(&y, &x, sizeof x); return y; }
BITS(double, uint64_t, bits_of, double_of)
BITS(float, uint32_t, bits_off, float_of)

/* Returns sqrt(-2 log(u)) with u = (x + 2^31 + 1/2) / 2^32. */
static inline double radius_of_word(const int32_t x)
{
  /* 2^32 u = 2^exponent f, where f is between sqrt(1/2) and sqrt(2); 2^52 + n has the low bits n */
  const uint64_t bits = bits_of((double)x + 2147483648.5) + ((uint64_t)(0x3ff00000 - 0x3fe6a09e) << 32);
  const double exponent = double_of((bits >> 52) | ((uint64_t)0x43300000 << 32)) - 4503599627371551.0;
  const double f = double_of((bits & 0x000fffffffffffffu) + ((uint64_t)0x3fe6a09e << 32));
  const double s = (f - 1.0) / (f + 1.0), z = s * s;
  return sqrt(FMA(exponent, $minus_two_log_two, s * FMA($logarithm, z, -4.0)));
}

/* Returns the cosine of y / 2^32 turns, or the sine. Whole numbers give the quadrant, so that no reduction rounds. */
static inline double of_turn(const int32_t y, const _Bool sine)
{
  const uint32_t shifted = (uint32_t)y + 0x20000000u;
  const double t = (double)(int32_t)(shifted & 0x3fffffffu) - 536870912.0, z = t * t;
  const double value = select_double(((shifted & 0x40000000u) != 0) == sine, $cosines, t * $sines);
  const uint64_t sign = (uint64_t)((sine ? shifted : shifted + 0x40000000u) & 0x80000000u) << 32;
  return double_of(bits_of(value) ^ sign);
}

static inline double cosine_of_word(const int32_t y) { return of_turn(y, 0); }
static inline double sine_of_word(const int32_t y) { return of_turn(y, 1); }

/* The same in float32. Near u = 1 the difference 1 - u is a whole number of bits, which no sum has rounded. */
static inline float radius_of_wordf(const int32_t x)
{
  const uint32_t word = (uint32_t)x ^ 0x80000000u;
  const int32_t bits = (int32_t)bits_off((float)word + 0.5f) + (0x3f800000 - 0x3f3504f3);
  const float f = float_of((uint32_t)((bits & 0x007fffff) + 0x3f3504f3)) - 1.0f;
  const int32_t exponent = (bits >> 23) - (127 + 32);
  const float g = select_float(exponent == 0, FMAF((float)~word, -0x1p-32f, -0x1p-33f), f);
  return sqrtf(FMAF((float)exponent, ${minus_two_log_two}f, g * $logarithm_f));
}

static inline float of_turnf(const int32_t y, const _Bool sine)
{
  const uint32_t shifted = (uint32_t)y + 0x20000000u;
  const float t = (float)((int32_t)(shifted & 0x3fffffffu) - 0x20000000) * ${radians}f, z = t * t;
  const float value = select_float(((shifted & 0x40000000u) != 0) == sine, $cosines_f, FMAF($sines_f * z, t, t));
  return float_of(bits_off(value) ^ ((sine ? shifted : shifted + 0x40000000u) & 0x80000000u));
}

static inline float cosine_of_wordf(const int32_t y) { return of_turnf(y, 0); }
static inline float sine_of_wordf(const int32_t y) { return of_turnf(y, 1); }
"""

FUNCTIONS = filled(TEMPLATE, "FMA", "FMAF")
