"""The factor of a norm in C: a power of 2 whose product with a positive number is between 1/2 and 8."""

FUNCTIONS = """
/* From the exponent e: 2^(1022 - e), or 2^(126 - e), where the two lowest bits of e are 0, so that no factor is 0. */
static inline double factor_of(const double x)
{
  uint64_t bits;
  double factor;
  __builtin_memcpy(&bits, &x, sizeof x);
  bits = 0x7fd0000000000000u - (bits & 0x7fc0000000000000u);
  __builtin_memcpy(&factor, &bits, sizeof x);
  return factor;
}

static inline float factor_off(const float x)
{
  uint32_t bits;
  float factor;
  __builtin_memcpy(&bits, &x, sizeof x);
  bits = 0x7e800000u - (bits & 0x7e000000u);
  __builtin_memcpy(&factor, &bits, sizeof x);
  return factor;
}
"""
