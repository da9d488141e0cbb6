"""Sets of critical points: one connected set each, with charts, distances, and the flattest and sharpest points."""

import numpy as np
import pytest

import samdyn as sd

SPHERE = sd.Landscape("(x**2 + y**2 + z**2 - 1)**2", "x y z")
PRODUCTS = sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d")
RNG = np.random.default_rng(0)


def sets(landscape: sd.Landscape) -> tuple[sd.analysis.CriticalSet, ...]:
    """Return the sets of minima."""
    return tuple(s for s in sd.critical_points(landscape).sets if s.kind == "minima")


def test_the_sphere_of_minima() -> None:
    (sphere,) = sets(SPHERE)
    assert (sphere.dimension, sphere.is_morse_bott) == (2, True)
    w = RNG.uniform(-2, 2, (40, 3))
    size = np.linalg.norm(w, axis=1)
    np.testing.assert_allclose(sphere.nearest(w), w / size[:, None], atol=1e-6)
    np.testing.assert_allclose(sphere.distance(w), abs(size - 1), atol=1e-9)
    # No point of the sphere is farther from the sample than the caps that 500 points can cover twice.
    apart = np.linalg.norm(w[:, None] / size[:, None, None] - sphere.w, axis=2).min(axis=1)
    assert apart.max() < np.sqrt(2 * 16 / 500)
    for point in (sphere.flattest, sphere.sharpest):
        np.testing.assert_allclose(point.eigenvalues, [0, 0, 8], atol=1e-9)


def test_charts_are_graphs_over_the_tangent_space() -> None:
    (sphere,) = sets(SPHERE)
    chart = sphere.chart((0, 0, 5))
    np.testing.assert_allclose(chart.origin, (0, 0, 1), atol=1e-7)
    t = RNG.uniform(-0.6, 0.6, (20, 2))
    w = chart(t)
    np.testing.assert_allclose((w - chart.origin) @ chart.tangents, t, atol=1e-12)
    np.testing.assert_allclose(w @ chart.origin, np.sqrt(1 - (t**2).sum(1)), atol=1e-9)
    assert np.isnan(chart((1.2, 0))).all()  # beyond the sphere's equator
    with pytest.raises(sd.InputError, match="dimension 2"):
        chart((0.1,))


def test_minima_of_dimension_3_are_one_set() -> None:
    (found,) = sets(PRODUCTS)
    assert (found.dimension, found.is_morse_bott) == (3, True)
    a, b, c, d = found.w.T
    np.testing.assert_allclose(a * b + c * d, 1, atol=1e-9)
    # The one eigenvalue that is not 0 is ‖w‖². It is least where a = b, c = d and a² + c² = 1.
    np.testing.assert_allclose(found.eigenvalues[:, 3], (found.w**2).sum(1), rtol=1e-9)
    w = found.flattest.w
    np.testing.assert_allclose([w[0] - w[1], w[2] - w[3]], 0, atol=1e-5)
    assert found.flattest.sharpness == pytest.approx(2, abs=1e-9)
    # In a box of half-width 3 the largest ‖w‖² is about 3·3² + (3 − 1/3)².
    assert 33 < found.sharpest.sharpness < 35


def test_four_surfaces_of_minima() -> None:
    surfaces = sets(sd.Landscape("(x*y*z - 1)**2/2", "x y z"))
    assert [s.dimension for s in surfaces] == [2] * 4
    assert len({tuple(np.sign(s.w[0])) for s in surfaces}) == 4
    for surface in surfaces:
        assert (np.sign(surface.w) == np.sign(surface.w[0])).all()
    np.testing.assert_allclose(abs(surfaces[0].flattest.w), 1, atol=1e-5)  # x²y² + y²z² + z²x² ≥ 3 there


def test_lines_that_cross_are_not_smooth_where_they_meet() -> None:
    lines = sets(sd.Landscape("(x*y)**2", "x y"))
    assert len(lines) == 2
    assert not any(line.is_morse_bott for line in lines)
    (valley,) = sets(sd.Landscape("x**2", "x y"))
    assert valley.is_morse_bott


def test_a_set_without_tangents_is_refused() -> None:
    (flat,) = sd.critical_points(sd.Landscape("x**4", "x y")).sets
    with pytest.raises(sd.InputError, match="singular across it"):
        flat.chart((0, 0))


def test_runs_end_on_one_set_where_the_flow_leads_them() -> None:
    # Gradient flow conserves x² − y² on (xy − 1)²/2.
    basins = sd.basins(sd.Flow(sd.Landscape("(x*y - 1)**2/2", "x y"), sd.GD()), resolution=5, progress=False)
    assert [(one.kind, one.critical_set.kind) for one in basins.attractors] == [("curve", "minima")] * 2
    x, y = np.meshgrid(basins.x, basins.y)
    ends = basins.ends
    on = basins.label >= 0
    assert on.sum() == 24  # all but the one at the saddle
    np.testing.assert_allclose(ends[on].prod(1), 1, atol=1e-5)
    np.testing.assert_allclose((ends[..., 0] ** 2 - ends[..., 1] ** 2)[on], (x**2 - y**2)[on], atol=1e-4)


def test_runs_end_on_one_set_of_dimension_3() -> None:
    (found,) = sd.attractors(sd.Map(PRODUCTS, sd.GD(), lr=0.05), starts=81, progress=False)
    assert found.kind == "set"
    assert found.critical_set.dimension == 3
    a, b, c, d = found.ends.T
    np.testing.assert_allclose(a * b + c * d, 1, atol=1e-5)
    assert str(found).startswith("set of dimension 3 of minima about")


@pytest.mark.slow
def test_sam_slides_to_the_flattest_points_of_the_set() -> None:
    found = sd.attractors(sd.Flow(PRODUCTS, sd.SAM(0.1)), starts=16, progress=False)
    assert [one.kind for one in found] == ["sliding", "sliding"]
    a, b, c, d = found[0].ends.T
    np.testing.assert_allclose([a - b, c - d, a**2 + c**2 - 1], 0, atol=1e-4)
    assert found[0].critical_set.dimension == 3
    assert found[1].extent == 0  # the saddle, for starts that symmetry keeps from the minima
