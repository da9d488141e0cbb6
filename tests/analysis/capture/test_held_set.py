"""Which starts around a saddle it holds: intervals, fractal edges, several escape directions, and slow passage."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import samdyn as sd
from samdyn.analysis import CriticalPoint, held_set, held_sets

STEPS = 1000


@pytest.mark.parametrize(("n", "average"), [(2, False), (5, False), (2, True), (3, True), (5, True)])
def test_several_ascent_steps(saddle: sd.Landscape, origin: CriticalPoint, n: int, average: bool) -> None:
    """The interval that is held, and the rests in it, are those of the closed forms and of the derivation."""
    map_ = sd.Map(saddle, sd.SAM(0.3, ascent_steps=n, average=average), lr=0.005)
    held = held_set(map_, origin, 0.6, STEPS, starts=96)
    width = sd.theory.trap_half_width(rho=0.3, ascent_steps=n, average=average)
    assert sd.symbolic.predicted_boundary(map_, origin.eigenvalues).low == pytest.approx(width, rel=1e-12)
    for edge in (held.inner, held.outer):
        verdict = sd.theory.check(sd.theory.trap_half_width, edge, 2e-4, rho=0.3, ascent_steps=n, average=average)
        assert verdict.agrees
        assert verdict.rejects_rival
    assert held.share().value == pytest.approx(width / 0.3, rel=1e-4)
    assert (held.exponent, held.exponent_error, held.open) == (1.0, 0.0, 0.0)
    rests = sd.theory.rest_distances(rho=0.3, ascent_steps=n, average=average)
    for rest in rests:  # the bounce along x moves a rest by the order of ηρ
        assert np.abs(np.abs(held.rests[:, 1]) - rest).min() < 0.004


def test_the_saddle_itself_holds_no_run(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    held = held_set(sd.Map(saddle, sd.SAM(0.3, ascent_steps=2), lr=0.005), origin, 0.6, STEPS, starts=96)
    np.testing.assert_allclose(np.sort(held.rests[:, 1]), [-0.15, 0.15], atol=2e-3)
    np.testing.assert_allclose(held.rest_shares, 0.5)
    np.testing.assert_allclose(np.concatenate(held.intervals), [[0, 0.3], [0, 0.3]], rtol=1e-4)


def test_held_starts_away_from_the_point() -> None:
    """A field that leads outward near the point and inward farther out: y = 1 and its mirror image hold runs."""
    landscape = sd.Landscape("x**2/2 - y**2/2 + y**4/4", "x y")
    (saddle,) = (p for p in sd.critical_points(landscape) if p.kind == "saddle")
    wells = held_set(sd.Map(landscape, sd.GD(), lr=0.05), saddle, 1.5, STEPS, starts=64)
    np.testing.assert_allclose(np.sort(wells.rests[:, 1]), [-1, 1], atol=1e-6)
    assert (wells.inner, wells.outer) == (1.5, math.inf)
    near = held_set(sd.Map(landscape, sd.GD(), lr=0.05), saddle, 0.4, STEPS, starts=64)
    assert (near.inner, near.outer, near.rests.size) == (0.0, 0.0, 0)  # no rest is within 0.4


def test_both_senses_of_the_direction_are_measured() -> None:
    """The edge is SAM's perturbed point on a rest: y + ρ at the saddle y = 0, and another one for y < 0."""
    landscape = sd.Landscape("x**2 - y**2 + y**3", "x y")
    (saddle,) = (p for p in sd.critical_points(landscape) if p.kind == "saddle")
    held = held_set(sd.Map(landscape, sd.SAM(0.1), lr=0.002), saddle, 0.25, 3000, starts=96)
    assert sorted(held.outers) == pytest.approx([0.1, 0.1], rel=2e-4)
    usam = sd.Map(landscape, sd.USAM(0.6), lr=0.002)  # it rests where the perturbed point y + ρ(−2y + 3y²) is 0
    one_sided = held_set(usam, saddle, 0.25, 3000, starts=96)
    assert min(one_sided.outers) == pytest.approx((2 * 0.6 - 1) / (3 * 0.6), rel=1e-3)
    assert max(one_sided.outers) == math.inf


def test_an_edge_that_is_fractal() -> None:
    """Heavy ball with γ = .99: lost starts lie among held ones at all scales, so that the share is the answer."""
    landscape = sd.landscapes.quadratic((-1.5, 3.0), rotation=0.3)
    (point,) = sd.critical_points(landscape)
    map_ = sd.Map(landscape, sd.SAM(0.3), lr=0.01, momentum=0.99)
    held = held_set(map_, point, 0.6, 1000, starts=128)
    assert held.fractal
    assert 0.1 < held.exponent < 0.4
    assert held.inner < 0.25
    assert held.outer == pytest.approx(0.2988, abs=0.001)
    share, error = held.share()
    assert abs(share - 0.943) < 3 * error < 0.12  # 0.943: of 2,048 starts within ρ
    assert "fractal" in str(held)


def test_the_boundary_of_a_fractal_set_is_a_share(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    map_ = sd.Map(saddle, sd.SAM(0.3), lr=0.01, momentum=0.99)
    boundary = sd.analysis.capture_boundary(map_, origin, 0.4, 500)
    assert boundary.low < 0.06
    assert boundary.high == pytest.approx(0.2996, abs=1e-3)
    assert str(boundary) == f"{100 * boundary.share:.0f} % of w<{boundary.high:.4g}"
    assert 0.8 < boundary.share < 0.97


def test_two_escape_directions() -> None:
    """The edge is the curve into which the reversed flow of small steps runs from its rests, ρ along each direction."""
    rho, curvatures = 0.3, np.array([2.0, 1.0])
    landscape = sd.Landscape("x**2 - y**2 - z**2/2", "x y z")
    (point,) = sd.critical_points(landscape)
    held = held_set(sd.Map(landscape, sd.SAM(rho), lr=0.002), point, 0.45, 4000, starts=32)

    def reversed_flow(_: float, w: np.ndarray) -> np.ndarray:
        g = curvatures * w
        return rho * curvatures * g / np.linalg.norm(g) - g

    starts = [(sign * rho, side * 1e-6) for sign in (1, -1) for side in (1, -1)]
    starts += [(side, sign) for sign, side in starts]
    paths = [solve_ivp(reversed_flow, (0, 40), start, rtol=1e-9, max_step=0.1).y for start in starts]
    curve = np.concatenate(paths, axis=1)
    angle, radius = np.arctan2(curve[1], curve[0]), np.linalg.norm(curve, axis=0)
    order = np.argsort(angle)
    plane = held.directions @ point.eigenvectors[:, :2]
    edge = np.interp(np.arctan2(plane[:, 1], plane[:, 0]), angle[order], radius[order], period=2 * np.pi)
    np.testing.assert_allclose((held.inners + held.outers) / 2, edge, rtol=2e-3)
    assert np.ptp(edge) > 0.01  # it is no circle
    share, error = held.share(0.31)
    assert abs(share - (np.minimum(edge / 0.31, 1) ** 2).mean()) < 2e-3
    assert error < 1e-3


def test_slow_passage_is_not_held() -> None:
    """A run that moves out by a hundredth in all its time is open."""
    landscape = sd.landscapes.quadratic((-1e-6, 1.0))
    (point,) = sd.critical_points(landscape)
    held = held_set(sd.Map(landscape, sd.GD(), lr=0.1), point, 1.0, STEPS, starts=8)
    assert (held.inner, held.outer, held.share(1.0).value, held.open) == (0.0, 0.0, 0.0, pytest.approx(1, abs=0.2))


def test_methods_with_a_jacobian(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """Below its threshold USAM holds nothing, above it everything; gradient descent and SAM with ρ = 0 hold nothing."""
    methods = (sd.USAM(0.4), sd.USAM(0.6), sd.GD(), sd.SAM(0.0))
    sets = held_sets([sd.Map(saddle, method, lr=0.01) for method in methods], origin, 0.4, 3000, starts=16)
    assert [(one.inner, one.outer) for one in sets] == [(0, 0), (0.4, math.inf), (0, 0), (0, 0)]
    assert [one.open for one in sets] == [0] * 4


def test_maps_of_one_ensemble_are_measured_as_alone(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    maps = [sd.Map(saddle, sd.SAM(rho), lr=0.01, momentum=0.5) for rho in (0.1, 0.3)]
    for map_, held in zip(maps, held_sets(maps, origin, 0.5, STEPS, starts=32), strict=True):
        assert held.inner == pytest.approx(held_set(map_, origin, 0.5, STEPS, starts=32).inner, rel=1e-4)
        assert held.inner == pytest.approx(map_.method.radius, rel=1e-3)


def test_a_map_with_more_memory_than_momentum(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    """Adam scales every coordinate of the step and keeps its sign, so that the edge stays where SAM's field is 0."""
    maps = [sd.Map(saddle, sd.SAM(rho), lr=0.01, base=sd.bases.Adam()) for rho in (0.1, 0.3)]
    for map_, held in zip(maps, held_sets(maps, origin, 0.5, STEPS, starts=32), strict=True):
        assert held.inner == pytest.approx(map_.method.radius, rel=1e-3)
        assert held.outer == pytest.approx(map_.method.radius, rel=1e-3)


def test_a_flow() -> None:
    (point,) = sd.critical_points(sd.Landscape("-x**2", "x"))
    flow = sd.Flow(sd.Landscape("-x**2", "x"), sd.SAM(0.3, ascent_steps=2))
    held = held_set(flow, point, 0.7, 6.0, starts=8, rtol=0.02)
    assert held.inner < 0.3 < held.outer < 1.03 * held.inner
    np.testing.assert_allclose(np.sort(held.rests[:, 0]), [-0.15, 0.15], atol=1e-6)


@pytest.mark.slow
def test_a_flow_that_slides(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    held = held_set(sd.Flow(saddle, sd.SAM(0.3)), origin, 0.7, 6.0, starts=4, rtol=0.1)
    assert held.inner < 0.3 < held.outer < 1.15 * held.inner
    np.testing.assert_allclose(held.rests, [[0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"largest": 0.0}, "largest = 0.0"),
        ({"largest": math.nan}, "largest = nan"),
        ({"duration": 0}, "duration = 0"),
        ({"duration": 100.5}, "duration = 100.5"),
        ({"duration": 3}, "duration = 3.*at least 8"),
        ({"starts": 0}, "starts = 0"),
        ({"rtol": 0.0}, "rtol = 0.0"),
    ],
)
def test_bad_arguments(saddle: sd.Landscape, origin: CriticalPoint, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        held_set(sd.Map(saddle, sd.SAM(0.5), lr=0.01), origin, **{"largest": 1.0, "duration": 10, **options})


def test_bad_points_maps_and_distances(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    (minimum,) = sd.critical_points(sd.landscapes.quadratic((1.0, 2.0)))
    with pytest.raises(sd.InputError, match=r"is a minimum.*no direction leads away"):
        held_set(sd.Map(saddle, sd.SAM(0.5), lr=0.01), minimum, 1.0, 10)
    with pytest.raises(sd.InputError, match="noise"):
        held_set(sd.Map(saddle, sd.SAM(0.5), lr=0.01, noise=sd.noise.Gaussian(0.1)), origin, 1.0, 10)
    with pytest.raises(sd.InputError, match=r"rho = .*one value per run"):
        held_set(sd.Map(saddle, sd.SAM([0.1, 0.5]), lr=0.01), origin, 1.0, 10)
    empty = held_set(sd.Map(saddle, sd.SAM(0.0), lr=0.01), origin, 1.0, 100, starts=4)
    with pytest.raises(sd.InputError, match=r"within = None: the method's radius is 0, .* Give a distance"):
        empty.share()
    with pytest.raises(sd.InputError, match=r"within = 2.0: must lie in \(0, 1\]"):
        empty.share(2.0)
