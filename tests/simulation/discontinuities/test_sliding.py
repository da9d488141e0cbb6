"""integrate where the field jumps: runs cross, slide, leave and rest as Filippov's solutions do."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import samdyn as sd
from samdyn import landscapes
from samdyn.methods import Method

jumps, resting = (import_module(f"samdyn.simulation.discontinuities.{name}") for name in ("jumps", "resting"))

SADDLE = sd.Landscape("x**2 - y**2", "x y")
GD = sd.GD()
SOLVERS = pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
# Long runs take one of the two: what they have in common with the short ones meets both there.
ONE, MANY = (pytest.mark.parametrize("many", [many], ids=[name]) for many, name in ((False, "one"), (True, "many")))

# Where a way meets a surface, and where it leaves it, costs a few local errors of rtol = 1e-8 each, more than smooth
# motion does; everything here is of order 1 and neither grows nor contracts fast.
ACCURACY = 3e-7


def runs(formula: str | sd.Landscape, method: Method, start: Any, times: Any, many: bool, **options: Any) -> Any:
    """Integrate one start, alone or as one of two, and return its dataset."""
    scene = formula if isinstance(formula, sd.Landscape) else sd.Landscape(formula, "x y")
    starts = [start, start] if many else start
    return sd.integrate(sd.Flow(scene, method), starts, times, **options).isel(run=0)


def both(formula: str, method: Method, starts: Any, times: Any, many: bool) -> tuple[Any, Any]:
    """Integrate two starts, together or one by one, and return their datasets."""
    flow = sd.Flow(sd.Landscape(formula, "x y"), method)
    if many:
        together = sd.integrate(flow, starts, times)
        return together.isel(run=0), together.isel(run=1)
    one, other = (sd.integrate(flow, start, times).isel(run=0) for start in starts)
    return one, other


# Closed forms.


@SOLVERS
def test_slides_down_a_straight_kink(many: bool) -> None:
    flow, t = sd.Flow(sd.Landscape("abs(x) + y**2/2", "x y"), GD), np.array([0.05, 0.2, 0.5, 1.0, 5.0])
    starts = np.array([(0.7, 1.0), (-0.3, 2.0), (0.1, -0.5)])
    for some in [starts] if many else starts[:, None]:
        run = sd.integrate(flow, some, t)
        x, y = some.T[..., None]
        exact = np.stack([np.sign(x) * np.maximum(np.abs(x) - t, 0), y * np.exp(-t)], -1)
        np.testing.assert_allclose(run.w, exact, rtol=0, atol=ACCURACY)
        assert run.slid.all()
        assert (run.status == "undecided").all()  # y is still e⁻⁵


@MANY
def test_slides_to_the_minimum_of_a_straight_kink(many: bool) -> None:
    run = runs("abs(x) + y**2/2", GD, (-0.3, 2.0), 50.0, many)
    assert run.slid
    assert run.status == "settled"
    assert run.end == 50


@SOLVERS
@pytest.mark.parametrize("start", [(0.2, 0.9), (1.0, -2.0)])
def test_sliding_velocity_is_the_convex_combination(start: tuple[float, float], many: bool) -> None:
    # L = |y − x/2| + x: ẇ = −(1/2, 1) above the kink, (−3/2, 1) below; on it −(4/5, 2/5).
    u = start[1] - start[0] / 2
    before, gap = ((-0.5, -1.0), u / 0.75) if u > 0 else ((-1.5, 1.0), -u / 1.75)
    t = np.array([0.1, 0.5, 1.0, 1.5, 4.0])[:, None]
    exact = start + np.minimum(t, gap) * before + np.maximum(t - gap, 0) * [-0.8, -0.4]
    run = runs("abs(y - x/2) + x", GD, start, t[:, 0], many)
    np.testing.assert_allclose(run.w, exact, rtol=0, atol=ACCURACY)
    assert run.slid
    assert run.status == "undecided"


@SOLVERS
def test_leaves_a_surface_that_no_longer_holds_it(many: bool) -> None:
    # L = |x| + xy − y: ẋ = ∓1 − y, ẏ = 1 − x. It meets x = 0 at t₁, slides with ẏ = 1, and leaves at y = 1 to x < 0.
    x, y, t = 0.2, 0.0, np.array([0.1, 0.5, 1.0, 1.5, 2.0])
    down = lambda s: 1 + (x - 1) * np.cosh(s) - (y + 1) * np.sinh(s)  # noqa: E731
    t1 = brentq(down, 0, 1)
    y1 = -1 + (y + 1) * np.cosh(t1) - (x - 1) * np.sinh(t1)
    t2 = t1 + 1 - y1
    late = np.maximum(t - t2, 0)
    exact_x = np.where(t < t1, down(t), 1 - np.cosh(late))
    exact_y = np.where(t < t1, -1 + np.cosh(t) + 0.8 * np.sinh(t), np.minimum(y1 + t - t1, 1) + np.sinh(late))
    run = runs("abs(x) + x*y - y", GD, (x, y), t, many)
    assert t1 < 0.5 < t2 < 1.5
    np.testing.assert_allclose(run.w, np.stack([exact_x, exact_y], -1), rtol=0, atol=10 * ACCURACY)  # grows as e
    assert run.slid


@SOLVERS
@pytest.mark.parametrize("x", [0.7, 1e-3])
def test_crosses_a_surface_that_does_not_hold_it(x: float, many: bool) -> None:
    t = np.array([0.0003, 0.1, 0.5, 3.0])  # ẋ = −3 for x > 0, −1 for x < 0
    run = runs("2*x + abs(x) + y**2/2", GD, (x, 1.0), t, many)
    exact = np.where(t < x / 3, x - 3 * t, x / 3 - t)
    np.testing.assert_allclose(run.w, np.stack([exact, np.exp(-t)], -1), rtol=0, atol=ACCURACY)
    assert not run.slid
    assert run.status == "undecided"


@SOLVERS
@pytest.mark.parametrize("formula", ["x**2 - y**2", "x**2 + 3*y**2", "x**2 + y**2/50"])
def test_sam_reaches_a_critical_point_in_finite_time(formula: str, many: bool) -> None:
    # Along the axis ẋ = −2(x + ρ): there at t = ln(1 + x/ρ)/2.
    x, rho = 0.8, 0.5
    arrival = np.log(1 + x / rho) / 2
    t = np.array([0.5 * arrival, 0.9 * arrival, 1.001 * arrival, 10.0])
    run = runs(formula, sd.SAM(rho), (x, 0.0), t, many)
    np.testing.assert_allclose(run.w[:2, 0], (x + rho) * np.exp(-2 * t[:2]) - rho, rtol=0, atol=ACCURACY)
    np.testing.assert_allclose(run.w[2:], 0, rtol=0, atol=ACCURACY)
    assert run.status == "settled"
    assert run.slid
    assert run.end == 10


@MANY
def test_sam_slides_along_the_minima_of_the_relu_product(many: bool) -> None:
    # On w₁w₂ = 1, F± = ±N + ρM with N = (w₂, w₁), M = w/‖w‖: the sliding velocity is −ρ times the part of M along the
    # curve. It leads to the balanced minimum (1, 1).
    rho, start, t = 0.3, np.array([3.0, 0.6]), np.array([0.05, 0.3, 1.0, 4.0])

    def outside(_: float, w: np.ndarray) -> np.ndarray:
        return -(w[::-1] + rho * w / np.linalg.norm(w))

    def along(_: float, w: np.ndarray) -> np.ndarray:
        n = w[::-1] / np.linalg.norm(w)
        m = w / np.linalg.norm(w)
        return -rho * (m - (m @ n) * n)

    def curve(_: float, w: np.ndarray) -> float:
        return w[0] * w[1] - 1

    curve.terminal = True  # type: ignore[attr-defined]
    fine: dict[str, Any] = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13}
    to = solve_ivp(outside, (0, 4), start, events=curve, t_eval=t[:1], **fine)
    ((meeting,),) = to.t_events
    assert 0.05 < meeting < 0.3
    slid = solve_ivp(along, (meeting, 4), to.y_events[0][0], t_eval=t[1:], **fine)
    run = runs(landscapes.relu_product(), sd.SAM(rho), start, [*t, 60.0], many)
    np.testing.assert_allclose(run.w[:-1], np.concatenate([to.y, slid.y], 1).T, rtol=0, atol=ACCURACY)
    assert run.slid
    np.testing.assert_allclose(run.w[-1], [1, 1], rtol=0, atol=1e-6)
    assert run.status == "settled"


@ONE
def test_sam_drifts_along_a_ravine(many: bool) -> None:
    # L = (1 + z²)y²/2: on y = 0 SAM looks at y = ±ρ, where ∂L/∂z = zρ²: z = z₀ e^(−ρ²t) [theory 8].
    rho, t = 0.5, np.array([1.0, 4.0, 8.0])
    run, moved = both("(1 + x**2)*y**2/2", sd.SAM(rho), [(1.0, 0.0), (1.0, 1e-3)], t, many)
    # unit(0) = 0: on the very line the method stands still, but the flow, what the iterates follow, does not.
    np.testing.assert_allclose(run.w, [[np.exp(-(rho**2) * s), 0] for s in t], rtol=0, atol=ACCURACY)
    z, y = moved.w.values.T
    np.testing.assert_allclose(z, z[0] * np.exp(-(rho**2) * (t - t[0])), rtol=0, atol=ACCURACY)
    np.testing.assert_allclose(y, 0, rtol=0, atol=ACCURACY)
    np.testing.assert_allclose(z[0], np.exp(-(rho**2)), rtol=0, atol=3e-3)  # it took a while to get there


@MANY
def test_a_start_on_the_valleys_floor_moves_along_it(many: bool) -> None:
    # L = (xy − 1)²/2: on xy = 1 SAM looks to either side along n = (y, x)/|(y, x)|, and drifts to the flattest minimum.
    starts = [(2.0, 0.5), (2.0, 0.5 + 1e-9)]
    on, beside = both("(x*y-1)**2/2", sd.SAM(0.2), starts, [10.0, 500.0], many)
    assert on.slid
    np.testing.assert_allclose(on.w[0], beside.w[0], rtol=0, atol=1e-6)
    assert abs(on.w[0, 0] - 2) > 0.05
    np.testing.assert_allclose(on.w[1], [1, 1], rtol=0, atol=1e-6)
    assert on.status == beside.status == "settled"


@SOLVERS
def test_a_start_on_a_kink_crosses_slides_or_leaves(many: bool) -> None:
    t = np.array([0.5, 1.0])
    crosses = runs("2*x + abs(x) + y**2/2", GD, (0.0, 1.0), t, many)  # the convention's velocity is −2, the side's −1
    np.testing.assert_allclose(crosses.w, np.stack([-t, np.exp(-t)], -1), rtol=0, atol=ACCURACY)
    assert not crosses.slid
    slides = runs("Max(x**2,(x-1)**2)+y**2", GD, (0.5, 1.0), t, many)
    np.testing.assert_allclose(slides.w, np.stack([0 * t + 0.5, np.exp(-2 * t)], -1), rtol=0, atol=ACCURACY)
    assert slides.slid


@SOLVERS
@pytest.mark.parametrize(
    ("formula", "start", "end"),
    [
        ("relu(x) + relu(y)", (0.7, 2.0), (0, 0)),
        ("relu(1-x) + relu(1-y)", (-0.5, 2.0), (1, 2)),
        ("relu(x) + y**2", (0.7, 1.0), (0, 0)),
    ],
)
def test_rests_at_the_edge_of_a_plateau(
    formula: str, start: tuple[float, float], end: tuple[float, float], many: bool
) -> None:
    run = runs(formula, GD, start, 40.0, many)
    np.testing.assert_allclose(run.w[0], end, rtol=0, atol=ACCURACY)
    assert run.status == "settled"


@SOLVERS
def test_an_edge_that_is_left_is_no_rest(many: bool) -> None:
    # y falls beside the edge, and falls off the saddle's: neither is a rest.
    for formula, start in (("relu(x) - y/100", (0.7, 1.0)), ("relu(x) - y**2", (0.7, 1e-9))):
        assert runs(formula, GD, start, 5.0, many).status == "undecided"


@SOLVERS
def test_gradient_descent_rests_on_a_curve_of_kinks(many: bool) -> None:
    # |w₁w₂ − 1|: w₁² − w₂² is conserved; a run ends where its hyperbola meets the other.
    c = 0.5**2 - 3.0**2
    w1 = np.sqrt((c + np.sqrt(c**2 + 4)) / 2)
    run = runs(landscapes.relu_product(), GD, (0.5, 3.0), 3.0, many)
    np.testing.assert_allclose(run.w, [[w1, 1 / w1]], rtol=0, atol=ACCURACY)
    assert run.status == "settled"
    assert run.slid


# More than one surface, more than two coordinates.


@SOLVERS
def test_rests_in_a_corner(many: bool) -> None:
    for end, status in ((0.39, "undecided"), (0.41, "settled")):  # x is 0 at 0.3, y at 0.4
        run = runs("abs(x) + 2*abs(y)", GD, (0.3, 0.8), end, many)
        np.testing.assert_allclose(run.w, [[0, max(0.8 - 2 * end, 0)]], rtol=0, atol=ACCURACY)
        assert run.status == status


def test_agrees_with_small_steps_where_surfaces_cross() -> None:
    scene = sd.Landscape("abs(x)/2 + abs(x - y) + Max(x, y)**2/4 + x", "x y")
    starts = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    end, lr = 1.2, 4e-4
    runs = sd.integrate(sd.Flow(scene, GD), starts, end, rtol=1e-7, atol=1e-9)
    steps = sd.simulate(sd.Map(scene, GD, lr=lr), starts, round(end / lr))
    # Descent with steps of 4e-4 jumps to and fro by its speed, up to 3, times that, and follows to the same order.
    np.testing.assert_allclose(runs.w[:, -1], steps.w[:, -1], rtol=0, atol=10 * lr)
    assert (runs.end == end).all()
    assert 20 < runs.slid.sum() <= 40


@ONE
def test_in_three_dimensions(many: bool) -> None:
    t = np.array([0.1, 1.0, 20.0])
    scene = sd.Landscape("abs(x + y - z**2/2) + (x - y)**2/4 + z**2/2", "x y z")
    run = runs(scene, GD, (0.5, -0.2, 1.0), t, many)
    near = run.w.values[1]
    assert abs(near[0] + near[1] - near[2] ** 2 / 2) < ACCURACY
    np.testing.assert_allclose(run.w[-1], 0, rtol=0, atol=ACCURACY)
    assert run.status == "settled"

    run = runs(sd.Landscape("x**2 + 2*y**2 - z**2", "x y z"), sd.SAM(0.5), (0.3, 0.2, 0.1), 5.0, many)
    np.testing.assert_allclose(run.w, 0, rtol=0, atol=ACCURACY)
    assert run.status == "settled"


@SOLVERS
def test_what_is_not_understood_is_undecided(many: bool) -> None:
    # It would slide along the line where two surfaces meet.
    run = runs(sd.Landscape("abs(x) + abs(y) + z**2", "x y z"), GD, (0.3, 0.4, 1.0), [0.2, 50.0], many)
    assert run.status == "undecided"
    assert 0.4 < run.end < 0.42
    assert (run.w[1] == run.w[1]).all()


# What is not rest.


@SOLVERS
def test_slow_passage_on_a_surface_is_not_capture(many: bool) -> None:
    flow, x = sd.Flow(sd.Landscape("abs(y) - x**2/2", "x y"), GD), np.array([1e-3, 1e-9, 0.0])
    starts = np.stack([x, np.full(3, 0.5)], -1)
    for end in (2.0, 8.0):  # on y = 0 the origin is unstable, x = x₀eᵗ
        for some in [starts] if many else starts[:, None]:
            run = sd.integrate(flow, some, end)
            assert (run.status == "undecided").all()
            exact = some * [np.exp(end), 0]
            np.testing.assert_allclose(run.w[:, -1], exact, rtol=1e-2, atol=1e-11)


@SOLVERS
def test_a_run_that_slides_slowly_for_ever_does_not_rest(many: bool) -> None:
    run = runs("abs(y) + x*1e-8", GD, (0.3, 0.5), 2.0, many)  # on y = 0 its speed is 1e-8 of that beside it
    assert run.status == "undecided"
    np.testing.assert_allclose(run.w, [[0.3 - 2e-8, 0]], rtol=0, atol=1e-10)


@SOLVERS
@pytest.mark.parametrize(("steps", "j"), [(2, 0), (3, 0), (3, 1)])
def test_a_run_beside_a_corner_of_several_steps_rests_at_it(steps: int, j: int, many: bool) -> None:
    corner = 0.5 * (steps - 1 - 2 * j) / steps  # the steps of the ascent pass 0 there
    run = runs(SADDLE, sd.SAM(0.5, ascent_steps=steps), (1e-3, corner + 1e-3), 2.0, many)
    assert run.status == "settled"
    np.testing.assert_allclose(run.w, [[0, corner]], rtol=0, atol=1e-9)


@SOLVERS
def test_leaving_runs_of_sam_do_not_rest(many: bool) -> None:
    for y, status in ((0.499, "settled"), (0.501, "undecided")):  # the trap is |y| < ρ, reached from |x| < ∞
        run = runs(SADDLE, sd.SAM(0.5), (0.0, y), 8.0, many)
        assert run.status == status


@SOLVERS
@pytest.mark.parametrize("scene", ["beale", "double_well", "himmelblau", "rosenbrock"])
def test_smooth_fields_never_slide(scene: str, many: bool) -> None:
    for method in (GD, sd.USAM(0.002)):
        run = runs(landscapes.catalogue()[scene](), method, (1.2, 0.4), 2.0, many, rtol=1e-6, atol=1e-8)
        assert not run.slid
        assert run.end == 2


def sees(formula: str, method: Method, point: tuple[float, ...], radius: float = 1e-6) -> bool:
    """Return whether the point is certified to hold runs."""
    scene = sd.Landscape(formula, "x y z"[: 2 * len(point) - 1])
    w = torch.tensor(point, dtype=torch.float64)[:, None]
    holds, centre = resting.traps(sd.Flow(scene, method), w, torch.tensor([radius], dtype=torch.float64))
    if holds:
        assert (centre - torch.round(w)).abs().max() < 1e-9  # all points below lie next to whole numbers
    return bool(holds)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_held_from_all_sides(scale: float) -> None:
    off = (3e-7, -2e-7)
    assert sees(f"{scale}*(x**2 - y**2)", sd.SAM(0.1), off)
    assert sees(f"{scale}*(x**2 + y**2/100)", sd.SAM(0.1), off)
    assert sees(f"{scale}*((x - 1)**2 + x*(y - 2)**2)", sd.ASAM(0.1), (1 + 3e-7, 2 - 2e-7))
    assert sees(f"{scale}*(abs(x) + 3*abs(y))", GD, off)
    assert sees(f"{scale}*abs(x)", GD, off[:1])
    assert sees(f"{scale}*(x**2 - y**2 + 3*z**2)", sd.SAM(0.1), (*off, 1e-7))

    assert not sees(f"{scale}*(x**2 + y**2)", GD, off)  # attracts, but smoothly: not this certificate's affair
    assert not sees(f"{scale}*(x**2 - y**2)", sd.USAM(5 / scale), off)
    assert not sees(f"{scale}*(x**2 - y**2)", GD, off)
    assert not sees(f"{scale}*(x**2 - y**2)", GD, (0.0, 0.0))
    # Where λ₁ = −λ₂ the ascent steps along y cancel in pairs. One is left for odd n: on x = 0, ẏ = 2(y − ρ/n).
    for steps in (2, 4):
        assert not sees(f"{scale}*(x**2 - y**2)", sd.SAM(0.1, ascent_steps=steps), off)
    for steps in (3, 5):
        assert sees(f"{scale}*(x**2 - y**2)", sd.SAM(0.1, ascent_steps=steps), off)
    assert not sees(f"{scale}*(x**2 - y**2)", sd.SAM(0.1), (3e-5, 0.0))  # too far away
    assert not sees(f"{scale}*(2*x + abs(x) + y**2)", GD, off)  # crossed
    assert not sees(f"{scale}*abs(x)", GD, off)  # a line of rests
    assert not sees(f"{scale}*abs(x - y/3)", GD, off)
    assert not sees(f"{scale}*(abs(x) + y**2)", GD, off)
    assert not sees(f"{scale}*(abs(x) - abs(y)/100)", GD, off)
    assert not sees(f"{scale}*(abs(x) + abs(z) + y**2)", GD, (*off, 0.0))


def test_minima_of_dimension_3_along_which_sam_slides_hold_no_run() -> None:
    # A search of the sphere by chance misses the direction of the motion, a hundred times slower than the field beside.
    flow = sd.Flow(sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d"), sd.SAM(0.1))
    a = torch.linspace(1.1, 2, 30, dtype=torch.float64)
    c = (a**2 - 1).sqrt()
    w, gradient = torch.stack([-a, -a, c, -c]), torch.stack([-a, -a, -c, c])
    assert not resting.traps(flow, w + 3e-7 * gradient, torch.full_like(a, 1e-5))[0].any()


def test_runs_that_slide_along_minima_rest_at_the_flattest_ones() -> None:
    """On ab + cd = 1 the trace of the Hessian is ‖w‖², least on the circle a = b, c = d. There nothing traps a run."""
    flow = sd.Flow(sd.Landscape("(a*b + c*d - 1)**2/2", "a b c d"), sd.SAM(0.3))
    starts = np.random.default_rng(0).uniform(-2, 2, (6, 4))
    ends = sd.integrate(flow, starts, 1e5, rtol=1e-7, atol=1e-9)
    assert (ends.status == "settled").all()
    a, b, c, d = ends.w.values[:, -1].T
    np.testing.assert_allclose(a * b + c * d, 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose([a - b, c - d], 0, atol=1e-6)
    assert np.ptp(np.arctan2(c, a)) > 1  # on all sides of the circle


# The geometry.


def sphere(w: torch.Tensor) -> torch.Tensor:
    """Return a field that jumps on the unit sphere, turns along it, and moves on both sides."""
    inside = (w * w).sum(0) < 1
    turn = torch.stack([w[1] ** 2, w[2] * w[0], torch.exp(w[0])])
    return torch.where(inside, turn + w, 0.5 * turn - 2 * w)


def test_normals_and_limits_of_a_sphere() -> None:
    n = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)).double()
    start = (1 - 1e-3) * n / n.norm(dim=0)
    surface, t = jumps.meet(sphere, start, torch.full((50,), 1e-3).double())
    out = (sphere(start) * start).sum(0) > 0.7  # others go inward, or graze it
    assert out.sum() > 20
    assert surface.exists[out].all()
    assert (t[out] > 0).all()
    # Along the way, oblique to it; then, as sliding runs do, along the normal.
    way = surface.normal[:, out]
    again = jumps.locate(sphere, lambda w: (w * w).sum(0) > 1, surface.w[:, out] - 1e-6 * way, way)
    assert again.exists.all()
    # Secants over 2e-5 err by its square times the third derivative of the surface along the way, 0 along the normal;
    # rounding by 1e-16/2e-5.
    for w, normal, error in ((surface.w[:, out], way, 1e-8), (again.w, again.normal, 1e-10)):
        assert (w.norm(dim=0) - 1).abs().max() < 1e-15
        assert (normal - w).abs().max() < error
    w = again.w
    turn = torch.stack([w[1] ** 2, w[2] * w[0], torch.exp(w[0])])
    torch.testing.assert_close(again.before, turn + w, rtol=0, atol=1e-9)  # extrapolated from 1e-7 and 2e-7
    torch.testing.assert_close(again.after, 0.5 * turn - 2 * w, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "field",
    [
        lambda w: torch.stack([-w[0] * 1e3, -w[1]]),
        lambda w: torch.stack([-torch.tanh(1e9 * w[0]), -w[1]]),  # a thin layer, no jump
        lambda w: torch.ones_like(w),
    ],
    ids=["stiff", "layer", "constant"],
)
def test_where_nothing_jumps_no_surface_is_seen(field: Callable[[torch.Tensor], torch.Tensor]) -> None:
    w = torch.tensor([[1e-4, 2e-5, -1e-4], [1.0, -1.0, 0.5]], dtype=torch.float64)
    for h in (1e-4, 1e-3):
        surface, _ = jumps.meet(field, w, torch.full((3,), h, dtype=torch.float64))
        assert not surface.exists.any()
