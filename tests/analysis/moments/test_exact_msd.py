"""Mean squared displacements without sampling error."""

from typing import Any

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import exact_msd

NOISE = sd.noise.Gaussian(0.09)
MAP = sd.Map(sd.landscapes.quadratic([1.0, -1.0]), sd.USAM(0.2), lr=0.1, momentum=0.5, noise=NOISE)
E = np.array([0.6, 0.8])


def test_it_is_the_mean_of_squares_along_a_direction_from_the_start() -> None:
    """Of 20,000 runs, whose mean moves too; four and a half standard errors."""
    start = np.array([0.3, -0.2])
    runs = sd.simulate(MAP, np.tile(start, (20_000, 1)), 8, save_every=4, seed=3, progress=False)
    simulated = sd.analysis.msd(runs, E[:, None]).isel(direction=0)
    exact = exact_msd(MAP, start, E, [0.0, 0.4, 0.8])
    assert exact[0] == 0
    assert (np.abs(simulated.msd - exact)[1:] < 4.5 * simulated.error[1:]).all()
    assert exact[2] > 1.5 * float((E @ sd.analysis.linear_step(MAP).moments(start, 8)[1][8]) @ E)  # the mean moves


def test_a_map_is_linear_between_its_steps_and_a_diffusion_is_its_limit() -> None:
    at = exact_msd(MAP, [0.0, 0.0], E, [0.3, 0.325, 0.4, 0.0])
    assert at[1] == pytest.approx(0.75 * at[0] + 0.25 * at[2], rel=1e-12)
    fine = sd.Map(MAP.landscape, MAP.method, lr=1e-3, noise=NOISE)
    sde = sd.Diffusion(MAP.landscape, MAP.method, NOISE, lr=1e-3)
    times = [0.2, 1.0]
    assert exact_msd(fine, [0, 0], E, times) == pytest.approx(exact_msd(sde, [0, 0], E, times), rel=3e-3)  # of O(η)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": [1.0]}, "direction for 2 coordinate"),
        ({"times": [-0.1]}, "finite numbers >= 0"),
        ({"times": []}, "finite numbers >= 0"),
        ({"w0": [0.0]}, "must be 2 finite coordinates"),
        ({"system": sd.Map(MAP.landscape, sd.SAM(0.1), lr=0.1, noise=NOISE)}, "is not linear"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        exact_msd(**{"system": MAP, "w0": [0, 0], "direction": E, "times": [1.0], **options})
