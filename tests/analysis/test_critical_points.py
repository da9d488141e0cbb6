"""Critical points against the ones that are known."""

import numpy as np
import pytest

import samdyn as sd

KNOWN = {  # kinds and a few places, from the literature
    "beale": {"minimum": 1, "saddle": 1},
    "rosenbrock": {"minimum": 1},
    "himmelblau": {"minimum": 4, "saddle": 4, "maximum": 1},
    "double_well": {"minimum": 2, "saddle": 1},
    "saddle": {"saddle": 1},
    "product": {"saddle": 1},  # its minima form curves, which are degenerate
    "monkey_saddle": {},
    "one_neuron": {},
    "ravine": {},
}


@pytest.mark.parametrize("name", KNOWN)
def test_all_non_degenerate_points_are_found(name: str) -> None:
    found = sd.critical_points(sd.landscapes.named(name))
    counts = {kind: sum(p.kind == kind for p in found) for kind in ("minimum", "saddle", "maximum")}
    assert {kind: n for kind, n in counts.items() if n} == KNOWN[name]


@pytest.mark.parametrize("name", KNOWN)
def test_gradients_vanish_to_rounding(name: str) -> None:
    landscape = sd.landscapes.named(name)
    for point in sd.critical_points(landscape):
        # Newton's method ends where the gradient is rounding error: each of its some ten terms is of the size of
        # curvature times coordinate, and exact to eps.
        terms = np.abs(point.eigenvalues).max() * max(1.0, np.abs(point.w).max())
        assert np.abs(landscape.grad(point.w).numpy()).max() <= 10 * np.finfo(float).eps * terms


def test_beale_has_a_second_saddle_and_a_large_box_loses_nothing() -> None:
    for box in [(-2, 6), (-4, 4)], [(-20, 20), (-8, 8)]:
        kinds = sorted((p.kind, *p.w.round(4)) for p in sd.critical_points(sd.landscapes.beale(), box))
        assert kinds == [("minimum", 3, 0.5), ("saddle", 0, 1), ("saddle", 0.1005, -2.6445)]


def test_a_saddle_in_many_dimensions() -> None:
    spectrum = np.linspace(-2, 3, 20)
    (point,) = sd.critical_points(sd.landscapes.quadratic(spectrum))
    assert point.index == 8
    assert point.eigenvalues == pytest.approx(spectrum)


def test_a_box_that_is_none() -> None:
    with pytest.raises(sd.InputError, match="low < high"):
        sd.critical_points(sd.landscapes.beale(), [(1, 0), (0, 1)])
