"""The momentum that makes up for a radius."""

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import exact_msd, least_momentum


def test_the_first_zero() -> None:
    assert least_momentum(lambda gamma: gamma - 0.3) == pytest.approx(0.3, abs=1e-6)
    assert least_momentum(lambda gamma: (gamma - 0.3) * (0.8 - gamma)) == pytest.approx(0.3, abs=1e-6)
    assert least_momentum(lambda gamma: gamma - 0.99) == np.inf
    assert least_momentum(lambda gamma: gamma - 0.99, largest=0.999) == pytest.approx(0.99, abs=1e-6)
    assert least_momentum(lambda gamma: gamma + 0.1) == -np.inf
    with pytest.raises(sd.InputError, match="largest = 1"):
        least_momentum(lambda gamma: gamma, largest=1)


@pytest.mark.parametrize("coupling", ["shared", "independent", "clean"])
def test_with_it_usam_spreads_as_sgd(coupling: str) -> None:
    def spread(rho: float, gamma: float) -> float:
        noise = sd.noise.Fisher((0,), 4, coupling=coupling)
        map_ = sd.Map(sd.landscapes.quadratic([-1]), sd.USAM(rho), lr=0.1, momentum=gamma, noise=noise)
        return float(exact_msd(map_, [0], [1], [1.0])[0])

    goal = spread(0, 0)
    gamma = least_momentum(lambda gamma: spread(0.4, gamma) / goal - 1)
    assert 0.05 < gamma < 0.6
    assert spread(0.4, gamma) == pytest.approx(goal, rel=1e-4)
