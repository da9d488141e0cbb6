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


@pytest.mark.slow
def test_the_cascade_of_the_double_well() -> None:
    """x ← x − η(x³ − x): flip at 1; the 2-cycle, x² = (1 + ½η ± …)/η, loses its stability at √5 − 1."""
    diagram = bifurcation_diagram(sd.Map(WELL, sd.GD(), lr=0.1), "lr", (0.1, 1.3))
    flips = [(len(b.w), b.parameter) for b in diagram.bifurcations]
    assert [p for p, _ in flips] == [1, 1, 2, 2, 4, 4]
    assert [eta for _, eta in flips[:4]] == pytest.approx([1, 1, 5**0.5 - 1, 5**0.5 - 1], rel=1e-9)
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
    """A saddle attracts for odd n < ρ|λ| alone (theory.md 2.4)."""
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
