"""What runs on a GPU gives what the CPU gives."""

import numpy as np
import pytest
import torch

import samdyn as sd

pytestmark = pytest.mark.gpu
BEALE = sd.landscapes.beale()
STARTS = np.random.default_rng(0).uniform([2, 0], [3.5, 0.8], (1000, 2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_iterates_agree(dtype: str) -> None:
    # A smooth method: normalised SAM bounces across its kink, where rounding decides the side.
    usam = sd.Map(BEALE, sd.USAM(0.002), lr=1e-3, momentum=0.5)
    on_cpu, on_gpu = (sd.simulate(usam, STARTS, 100, dtype=dtype, device=device) for device in ("cpu", "cuda"))
    assert on_gpu.attrs["device"].startswith("cuda")
    # Rounding differs by operation order: a hundred contracting steps, a few ulp each.
    np.testing.assert_allclose(on_gpu.w, on_cpu.w, rtol=1e3 * torch.finfo(getattr(torch, dtype)).eps)
    assert (on_gpu.status == on_cpu.status).all()


def test_flows_agree() -> None:
    flow = sd.Flow(BEALE, sd.USAM(0.002))
    on_cpu, on_gpu = (sd.integrate(flow, STARTS, [0.5, 1.0], device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu.w, on_cpu.w, rtol=1e-7)  # the solver's tolerance is 1e-8 a step


@pytest.mark.parametrize("method", [sd.USAM(0.002), sd.SAM(0.05)], ids=str)
def test_compiled_flows_agree(method: sd.Method) -> None:
    flow = sd.Flow(BEALE, method)
    eager, compiled = (sd.integrate(flow, STARTS, 1.0, device="cuda", backend=b) for b in ("eager", "compiled"))
    assert compiled.attrs["backend"] == "compiled", compiled.attrs["backend_reason"]
    same = (eager.status == compiled.status).values
    assert same.mean() > 0.99  # rounding decides the side of a jump
    np.testing.assert_allclose(compiled.w[same], eager.w[same], atol=1e-6)  # the solver's tolerance, and jumps


def test_auto_takes_the_gpu() -> None:
    assert sd.simulate(sd.Map(BEALE, sd.GD(), lr=1e-3), STARTS, 1).attrs["device"].startswith("cuda")


@pytest.mark.parametrize("runs", [1000, 100_000])
def test_compiled_and_eager_agree(runs: int) -> None:
    noisy = sd.Map(BEALE, sd.SAM(0.1), lr=1e-4, momentum=0.9, noise=sd.noise.Gaussian(0.01))
    starts = np.random.default_rng(1).uniform([2, 0], [3.5, 0.8], (runs, 2))
    box = [(2.1, 3.4), (0.1, 0.7)]
    eager, compiled = (
        sd.simulate(noisy, starts, 50, box=box, seed=7, device="cuda", backend=b) for b in ("eager", "compiled")
    )
    assert compiled.attrs["backend"] == "compiled", compiled.attrs["backend_reason"]
    assert (eager.end == compiled.end).mean() > 0.999  # a run on the edge of the box may be rounded across it
    same = (eager.end == compiled.end).values
    np.testing.assert_allclose(compiled.w[same], eager.w[same], rtol=1e-9)  # 50 steps of rounding


def test_noise_is_that_of_the_cpu() -> None:
    noisy = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, noise=sd.noise.Gaussian(1.0))
    on_cpu, on_gpu = (sd.simulate(noisy, STARTS, 20, seed=3, device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu.w, on_cpu.w, rtol=1e-12)  # 20 steps of rounding


def test_statistics_agree() -> None:
    noisy = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.01, noise=sd.noise.Gaussian(1.0))
    names = ["mean", "covariance", "msd", "exit_times", "status", sd.Histogram({"x": [-1, 0, 1, 4]})]
    on_cpu, on_gpu = (sd.simulate(noisy, STARTS, 20, statistics=names, device=d) for d in ("cpu", "cuda"))
    for name in on_cpu.data_vars:
        np.testing.assert_allclose(on_gpu[name], on_cpu[name], rtol=1e-9, err_msg=str(name))
