"""Methods that carry arrays from step to step, or that draw random numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.checks import InputError
from samdyn.methods import LookSAM, Remembering, SometimesSAM

LANDSCAPE, START, LR = sd.landscapes.himmelblau(), (0.8, -1.1), 0.002


@dataclass(frozen=True)
class HeavyBallAsMethod(Remembering):
    """GD whose own memory is heavy ball's velocity."""

    gamma: float = 0.5

    memory = ("velocity",)

    def advance(self, w: Any, memory: tuple[Any, ...], grad: Any, number: Any) -> tuple[Any, tuple[Any, ...]]:
        v = self.gamma * memory[0] + grad(w)
        return v, (v,)


def run(method: sd.Method, steps: int = 30, **options: Any) -> np.ndarray:
    known = {name: options.pop(name) for name in ("momentum", "noise", "base", "lr") if name in options}
    map_ = sd.Map(LANDSCAPE, method, **{"lr": LR, **known})
    return sd.simulate(map_, START, steps, save_every=1, **options).w.values[0]


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_memory_of_a_method_is_carried(backend: str) -> None:
    expected = run(sd.GD(), momentum=0.5, backend=backend)
    np.testing.assert_allclose(run(HeavyBallAsMethod(), backend=backend), expected, rtol=1e-13)


def test_with_noise_the_memory_sees_the_batches() -> None:
    noise = sd.noise.Gaussian(0.5)
    expected = run(sd.GD(), momentum=0.5, noise=noise, seed=3)
    np.testing.assert_allclose(run(HeavyBallAsMethod(), noise=noise, seed=3), expected, rtol=1e-12)


def test_memory_beside_the_bases() -> None:
    map_ = sd.Map(LANDSCAPE, HeavyBallAsMethod(), LR, base=sd.bases.Adam())
    assert map_.memory == ("m", "v", "velocity")
    runs = sd.simulate(map_, START, 3)
    assert {"m", "v", "velocity"} <= set(runs.data_vars)
    jacobian = map_.jacobian_at(torch.ones(8, 1, dtype=torch.float64))
    assert jacobian.shape == (8, 8, 1)


def test_looksam_as_published() -> None:
    """Algorithm 1 of Liu et al. (2022), written out."""
    w, across, path = torch.tensor(START, dtype=torch.float64), None, []
    for step in range(30):
        path.append(w)
        g = LANDSCAPE.grad(w)
        if step % 4 == 0:
            f = LANDSCAPE.grad(w + 0.1 * g / g.norm())
            cosine = (f @ g) / (f.norm() * g.norm())
            across = f - f.norm() * cosine * g / g.norm()
        else:
            f = g + 0.7 * g.norm() / across.norm() * across
        w = w - LR * f
    for backend in ("eager", "compiled"):
        found = run(LookSAM(0.1, every=4, alpha=0.7), 29, backend=backend)
        np.testing.assert_allclose(found, torch.stack(path), rtol=1e-12)


def test_looksam_at_every_step_is_sam() -> None:
    np.testing.assert_allclose(run(LookSAM(0.1, every=1)), run(sd.SAM(0.1)), rtol=1e-13)
    assert sd.Map(LANDSCAPE, LookSAM(0.1, every=1), LR).jacobian(None).shape == (4, 4)


def test_sam_with_a_probability() -> None:
    """The share of steps of SAM is p to four standard errors, and bits do not depend on the ensemble."""
    runs, p = 4000, 0.3
    map_ = sd.Map(LANDSCAPE, SometimesSAM(0.1, probability=p), LR)
    gd, sam = run(sd.GD(), 1)[1], run(sd.SAM(0.1), 1)[1]
    ends = sd.simulate(map_, [START] * runs, 1, seed=7).w.values[:, -1]
    climbed = np.abs(ends - sam).max(1) < 1e-12
    assert (climbed | (np.abs(ends - gd).max(1) < 1e-12)).all()
    assert abs(climbed.mean() - p) < 4 * (p * (1 - p) / runs) ** 0.5
    alone = sd.simulate(map_, START, 1, seed=7, first_run=11).w.values[0, -1]
    np.testing.assert_allclose(alone, ends[11], rtol=1e-13)
    for p, expected in ((0.0, sd.GD()), (1.0, sd.SAM(0.1))):
        np.testing.assert_allclose(run(SometimesSAM(0.1, probability=p)), run(expected), rtol=1e-12)


@pytest.mark.parametrize("backend", ["eager", "compiled"])
@pytest.mark.parametrize("method", [LookSAM(0.1), SometimesSAM(0.1)])
def test_single_precision(method: sd.Method, backend: str) -> None:
    map_ = sd.Map(LANDSCAPE, method, LR, base=sd.bases.Adam())
    single, double = (sd.simulate(map_, START, 20, dtype=d, backend=backend) for d in ("float32", "float64"))
    assert single.w.dtype == np.float32
    np.testing.assert_allclose(single.w, double.w, rtol=1e-5)


def test_random_methods_are_never_settled() -> None:
    runs = sd.simulate(sd.Map(LANDSCAPE, SometimesSAM(0.0, probability=0.5), LR), (3, 2), 50)
    assert runs.status.item() == "undecided"


@pytest.mark.parametrize("method", [HeavyBallAsMethod(), LookSAM(0.1), SometimesSAM(0.1, probability=0.5)])
def test_flows_and_diffusions_refuse_them(method: sd.Method) -> None:
    noise = sd.noise.Gaussian(1.0)
    for make in (lambda: sd.Flow(LANDSCAPE, method), lambda: sd.Diffusion(LANDSCAPE, method, noise, lr=LR)):
        with pytest.raises(InputError, match=r"carries .* from step to step|draws random numbers"):
            make()


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"probability = 2: must lie in \[0, 1\]"):
        SometimesSAM(0.1, probability=2)
    with pytest.raises(InputError, match="every = 0"):
        LookSAM(0.1, every=0)
    with pytest.raises(InputError, match="carries across from step to step"):
        LookSAM(0.1)(torch.ones(2), LANDSCAPE.grad)
    with pytest.raises(InputError, match="the number of this step is not known"):
        sd.Map(LANDSCAPE, LookSAM(0.1), LR).step((torch.ones(2, 1),) * 2)
    with pytest.raises(InputError, match="draws random numbers, and there are none here"):
        sd.Map(LANDSCAPE, SometimesSAM(0.1, probability=0.5), LR).step((torch.ones(2, 1),))
