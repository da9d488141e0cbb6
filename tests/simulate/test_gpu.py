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
    sam = sd.Map(BEALE, sd.SAM(0.05), lr=1e-3, momentum=0.5)
    on_cpu, on_gpu = (sd.simulate(sam, STARTS, 500, dtype=dtype, device=device) for device in ("cpu", "cuda"))
    assert on_gpu.attrs["device"].startswith("cuda")
    # Rounding differs by operation order; 500 contracting steps keep it to a few hundred ulp.
    np.testing.assert_allclose(on_gpu.w, on_cpu.w, rtol=1e3 * torch.finfo(getattr(torch, dtype)).eps)
    assert (on_gpu.status == on_cpu.status).mean() > 0.99  # near the certificate's tolerance rounding decides


def test_flows_agree() -> None:
    flow = sd.Flow(BEALE, sd.USAM(0.002))
    on_cpu, on_gpu = (sd.integrate(flow, STARTS, [0.5, 1.0], device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu.w, on_cpu.w, rtol=1e-7)  # the solver's tolerance is 1e-8 a step


def test_auto_takes_the_gpu() -> None:
    assert sd.simulate(sd.Map(BEALE, sd.GD(), lr=1e-3), STARTS, 1).attrs["device"].startswith("cuda")
