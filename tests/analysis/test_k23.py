"""The trajectories that [K23] shows."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis


@pytest.mark.slow
def test_beale_from_1_2() -> None:
    beale = sd.landscapes.beale()
    minimum, saddle = (3, 0.5), (0, 1)
    maps = [sd.Map(beale, sd.SAM(rho) if rho else sd.GD(), lr=1.25e-5) for rho in (0.0, 0.1, 0.5, 1.0)]
    halfway, w = np.stack([sd.simulate(map_, (1, 2), 60_000, save_every=30_000).w.values[0, 1:] for map_ in maps], 1)
    assert np.linalg.norm(w[2:] - saddle, axis=1) == pytest.approx(0, abs=1e-3)
    # The others are on the way: nearer than before, and from where they got to gradient descent goes to the minimum.
    left = [np.linalg.norm(at[:2] - minimum, axis=1) for at in (halfway, w)]
    assert (left[1] < left[0]).all()
    rest = sd.integrate(sd.Flow(beale, sd.GD()), w[:2], 100)
    assert (rest.status == "settled").all()
    assert rest.w.values[:, -1] == pytest.approx(np.tile(minimum, (2, 1)), abs=1e-6)


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


def test_every_run_has_its_own_radius() -> None:
    """As many states as runs are saved, so that radii along the wrong dimension would go unnoticed."""
    saddle, radii, starts = sd.landscapes.saddle(), [0.1, 0.5, 2.0], [(1, 0.1), (-1, 0.3), (0.2, -0.4)]
    together = sd.Map(saddle, sd.SAM(radii), lr=0.1)
    runs = sd.simulate(together, starts, 2, save_every=1)
    cosines, points = analysis.cosine(together, runs), analysis.perturbed(together, runs)
    assert np.linalg.norm(points - runs.w, axis=2) == pytest.approx(np.tile(radii, (3, 1)).T)
    for number, rho in enumerate(radii):
        alone = sd.Map(saddle, sd.SAM(rho), lr=0.1)
        expected = analysis.cosine(alone, sd.simulate(alone, starts[number], 2, save_every=1))
        assert cosines.values[number] == pytest.approx(expected.values[0])
