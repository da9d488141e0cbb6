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


@pytest.mark.parametrize("scale", ["1e-14", "1e-200", "1e-250", "1e200"])
def test_the_units_of_the_loss_do_not_matter(scale: str) -> None:
    points = sd.critical_points(sd.Landscape(f"{scale}*((x**2 - 1)**2/4 + y**2)", "x y"))
    assert [p.kind for p in points] == ["minimum", "minimum", "saddle"]
    assert points.balanced
    assert not points.degenerate
    assert not points.sets
    np.testing.assert_allclose(points[2].eigenvalues, [-float(scale), 2 * float(scale)], rtol=1e-12)
    assert f"λ = (-{float(scale):g}, {2 * float(scale):g})" in str(points)


def test_small_numbers_beside_large_ones_are_rounding_in_print() -> None:
    (point,) = sd.critical_points(sd.Landscape("(x - 1)**2 - y**2", "x y"))
    assert str(point.w[1]) not in {"0", "0.0"} or point.w[1] == 0
    assert "saddle at (1, 0)" in str(sd.critical_points(sd.Landscape("(x - 1)**2 - y**2", "x y")))


def test_rounding_errors_print_as_zero_and_stay_as_values() -> None:
    eigenvalues, eigenvectors = np.array([-2.0, 2.0]), np.eye(2)
    point = sd.analysis.CriticalPoint(np.array([7.78511e-25, 1e-11]), -4.5456e-49, eigenvalues, eigenvectors)
    points = sd.analysis.CriticalPoints((point,), missing=(), unchecked=0.0, unproved=(), degenerate=(), sets=())
    assert str(points).splitlines()[0] == "saddle at (0, 1e-11), L = 0, λ = (-2, 2)"
    assert (points[0].w[0], points[0].loss) == (7.78511e-25, -4.5456e-49)
    assert "e-49" not in points._repr_html_()


def test_boxes_of_every_size() -> None:
    for half in (1e-90, 1e-6, 1e90):
        (point,) = sd.critical_points(sd.landscapes.saddle(), [(-half, 2 * half)] * 2)
        assert np.abs(point.w).max() <= 1e-12 * half
    with pytest.raises(sd.InputError, match="too wide"):
        sd.critical_points(sd.landscapes.saddle(), [(-1e300, 1e300)] * 2)


def test_a_narrow_well_without_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minimum and saddle lie in one cell, in which their indices cancel: the count is balanced, and no more."""
    landscape = sd.Landscape("x**2 + y**2/2 - exp(-20000*((x - 1/4)**2 + (y - 1/4)**2))", "x y", box=[(-2, 2)] * 2)
    monkeypatch.setattr("samdyn.analysis.points.proof.landscape.MAX_DIM", 1)
    points = sd.critical_points(landscape)
    assert len(points) == 1
    assert points.balanced
    assert not points.complete
    # What a start leads to is found.
    assert len(sd.critical_points(landscape, [(0.2, 0.3), (0.2, 0.3)])) == 2


def test_a_well_in_a_plain_that_underflows() -> None:
    points = sd.critical_points(sd.Landscape("1 - exp(-200*((x - 0.3)**2 + (y - 0.2)**2))", "x y"))
    assert [p.kind for p in points] == ["minimum"]
    assert points[0].w == pytest.approx([0.3, 0.2], abs=1e-12)
    assert [(s.dimension, s.kind) for s in points.sets] == [(2, "plateau")]


def test_memory_does_not_grow_with_the_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 100 coordinates 1024 Hessians are 80 MB; in 1000 they would be 8 GB."""
    held = []
    landscape = sd.landscapes.quadratic(np.linspace(-2, 3, 100))
    monkeypatch.setattr("samdyn.analysis.points.singular.BLOCK_NUMBERS", 5 * 100**2)
    original = type(landscape).hessian

    def watched(self: sd.Landscape, w: object) -> object:
        held.append(getattr(w, "shape", (0, 1))[-1])
        return original(self, w)

    monkeypatch.setattr(type(landscape), "hessian", watched)
    (point,) = sd.critical_points(landscape)
    assert point.index == 40
    assert max(h for h in held if h != 100) <= 5
