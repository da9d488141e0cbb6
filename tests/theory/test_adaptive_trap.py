"""Closed forms of saddles under the sign and Adam, against the map of the sign in integers of its own."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import theory


def held(kappa: float, ratio: float, count: int = 60, steps: int = 60) -> float:
    """Return the share of starts in |x|, |y| < 1 that the map of the sign keeps within 20, in units of η."""
    x, y = np.meshgrid(*[(2 * (np.arange(count) + 0.5) / count - 1)] * 2)
    for _ in range(steps):
        inward = (kappa * x) ** 2 + y**2 < ratio**2
        x, y = x - np.sign(x), y - np.where(inward, 1, -1) * np.sign(y)
    return float((abs(y) < 20).mean())


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0, 2.5, 6.0])
def test_the_share_is_that_of_the_map(kappa: float) -> None:
    for ratio in (0.4, 0.7, 1.2, 1.9, 3.0):
        share = theory.sign_sam_held_share(lam=-2.0, across=2 * kappa, rho=ratio * 0.1, lr=0.1)
        assert share == pytest.approx(held(kappa, ratio), abs=0.02)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0, 1.7, 1.8, 2.5, 6.0])
def test_the_ends_of_the_share(kappa: float) -> None:
    """The share is 1 from the threshold on and not below it, and 0 up to the least radius and not above it."""
    given = {"lam": -1.0, "across": kappa, "lr": 0.1}
    threshold = theory.sign_sam_threshold(**given)
    assert theory.sign_sam_held_share(rho=1.0001 * threshold, **given) == pytest.approx(1, abs=1e-9)
    assert theory.sign_sam_held_share(rho=0.97 * threshold, **given) < 1 - 1e-5
    least = 0.1 * min((1 + kappa**2) ** 0.5 / 2, 1)
    assert theory.sign_sam_held_share(rho=least, **given) == pytest.approx(0, abs=1e-3)
    assert theory.sign_sam_held_share(rho=1.03 * least, **given) > 1e-5


def test_adam_without_curvature_across() -> None:
    """At ε = 0 the threshold does not know λ; from ε = η|λ| on Adam is slow enough to be held at every radius."""
    thresholds = [theory.adam_sam_threshold(lam=lam, lr=0.01) for lam in (-0.1, -30.0)]
    assert thresholds == pytest.approx([0.01 * 3**0.5] * 2, rel=1e-12)
    assert theory.adam_sam_threshold(lam=-2.0, lr=0.01, eps=0.02) == 0
    assert theory.check(theory.adam_sam_threshold, 0.00866, 1e-3, lam=-2.0, lr=0.01, eps=0.01)


@pytest.mark.parametrize(("lam", "eps"), [(-2.0, 0.0), (-20.0, 0.0), (-2.0, 0.01)])
def test_adams_threshold_is_that_of_runs(lam: float, eps: float) -> None:
    """At β₂ = 0.99 v fluctuates, and runs that end are held a few per cent below it: no run at 0.9, all at 1.05."""
    threshold = theory.adam_sam_threshold(lam=lam, lr=0.01, eps=eps)
    rho = torch.as_tensor(np.repeat([0.9, 1.05], 16) * threshold)
    starts = np.random.default_rng(0).uniform(-1e-3, 1e-3, (32, 2))
    base = sd.bases.Adam(0.0, 0.99, eps)
    map_ = sd.Map(sd.landscapes.quadratic([-0.01 * lam, lam]), sd.SAM(rho), lr=0.01, base=base)
    runs = sd.simulate(map_, starts, 4000, box=[(-1, 1)] * 2, progress=False)
    assert (runs.status.values == sd.Status.LEFT).tolist() == [True] * 16 + [False] * 16


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.sign_sam_threshold(lam=2.0, lr=0.01), "lam = 2.0: must be < 0"),
        (lambda: theory.sign_sam_threshold(lam=-2.0, lr=0.0), "lr = 0.0: must be > 0"),
        (lambda: theory.sign_sam_held_share(lam=-2.0, across=-1.0, rho=0.1, lr=0.01), "across = -1.0: must be >= 0"),
        (lambda: theory.adam_sam_threshold(lam=0.0, lr=0.01), "lam = 0.0: must be < 0"),
    ],
)
def test_bad_input(call: Callable[[], object], words: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(words)):
        call()
