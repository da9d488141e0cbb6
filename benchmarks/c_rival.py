"""A C kernel generated from the formulas of one map: the measure of what the machine can do.

The step is written out by SymPy, common subexpressions once, and printed as C. A block of runs keeps its state next to
the core over all steps. Random numbers are samdyn's own, Threefry2x32-20 and Box and Muller's transform, so that the
trajectories are samdyn's to rounding.
"""

import ctypes
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import sympy
from harness import Missing, Run
from sympy.codegen.ast import float32, float64, real
from sympy.printing.c import C99CodePrinter

import samdyn as sd
from samdyn.noise.generator import PARITY, ROTATIONS, ROUNDS
from samdyn.ops import symbolic
from samdyn.oracle import Oracle

BLOCK = 64  # runs
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC")
LIBRARIES = ("-lmvec", "-lm")

# The loops are apart because gcc makes one sincos of sin and cos of the same angle, and that it does not vectorise.
KERNEL = """\
#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef {real} real;

void run(real *state, size_t runs, long steps, uint32_t seed)
{{
  #pragma omp parallel for schedule(static)
  for (size_t start = 0; start < runs; start += {block}) {{
    real s[{size}][{block}], n[{normals}][{block}];
    uint32_t a[{block}], b[{block}];
    for (int j = 0; j < {size}; j++)
      for (int i = 0; i < {block}; i++) s[j][i] = state[j * runs + start + i];
    for (long k = 1; k <= steps; k++) {{
      for (int pair = 0; pair < {pairs}; pair++) {{
        #pragma omp simd
        for (int i = 0; i < {block}; i++) {{
          uint32_t k0 = seed, k1 = (uint32_t)(start + i), k2 = k0 ^ k1 ^ {parity}u;
          uint32_t x = (uint32_t)k + k0, y = (uint32_t)pair + k1;
{rounds}
          a[i] = x ^ 0x80000000u; b[i] = y;
        }}
        #pragma omp simd
        for (int i = 0; i < {block}; i++) {{
          real radius = sqrt{f}(-2 * log{f}((real)a[i] * (real)0x1p-32 + (real)0x1p-33));
          n[2 * pair][i] = radius * cos{f}((real){angle} * (real)(int32_t)b[i]);
          n[2 * pair + 1][i] = radius;
        }}
        #pragma omp simd
        for (int i = 0; i < {block}; i++) n[2 * pair + 1][i] *= sin{f}((real){angle} * (real)(int32_t)b[i]);
      }}
      #pragma omp simd
      for (int i = 0; i < {block}; i++) {{
{update}
      }}
    }}
    for (int j = 0; j < {size}; j++)
      for (int i = 0; i < {block}; i++) state[j * runs + start + i] = s[j][i];
  }}
}}
"""


def gcc_version() -> str:
    """Return the version of gcc, or that there is none."""
    if shutil.which("gcc") is None:
        return "not installed"
    return subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


def c_rival(map_: sd.Map, dtype: str, seed: int) -> Run:
    """Return a map's ensemble in generated C: a function of starts ``(N, d)`` and steps.

    The map has additive Gaussian noise that the gradients of a step share, and momentum or none.

    Raises:
        Missing: there is no gcc, or it cannot build the kernel.
    """
    if shutil.which("gcc") is None:
        raise Missing("gcc is not installed")
    kernel = _compiled(source(map_, dtype))
    d = map_.landscape.dim

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        padded = -(-len(starts) // BLOCK) * BLOCK
        state = np.zeros((len(map_.start(starts.T)) * d, padded), dtype)
        state[:d, : len(starts)] = starts.T
        kernel.run(
            state.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(padded),
            ctypes.c_long(steps),
            ctypes.c_uint32(seed),
        )
        return state[:d, : len(starts)].T

    return run


def source(map_: sd.Map, dtype: str) -> str:
    """Return the kernel of a map as C."""
    d = map_.landscape.dim
    w, v, n, u = (symbolic(sympy.symbols(f"{name}_:{d}", real=True)) for name in "wvnu")
    after = map_.momentum * v + u if map_.has_velocity else u
    printer = C99CodePrinter({"type_aliases": {real: {"float64": float64, "float32": float32}[dtype]}})
    shared, update = sympy.cse(list(_update(map_, w, n)), symbols=sympy.numbered_symbols("t_", real=True))
    lines = [
        *(f"real {x} = s[{i}][i];" for i, x in enumerate([*w, *v[: d * map_.has_velocity]])),
        *(f"real {x} = n[{i}][i];" for i, x in enumerate(n)),
        *(f"real {name} = {printer.doprint(e)};" for name, e in [*shared, *zip(u, update, strict=True)]),
        *(f"real a_{i} = {printer.doprint(e)};" for i, e in enumerate(after)),
        *(f"s[{i}][i] = {printer.doprint(x - map_.lr * sympy.Symbol(f'a_{i}'))};" for i, x in enumerate(w)),
        *(f"s[{d + i}][i] = a_{i};" for i in range(d * map_.has_velocity)),
    ]
    pairs = -(-d // 2)
    return KERNEL.format(
        real={"float64": "double", "float32": "float"}[dtype],
        f={"float64": "", "float32": "f"}[dtype],
        block=BLOCK,
        size=d * (1 + map_.has_velocity),
        pairs=pairs,
        normals=2 * pairs,
        parity=PARITY,
        angle=repr(2 * np.pi * 2.0**-32),
        rounds="\n".join(_rounds()),
        update="\n".join(f"        {line}" for line in lines),
    )


def _update(map_: sd.Map, w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the method's F under noise of standard normal numbers n, as formulas."""
    assert map_.noise is not None
    landscape = map_.landscape
    root = map_.noise.on(landscape).root_of(1)  # type: ignore[attr-defined]
    xi = symbolic(sum(r * z for r, z in zip(row, n, strict=True)) for row in root.tolist())
    return map_.method(w, Oracle(lambda p: landscape.grad(p) + xi, landscape.grad.hvp))


def _rounds() -> Iterator[str]:
    """Yield the rounds of samdyn.noise.generator.threefry as C."""
    for group in range(ROUNDS // 4):
        mix = (f"x += y; y = (y << {r} | y >> {32 - r}) ^ x;" for r in ROTATIONS[group % 2])
        keys = f"x += k{(group + 1) % 3}; y += k{(group + 2) % 3} + {group + 1}u;"
        yield f"          {' '.join([*mix, keys])}"


@cache
def _compiled(code: str) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        written, library = Path(folder) / "kernel.c", Path(folder) / "kernel.so"
        written.write_text(code)
        # Linked without -ffast-math: gcc would add code that switches subnormal numbers off in the whole process.
        compiled = library.with_suffix(".o")
        link = f"gcc -shared -fopenmp {shlex.quote(str(compiled))} -o {shlex.quote(str(library))} {' '.join(LIBRARIES)}"
        command = shlex.join(["gcc", *FLAGS[:-2], "-fPIC", "-c", str(written), "-o", str(compiled)])
        told = subprocess.run(["sh", "-c", f"{command} && {link}"], capture_output=True, text=True, check=False)
        if told.returncode:
            raise Missing(f"gcc cannot build it: {told.stderr.strip().splitlines()[-1]}")
        return ctypes.CDLL(str(library))
