"""What runs CUDA code on a processor."""

import pytest

# What a kernel needs of CUDA, for a processor: threads are turns of a loop.
SHIM = """
#include <math.h>
#include <stdint.h>
#define __global__
#define __device__
#define __constant__
#define __forceinline__ static inline
struct Index { long long x; };
static Index blockIdx, threadIdx, blockDim = {1};
union Double { double number; struct { int low, high; } words; };
union Float { float number; int word; };
static double __hiloint2double(int high, int low) { Double x; x.words = {low, high}; return x.number; }
static int __double2hiint(double x) { Double y = {x}; return y.words.high; }
static int __double2loint(double x) { Double y = {x}; return y.words.low; }
static int __float_as_int(float x) { Float y = {x}; return y.word; }
static float __int_as_float(int x) { Float y; y.word = x; return y.number; }
static double rsqrt(double x) { return 1 / sqrt(x); }
static float rsqrtf(float x) { return 1 / sqrtf(x); }
"""


@pytest.fixture
def shim() -> str:
    """Return the C++ code in front of CUDA code."""
    return SHIM
