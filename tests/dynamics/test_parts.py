"""What is no landscape or no method is refused when a map, a flow or a diffusion is made of it."""

from collections.abc import Callable
from typing import Any

import pytest

import samdyn as sd

BEALE = sd.landscapes.beale()
NOISE = sd.noise.Gaussian(1.0)
MAKERS = [
    lambda landscape, method: sd.Map(landscape, method, lr=0.1),
    lambda landscape, method: sd.Flow(landscape, method),
    lambda landscape, method: sd.Diffusion(landscape, method, NOISE, lr=0.1),
]


@pytest.mark.parametrize("make", MAKERS, ids=["map", "flow", "diffusion"])
@pytest.mark.parametrize(
    ("landscape", "method", "message"),
    [
        (BEALE, sd.SAM, r"method = .*is no method\. Make one: SAM\(\.\.\.\)"),
        (BEALE, sd.GD, r"Make one: GD\(\.\.\.\)"),
        (BEALE, "SAM", r"method = 'SAM': is no method\. Use e\.g\. GD\(\)"),
        (BEALE, None, "method = None: is no method"),
        (sd.landscapes.beale, sd.GD(), r"landscape = .*is no landscape\. Call it: beale\(\)"),
        (sd.landscapes.quadratic, sd.GD(), r"Call it: quadratic\(\)"),
        (sd.landscapes, sd.GD(), "landscape = .*is no landscape. Use Landscape"),
        (sd.Landscape, sd.GD(), "is no landscape. Use Landscape"),
        ("x**2", sd.GD(), "landscape = 'x.*2': is no landscape. Use Landscape"),
        (sd.SAM(0.1), BEALE, "landscape = SAM.*is no landscape"),
    ],
)
def test_what_is_none(make: Callable[..., Any], landscape: Any, method: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        make(landscape, method)


def test_who_simulates_what() -> None:
    map_, flow = sd.Map(BEALE, sd.GD(), lr=0.1), sd.Flow(BEALE, sd.GD())
    for wrong in (map_, sd.EulerMaruyama(sd.Diffusion(BEALE, sd.GD(), NOISE, lr=0.1)), BEALE, None):
        with pytest.raises(sd.InputError, match=r"flow = .*is no flow\. Use Flow\(landscape, method\); simulate for"):
            sd.integrate(wrong, (0, 0), [1.0])
    with pytest.raises(sd.InputError, match="integrate for a flow"):
        sd.simulate(flow, (0, 0), 3)
