"""Closed forms of variants of SAM, against the derivations from the methods and against the maps."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis, methods, symbolic, theory

SADDLE = sd.landscapes.saddle()


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.5])
@pytest.mark.parametrize("lr", [0.05, 0.4])
def test_the_drift_is_that_of_the_method(alpha: float, lr: float) -> None:
    end = symbolic.at_minimum(sd.Map(SADDLE, methods.GSAM(0.1, alpha=alpha), lr=lr), 2.0)
    assert end is not None
    assert end.bounces
    assert theory.check(theory.valley_drift, end.drift * 0.3, 1e-9, lam=2.0, slope=0.3, rho=0.1, lr=lr, alpha=alpha)
    assert theory.check(theory.two_cycle_amplitude, end.distance, 1e-9, lam=2.0, rho=0.1, lr=lr)


@pytest.mark.parametrize("weight", [0.5, 20.0])
def test_fisher_sam_at_a_saddle_and_at_a_minimum(weight: float) -> None:
    map_ = sd.Map(SADDLE, methods.FisherSAM(0.1, weight=weight), lr=0.4)
    end, edge = symbolic.at_minimum(map_, 2.0), symbolic.trap_edge(map_, -2.0)
    assert end is not None
    assert edge is not None
    bounce = theory.two_cycle_amplitude(lam=2.0, rho=0.1, lr=0.4)
    assert theory.check(theory.fisher_distance, end.distance, 1e-9, lam=2.0, distance=bounce, weight=weight)
    assert theory.check(theory.fisher_distance, edge, 1e-9, lam=-2.0, distance=0.1, weight=weight)
    assert theory.fisher_distance(lam=-2.0, distance=0.1, weight=0.0) == pytest.approx(0.1, rel=1e-14)


def test_the_trap_of_look_sam() -> None:
    every = 3
    (origin,) = sd.critical_points(SADDLE)
    map_ = sd.Map(SADDLE, methods.LookSAM(0.1, every=every, alpha=0.0), lr=0.05)
    held = analysis.held_set(map_, origin, 0.2, 100, starts=16, rtol=1e-3)
    form = theory.look_sam_half_width
    assert form(lam=-2.0, rho=0.1, lr=0.05, every=every) == pytest.approx((held.inner + held.outer) / 2, rel=2e-3)
    assert form(lam=-2.0, rho=0.1, lr=0.05, every=1) == pytest.approx(0.1, rel=1e-14)
    assert form(lam=-2.0, rho=0.1, lr=1e-9, every=every) == pytest.approx(0.1 / every, rel=1e-7)
    with pytest.raises(sd.InputError, match=r"lam = 2.0: must be < 0"):
        form(lam=2.0, rho=0.1, lr=0.05, every=every)


def test_arrays() -> None:
    rho = np.array([0.1, 0.2])
    assert theory.valley_drift(lam=2.0, slope=1.0, rho=rho, lr=0.1).shape == (2,)
    assert theory.look_sam_half_width(lam=-2.0, rho=rho, lr=0.1, every=3).shape == (2,)
