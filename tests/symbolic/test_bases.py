"""Stability of maps with base optimizers, and multipliers of maps with memory, beside what runs do."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import sympy

import samdyn as sd
from samdyn import bases
from samdyn.checks import InputError
from samdyn.methods import LookSAM, Remembering
from samdyn.symbolic import multipliers

SADDLE, LR = sd.landscapes.saddle(), 0.01
ORIGIN = (0, 0)
USAM = sd.USAM(0.6)

BASES = {
    "SGD": bases.SGD(0.9),
    "dampened": bases.SGD(0.5, dampening=0.25, weight_decay=0.1),
    "Nesterov": bases.SGD(0.9, nesterov=True),
    "EMA": bases.EMA(0.9),
    "Adam": bases.Adam(eps=0.5),
    "AdamW": bases.AdamW(eps=0.5),
    "RMSProp": bases.RMSProp(eps=0.2),
    "frozen": bases.Adam(eps=0).frozen((0.04, 0.25)),
    "Lookahead": bases.Lookahead(3, 0.5, bases.SGD(0.5)),
}


def rate(map_: sd.Map, periods: int = 400) -> float:
    """Return the growth of the logarithm of a tiny displacement per period, over the last half of a run."""
    if map_.base is not None:
        map_ = replace(map_, base=map_.base.linearised())  # of Adam, v would decay from that of the start
    steps = periods * map_.period
    w = sd.simulate(map_, (1e-9, 1.3e-9), steps, save_every=map_.period, backend="eager").w.values[0]
    size = np.log(np.linalg.norm(w, axis=1))
    return float((size[-1] - size[len(size) // 2]) / (len(size) - 1 - len(size) // 2))


@pytest.mark.parametrize("name", BASES)
def test_runs_grow_by_the_largest_multiplier(name: str) -> None:
    """At ρ = 0.3 the saddle repels, with a real multiplier that the growth of runs shows; a formula agrees."""
    map_ = sd.Map(SADDLE, sd.USAM(0.3), LR, base=BASES[name])
    found = multipliers(map_, ORIGIN)
    assert rate(map_) == pytest.approx(np.log(np.abs(found).max()), rel=2e-3)
    verdict = sd.stability(map_, ORIGIN)
    np.testing.assert_allclose(np.sort(np.abs(verdict.eigenvalues)), np.sort(np.abs(found)), atol=1e-12)


@pytest.mark.parametrize("name", BASES)
def test_the_condition_is_where_the_multipliers_cross(name: str) -> None:
    """Also with weight decay, which shifts λₑ by δ: −2(1 − 2ρ) + δ = 0."""
    condition = sd.stability(sd.Map(SADDLE, USAM, LR, base=BASES[name]), ORIGIN).condition
    threshold = float(condition.inf)
    if not getattr(BASES[name], "weight_decay", 0):
        assert threshold == 0.5
    for rho, attracts in ((threshold - 1e-3, False), (threshold + 1e-3, True)):
        map_ = sd.Map(SADDLE, sd.USAM(rho), LR, base=BASES[name])
        assert bool(np.abs(multipliers(map_, ORIGIN)).max() < 1) is attracts
        assert (sd.stability(map_, ORIGIN).kind == "attractor") is attracts


def test_adam_is_heavy_ball_at_a_higher_rate() -> None:
    """Its largest stable ηλₑ is 2ε(1 + β₁)/(1 − β₁); at fixed v, with √v in place of ε."""
    quadratic = sd.landscapes.quadratic([3.0])
    for base, scale in ((bases.Adam(0.9, 0.999, 0.25), 0.25), (bases.Adam(eps=0.0).frozen(0.0625), 0.25)):
        edge = 2 * scale * 1.9 / 0.1 / 3
        for factor, kind in ((0.999, "attractor"), (1.001, "repeller")):
            verdict = sd.stability(sd.Map(quadratic, sd.GD(), factor * edge, base=base), (0,))
            assert (verdict.kind == "attractor") is (kind == "attractor")


@dataclass(frozen=True)
class Averaged(Remembering):
    """Heavy ball's mean as the method's memory."""

    momentum: float = 0.9

    memory = ("mean",)

    def advance(self, w: Any, memory: tuple[Any, ...], grad: Any, number: Any) -> tuple[Any, tuple[Any, ...]]:
        mean = self.momentum * memory[0] + (1 - self.momentum) * grad(w)
        return mean, (mean,)


def test_memory_of_a_method_as_memory_of_the_base() -> None:
    method = multipliers(sd.Map(SADDLE, Averaged(), LR), ORIGIN)
    base = multipliers(sd.Map(SADDLE, sd.GD(), LR, base=bases.EMA(0.9)), ORIGIN)
    np.testing.assert_allclose(method, base, rtol=1e-14)


def test_a_point_that_is_not_the_origin() -> None:
    well = sd.Landscape("(x**2 - 1)**2 + y**2", "x y")
    map_ = sd.Map(well, sd.GD(), LR, base=bases.Lookahead(2))
    # The slow weights move by half of what two steps of GD do.
    expected = sorted([0] * 4 + [1 - (1 - (1 - LR * lam) ** 2) / 2 for lam in (8, 2)])
    np.testing.assert_allclose(sorted(multipliers(map_, (1, 0))), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("map_", "message"),
    [
        (sd.Map(SADDLE, sd.SAM(0.1), LR, base=bases.EMA(0.9)), "has no Jacobian at this point"),
        (sd.Map(SADDLE, LookSAM(0.1), LR), "has no Jacobian at this point"),
        (sd.Map(SADDLE, USAM, LR, base=bases.Lion()), "has no Jacobian at a critical point"),
        (sd.Map(SADDLE, USAM, LR, base=bases.Adam(eps=0)), "scale = 0.0"),
        (sd.Map(SADDLE, USAM, sd.schedules.Warmup(3, 0.1)), "the map is another in every step"),
        (sd.Map(SADDLE, USAM, [0.1, 0.2]), "a simulation needs a number"),
        (sd.Map(SADDLE, USAM, LR, base=bases.Adam(beta1=[0.1, 0.2])), "beta1 = .*needs a number"),
        (sd.Map(SADDLE, sd.methods.SometimesSAM(0.1), LR), "draw random numbers"),
        (sd.Map(SADDLE, USAM, LR, noise=sd.noise.Gaussian(1.0)), "draw random numbers"),
    ],
)
def test_multipliers_refuse(map_: sd.Map, message: str) -> None:
    with pytest.raises(InputError, match=message):
        multipliers(map_, ORIGIN)


def test_points_where_the_map_does_not_rest() -> None:
    well = sd.Landscape("(x**2 - 1)**2 + y**2", "x y")
    decayed = sd.Map(well, sd.GD(), LR, base=bases.AdamW())
    for ask in (multipliers, sd.stability):
        with pytest.raises(InputError, match=r"is critical, but .* moves w there|does not rest there"):
            ask(decayed, (1, 0))
        with pytest.raises(InputError, match=r"is not critical|not a critical"):
            ask(decayed, (0.5, 0))
        ask(decayed, (0, 0))


def test_stability_refuses_memory_and_schedules() -> None:
    with pytest.raises(InputError, match="its step is no function of w alone"):
        sd.stability(sd.Map(SADDLE, LookSAM(0.1), LR), ORIGIN)
    with pytest.raises(InputError, match="the map is another in every step"):
        sd.stability(sd.Map(SADDLE, sd.GD(), sd.schedules.Warmup(3, 0.1)), ORIGIN)


def test_sam_with_a_base_claims_no_trap() -> None:
    verdict = sd.stability(sd.Map(SADDLE, sd.SAM(0.1), LR, base=bases.Adam()), ORIGIN)
    assert verdict.kind == "no Jacobian"
    assert verdict.trap is None
    assert "base optimizer" in verdict.note


def test_symbols_of_a_base() -> None:
    verdict = sd.stability(sd.Map(SADDLE, sd.USAM(sympy.Symbol("rho")), LR, base=bases.EMA(0.9)), ORIGIN)
    assert verdict.kind == "depends on rho"
    assert str(verdict.condition) == str(sd.stability(sd.Map(SADDLE, USAM, LR / 10, 0.9), ORIGIN).condition)
