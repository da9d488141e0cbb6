"""Where SAM with several ascent steps rests beside a saddle, held against runs."""

import numpy as np
import pytest

import samdyn as sd

RHO, LR = 0.3, 0.002


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_runs_end_at_every_rest_and_nowhere_else(n: int, average: bool) -> None:
    # 4,000 steps are t = 8, in which distances from points that repel grow by e¹⁶: runs are at a rest, or have left.
    map_ = sd.Map(sd.landscapes.quadratic([-2.0]), sd.SAM(RHO, ascent_steps=n, average=average), lr=LR)
    starts = RHO * (np.arange(24) + 0.37)[:, None] / 24
    ends = np.abs(sd.simulate(map_, starts, 4000, progress=False).w.values[:, -1, 0])
    held = ends[ends < RHO]
    rests = sd.theory.rest_distances(rho=RHO, ascent_steps=n, average=average)
    nearest = np.abs(held[:, None] - rests).argmin(1)
    # A run bounces about its rest by less than one step, η|λ| times a distance of at most ρ.
    assert np.abs(held - rests[nearest]).max() < 2.0 * LR * RHO
    assert {*nearest} == {*range(len(rests))}


def test_without_a_radius_there_is_no_rest() -> None:
    with pytest.raises(sd.InputError, match="rho"):
        sd.theory.rest_distances(rho=0.0, ascent_steps=2)
