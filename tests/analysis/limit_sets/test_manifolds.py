"""Stable and unstable manifolds: on curves that are known, and as the boundaries of basins."""

from collections.abc import Callable

import numpy as np
import pytest
import sympy
import torch
from scipy.integrate import quad

import samdyn as sd
from samdyn.analysis import Manifolds, equilibria, manifolds

BOX = ((-1.5, 1.5), (-1.0, 2.5))


def with_curve(h: str, which: str, box: tuple = BOX) -> sd.Flow:
    """Return a gradient flow with a saddle at the origin whose stable or unstable manifold is y = h(x).

    L = −x²/2 + B(x)(y − h) + (y − h)²/2: the curve y = h is invariant under −∇L if the part of ∇L normal to it vanishes
    there, B = h′(−x − Bh′), so B = −xh′/(1 + h′²). It leaves the saddle; with −L it comes in.
    """
    x, y = sympy.symbols("x y", real=True)
    curve = sympy.sympify(h, {"x": x})
    slope = curve.diff(x)
    loss = -(x**2) / 2 - x * slope / (1 + slope**2) * (y - curve) + (y - curve) ** 2 / 2
    return sd.Flow(sd.Landscape(loss if which == "unstable" else -loss, "x y", box=box), sd.GD())


def bent(which: str, tol: float) -> list[np.ndarray]:
    found = manifolds(with_curve("x**2", which), (0, 0), tol=tol)
    assert found.complete
    curves: list[np.ndarray] = getattr(found, which)
    return curves


@pytest.mark.parametrize("which", ["stable", "unstable"])
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6, 1e-8])
def test_a_known_curve_to_the_tolerance(which: str, tol: float) -> None:
    """The points, and the chords between them, are within tol of the parabola, at every tol."""
    curves = bent(which, tol)
    assert sorted(np.sign(c[-1, 0]) for c in curves) == [-1, 1]
    for curve in curves:
        np.testing.assert_allclose(curve[0], 0, atol=1e-12)
        for x, y in (curve.T, (curve[1:].T + curve[:-1].T) / 2):
            assert (np.abs(y - x**2) / np.sqrt(1 + 4 * x**2)).max() <= tol
        np.testing.assert_allclose(np.abs(curve[-1]), (1.5, 2.25), atol=5 * tol)  # where the parabola leaves the box
        steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        assert steps.max() < 0.5


def test_a_smaller_tolerance_gives_a_smaller_error() -> None:
    errors = [max(np.abs(c[:, 1] - c[:, 0] ** 2).max() for c in bent("unstable", tol)) for tol in (1e-3, 1e-5, 1e-7)]
    assert errors[0] > 5 * errors[1] > 25 * errors[2] > 0


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.3), sd.UASAM(0.2), sd.ExactSAM(0.4)])
def test_the_axes_of_a_saddle(saddle: sd.Landscape, method: sd.Method) -> None:
    found = manifolds(sd.Flow(saddle, method), (0, 0), ((-1, 1), (-1, 1)))
    for branches, axis in ((found.stable, 0), (found.unstable, 1)):
        for curve in branches:
            np.testing.assert_allclose(curve[:, 1 - axis], 0, atol=1e-12)
        np.testing.assert_allclose(sorted(c[-1, axis] for c in branches), [-1, 1], rtol=1e-9)


def test_the_separatrix_of_the_double_well_and_its_ends() -> None:
    """x = 0 divides it; the unstable manifold leads into both minima: heteroclinic connections."""
    for method in (sd.GD(), sd.USAM(0.5)):
        found = manifolds(sd.Flow(sd.landscapes.double_well(), method), (0, 0))
        for curve in found.stable:
            np.testing.assert_allclose(curve[:, 0], 0, atol=1e-12)
        np.testing.assert_allclose(sorted(c[-1, 1] for c in found.stable), [-1.5, 1.5], rtol=1e-9)
        ends = sorted((c[-1] for c in found.unstable), key=lambda w: float(w[0]))
        np.testing.assert_allclose(ends, [(-1, 0), (1, 0)], atol=1e-10)


def test_the_trap_of_sam_is_bounded_by_the_stable_manifolds_of_its_edges(saddle: sd.Landscape) -> None:
    """In polar coordinates SAM's flow on x² − y² is ṙ = −2r cos 2θ − 2ρ, θ̇ = 2 sin 2θ, so dr/dθ is linear in r.

    The solution through (0, ρ): r √(sin 2θ) = ρ ∫ dφ/√(sin 2φ) from θ to π/2; with φ = π/2 − s², an integral without
    a singularity.
    """
    rho = 0.5
    found = manifolds(sd.Flow(saddle, sd.SAM(rho)), (0, rho), tol=1e-7)
    assert sorted(float(c[-1, 0]) for c in found.stable) == pytest.approx([-3.5, 3.5])
    for curve in found.stable:
        for x, y in curve[1 :: len(curve) // 25]:
            theta = np.arctan2(y, abs(x))
            area, _ = quad(lambda s: 2 * s / np.sqrt(np.sin(2 * s**2)), 1e-12, np.sqrt(np.pi / 2 - theta))
            assert np.hypot(x, y) == pytest.approx(rho * area / np.sqrt(np.sin(2 * theta)), abs=1e-7)
    ends = sorted(c[-1].tolist() for c in found.unstable)
    np.testing.assert_allclose(ends, [(0, 0), (0, 3.5)], atol=1e-7)  # into the trap, and out


def test_the_directions_are_those_of_the_flow() -> None:
    """UASAM's Jacobian −H(I + ρT²H) has other eigenvectors than H."""
    landscape = sd.Landscape("(x - 1)**2 - (y - 2)**2 + (x - 1)*(y - 2)", "x y")
    hessian, t2 = np.array([[2.0, 1], [1, -2]]), np.diag([1.0, 4])
    jacobian = -hessian @ (np.eye(2) + 0.05 * t2 @ hessian)
    found = manifolds(sd.Flow(landscape, sd.UASAM(0.05)), (1, 2), tol=1e-8)
    rates, vectors = np.linalg.eig(jacobian)
    for branches, index in ((found.stable, np.argmin(rates)), (found.unstable, np.argmax(rates))):
        for curve in branches:
            start = (curve[1] - curve[0]) / np.linalg.norm(curve[1] - curve[0])
            assert abs(start @ vectors[:, index]) == pytest.approx(1, abs=1e-9)
            _, others = np.linalg.eigh(hessian)
            assert max(abs(start @ others)) < 0.9995


Ends = Callable[[np.ndarray], np.ndarray]  # starts (N, 2) -> labels (N,)


def nearest_attractor(flow: sd.Flow, time: float) -> Ends:
    targets = np.array([p.w for p in equilibria(flow) if p.attracts])

    def labels(starts: np.ndarray) -> np.ndarray:
        ends = sd.integrate(flow, starts, time, rtol=1e-7, atol=1e-9, progress=False).w.values[:, -1]
        apart = np.linalg.norm(ends[:, None] - targets, axis=2)
        return np.where(apart.min(1) < 1e-2, apart.argmin(1), -1)

    return labels


@pytest.mark.parametrize(
    ("name", "method", "time"),
    [
        ("double_well", sd.GD(), 20.0),
        ("double_well", sd.USAM(1.3), 60.0),  # beyond its threshold: three attractors, two separatrices
        pytest.param("himmelblau", sd.USAM(0.01), 2.0, marks=pytest.mark.slow),
    ],
)
def test_the_separatrices_are_the_boundaries_of_the_basins(name: str, method: sd.Method, time: float) -> None:
    """On a grid of starts: labels change next to the curves, and along the curves labels change."""
    landscape = sd.landscapes.named(name)
    flow = sd.Flow(landscape, method)
    curves = [c for p in equilibria(flow) if p.kind == "saddle" for c in manifolds(flow, p, tol=1e-4).stable]
    n = 40  # even: no start on a separatrix for symmetry
    axes = [np.linspace(low, high, n) for low, high in landscape.box]
    cell = np.array([axis[1] - axis[0] for axis in axes])
    starts = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    label = nearest_attractor(flow, time)(starts.reshape(-1, 2)).reshape(n, n)
    assert (label >= 0).mean() > 0.99
    assert len(np.unique(label)) > 1

    on_curve = np.concatenate(curves)
    on_curve = on_curve[np.append(True, np.diff((on_curve / cell / 0.2).round(), axis=0).any(1))]
    along = np.array([np.abs((on_curve - start) / cell).max(1).min() for start in starts.reshape(-1, 2)]).reshape(n, n)
    for axis in (0, 1):
        here, there = (np.take(label, range(i, n - 1 + i), axis) for i in (0, 1))
        near = np.minimum(*(np.take(along, range(i, n - 1 + i), axis) for i in (0, 1)))
        changes = (here != there) & (here >= 0) & (there >= 0)
        assert near[changes].max(initial=0) <= 1.0
    for w in on_curve:
        i, j = (int(k) for k in ((w - [a[0] for a in axes]) / cell).round())
        around = label[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
        assert len(np.unique(around)) > 1, w


def test_branches_may_leave_the_box_and_come_back() -> None:
    """y = x² − x⁴ rises to ¼ and falls: a box that ends at y = 0.15 sees it leave, come back, and go out below."""
    box = ((-1.2, 1.2), (-0.3, 0.15))
    found = manifolds(with_curve("x**2 - x**4", "stable", box), (0, 0))
    for curve in found.stable:
        x, y = curve.T
        np.testing.assert_allclose(y, x**2 - x**4, atol=3e-6)  # the curve is steep, and tol a distance
        assert y.max() == pytest.approx(0.25, abs=1e-5)
        assert y[-1] == pytest.approx(-0.3, abs=1e-9)
    found = manifolds(with_curve("x**2", "stable"), (0, 0), ((-1, 1), (-0.2, 0.2)))
    for curve in found.stable:  # this one does not come back
        np.testing.assert_allclose(np.abs(curve[-1]), (np.sqrt(0.2), 0.2), atol=1e-5)


def test_a_point_of_another_kind_may_be_given(saddle: sd.Landscape, origin: sd.analysis.CriticalPoint) -> None:
    flow = sd.Flow(saddle, sd.GD())
    results: list[Manifolds] = [
        manifolds(flow, p) for p in (origin, equilibria(flow)[0], (0, 0), np.zeros(2), [1e-7, 0])
    ]
    for found in results[1:]:
        np.testing.assert_array_equal(found.stable[0].round(9), results[0].stable[0].round(9))


BAD = [
    (sd.GD(), {"point": (0.5, 0)}, r"is no equilibrium of this flow: ‖ẇ‖ = 1 there"),
    (sd.GD(), {"point": (0, 0, 0)}, "must be two finite numbers"),
    (sd.GD(), {"point": (0, np.nan)}, "must be two finite numbers"),
    (sd.GD(), {"point": "saddle"}, "must be two numbers"),
    (sd.USAM(0.6), {}, r"is no saddle of this flow: its kind is 'attractor'"),  # beyond the threshold
    (sd.USAM(0.5), {}, "'not hyperbolic'"),
    (sd.SAM(0.5), {}, "the field of SAM has no Jacobian here"),
    (sd.ASAM(0.5), {}, "the field of ASAM has no Jacobian here"),
    (sd.GD(), {"tol": 0.0}, "must be a length >= 7e-10"),
    (sd.GD(), {"tol": 1e-12}, "must be a length"),
    (sd.GD(), {"box": ((1, 0), (0, 1))}, "low < high"),
]


@pytest.mark.parametrize(("method", "change", "message"), BAD)
def test_bad_input(saddle: sd.Landscape, method: sd.Method, change: dict, message: str) -> None:
    arguments = {"point": (0, 0), "box": None, "tol": 1e-6, **change}
    with pytest.raises(sd.InputError, match=message):
        manifolds(sd.Flow(saddle, method), arguments["point"], arguments["box"], tol=arguments["tol"])


def test_only_in_the_plane() -> None:
    with pytest.raises(sd.InputError, match="a plane has two"):
        manifolds(sd.Flow(sd.Landscape("x**2 - y**2 + z**2", "x y z"), sd.GD()), (0, 0, 0))


def test_the_field_is_zero_at_the_ends() -> None:
    """Every branch of Himmelblau's saddles ends at an equilibrium or on the box, and they say which."""
    flow = sd.Flow(sd.landscapes.himmelblau(), sd.SAM(0.4))
    edge = np.array(sd.landscapes.himmelblau().box)
    point = next(p for p in equilibria(flow) if p.kind == "saddle")
    found = manifolds(flow, point, tol=1e-5)
    for curve in found.stable + found.unstable:
        on_edge = np.isclose(curve[-1][:, None], edge, atol=1e-9).any()
        at_rest = float(sd.landscapes.himmelblau().grad(torch.as_tensor(curve[-1])).norm()) < 1e-6
        at_rest |= float(flow(torch.as_tensor(curve[-1])[:, None]).norm()) < 1e-6
        assert on_edge or at_rest
