"""The CUDA text does what torch does: run on the processor, a thread after the other, and compiled for GPUs."""

import ctypes
import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import landscapes, methods
from samdyn.catalogues import is_published
from samdyn.compiler import CUDAKernel, NotCompilable
from samdyn.compiler.c.build import compiler
from samdyn.compiler.cuda import kernel as cuda_kernel
from samdyn.methods import Ascent
from samdyn.simulation.backends import Eager
from samdyn.simulation.flows import chooser
from samdyn.simulation.flows.trial import Batch, Trial
from samdyn.simulation.iterates import advance
from samdyn.simulation.iterates.stepping import Ensemble, Steps

RUNS, STEPS, SEED = 40, 15, 5
GAUSSIAN = sd.noise.Gaussian(0.01)
BEALE = landscapes.beale()
EXTERN = 'extern "C"'
SAMPLES = sd.SampleLandscape("(a*x + tanh(b) - y)**2/2", "a b", {"x": [1, 2, -1, 3], "y": [0.5, -1, 2, 1]})

TURNS = """
extern "C" void all{n}(int64_t stride, int64_t begin, int64_t steps, void *shared, void *p, void **a) {{
  for (blockIdx.x = 0; blockIdx.x < stride; ++blockIdx.x)
    kernel{n}::run{n}(stride, begin, steps, *(kernel{n}::Shared *)shared, *(kernel{n}::Numbers *)p, {arrays});
}}
"""


def maps() -> list[sd.Map]:
    """Every method with momentum and noise, every landscape with SAM, batches, parameters of each run."""
    published = [cls for cls in methods.catalogue().values() if is_published(cls)]
    made = [cls(0.05) if issubclass(cls, Ascent) else cls() for cls in published]
    beale = landscapes.beale()
    found = [sd.Map(beale, method, lr=1e-4) for method in made]
    # With noise a method sees gradients alone.
    by_gradients = [method for method in made if not isinstance(method, methods.PolyakSAM | methods.TiltedSAM)]
    found += [sd.Map(beale, method, lr=1e-4, momentum=0.9, noise=GAUSSIAN) for method in by_gradients]
    found += [sd.Map(landscapes.named(name), sd.SAM(0.05), lr=1e-3) for name in landscapes.catalogue()]
    rho, lr = np.linspace(0, 0.2, RUNS), np.linspace(1e-5, 1e-3, RUNS)
    found.append(sd.Map(beale, sd.SAM(rho), lr=lr, momentum=RUNS // 2 * [0.0, 0.9], noise=GAUSSIAN))
    found.append(sd.Map(SAMPLES, sd.SAM(0.1), lr=0.01, noise=sd.noise.FiniteSum(RUNS // 2 * [1, 3])))
    return [*found, sd.Map(SAMPLES, sd.SAM(0.1), lr=0.01, momentum=0.5, noise=sd.noise.FiniteSum(2))]


def kernel_of(map_: sd.Map, dtype: torch.dtype = torch.float64) -> tuple[CUDAKernel, Ensemble, Steps]:
    """Return the kernel of a map in a box, runs, and the step."""
    low, high = np.array(map_.landscape.box).T / 2
    w = torch.tensor(np.random.default_rng(1).uniform(low, high, (RUNS, map_.landscape.dim)).T, dtype=dtype)
    sides = torch.tensor(map_.landscape.box, dtype=dtype).T[..., None] * 0.45
    steps = Steps(map_, (sides[0], sides[1]))
    state = steps.ensemble(w.contiguous())

    class OnCard(torch.Tensor):
        is_cuda = True

    like = Ensemble((w.as_subclass(OnCard), *state.parts[1:]), state.running, state.end, state.runs, state.settings)
    kernel = advance.kernel_of(steps, like)
    assert isinstance(kernel, CUDAKernel)
    return kernel, state, steps


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_text_does_what_torch_does(dtype: torch.dtype, shim: str, tmp_path: Path) -> None:
    try:
        cc = compiler()[0]
    except NotCompilable:
        pytest.skip("no compiler")
    systems = maps()
    made = [kernel_of(map_, dtype) for map_ in systems]
    text = shim
    for n, (kernel, state, _) in enumerate(made):
        stored = ["uint8_t" if t.dtype == torch.bool else "int64_t" for t in (state.running, state.end, state.runs)]
        real = "double" if dtype == torch.float64 else "float"
        settings = ["int64_t" if t.dtype == torch.int64 else real for t in state.settings]
        types = [real] * len(state.parts) + stored + settings
        arrays = ", ".join(f"({t} *)a[{i}]" for i, t in enumerate(types))
        body = kernel.text.replace(" run(", f" run{n}(").replace('extern "C"', "")
        text += f"namespace kernel{n} {{\n{body}\n}}\n" + TURNS.format(n=n, arrays=arrays)
    (tmp_path / "all.cpp").write_text(text)
    command = [cc, "-x", "c++", "-O1", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC", "-w"]
    subprocess.run([*command, str(tmp_path / "all.cpp"), "-o", str(tmp_path / "all.so"), "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "all.so"))
    # Rounding, which gradients of 1e4 and the jumps of normalised methods may stretch in a few of the runs.
    rtol = 1e-10 if dtype == torch.float64 else 1e-2
    for n, (map_, (kernel, state, steps)) in enumerate(zip(systems, made, strict=True)):
        eager = state.part(slice(None))
        advance.eager(steps).run(eager, SEED, 1, STEPS, lambda _: None)
        tensors = [tensor.clone() for tensor in state.tensors]
        pointers = (ctypes.c_void_p * len(tensors))(*(t.data_ptr() for t in tensors))
        shared, whole = ctypes.c_int64(SEED), [ctypes.c_int64(v) for v in (RUNS, 1, STEPS)]
        numbers = kernel.numbers.ctypes.data_as(ctypes.c_void_p)
        getattr(library, f"all{n}")(*whole, ctypes.byref(shared), numbers, pointers)
        parts, (running, end) = tensors[: len(state.parts)], tensors[len(state.parts) :][:2]
        same = (running == eager.running) & (end == eager.end)
        for a, b in itertools.zip_longest(parts, eager.parts):
            same &= (a - b).abs().amax(0) <= rtol * b.abs().amax(0).clamp(min=1e-3)
        assert same.double().mean() > 0.9, map_


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.002), sd.SAM(0.05)], ids=str)
def test_trial_steps_of_flows_are_torchs(method: sd.Method, shim: str, tmp_path: Path) -> None:
    try:
        cc = compiler()[0]
    except NotCompilable:
        pytest.skip("no compiler")
    trial = Trial(sd.Flow(landscapes.beale(), method), 1e-8, 1e-10, 1e-3)
    kernel = chooser.kernel_of(trial, 2, "cuda")
    assert isinstance(kernel, CUDAKernel)
    w = torch.tensor(np.random.default_rng(0).uniform([2, 0], [3.5, 0.8], (RUNS, 2)).T.copy())
    zero, whole = torch.zeros(RUNS, dtype=torch.float64), torch.zeros(RUNS, dtype=torch.int64)
    wide = torch.full((2, 1), 1e9, dtype=torch.float64)
    batch = Batch.start(w, trial.field(w), zero, zero + 1e-4, whole - 9, zero[0] + 1, (-wide, wide), whole + 4)
    batch = batch.select(torch.arange(RUNS))
    types = {torch.float64: "double", torch.int64: "int64_t", torch.bool: "uint8_t"}
    arrays = ", ".join(f"({types[t.dtype]} *)a[{i}]" for i, t in enumerate(batch.tensors))
    body = kernel.text.replace(" run(", " run0(").replace('extern "C"', "")
    text = f"{shim}namespace kernel0 {{\n{body}\n}}\n" + TURNS.format(n=0, arrays=arrays)
    (tmp_path / "flow.cpp").write_text(text)
    command = [cc, "-x", "c++", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w", str(tmp_path / "flow.cpp")]
    subprocess.run([*command, "-o", str(tmp_path / "flow.so"), "-lm"], check=True)
    tensors = [tensor.clone().contiguous() for tensor in batch.tensors]
    expected = chooser.advance(Eager(trial), batch, 3)
    pointers = (ctypes.c_void_p * len(tensors))(*(t.data_ptr() for t in tensors))
    whole_numbers, shared = [ctypes.c_int64(v) for v in (RUNS, 0, 3)], ctypes.c_int64(0)
    numbers = kernel.numbers.ctypes.data_as(ctypes.c_void_p)
    ctypes.CDLL(str(tmp_path / "flow.so")).all0(*whole_numbers, ctypes.byref(shared), numbers, pointers)
    found = Batch(*tensors)
    # Steps of 1e-4 where slopes reach 1e6: a rounding of w grows a hundred times a stage.
    torch.testing.assert_close(found.w, expected.w, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found.t, expected.t, rtol=1e-6, atol=0)
    assert (found.t > 0).double().mean() > 0.5


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_normal_numbers_call_no_function_of_any_number(dtype: torch.dtype) -> None:
    map_ = sd.Map(landscapes.beale(), sd.SAM(0.05), lr=1e-3, noise=GAUSSIAN)
    step = kernel_of(map_, dtype)[0].text.partition("__global__")[2]
    assert not any(f" {name}(" in step for name in ("log", "cos", "sin"))
    assert all(f"{name}_of_word" in step for name in ("radius", "cosine", "sine"))
    assert ("const double n" in step) == (dtype == torch.float64)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["sm_90", "sm_80"])
def test_compilers_for_gpus_take_the_text(architecture: str) -> None:
    """Of every landscape of the catalogue, and of a flow; all numbers of a run stay in registers."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("no nvcc")
    small = [land for land in (landscapes.named(name) for name in landscapes.catalogue()) if land.dim <= 3]
    texts = [kernel_of(sd.Map(land, sd.SAM(0.05), lr=1e-3, momentum=0.9, noise=GAUSSIAN))[0].text for land in small]
    texts.append(chooser.kernel_of(Trial(sd.Flow(BEALE, sd.SAM(0.05)), 1e-8, 1e-10, 1e-3), 2, "cuda").text)
    spaces = [f"namespace kernel{n} {{\n{text.replace(EXTERN, '')}\n}}\n" for n, text in enumerate(texts)]
    code = "\n".join(["#include <stdint.h>", *spaces])
    command = [nvcc, "-x", "cu", f"-arch={architecture}", "-cubin", "-Xptxas", "-v", "-o", "/dev/null", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" 0 bytes spill stores, 0 bytes spill loads") == len(texts)
    registers = [int(part.split()[0]) for part in done.stderr.split("Used ")[1:]]
    assert max(registers) <= 128, registers  # four blocks of 128 threads to a multiprocessor


def test_nvrtc_takes_the_text() -> None:
    pytest.importorskip("cuda.bindings")
    kernel = kernel_of(sd.Map(landscapes.beale(), sd.SAM(0.05), lr=1e-3, noise=GAUSSIAN))[0]
    assert cuda_kernel.compiled(kernel.text, "sm_90")[:4] == b"\x7fELF"
    with pytest.raises(NotCompilable, match="NVRTC failed"):
        cuda_kernel.compiled("not CUDA", "sm_90")


def test_binaries_are_kept_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Under the hash of the code, the architecture and NVRTC's version; a damaged one is compiled anew."""

    class NVRTC:
        @staticmethod
        def nvrtcVersion() -> tuple[int, int, int]:
            return 0, 12, 9

    made: list[str] = []

    def compile_(text: str, architecture: str) -> bytes:
        made.append(f"{text} {architecture}")
        return made[-1].encode()

    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path))
    monkeypatch.setattr(cuda_kernel, "_bindings", lambda: (None, NVRTC))
    monkeypatch.setattr(cuda_kernel, "_compiled", compile_)
    for _ in range(2):
        assert cuda_kernel.compiled("a", "sm_90") == b"a sm_90"
        assert cuda_kernel.compiled("a", "sm_80") == b"a sm_80"
    assert made == ["a sm_90", "a sm_80"]
    for file in tmp_path.glob("*.cubin"):
        file.write_bytes(b"damaged")
    assert cuda_kernel.compiled("a", "sm_90") == b"a sm_90"
    tmp_path.chmod(0o500)  # where nothing can be written the code is compiled all the same
    assert cuda_kernel.compiled("b", "sm_90") == b"b sm_90"
    tmp_path.chmod(0o700)


def test_without_bindings_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda_kernel._bindings.cache_clear()
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(NotCompilable, match="install cuda-bindings"):
        cuda_kernel.compiled("", "sm_90")
    cuda_kernel._bindings.cache_clear()


def test_more_numbers_than_a_kernel_takes_are_left_to_torch() -> None:
    data: dict[str, Any] = {"x": np.linspace(0, 1, 300), "y": np.linspace(1, 2, 300)}
    many = sd.SampleLandscape("(a*x + tanh(b) - y)**2/2", "a b", data)
    with pytest.raises(NotCompilable, match="numbers, more than"):
        kernel_of(sd.Map(many, sd.SAM(0.1), lr=0.01, noise=sd.noise.FiniteSum(2)))
