"""Attractors and basins against what is known of them, and nothing captured that only passes slowly."""

from collections.abc import Callable

import numpy as np
import pytest
import sympy

import samdyn as sd
from samdyn.analysis import DIVERGED, UNDECIDED, Attractor
from samdyn.analysis.limit_sets.search.limit_sets import limit_sets
from samdyn.simulation import progress
from samdyn.simulation.flows import dopri

WELL = sd.landscapes.double_well()


def only(found: list[Attractor], kind: str) -> list[Attractor]:
    return [a for a in found if a.kind == kind]


def test_minima_of_the_double_well() -> None:
    found = sd.attractors(sd.Map(WELL, sd.GD(), lr=0.1, momentum=0.5), starts=100)
    assert [(a.kind, a.period, a.critical.kind) for a in found if a.critical] == [("fixed point", 1, "minimum")] * 2
    assert sorted(a.w[0].round(12).tolist() for a in found) == [[-1, 0], [1, 0]]
    for a in found:
        assert 0.3 < a.share <= 0.5
        assert a.interval[0] < a.share < a.interval[1]
        assert a.multipliers is not None
        # Eigenvalues 2 and 1 of the Hessian: roots of z² − (1+γ−ηλ)z + γ.
        roots = [z for lam in (2, 1) for z in np.roots([1, -(1.5 - 0.1 * lam), 0.5])]
        assert np.sort_complex(a.multipliers) == pytest.approx(np.sort_complex(roots), abs=1e-9)


def test_cycles_with_their_multipliers() -> None:
    """GD on the double well, x ← x − η(x³ − x), has the 2-cycle about a minimum that solves the cubic below."""
    eta = 1.1
    found = sd.attractors(sd.Map(WELL, sd.GD(), lr=eta), starts=64)
    assert [(a.kind, a.period) for a in found] == [("cycle", 2)] * 2
    (right,) = [a for a in found if a.w[:, 0].mean() > 0]
    x, y = sorted(right.w[:, 0])
    step = lambda u: u - eta * (u**3 - u)  # noqa: E731
    assert step(x) == pytest.approx(y, abs=1e-12)
    assert step(y) == pytest.approx(x, abs=1e-12)
    slope = (1 - eta * (3 * x**2 - 1)) * (1 - eta * (3 * y**2 - 1))
    assert right.multipliers is not None
    assert sorted(right.multipliers.real) == pytest.approx(sorted([slope, (1 - eta) ** 2]), abs=1e-9)


def test_the_longest_period_is_the_users_choice() -> None:
    map_ = sd.Map(WELL, sd.GD(), lr=1.27)
    assert {(a.kind, a.period) for a in sd.attractors(map_, starts=36, steps=4096, period=4)} == {("cycle", 4)}
    # Without it they are seen all the same, as what they are to somebody who looks for shorter ones.
    assert {(a.kind, a.period) for a in sd.attractors(map_, starts=36, steps=4096, period=2)} == {("wandering", 0)}


def test_chaos_is_reported_as_a_set() -> None:
    found = sd.attractors(sd.Map(WELL, sd.GD(), lr=1.35), starts=100, steps=8192)
    assert {a.kind for a in found} == {"chaotic"}
    assert all(a.multipliers is None and 0.5 < a.extent < 0.9 for a in found)


@pytest.mark.parametrize("method", [sd.GD(), sd.SAM(0.05)], ids=str)
def test_drift_is_no_attractor(method: sd.Method) -> None:
    """Down Rosenbrock's valley GD goes straight, SAM to and fro across the floor: both have not arrived."""
    map_ = sd.Map(sd.landscapes.rosenbrock(), method, lr=3e-4)
    assert sd.attractors(map_, [(-1.5, 0.5), (-0.5, 1.5)], starts=49, steps=2048) == []


def test_two_cycle_of_sam() -> None:
    """|w| = ηρλ/(2 − ηλ) along λ > 0  [B22]; a start on either side is on the same cycle."""
    map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.01)
    (cycle,) = sd.attractors(map_, starts=400)
    assert (cycle.kind, cycle.period, cycle.critical is not None) == ("cycle", 2, True)
    assert np.abs(cycle.w[:, 0]) == pytest.approx(0.01 * 0.5 * 2 / (2 - 0.02), abs=1e-9)
    assert cycle.w[:, 1] == pytest.approx(0, abs=1e-9)
    # The trap |y| < ρ, of the box's width 7, as far as starts at its edge get decided.
    assert cycle.share == pytest.approx(1 / 7, abs=0.06)


def test_sam_on_beale_is_chaotic_about_the_saddle() -> None:
    found = sd.attractors(sd.Map(sd.landscapes.beale(), sd.SAM(0.5), lr=1e-3), starts=36, steps=3000)
    (about,) = [a for a in only(found, "chaotic") if a.critical is not None]
    assert about.critical is not None
    assert about.critical.kind == "saddle"
    assert np.abs(about.w - [0, 1]).max() < 0.05


def test_a_valley_is_one_attractor() -> None:
    found = sd.attractors(sd.Map(sd.landscapes.product(), sd.GD(), lr=0.05), starts=100)
    assert [a.kind for a in found] == ["curve", "curve"]
    assert sum(a.share for a in found) > 0.9
    assert all(np.abs(a.w[:, 0] * a.w[:, 1] - 1).max() < 1e-9 for a in found)


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.01)], ids=str)
def test_flows(method: sd.Method) -> None:
    found = sd.attractors(sd.Flow(sd.landscapes.himmelblau(), method), starts=64)
    minima = [p for p in sd.critical_points(sd.landscapes.himmelblau()) if p.kind == "minimum"]
    assert sorted(a.w[0].round(6).tolist() for a in found) == sorted(p.w.round(6).tolist() for p in minima)
    assert sum(a.share for a in found) == pytest.approx(1)


def test_saddles_that_attract() -> None:
    """USAM above 1/|λ|, map and flow; below they are none."""
    saddle = sd.landscapes.saddle()
    for system in (sd.Map(saddle, sd.USAM(0.6), lr=0.01), sd.Flow(saddle, sd.USAM(0.6))):
        (found,) = sd.attractors(system, starts=64)
        assert found.share == 1
        assert found.critical is not None
        assert found.critical.kind == "saddle"
    for below in (sd.Map(saddle, sd.USAM(0.4), lr=0.01), sd.Flow(saddle, sd.USAM(0.4))):
        assert sd.attractors(below, starts=100) == []


@pytest.mark.parametrize("landscape", [sd.landscapes.saddle(), sd.landscapes.beale()], ids=str)
@pytest.mark.parametrize("steps", [1, 100, 2000])
def test_gd_is_never_captured_by_a_saddle(landscape: sd.Landscape, steps: int) -> None:
    """Starts everywhere and ever nearer to the stable manifold, at learning rates from tiny to moderate."""
    (point,) = [p for p in sd.critical_points(landscape) if p.kind == "saddle"]
    near = point.w + np.outer(10.0 ** -np.arange(1, 16), point.eigenvectors[:, 0])
    slow = near + 0.1 * point.eigenvectors[:, 1]
    anywhere = np.random.default_rng(0).uniform(*np.array(landscape.box).T, (50, 2))
    starts = np.vstack([near, slow, anywhere])
    for lr in (1e-8, 1e-4, 0.1 / point.eigenvalues[1], 0.9 / point.eigenvalues[1]):
        map_ = sd.Map(landscape, sd.GD(), lr=lr)
        labels, found, _ = limit_sets(map_, starts, landscape.box, period=2, steps=steps, progress=False)
        # Beale has a cycle of GD's own at the largest rate, far from the saddle.
        assert [a for a in found if np.abs(a.w - point.w).max() < 0.5] == []
        assert (labels[:30] < 0).all() or landscape.name == "Beale"


@pytest.mark.parametrize("landscape", [sd.landscapes.saddle(), sd.landscapes.beale()], ids=str)
def test_nor_is_its_flow(landscape: sd.Landscape) -> None:
    (point,) = [p for p in sd.critical_points(landscape) if p.kind == "saddle"]
    starts = point.w + np.outer(10.0 ** -np.arange(1, 15), point.eigenvectors[:, 0]) + 0.1 * point.eigenvectors[:, 1]
    _, found, _ = limit_sets(sd.Flow(landscape, sd.GD()), starts, landscape.box, period=1, steps=1, progress=False)
    assert [a for a in found if a.critical is None or a.critical.kind == "saddle"] == []


def test_basins_of_the_double_well() -> None:
    basins = sd.basins(sd.Flow(WELL, sd.GD()), resolution=(30, 20))
    assert basins.label.shape == (20, 30)
    assert basins.coordinates == ("x", "y")
    side = np.array([np.sign(a.w[0, 0]) for a in basins.attractors])
    assert (side[basins.label] == np.sign(basins.x)).all()
    assert basins.fraction(0) == 0.5
    assert basins.fraction(DIVERGED) == basins.fraction(UNDECIDED) == 0
    low, high = basins.interval(0)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(600), rel=0.02)
    assert "undecided: 0.0 %" in str(basins)


def test_short_runs_are_undecided_and_lost_ones_diverged() -> None:
    short = sd.basins(sd.Map(WELL, sd.GD(), lr=0.01), resolution=10, steps=5)
    assert short.fraction(UNDECIDED) == 1
    lost = sd.basins(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1), resolution=10, steps=500)
    assert lost.fraction(DIVERGED) == 1


def test_slices_of_higher_dimensions() -> None:
    """Three independent double wells: the slice sees those of its own two coordinates."""
    formula = "(a**2 - 1)**2 + (b**2 - 1)**2 + (c**2 - 1)**2"
    three = sd.Landscape(formula, "a b c", box=((-2, 2),) * 3)
    basins = sd.basins(sd.Map(three, sd.GD(), lr=0.02), resolution=10, fixed={"b": 0.4})
    assert basins.coordinates == ("a", "c")
    ends = np.array([a.w[0] for a in basins.attractors])[basins.label]
    assert (ends[..., 1] > 0.99).all()
    assert (np.sign(ends[..., 0]) == np.sign(basins.x)).all()
    assert (np.sign(ends[..., 2]) == np.sign(basins.y)[:, None]).all()


# Where the Hessian vanishes, or nearly does, in most of the box.


@pytest.mark.parametrize(
    ("formula", "method", "w"),
    [
        ("abs(x)+2*abs(y)", sd.GD(), (0, 0)),
        ("abs(x)+2*abs(y)", sd.SAM(0.1), (0, 0)),
        pytest.param("abs(x+y)+abs(x-y)", sd.GD(), (0, 0), marks=pytest.mark.slow),
        ("Max(x**2,(x-1)**2)+y**2", sd.GD(), (0.5, 0)),
        ("1-exp(-20*(x**2+y**2))", sd.GD(), (0, 0)),
    ],
    ids=str,
)
def test_one_basin_is_all(formula: str, method: sd.Method, w: tuple[float, float]) -> None:
    basins = sd.basins(sd.Flow(sd.Landscape(formula, "x y"), method), resolution=4)
    assert [(a.kind in ("sliding", "fixed point"), a.share) for a in basins.attractors] == [(True, 1)]
    assert basins.attractors[0].w[0] == pytest.approx(w, abs=1e-6)


@pytest.mark.parametrize("formula", ["abs(x)", "abs(x)/1000 - 1/(1 + x**2)**2"])
def test_one_attractor_on_a_line(formula: str) -> None:
    (found,) = sd.attractors(sd.Flow(sd.Landscape(formula, "x"), sd.GD()), starts=10)
    assert found.share == 1
    assert found.w == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("formula", "kind"), [("relu(x)+relu(y)", "set"), ("relu(1-x)+relu(1-y)", "set"), ("relu(x)+y**2", "curve")]
)
def test_plateaus_hold_who_comes_to_their_edge(formula: str, kind: str) -> None:
    (found,) = sd.attractors(sd.Flow(sd.Landscape(formula, "x y"), sd.GD()), starts=16)
    assert (found.kind, found.share) == (kind, 1)


def test_sam_slides_along_a_valley_to_the_flattest_minimum() -> None:
    found = sd.attractors(sd.Flow(sd.Landscape("(x*y-1)**2/2", "x y"), sd.SAM(0.2)), starts=16)
    ends = {tuple(a.w[0].round(6) + 0.0): a.runs for a in found}
    assert set(ends) == {(1, 1), (-1, -1), (0, 0)}
    assert ends[0, 0] == 4  # on the line x = −y, which leads to the saddle that holds SAM
    assert sum(ends.values()) == 16


# Units.


def in_units_of(s: float) -> sd.Landscape:
    return sd.Landscape(f"((x/{s})**2-1)**2/4+(y/{s})**2/2", "x y", box=[(-2 * s, 2 * s)] * 2)


@pytest.mark.parametrize("s", [1e-9, 1e-6, 1e9])
def test_attractors_in_any_unit(s: float) -> None:
    scene = in_units_of(s)
    for system in (sd.Map(scene, sd.GD(), lr=0.1 * s**2), sd.Flow(scene, sd.GD()), sd.Flow(scene, sd.SAM(0.1 * s))):
        found = sd.attractors(system, starts=16)
        assert sorted((a.w[0] / s).round(9).tolist() for a in found) == [[-1, 0], [1, 0]]
        assert [a.share for a in found] == [0.5, 0.5]


# Continua.


def cycle_of(step: Callable[[float], float], r: float = 0.5) -> tuple[float, float]:
    """Return the 2-cycle that a scalar map ends on."""
    for _ in range(10_000):
        r = step(r)
    return r, step(r)


@pytest.mark.parametrize(
    ("formula", "coordinates", "method", "lr", "radii"),
    [
        ("(x**2+y**2)/2", "x y", sd.SAM(0.1), 0.1, (0.01 / 1.9,)),  # |w| = ηρ/(2 − η)
        ("(x**2+y**2+z**2)/2", "x y z", sd.SAM(0.1), 0.1, (0.01 / 1.9,)),
        ("(x**2+y**2-1)**2/4", "x y", sd.GD(), 1.1, cycle_of(lambda r: r - 1.1 * (r**3 - r))),
    ],
    ids=str,
)
def test_cycles_all_around_are_one_curve(
    formula: str, coordinates: str, method: sd.Method, lr: float, radii: tuple[float, ...]
) -> None:
    scene = sd.Landscape(formula, coordinates)
    (found,) = sd.attractors(sd.Map(scene, method, lr=lr), [(-1, 1)] * scene.dim, starts=64)
    assert (found.kind, found.period) == ("curve", 2)
    assert found.share > 0.99
    assert "curve of cycles of period 2" in str(found)
    r = np.linalg.norm(found.w, axis=1)
    assert np.abs(r[:, None] - radii).min(axis=1).max() < 1e-4


def test_curves_of_cycles_that_are_apart_stay_apart() -> None:
    """GD's 2-cycles about x = ±1 with any z: what lies between them belongs to neither."""
    scene = sd.Landscape("(x**2-1)**2/4 + 0*z", "x z", box=[(-2, 2)] * 2)
    found = sd.attractors(sd.Map(scene, sd.GD(), lr=1.1), [(-1.4, 1.4), (-2, 2)], starts=64)
    assert [(a.kind, a.period, a.share) for a in found] == [("curve", 2, 0.5)] * 2
    assert sorted(a.w[:, 0].mean() for a in found) == pytest.approx([-0.965, 0.965], abs=1e-3)


QUADRATIC = sd.Map(sd.landscapes.quadratic((1, 2, 3)), sd.GD(), lr=0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"box": [(1, 0)] * 3}, "low < high"),
        ({"box": [(1, 1)] * 3}, "low < high"),
        ({"fixed": {"x9": 0}}, "no coordinate has this name"),
        (
            {},
            r"a plane has two free coordinates, these are 3: x0, x1, x2. Fix all coordinates but two, e.g. fixed={'x2'",
        ),
        ({"fixed": {"x0": 0, "x1": 0}}, "these are 1: x2"),
        ({"fixed": {"x0": float("nan")}}, "finite"),
        ({"fixed": {"x0": 0}, "resolution": 1}, "resolution"),
        ({"fixed": {"x0": 0}, "resolution": (5, 2.5)}, "resolution"),
        ({"fixed": {"x0": 0}, "period": 0}, "period"),
        ({"fixed": {"x0": 0}, "steps": 0}, "steps"),
    ],
)
def test_bad_basins(arguments: dict, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.basins(QUADRATIC, **arguments)


@pytest.mark.parametrize("arguments", [{"period": 0}, {"steps": 0}, {"starts": 0}, {"box": [(2, 1)] * 3}])
def test_bad_attractors(arguments: dict) -> None:
    with pytest.raises(sd.InputError):
        sd.attractors(QUADRATIC, **arguments)


def test_symbols_have_no_attractors() -> None:
    with pytest.raises(sd.InputError, match="a simulation needs a number"):
        sd.attractors(sd.Map(WELL, sd.USAM(sympy.Symbol("rho")), lr=0.1))


@pytest.mark.slow
def test_sams_flow_ends_on_every_critical_point_it_is_held_by() -> None:
    """SAM is held by minima, saddles and maxima alike, each by itself; only runs down Beale's far valley go on."""
    himmelblau = sd.landscapes.himmelblau()
    found = sd.attractors(sd.Flow(himmelblau, sd.SAM(0.3)), starts=196)
    assert {a.kind for a in found} == {"sliding"}
    assert all(len(a.w) == 1 for a in found)
    assert {tuple(a.critical.w) for a in found} == {tuple(p.w) for p in sd.critical_points(himmelblau)}
    assert sum(a.runs for a in found) == 196
    of_beale = sd.attractors(sd.Flow(sd.landscapes.beale(), sd.SAM(0.3)), starts=6)
    assert [(np.round(a.w[0], 9).tolist(), a.runs) for a in of_beale] == [([3, 0.5], 3), ([0, 1], 1)]


@pytest.mark.parametrize(
    "system",
    [sd.Map(WELL, sd.GD(), lr=1.2), sd.Flow(WELL, sd.GD())],  # the runs of the map wander
    ids=["map", "flow"],
)
def test_long_searches_write_their_progress(
    system: sd.Map | sd.Flow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE", 0.0)
    monkeypatch.setattr(progress, "NEXT_LINE", 0.0)
    monkeypatch.setattr(dopri, "SHOW_PERIOD", 4)  # the runs of this flow take fewer steps than the usual 64
    sd.attractors(system, starts=16, steps=4000)
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("GD(): ") and line.endswith(" left") for line in lines)
    assert lines
    sd.basins(system, resolution=4, steps=4000)
    assert capsys.readouterr().err
    sd.attractors(system, starts=16, steps=4000, progress=False)
    sd.basins(system, resolution=4, steps=4000, progress=False)
    assert capsys.readouterr().err == ""


def test_the_share_at_a_point_needs_a_point_of_the_plane() -> None:
    basins = sd.basins(sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1), resolution=4)
    assert basins.fraction_at((1, 0)) == basins.fraction_at(np.array([-1.0, 0.0])) == 0.5
    assert basins.fraction_at((0.5, 0)) == 0
    for wrong in ((), (1, 0, 0), 1.0, [[1, 0]]):
        with pytest.raises(sd.InputError, match="is the shape of a point of the plane"):
            basins.fraction_at(wrong)  # type: ignore[arg-type]
