"""Box and Muller's transform in CUDA: the functions of words of ``tracing/normals.py``."""

from ..tracing.normals import filled

# Coefficients of float64 are in constant memory, since an operation on doubles takes one operand from there, and few
# from the code.

TEMPLATE = """\
#ifdef __CUDA_ARCH__
#define APPROXIMATION(name, exact) \\
  __device__ __forceinline__ double approximate_##name(const double x) \\
  { \\
    double y; \\
    asm(#name ".approx.ftz.f64 %0, %1;" : "=d"(y) : "d"(x)); \\
    return y; \\
  }
#else
#define APPROXIMATION(name, exact) \\
  static inline double approximate_##name(const double x) { return exact; }
#endif
APPROXIMATION(rcp, 1 / x)
APPROXIMATION(rsqrt, 1 / sqrt(x))

extern "C" __constant__ double of_normals[] = {
  4503599627370495.5,  /* 2^52 - 1/2 */
  4503599627371551.0,  /* 2^52 + 1023 + 32 */
  $minus_two_log_two, $logarithm_numbers,
  4503600164241408.0,  /* 2^52 + 2^29 */
  /* sin(t), an odd function of t, and cos(t), an even one, of t / 2^32 turns */
  1.4629180792671596e-09, -5.218056424438285e-28, 5.583657738836676e-47, -2.8451784672510596e-66,
  8.457012683156242e-86, -1.6453088263812086e-105, 2.2374417495950874e-125,
  -1.0700646533233578e-18, 1.9083972704867285e-37, -1.3614056424302877e-56, 5.202828772630814e-76,
  -1.237191650997599e-95, 2.0057879303071508e-115, -2.3375651409494046e-135,
};

/* Returns sqrt(-2 log(u)) with u = (x + 2^31 + 1/2) / 2^32. A double with the high word 0x43300000 is 2^52 plus its low
   word, so that nothing has to be converted. */
__device__ __forceinline__ double radius_of_word(const int32_t x)
{
  const double *const c = of_normals;
  /* 2^32 u = 2^exponent (1 + s)/(1 - s), where the fraction is between sqrt(1/2) and sqrt(2) */
  const double scaled = __hiloint2double(0x43300000, x ^ (int32_t)0x80000000) - c[0];
  const int32_t high = __double2hiint(scaled) + (0x3ff00000 - 0x3fe6a09e);
  const double exponent = __hiloint2double(0x43300000, high >> 20) - c[1];
  const double f = __hiloint2double((high & 0x000fffff) + 0x3fe6a09e, __double2loint(scaled));
  const double below = f + 1.0;
  double reciprocal = approximate_rcp(below), error = fma(-below, reciprocal, 1.0);
  reciprocal = fma(reciprocal, fma(error, error, error), reciprocal);
  const double s = (f - 1.0) * reciprocal, z = s * s;
  double sum = fma(c[9], z, c[8]);
  sum = fma(sum, z, c[7]);
  sum = fma(sum, z, c[6]);
  sum = fma(sum, z, c[5]);
  sum = fma(sum, z, c[4]);
  sum = fma(sum, z, c[3]);
  const double square = fma(exponent, c[2], s * fma(sum, z, -4.0));
  const double inverse = approximate_rsqrt(square);
  double root = square * inverse, half = 0.5 * inverse;
  error = fma(-root, half, 0.5);
  root = fma(root, error, root);
  half = fma(half, error, half);
  return fma(fma(-root, root, square), half, root);
}

/* Returns the cosine of y / 2^32 turns, or the sine. Whole numbers give the quadrant, so that no reduction rounds. */
__device__ __forceinline__ double of_turn(const int32_t y, const bool sine)
{
  const double *const c = of_normals + 11;
  const uint32_t shifted = (uint32_t)y + 0x20000000u;
  const double t = __hiloint2double(0x43300000, (int32_t)(shifted & 0x3fffffffu)) - of_normals[10], z = t * t;
  double a = fma(c[6], z, c[5]);
  a = fma(a, z, c[4]);
  a = fma(a, z, c[3]);
  a = fma(a, z, c[2]);
  a = fma(a, z, c[1]);
  a = fma(a, z, c[0]) * t;
  double b = fma(c[13], z, c[12]);
  b = fma(b, z, c[11]);
  b = fma(b, z, c[10]);
  b = fma(b, z, c[9]);
  b = fma(b, z, c[8]);
  b = fma(b, z, c[7]);
  b = fma(b, z, 1.0);
  const double value = (((shifted & 0x40000000u) != 0) == sine) ? b : a;
  const uint32_t sign = (sine ? shifted : shifted + 0x40000000u) & 0x80000000u;
  return __hiloint2double(__double2hiint(value) ^ (int32_t)sign, __double2loint(value));
}

__device__ __forceinline__ double cosine_of_word(const int32_t y) { return of_turn(y, false); }
__device__ __forceinline__ double sine_of_word(const int32_t y) { return of_turn(y, true); }

/* The same in float32. Near u = 1 the difference 1 - u is a whole number of bits, which no sum has rounded. */
__device__ __forceinline__ float radius_of_wordf(const int32_t x)
{
  const uint32_t word = (uint32_t)x ^ 0x80000000u;
  const int32_t bits = __float_as_int((float)word + 0.5f) + (0x3f800000 - 0x3f3504f3);
  const float f = __int_as_float((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const int32_t exponent = (bits >> 23) - (127 + 32);
  const float g = exponent == 0 ? fmaf((float)~word, -0x1p-32f, -0x1p-33f) : f;
  const float logarithm = g * $logarithm_f;
  return sqrtf(fmaf((float)exponent, ${minus_two_log_two}f, logarithm));
}

__device__ __forceinline__ float of_turnf(const int32_t y, const bool sine)
{
  const uint32_t shifted = (uint32_t)y + 0x20000000u;
  const float t = (float)((int32_t)(shifted & 0x3fffffffu) - 0x20000000) * ${radians}f, z = t * t;
  const float a = fmaf($sines_f * z, t, t), b = $cosines_f;
  const float value = (((shifted & 0x40000000u) != 0) == sine) ? b : a;
  const uint32_t sign = (sine ? shifted : shifted + 0x40000000u) & 0x80000000u;
  return __int_as_float(__float_as_int(value) ^ (int32_t)sign);
}

__device__ __forceinline__ float cosine_of_wordf(const int32_t y) { return of_turnf(y, false); }
__device__ __forceinline__ float sine_of_wordf(const int32_t y) { return of_turnf(y, true); }
"""

FUNCTIONS = filled(TEMPLATE, "fma", "fmaf")
