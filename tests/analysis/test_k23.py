"""The trajectories that [K23] shows."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "target"), [(0.0, (3, 0.5)), (0.1, (3, 0.5)), (0.5, (0, 1)), (1.0, (0, 1))])
def test_beale_from_1_2(rho: float, target: tuple[float, float]) -> None:
    beale = sd.landscapes.beale()
    runs = sd.simulate(sd.Map(beale, sd.SAM(rho), lr=1.25e-5), (1, 2), 60_000, save_every=30_000)
    distance = np.linalg.norm(runs.w.values[0] - target, axis=1)
    if target == (0, 1):
        assert distance[-1] < 1e-3
    else:  # on the way: from where it got to, gradient descent goes to this minimum
        assert distance[-1] < distance[1]
        rest = sd.integrate(sd.Flow(beale, sd.GD()), runs.w.values[0, -1], 100)
        assert rest.status == "settled"
        assert rest.w.values[0, -1] == pytest.approx(target, abs=1e-6)


def test_gd_leaves_where_sam_stays() -> None:
    saddle = sd.landscapes.saddle()
    start, steps = (-3, -0.01), 500
    gd = sd.simulate(sd.Map(saddle, sd.GD(), lr=0.01), start, steps)
    sam = sd.simulate(sd.Map(saddle, sd.SAM(0.5), lr=0.01), start, steps, save_every=1)
    assert float(gd.loss[0, -1]) < -100  # gone down the saddle's side
    before, last = sam.w.values[0, -2:]
    # After 500 steps y has decayed to 1e-10 and the cycle in x, whose error shrinks by 2 % a step, is there to 1e-4.
    assert abs(last[0]) == pytest.approx(0.01 * 0.5 * 2 / (2 - 0.02), rel=1e-4)
    assert before[0] * last[0] < 0
    assert abs(last[1]) < 1e-9


def test_the_cosine_turns_where_the_perturbed_point_crosses() -> None:
    saddle = sd.landscapes.saddle()
    sam = sd.Map(saddle, sd.SAM(0.5), lr=0.01)
    runs = sd.simulate(sam, [[0.0, 0.4], [0.0, 0.6]], 1, save_every=1)
    assert analysis.cosine(sam, runs).values[:, 0] == pytest.approx([-1, 1])
