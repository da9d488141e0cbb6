"""Box and Muller's transform in C and CUDA, against numbers of higher precision."""

import ctypes
import itertools
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from samdyn.compiler import NotCompilable
from samdyn.compiler.c import normals as c
from samdyn.compiler.c.build import compiler
from samdyn.compiler.c.source import HEAD
from samdyn.compiler.cuda import normals as cuda

# Without fused operations, where a processor has them and lacks them.
UNFUSED = ["-mno-fma"] if platform.machine() == "x86_64" else ["-U__ARM_FEATURE_FMA"]


@pytest.mark.parametrize("kind", ["cuda", "c", "unfused"])
def test_normal_numbers_are_those_of_the_generator(kind: str, shim: str, tmp_path: Path) -> None:
    flags = ["-x", "c++" if kind == "cuda" else "c", *(UNFUSED if kind == "unfused" else [])]
    try:
        cc = compiler()[0]
    except NotCompilable:
        pytest.skip("no compiler")
    start = 'extern "C" void' if kind == "cuda" else "void"
    text = shim + cuda.FUNCTIONS if kind == "cuda" else HEAD + c.FUNCTIONS
    for name, (suffix, real) in itertools.product(("radius", "cosine", "sine"), (("", "double"), ("f", "float"))):
        text += f"{start} {name}{suffix}(int n, const int *x, {real} *y)"
        text += f"{{ for (int i = 0; i < n; ++i) y[i] = {name}_of_word{suffix}(x[i]); }}\n"
    (tmp_path / "normals").write_text(text)
    command = [cc, *flags, "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-w"]
    subprocess.run([*command, str(tmp_path / "normals"), "-o", str(tmp_path / "normals.so"), "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "normals.so"))
    near = np.concatenate([n + np.arange(-200, 200) for n in (-(2**31) + 200, 0, 2**31 - 200, 2**29, 2**30, -(2**29))])
    word = np.concatenate([near, np.random.default_rng(0).integers(-(2**31), 2**31, 10**6)]).astype(np.int32)
    # Beyond float64: −log(u) is log1p of the distance from 1, which is a whole number of units.
    u = (word.astype(np.longdouble) + 2**31 + 0.5) / 2**32
    logarithm = np.where(u < 0.5, np.log(u), np.log1p((word.astype(np.longdouble) - 2**31 + 0.5) / 2**32))
    quadrant = np.round(word / 2**30).astype(int)
    rest = np.longdouble("3.14159265358979323846264") / 2**31 * (word - quadrant * 2**30)
    sines = np.array([np.sin(rest), np.cos(rest), -np.sin(rest), -np.cos(rest)])  # of the angle plus some quadrants
    sine, cosine = (np.choose((quadrant + more) % 4, sines) for more in (0, 1))
    exact = {"radius": np.sqrt(-2 * logarithm), "cosine": cosine, "sine": sine}
    kinds = (("", np.dtype("f8"), 2.0**-52), ("f", np.dtype("f4"), 2.0**-23))
    for (name, right), (suffix, dtype, unit) in itertools.product(exact.items(), kinds):
        values = np.empty(len(word), dtype)
        pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (word, values))
        getattr(library, name + suffix)(len(word), *pointers)
        assert (np.abs(values - right) <= 2 * unit * np.abs(right)).all(), (name, dtype)
