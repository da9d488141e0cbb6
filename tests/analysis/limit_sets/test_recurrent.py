"""Tori and strange attractors of flows, by known Lyapunov exponents, and none where runs only pass or spiral slowly."""

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.analysis.limit_sets.search.recurrence.recurrent import RecurrentSets, kind_of_flow
from samdyn.simulation.flows.velocity import CompiledFlow
from samdyn.simulation.ode import integrated

from ..orbits.fields import SPACE, Focus, Lorenz, Rossler, TwoHopf

LORENZ = sd.Landscape("0*x + 0*y + 0*z", "x y z", box=[(-20, 20), (-25, 25), (0, 50)])
FOUR = sd.Landscape("0*x + 0*y + 0*u + 0*v", "x y u v", box=[(-2, 2)] * 4)
TIME = 1000.0  # duration of the runs of ``kind``, in units of t


def sets(flow: sd.Flow, starts: np.ndarray, first: float, window: float) -> tuple[RecurrentSets, np.ndarray]:
    """Return the sets that runs from starts ``(n, d)`` have reached after a first time, and the index of each run's."""
    box = np.array(flow.landscape.box)
    extent, far = np.ptp(box, axis=1), list(map(tuple, 10 * box))

    def follow(w: torch.Tensor, grid: np.ndarray) -> np.ndarray:
        return integrated(CompiledFlow(flow, 1.0, "auto"), w, grid, 1e-7, 1e-9, None, 20_000).states.numpy()

    result = RecurrentSets(flow, extent, far, window)
    ends = torch.as_tensor(follow(torch.as_tensor(starts.T.copy()), np.array([first]))[-1])
    return result, result.assign(ends, follow)


def test_lorenz_is_chaotic() -> None:
    """Exponents 0.9056, 0 and −14.572 (Sprott 2003); starts on the z axis end at the origin, a saddle."""
    flow = sd.Flow(LORENZ, Lorenz())
    found, on = sets(flow, np.array([(1.0, 2, 20), (-9, 3, 30), (5, 5, 25), (0, 0, 10)]), 20.0, 2.0)
    (chaos,) = found.found
    assert on.tolist() == [0, 0, 0, -1]
    assert chaos.kind == "chaotic"
    for exponent, known in zip(chaos.exponents, (0.9056, 0, -14.572), strict=True):
        assert exponent.low < known < exponent.high
        assert exponent.high - exponent.low < 0.1


def test_a_torus_has_two_zero_exponents() -> None:
    """A start on the saddle cycle u = v = 0, whose exponents 1, 1, 0, −6 look like chaos, is on no attractor."""
    found, on = sets(sd.Flow(FOUR, TwoHopf()), np.array([(1.0, 0.5, 0.3, 1), (1, 0, 0, 0)]), 20.0, 5.0)
    (torus,) = found.found
    assert on.tolist() == [0, -1]
    assert torus.kind == "quasi-periodic"
    assert [e.value for e in torus.exponents] == pytest.approx([0, 0, -2, -6], abs=1e-5)
    assert np.hypot(*torus.w.T[:2]) == pytest.approx(1, abs=1e-6)
    assert np.hypot(*torus.w.T[2:]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("rate", [pytest.param(1e-4, marks=pytest.mark.slow), 1e-7])
def test_a_slow_spiral_is_no_torus(rate: float) -> None:
    found, on = sets(sd.Flow(SPACE, Focus(rate)), np.array([(1.0, 0.5, 0.3)]), 20.0, 5.0)
    assert (found.found, on.tolist()) == ([], [-1])


@pytest.mark.slow
def test_attractors_and_basins_name_them() -> None:
    """Rössler: 0.0714, 0 and −5.394 (Sprott 2003)."""
    rossler = sd.Landscape("0*x + 0*y + 0*z", "x y z", box=[(-10, 10), (-10, 10), (0, 20)])
    (chaos,) = sd.attractors(sd.Flow(rossler, Rossler()), starts=8)
    assert (chaos.kind, chaos.period) == ("chaotic", 0)
    assert chaos.share >= 0.75  # a run that comes near no point of the set seen before is left undecided
    for exponent, known in zip(chaos.exponents, (0.0714, 0, -5.394), strict=True):
        assert exponent.low < known < exponent.high
    assert chaos.exponent is chaos.exponents[0]
    assert "exponents 0.0" in str(chaos)
    basins = sd.basins(sd.Flow(FOUR, TwoHopf()), resolution=2, fixed={"u": 0.3, "v": 0.4})
    assert [a.kind for a in basins.attractors] == ["quasi-periodic"]
    assert basins.fraction(0) == 1


def growth(*rates: float, spread: float = 0.0) -> np.ndarray:
    """Return rates of growth ``(64, d, 2)`` that go to and fro by a spread."""
    signs = np.where(np.arange(64) % 2, 1.0, -1.0)[:, None, None]
    return np.array(rates)[:, None] + spread * signs * np.ones((1, 2))


@pytest.mark.parametrize(
    ("rates", "spread", "kind"),
    [
        ((0.1, 0.0, -5.0), 0.01, "chaotic"),
        ((0.1, 0.0, -0.1), 0.01, None),  # volumes do not shrink
        ((0.1, 0.0, -5.0), 10.0, None),  # the interval contains 0
        ((0.005, 0.0, -5.0), 0.0, None),  # five e-folds
        ((0.0, 0.0, -5.0), 1e-3, "quasi-periodic"),
        ((0.0, 0.0, 0.0, -5.0), 1e-3, None),
        ((0.0, -1e-4, -5.0), 0.0, None),  # the second interval lies below 0
        ((0.0, 0.0, -5.0), 1.0, None),  # they are too wide
        ((0.0, -1.0, -5.0), 1e-3, None),  # a cycle
    ],
)
def test_kinds_of_flows_need_evidence(rates: tuple[float, ...], spread: float, kind: str | None) -> None:
    assert kind_of_flow(growth(*rates, spread=spread), TIME)[0] == kind


def test_chaos_that_ended_is_not_chaotic() -> None:
    ends = growth(0.1, 0.0, -5.0)
    ends[-16:, 0, 1] = -0.2  # one of the runs came to rest
    assert kind_of_flow(ends, TIME)[0] is None
