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


def test_auto_takes_the_gpu() -> None:
    assert sd.simulate(sd.Map(BEALE, sd.GD(), lr=1e-3), STARTS, 1).attrs["device"].startswith("cuda")
