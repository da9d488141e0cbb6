"""Equilibria of planar flows: critical points, and the points that only the method makes one."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import Equilibrium, equilibria
from samdyn.methods import Method


def at(points: Sequence[Equilibrium], *w: float) -> Equilibrium:
    """Return the one equilibrium at w."""
    (found,) = (p for p in points if np.abs(p.w - w).max() < 1e-9)
    return found


@pytest.mark.parametrize("name", ["double_well", "beale", "himmelblau"])
def test_under_gd_they_are_the_critical_points(name: str) -> None:
    landscape = sd.landscapes.named(name)
    points = sd.critical_points(landscape)
    found = equilibria(sd.Flow(landscape, sd.GD()))
    assert len(found) == len(points)
    kinds = {"minimum": "attractor", "saddle": "saddle", "maximum": "repeller"}
    for p in points:
        rest = at(found, *p.w)
        assert rest.kind == kinds[p.kind]
        assert rest.attracts == (p.kind == "minimum")
        assert rest.critical is not None
        assert rest.critical.kind == p.kind
        np.testing.assert_allclose(rest.rates, -p.eigenvalues[::-1], rtol=1e-9)


@pytest.mark.parametrize(("rho", "kind"), [(0.99, "saddle"), (1.0, "not hyperbolic"), (1.01, "attractor")])
def test_usam_turns_the_saddle_into_an_attractor(rho: float, kind: str) -> None:
    """On the double well λ = −1: the threshold is ρ = 1, beyond which two new saddles stand beside it.

    Where y = 0 the perturbed point x + ρ(x³ − x) is 0 at x² = 1 − 1/ρ.
    """
    found = equilibria(sd.Flow(sd.landscapes.double_well(), sd.USAM(rho)))
    assert at(found, 0, 0).kind == kind
    others = sorted(p.w[0] for p in found if p.critical is None)
    expected = [-np.sqrt(1 - 1 / rho), np.sqrt(1 - 1 / rho)] if rho > 1 else []
    np.testing.assert_allclose(others, expected, rtol=1e-9)
    assert {p.kind for p in found if p.critical is None} <= {"saddle"}


@pytest.mark.parametrize("method", [sd.methods.GaussianSmoothing(0.5), sd.methods.TiltedSAM(0.5, tilt=0.0, nodes=3)])
def test_smoothed_methods_rest_beside_the_critical_points(method: Method) -> None:
    """E(x + ρξ)² − 1 is x² + ρ² − 1, which vanishes at x = ±√(1 − ρ²), and not at the critical points ±1."""
    found = equilibria(sd.Flow(sd.Landscape("x**3/3 - x + y**2/2", "x y", box=((-3, 3), (-2, 2))), method))
    assert found.complete
    assert [(at(found, x, 0).kind, at(found, x, 0).critical) for x in (-np.sqrt(0.75), np.sqrt(0.75))] == [
        ("saddle", None),
        ("attractor", None),
    ]
    assert len(found) == 2


def test_the_edges_of_the_trap_of_sam_are_saddles(saddle: sd.Landscape) -> None:
    """At (0, ±ρ) the perturbed point is the origin; there ẋ = −2x(1 + ρ/r), ẏ = 2y(1 − ρ/r) have rates −4 and 2."""
    found = equilibria(sd.Flow(saddle, sd.SAM(0.5)))
    assert len(found) == 3
    for y in (-0.5, 0.5):
        edge = at(found, 0, y)
        assert (edge.kind, edge.attracts, edge.critical) == ("saddle", False, None)
        np.testing.assert_allclose(edge.rates, [-4, 2], rtol=1e-9)
    origin = at(found, 0, 0)
    assert (origin.kind, origin.rates, origin.directions, origin.attracts) == ("no Jacobian", None, None, True)


@pytest.mark.parametrize("method", [sd.SAM(0.3), sd.DNSAM(0.3), sd.ASAM(0.3), sd.SAM(0.3, ascent_steps=2)])
def test_normalised_methods_have_no_jacobian_at_critical_points(method: Method) -> None:
    """ASAM's does not jump at the origin, where T vanishes; it is homogeneous of degree one, but not linear."""
    for p in equilibria(sd.Flow(sd.landscapes.double_well(), method)):
        if p.critical is not None:
            assert p.kind == "no Jacobian"


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.3), sd.UASAM(0.3), sd.ExactSAM(0.3)])
def test_the_others_have_one(method: Method) -> None:
    assert not [p for p in equilibria(sd.Flow(sd.landscapes.double_well(), method)) if p.rates is None]


def test_a_large_radius_lets_go_of_minima() -> None:
    """ρ = 1.2 on the double well: from beside a minimum SAM looks across the other one's slope, and is pushed away.

    It rests where its perturbed point is a minimum: at ±(1.2 − 1).
    """
    found = equilibria(sd.Flow(sd.landscapes.double_well(), sd.SAM(1.2)))
    assert not any(p.attracts for p in found if p.critical is not None)
    assert at(found, 0.2, 0).attracts
    assert at(found, -0.2, 0).attracts


@pytest.mark.slow
def test_a_degenerate_point_is_not_hyperbolic() -> None:
    (point,) = equilibria(sd.Flow(sd.landscapes.monkey_saddle(), sd.GD()))
    assert point.kind == "not hyperbolic"
    np.testing.assert_allclose(point.w, 0, atol=1e-6)


def test_the_degree_accounts_for_what_was_found() -> None:
    """UASAM makes many; on the edge of a large circle its field points inward, so the indices add up to 1.

    The sum of the signs: attractors and repellers count +1, saddles −1.
    """
    landscape = sd.Landscape("(x**2 - 1)**2/4 + y**2/2 + x*y/4", "x y", box=((-2, 2), (-2, 2)))
    for rho in (0.3, 0.9, 1.5):
        found = equilibria(sd.Flow(landscape, sd.USAM(rho)))
        assert sum(-1 if p.kind == "saddle" else 1 for p in found) == 1
        assert len({tuple(p.w.round(6)) for p in found}) == len(found)


SEVERAL = sd.Landscape("x**4/4-2*x**3/3-2*x**2-x*y/2+2*x/3+y**4/4-y**3/2+y/7", "x y")


def test_edges_beside_points_without_a_jacobian_are_counted_too() -> None:
    """Beside the saddle at (0.175, −0.181) stands an edge at which the field turns within a thousandth of the box."""
    found = equilibria(sd.Flow(SEVERAL, sd.SAM(0.4)))
    assert sum(np.abs(p.w - [0.171991, -0.145864]).max() < 1e-6 for p in found) == 1
    assert found.missing == ()
    assert found.unchecked == 0
    assert len(found) == 12


def test_what_is_not_found_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that never sees the edge above, and one that never sees the second saddle of USAM."""
    module = import_module("samdyn.analysis.points.equilibria")
    real = module._newton
    monkeypatch.setattr("samdyn.analysis.points.proof.landscape.MAX_DIM", 1)  # no proof, which would find them
    well = sd.Flow(sd.landscapes.double_well(), sd.USAM(1.5))
    for flow, w in ((sd.Flow(SEVERAL, sd.SAM(0.4)), (0.171991, -0.145864)), (well, (np.sqrt(1 / 3), 0))):

        def blind(*arguments: object, w: tuple[float, float] = w) -> np.ndarray:
            found = real(*arguments)
            return found[np.abs(found - w).max(axis=1) > 1e-3]

        monkeypatch.setattr(module, "_newton", blind)
        (((x0, x1), (y0, y1)),) = equilibria(flow).missing
        assert x0 < w[0] < x1
        assert y0 < w[1] < y1


def test_a_part_of_the_landscape() -> None:
    found = equilibria(sd.Flow(sd.landscapes.himmelblau(), sd.GD()), ((0, 5), (0, 5)))
    assert sorted(p.kind for p in found) == ["attractor", "saddle", "saddle"]


def test_bad_input(saddle: sd.Landscape) -> None:
    space = sd.Landscape("x**2 - y**2 + z**2", "x y z")
    with pytest.raises(sd.InputError, match=r"has 3 coordinates; a plane has two\. .*restrict"):
        equilibria(sd.Flow(space, sd.GD()))
    assert len(equilibria(sd.Flow(space.restrict({"z": 0.0}), sd.GD()))) == 1  # the advice works
    with pytest.raises(sd.InputError, match="low < high"):
        equilibria(sd.Flow(saddle, sd.GD()), ((1, -1), (0, 1)))
