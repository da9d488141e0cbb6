"""Branches and bifurcations against the closed forms, and against orbits that know no Jacobian."""

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import bifurcation_diagram, branch, orbit_diagram

SADDLE, BEALE, WELL = sd.landscapes.saddle(), sd.landscapes.beale(), sd.landscapes.double_well()


@pytest.mark.parametrize(
    ("system", "where", "limits", "threshold"),
    [
        (sd.Flow(SADDLE, sd.USAM(0.1)), (0, 0), (0, 1), 0.5),
        (sd.Flow(BEALE, sd.USAM(0.1)), (0, 1), (0, 0.1), 4 / 111),
        (sd.Map(SADDLE, sd.USAM(0.1), lr=0.3), (0, 0), (0, 0.7), 0.5),
        (sd.Map(SADDLE, sd.USAM(0.1), lr=0.01, momentum=0.9), (0, 0), (0, 1), 0.5),
        (sd.Map(SADDLE, sd.USAM(0.1), lr=0.01, momentum=0.9, nesterov=True), (0, 0), (0, 1), 0.5),
        (sd.Map(BEALE, sd.USAM(0.1), lr=1e-4), (0, 1), (0, 0.1), 4 / 111),
    ],
    ids=str,
)
def test_a_saddle_becomes_a_sink(system: sd.Map | sd.Flow, where: tuple, limits: tuple, threshold: float) -> None:
    """At ρ = 1/|λ|  [K23, Theorem 1]."""
    found = branch(system, where, "rho", limits)
    (b,) = found.bifurcations
    assert b.kind == "branch point"
    assert b.parameter == pytest.approx(threshold, rel=1e-8)
    assert (found.stable == (found.parameter > threshold)).all()
    assert np.abs(found.w - np.array(where)).max() < 1e-12
    assert (found.parameter[0], found.parameter[-1]) == pytest.approx(limits)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.5, False), (0.5, True)])
@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_flips_at_the_largest_stable_learning_rate(momentum: float, nesterov: bool, rho: float) -> None:
    """ηλₑ = 2(1+γ) at the minimum, λ = 2; with Nesterov's form ηλₑ = 2(1+γ)/(1+2γ)."""
    map_ = sd.Map(WELL, sd.USAM(rho), lr=0.1, momentum=momentum, nesterov=nesterov)
    found = branch(map_, (1, 0), "lr", (0.1, 1.6 * (1 + momentum)))
    flips = [b for b in found.bifurcations if b.kind == "flip"]
    curvature = 2 * (1 + 2 * rho)
    expected = 2 * (1 + momentum) / curvature / (1 + 2 * momentum if nesterov else 1)
    assert flips[0].parameter == pytest.approx(expected, rel=1e-8)
    assert flips[0].multiplier == pytest.approx(-1, abs=1e-6)


def events(found: sd.analysis.Branch | sd.analysis.BifurcationDiagram) -> list[tuple[str, float]]:
    return sorted(((b.kind, b.parameter) for b in found.bifurcations), key=lambda event: event[1])


@pytest.mark.parametrize(("steps", "highest"), [(2.4, 10), (2.2, 10), (2.1, 3), (2.01, 2), (2.0001, 10)])
def test_a_window_between_two_points_of_a_branch_is_found(steps: float, highest: float) -> None:
    """On x² − y², η = 1/s: λ = −2 passes 1 at ρ = ½ and −1 at (s + 1)/2, λ = 2 passes −1 at (s − 1)/2."""
    found = branch(sd.Map(SADDLE, sd.USAM(0.1), lr=1 / steps), (0, 0), "rho", (0, highest))
    assert [kind for kind, _ in events(found)] == ["branch point", "flip", "flip"]
    assert [at for _, at in events(found)] == pytest.approx([0.5, (steps - 1) / 2, (steps + 1) / 2], rel=1e-9)
    inside = (found.parameter > 0.5) & (found.parameter < (steps - 1) / 2)
    assert (found.stable == inside).all()


@pytest.mark.parametrize("seed", range(4))
def test_events_as_close_together_as_they_like(seed: int) -> None:
    """Multipliers 1 − ηλ(1 + ρλ) of four directions: 1 at ρ = −1/λ, −1 at (2/(ηλ) − 1)/λ; some 1e-4 apart."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0.5, 1.5, 2) * (-1, 1)
    spectrum = np.append(first, first * (1 + rng.choice([1e-4, 1e-2, 0.3], 2)))
    lr, limit = rng.uniform(0.2, 1.0), 3.0
    found = branch(sd.Map(sd.landscapes.quadratic(spectrum), sd.USAM(0.1), lr=lr), np.zeros(4), "rho", (0, limit))
    known = [("branch point", -1 / lam) for lam in spectrum] + [
        ("flip", (2 / (lr * lam) - 1) / lam) for lam in spectrum
    ]
    known = sorted((event for event in known if 0 < event[1] < limit), key=lambda event: event[1])
    assert [kind for kind, _ in events(found)] == [kind for kind, _ in known]
    assert [at for _, at in events(found)] == pytest.approx([at for _, at in known], rel=1e-9)


@pytest.mark.parametrize("tilt", [1e-3, 1e-2])
def test_a_fold_beside_a_branch_point(tilt: float) -> None:
    """Equilibria beside a critical point c of x⁴/4 − x²/2 + εx: ρ = 1/(1 − 3c² − 3cy − y²), y = x − c."""
    landscape = sd.Landscape(f"x**4/4 - x**2/2 + {tilt}*x", "x", box=[(-2, 2)])
    c = sorted(np.roots([1, 0, -1, tilt]).real)[1]
    start, at = c + 0.5, 1 / (1 - 3 * c**2 - 1.5 * c - 0.25)
    found = branch(sd.Flow(landscape, sd.USAM(0.1)), (start,), "rho", (0, 2), at=at)
    assert [kind for kind, _ in events(found)] == ["fold", "branch point"]
    assert [rho for _, rho in events(found)] == pytest.approx([1 / (1 - 0.75 * c**2), 1 / (1 - 3 * c**2)], rel=1e-9)


LINE = sd.Landscape("x**4/4 - x**2/2", "x", box=[(-2, 2)])
REPELLING = sd.Landscape("x**4/2 - x**2", "x", box=[(-2, 2)])  # λ = −2 at 0


def test_a_branch_point_is_seen_from_the_branch_that_turns_there() -> None:
    """No multiplier changes sides along the other equilibria, ρ = 1/(1 − x²), on which ρ turns back at x = 0."""
    (b,) = branch(sd.Flow(LINE, sd.USAM(0.1)), (0.5,), "rho", (0, 2.1), at=4 / 3).bifurcations
    assert (b.kind, b.parameter, b.w[0, 0]) == ("branch point", pytest.approx(1, abs=1e-9), pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize(
    ("system", "limits", "threshold", "equilibria"),
    [
        (sd.Flow(LINE, sd.USAM(0.1)), (0, 2), 1.0, lambda rho: (0, 1, -1, (1 - 1 / rho) ** 0.5)),
        (sd.Flow(LINE, sd.USAM(0.1)), (0, 2 + 1e-9), 1.0, lambda rho: (0, 1, -1, (1 - 1 / rho) ** 0.5)),
        (sd.Map(REPELLING, sd.USAM(0.1), lr=0.1), (0, 1), 0.5, lambda rho: (0, 1, -1, (1 - 1 / (2 * rho)) ** 0.5)),
    ],
    ids=["middle", "almost", "map"],
)
def test_a_bifurcation_at_the_middle_of_the_limits(system, limits: tuple, threshold: float, equilibria) -> None:
    """There the Jacobian at the critical point vanishes, and with it what its predictions were compared with."""
    diagram = bifurcation_diagram(system, "rho", limits, period=1)
    assert events(diagram) == [("branch point", pytest.approx(threshold, rel=1e-9))]
    assert len(diagram.branches) == 5
    for b in diagram.branches:
        for rho, x in zip(b.parameter, b.w[:, 0, 0], strict=True):
            assert (
                abs(x - np.array([*equilibria(max(rho, threshold)), -equilibria(max(rho, threshold))[3]])).min() < 1e-6
            )


def test_equilibria_that_no_bifurcation_connects() -> None:
    """x + ρ(x³ − x) = ±1 away from ±1: ρ = 1/(∓x − x²), from folds at ρ = 4, x = ∓½."""
    diagram = bifurcation_diagram(sd.Flow(LINE, sd.USAM(0.1)), "rho", (2, 6))
    assert [(b.kind, round(b.parameter, 8), round(b.w[0, 0], 4)) for b in diagram.bifurcations] == [
        ("fold", 4, pytest.approx(x, abs=1e-3)) for x in sorted(b.w[0, 0] for b in diagram.bifurcations)
    ]
    assert sorted(b.w[0, 0] for b in diagram.bifurcations) == pytest.approx([-0.5, 0.5], abs=1e-6)
    assert len(diagram.branches) == 7
    assert diagram.not_followed == 0


def test_two_multipliers_that_pass_at_once() -> None:
    landscape = sd.Landscape("x**4/4 - x**2/2 + y**4/4 - y**2/2", "x y")
    (b,) = branch(sd.Flow(landscape, sd.USAM(0.1)), (0, 0), "rho", (0, 2)).bifurcations
    assert (b.kind, b.multiplicity, b.parameter) == ("branch point", 2, pytest.approx(1, rel=1e-9))


@pytest.mark.slow
def test_coupled_wells_past_a_neimark_sacker_point() -> None:
    """Flips at (1, 1): the Hessian is 2I + 0.1·((1, −1), (−1, 1)), ηλ = 2 at η = 1/1.1 and 1."""
    landscape = sd.Landscape("(x**2-1)**2/4 + (y**2-1)**2/4 + (x-y)**2/20", "x y", box=[(-2, 2)] * 2)
    diagram = bifurcation_diagram(sd.Map(landscape, sd.GD(), lr=0.5), "lr", (0.85, 1.13), period=2)
    ones = [b.parameter for b in diagram.bifurcations if np.allclose(abs(b.w[0]), 1)]
    assert ones == pytest.approx([1 / 1.1, 1 / 1.1, 1, 1], rel=1e-9)
    assert sum(b.kind == "Neimark–Sacker" for b in diagram.bifurcations) == 2
    kinds: dict[tuple[str, float], int] = {}
    for b in diagram.bifurcations:
        key = b.kind, round(b.parameter, 7)
        kinds[key] = kinds.get(key, 0) + 1
    assert all(count % 2 == 0 for count in kinds.values())  # w → −w is a symmetry without a fixed one but 0


@pytest.mark.slow
def test_the_cascade_keeps_its_mirror_images() -> None:
    """x ← x − η(x³ − x): flip at 1; the 2-cycle, x² = (1 + ½η ± …)/η, loses its stability at √5 − 1."""
    landscape = sd.Landscape("x**4/4 - x**2/2", "x", box=[(-1.5, 1.5)])
    diagram = bifurcation_diagram(sd.Map(landscape, sd.GD(), lr=0.1), "lr", (0.9, 1.31), period=8)
    flips = np.array([b.parameter for b in diagram.bifurcations])
    assert [len(b.w) for b in diagram.bifurcations] == [1, 1, 2, 2, 4, 4, 8, 8]
    assert flips[:4] == pytest.approx([1, 1, 5**0.5 - 1, 5**0.5 - 1], rel=1e-9)
    assert flips[::2] == pytest.approx(flips[1::2], rel=1e-8)
    for b in diagram.branches:
        for row, eta in zip(b.w, b.parameter, strict=True):  # every point is on a cycle of the map written out by hand
            x = row[:, 0]
            assert np.roll(x, -1) == pytest.approx(x - eta * (x**3 - x), abs=1e-10)
    assert "flip at" in str(diagram)


def test_branches_born_at_the_threshold() -> None:
    """USAM's other equilibria on x² − y²: where the perturbed point is the saddle, I + ρH = 0, at ρ = ½ alone."""
    diagram = bifurcation_diagram(sd.Flow(SADDLE, sd.USAM(0.1)), "rho", (0, 1))
    born = diagram.branches[1:]
    assert len(born) == 2
    for b in born:
        assert b.parameter == pytest.approx(0.5, abs=1e-9)
        assert np.abs(b.w[:, 0, 1]).max() > 3  # along y, to the edge


@pytest.mark.slow
def test_folds_are_passed() -> None:
    """USAM on Beale has a fold of equilibria; on both sides of it they solve ∇L(w + ρ∇L(w)) = 0."""
    diagram = bifurcation_diagram(sd.Flow(BEALE, sd.USAM(0.1)), "rho", (0, 0.1))
    (fold,) = [b for b in diagram.bifurcations if b.kind == "fold"]
    (carrier,) = [b for b in diagram.branches if fold in b.bifurcations]
    assert carrier.parameter.min() == pytest.approx(fold.parameter, abs=1e-4)
    steps = np.sign(np.diff(carrier.parameter))
    assert {-1.0, 1.0} <= set(steps)
    for rho, w in zip(carrier.parameter, carrier.w[:, 0], strict=True):
        g = BEALE.grad(w)
        assert float(BEALE.grad(w + rho * g.numpy()).norm()) < 1e-7 * float(1 + g.norm())


def test_a_cycle_without_a_jacobian_at_its_middle() -> None:
    """SAM's 2-cycle, |w| = ηρλ/(2 − ηλ), is smooth: linear in ρ."""
    map_ = sd.Map(SADDLE, sd.SAM(0.5), lr=0.01)
    start = (0.01 * 0.5 * 2 / 1.98, 0)
    found = branch(map_, start, "rho", (0.1, 1), period=2, at=0.5)
    assert np.abs(found.w[:, :, 0]) == pytest.approx(np.outer(found.parameter, [1, 1]) * 0.02 / 1.98, rel=1e-9)
    assert found.stable.all()
    assert (found.parameter.min(), found.parameter.max()) == pytest.approx((0.1, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("map_", "name", "limits"),
    [
        (sd.Map(WELL, sd.GD(), lr=0.1), "lr", (0.2, 1.28)),
        (sd.Map(WELL, sd.USAM(0.1), lr=0.3), "rho", (0.0, 1.6)),
        (sd.Map(WELL, sd.GD(), lr=1.2), "momentum", (0.01, 0.6)),
    ],
    ids=str,
)
def test_orbits_and_branches_check_each_other(map_: sd.Map, name: str, limits: tuple[float, float]) -> None:
    """Every orbit ends on a stable branch, and every stable branch has orbits, away from the bifurcations."""
    diagram = bifurcation_diagram(map_, name, limits, period=4)
    at = np.array([b.parameter for b in diagram.bifurcations])
    values = np.linspace(*limits, 15)[1:-1]
    values = values[np.abs(values[:, None] - at).min(axis=1) > 0.02 * (limits[1] - limits[0])]
    x = np.concatenate([np.linspace(-1.3, 1.3, 8), [1e-3, -1e-3]])  # none on the stable manifold of the saddle
    starts = np.stack([x, np.full_like(x, 0.2)], axis=1)
    orbits = orbit_diagram(map_, name, values, starts, transient=4000, keep=4)
    for value, w in zip(values, orbits.w, strict=True):
        ends = w[np.isfinite(w).all(axis=1)]
        on = []
        for b in diagram.branches:
            for i in range(len(b.parameter) - 1):
                p, q = b.parameter[i : i + 2]
                if b.stable[i] and b.stable[i + 1] and min(p, q) <= value <= max(p, q):
                    t = (value - p) / (q - p)
                    on += list((1 - t) * b.w[i] + t * b.w[i + 1])
        on = np.array(on)
        # Branches are straight between their points, a thirtieth of the range apart.
        apart = np.abs(ends[:, None] - on).max(axis=2)
        assert apart.min(axis=1).max() < 2e-3
        assert apart.min(axis=0).max() < 2e-3


def test_ascent_steps_are_taken_in_turn() -> None:
    """A saddle attracts for odd n < ρ|λ| alone (theory 2.4)."""
    diagram = bifurcation_diagram(sd.Flow(SADDLE, sd.USAM(2.6)), "ascent_steps", (1, 8))
    (only,) = diagram.branches
    assert dict(zip(only.parameter, only.stable, strict=True)) == {n: n in (1, 3, 5) for n in range(1, 9)}


def test_runs_that_diverge_are_nan() -> None:
    orbits = orbit_diagram(sd.Map(WELL, sd.GD(), lr=0.1), "lr", [0.5, 3.0], np.array([[1.5, 0.1]]), keep=3)
    assert np.isfinite(orbits.w[0]).all()
    assert np.isnan(orbits.w[1]).all()
    flow = orbit_diagram(sd.Flow(WELL, sd.USAM(0.1)), "rho", [0.1, 0.2], np.array([[0.5, 0.1]]))
    assert flow.w[:, 0] == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (sd.Flow(WELL, sd.GD()), (1, 0), "rho", (0, 1)),
            "this flow of GD has no parameter of this name. It has: none",
        ),
        ((sd.Flow(WELL, sd.USAM(0.1)), (1, 0), "lr", (0.1, 1)), "this flow of USAM has no .* rho, ascent_steps"),
        (
            (sd.Map(WELL, sd.GD(), lr=0.1), (1, 0), "batch_size", (1, 2)),
            "has no parameter of this name. It has: lr, mom",
        ),
        ((sd.Map(WELL, sd.USAM(0.1), lr=0.1), (1, 0), "ascent_steps", (1, 2)), "Use bifurcation_diagram"),
        ((sd.Map(WELL, sd.GD(), lr=0.1), (1, 0), "lr", (1, 0.1)), "the lower first"),
        ((sd.Map(WELL, sd.GD(), lr=0.1), (1, 0), "lr", (-1, 0.1)), "lr = -1"),
        ((sd.Map(WELL, sd.GD(), lr=0.1), (1, 0, 3), "lr", (0.1, 1)), "2 finite coordinates"),
        ((sd.Landscape("x + y**2", "x y"), (0, 0), "lr", (0.1, 1)), "cannot start: Newton's method finds no point"),
        ((sd.Map(SADDLE, sd.SAM(0.1), lr=0.1), (0, 0), "lr", (0.1, 1)), "cannot start: the field has no Jacobian"),
    ],
)
def test_what_cannot_be_continued(arguments: tuple, message: str) -> None:
    system, *rest = arguments
    system = sd.Map(system, sd.GD(), lr=0.1) if isinstance(system, sd.Landscape) else system
    with pytest.raises(sd.InputError, match=message):
        branch(system, *rest)


def test_more_bad_input() -> None:
    gd = sd.Map(WELL, sd.GD(), lr=0.1)
    with pytest.raises(sd.InputError, match="lies outside the limits"):
        branch(gd, (1, 0), "lr", (0.1, 1), at=2)
    with pytest.raises(sd.InputError, match="periods are of maps"):
        branch(sd.Flow(WELL, sd.USAM(0.1)), (1, 0), "rho", (0, 1), period=2)
    with pytest.raises(sd.InputError, match="at none of which SAM has a Jacobian"):
        bifurcation_diagram(sd.Map(SADDLE, sd.SAM(0.1), lr=0.1), "rho", (0.1, 1))
    with pytest.raises(sd.InputError, match="transient"):
        orbit_diagram(gd, "lr", [0.1], np.array([[1.0, 0]]), transient=0)
    with pytest.raises(sd.InputError, match="one row per start"):
        orbit_diagram(gd, "lr", [0.1], np.array([[1.0, 0, 0]]))
