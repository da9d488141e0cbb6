"""Stability from formulas, against Jacobians by automatic differentiation, roots, runs, and what is known by hand."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import analysis, symbolic
from samdyn.methods import Ascent
from samdyn.ops import norm, unit

RHO, ETA, GAMMA, LAM = symbolic.RHO, symbolic.ETA, symbolic.GAMMA, symbolic.LAMBDA
BEALE = sd.landscapes.beale()
HALF = sympy.Rational(1, 2)

# Quadratics about a point that is not the origin, so that ASAM's T enters.
PLANE = sd.Landscape("(x - 1)**2 - 3*(y + 2)**2/2 + (x - 1)*(y + 2)/2", "x y")
PLANE_AT = (1, -2)
SPACE = sd.Landscape("(x - 1)**2 - (y - 1.5)**2 + (z + 1)**2/2 + (x - 1)*(y - 1.5)/2 + (y - 1.5)*(z + 1)", "x y z")
SPACE_AT = (1, 1.5, -1)
BOWL = sd.Landscape("x**2 + x*y/2 + y**2/2", "x y")

METHODS = [
    sd.GD(),
    sd.USAM(0.1),
    sd.USAM(0.1, ascent_steps=2),
    sd.USAM(0.1, ascent_steps=3),
    sd.USAM(0.1, ascent_steps=4),
    sd.USAM(0.1, ascent_steps=2, average=True),
    sd.USAM(0.1, ascent_steps=3, average=True),
    sd.ExactSAM(0.1),
    sd.ExactSAM(0.1, ascent_steps=2),
    sd.ExactSAM(0.1, ascent_steps=2, average=True),
    sd.UASAM(0.1),
    sd.UASAM(0.1, shift=0.3, ascent_steps=2),
    sd.UASAM(0.1, ascent_steps=2, average=True),
]


def with_radius(system: sd.Map | sd.Flow, rho: object) -> sd.Map | sd.Flow:
    method = system.method
    return replace(system, method=replace(method, rho=rho)) if isinstance(method, Ascent) else system


def margins(system: sd.Map | sd.Flow, point: tuple[float, ...], radii: np.ndarray) -> np.ndarray:
    """Return by how much Jacobians, by automatic differentiation, miss stability: < 0 if the point attracts."""
    w = torch.tensor(point, dtype=torch.float64)[:, None].repeat(1, len(radii))
    at_radii = with_radius(system, torch.as_tensor(radii))
    z = at_radii.flat_start(w) if isinstance(at_radii, sd.Map) else w
    roots = np.linalg.eigvals(at_radii.jacobian_at(z).movedim(-1, 0).numpy())
    return abs(roots).max(1) - 1 if isinstance(system, sd.Map) else roots.real.max(1)


def check_radii(system: sd.Map | sd.Flow, point: tuple[float, ...], radii: np.ndarray) -> set[bool]:
    """Compare the set of radii with the Jacobians at some; return which answers there were."""
    verdict = sd.stability(system, point)
    parts = verdict.condition.args if isinstance(verdict.condition, sympy.Union) else [verdict.condition]
    bounds = [(float(part.inf), float(part.sup)) for part in parts if part is not sympy.S.EmptySet]
    beyond = margins(system, point, radii)
    # Roots that meet, as complex pairs do at the axis, are known to the root of rounding only.
    for rho, margin in [(r, m) for r, m in zip(radii.tolist(), beyond.tolist(), strict=True) if abs(m) > 1e-7]:
        assert any(low < rho < high or rho == low == 0 for low, high in bounds) == (margin < 0), rho
    (own,) = margins(system, point, np.array([getattr(system.method, "rho", 0.0)]))
    assert (verdict.kind == "attractor") == (own < 0)
    return set((beyond[abs(beyond) > 1e-7] < 0).tolist())


@pytest.mark.parametrize("method", [*METHODS[:4], *METHODS[5:7], METHODS[7], *METHODS[9:12]], ids=str)
def test_flows_in_the_plane(method: sd.Method) -> None:
    seen = check_radii(sd.Flow(PLANE, method), PLANE_AT, np.linspace(0, 6, 61) + 1e-3)
    can_capture = {"USAM", "UASAM"} if getattr(method, "ascent_steps", 1) % 2 or method.average else set()
    assert (True in seen) == (type(method).__name__ in can_capture)


@pytest.mark.parametrize(
    ("method", "nesterov"),
    [*((METHODS[i], False) for i in (0, 2, 4, 8)), (METHODS[6], True), (METHODS[10], True)],
)
def test_maps_in_the_plane(method: sd.Method, nesterov: bool) -> None:
    system = sd.Map(PLANE, method, lr=0.1, momentum=0.9, nesterov=nesterov)
    check_radii(system, PLANE_AT, np.linspace(0, 3, 61) + 1e-3)


@pytest.mark.parametrize(
    ("method", "momentum", "nesterov"),
    [
        (sd.USAM(0.1), 0.5, True),
        (sd.USAM(0.1, ascent_steps=3), 0.0, False),
        (sd.USAM(0.1, ascent_steps=3), 0.5, True),
        (sd.ExactSAM(0.1), 0.5, False),
    ],
)
def test_maps_at_a_minimum_lose_it_at_a_flip(method: sd.Method, momentum: float, nesterov: bool) -> None:
    system = sd.Map(BOWL, method, lr=0.4, momentum=momentum, nesterov=nesterov)
    assert check_radii(system, (0, 0), np.linspace(0, 4, 41) + 1e-3) == {True, False}


@pytest.mark.parametrize(
    ("method", "momentum"),
    [(sd.USAM(0.1), 0.5), (sd.USAM(0.1, ascent_steps=3), 0.0), (sd.UASAM(0.1, shift=0.2), 0.5)],
)
def test_maps_in_space(method: sd.Method, momentum: float) -> None:
    system = sd.Map(SPACE, method, lr=0.05, momentum=momentum)
    assert check_radii(system, SPACE_AT, np.linspace(0, 3, 31) + 1e-3) == {True, False}


def test_square_roots_and_three_steps_of_ascent_in_four_dimensions() -> None:
    x, y = "(x**2 - 2)", "(y**2 - 3)"
    formula = f"{x}**2/8 - {y}**2/9 + (z - 1)**2/5 - 7*(u - 3)**2/10 + {x}*{y}/5 + (z - 1)*(u - 3)/7"
    flow = sd.Flow(sd.Landscape(formula, "x y z u"), sd.UASAM(0.1, ascent_steps=3))
    start = time.process_time()
    assert check_radii(flow, (2**0.5, 3**0.5, 1, 3), np.linspace(0, 3, 31) + 1e-3) == {True, False}
    assert time.process_time() - start < 40  # in formulas with square roots instead of numbers it takes minutes


@pytest.mark.parametrize("method", [sd.USAM(0.1), sd.UASAM(0.1)], ids=str)
def test_second_order_flows(method: sd.Method) -> None:
    assert check_radii(sd.Flow(PLANE, method, order=2, lr=0.3), PLANE_AT, np.linspace(0, 4, 41) + 1e-3) == {True, False}


@pytest.mark.parametrize("seed", range(6))
def test_random_hessians_rates_and_momenta(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = rng.integers(-20, 20, 3) / 10
    landscape = sd.Landscape(f"({a})*x**2/2 + ({b})*x*y + ({c})*y**2/2", "x y")
    momentum = float(rng.choice([0.0, 0.35, 0.8]))
    system = sd.Map(landscape, sd.USAM(0.1), lr=float(rng.choice([0.02, 0.3])), momentum=momentum)
    check_radii(
        replace(system, method=sd.USAM(0.1, ascent_steps=int(rng.integers(1, 5)))), (0, 0), np.linspace(0, 5, 51)
    )


def test_rotated_spectra_are_rounded_and_right() -> None:
    landscape = sd.landscapes.quadratic(
        (-1.0, -0.5, 2.0), rotation=np.linalg.qr(np.random.default_rng(0).random((3, 3)))[0]
    )
    verdict = sd.stability(sd.Flow(landscape, sd.USAM(0.1)), (0, 0, 0))
    assert float(verdict.condition.inf) == pytest.approx(2, rel=1e-12)
    assert verdict.condition.sup == sympy.oo
    assert isinstance(verdict.condition.inf, sympy.Float)
    assert check_radii(sd.Map(landscape, sd.UASAM(0.1, shift=1.0), lr=0.1), (0, 0, 0), np.linspace(0, 15, 31)) == {
        True,
        False,
    }


# What is known by hand.


def test_beales_saddle_becomes_an_attractor() -> None:
    verdict = sd.stability(sd.Flow(BEALE, sd.USAM(0.5)), (0, 1))
    assert verdict.condition == sympy.Interval.open(sympy.Rational(4, 111), sympy.oo)
    assert verdict.relational == sympy.StrictLessThan(sympy.Rational(4, 111), RHO)
    assert verdict.formula == LAM * (1 + RHO * LAM)
    assert verdict.hessian_eigenvalues == (-sympy.Rational(111, 4), sympy.Rational(111, 4))
    assert sympy.expand(
        verdict.effective_hessian - verdict.hessian * (sympy.eye(2) + RHO * verdict.hessian)
    ).is_zero_matrix
    assert verdict.kind == "attractor"
    assert verdict.eigenvalues == pytest.approx([-27.75 * (1 + 0.5 * 27.75), -27.75 * (0.5 * 27.75 - 1)])
    assert sd.stability(sd.Flow(BEALE, sd.USAM(0.03)), (0, 1)).kind == "saddle"


def test_heavy_ball_leaves_the_threshold_and_moves_the_upper_end() -> None:
    lr, gamma = sympy.Rational(1, 100), sympy.Rational(9, 10)
    verdict = sd.stability(sd.Map(BEALE, sd.USAM(0.1), lr=0.01, momentum=0.9), (0, 1))
    lam = sympy.Rational(111, 4)
    upper = (2 * (1 + gamma) / (lr * lam) - 1) / lam
    assert verdict.condition == sympy.Interval.open(1 / lam, upper)
    effective = LAM * (1 + RHO * LAM)
    expected = [sympy.StrictLessThan(0, ETA * effective), sympy.StrictLessThan(ETA * effective, 2 + 2 * GAMMA)]
    assert [sympy.expand(i) for i in verdict.inequalities] == [sympy.expand(i) for i in expected]
    assert verdict.conditions[0].eigenvalue == -lam
    assert verdict.conditions[1].radii == sympy.Interval.Ropen(0, upper)
    z = sympy.Symbol("z")
    block = [z**2 - (1 + gamma - lr * effective.subs(LAM, v)) * z + gamma for v in (-lam, lam)]
    assert sympy.expand(verdict.characteristic_polynomial - block[0] * block[1]) == 0


def test_nesterov_flips_earlier() -> None:
    """ηλₑ < 2(1+γ)/(1+2γ)."""
    verdict = sd.stability(sd.Map(BOWL, sd.GD(), lr=0.1, momentum=0.5, nesterov=True), (0, 0))
    assert (ETA * LAM * (1 + 2 * GAMMA) < 2 * (1 + GAMMA)) in [i.doit() for i in verdict.inequalities]
    bound = 2 * 1.5 / 2 / float(verdict.hessian_eigenvalues[1])
    for lr, kind in [(0.99 * bound, "attractor"), (1.01 * bound, "saddle")]:
        assert sd.stability(sd.Map(BOWL, sd.GD(), lr=lr, momentum=0.5, nesterov=True), (0, 0)).kind == kind


@pytest.mark.parametrize(("n", "condition"), [(1, 4), (2, None), (3, 12), (4, None)])
def test_steps_of_ascent(n: int, condition: int | None) -> None:
    """The saddle attracts above ρ = n/|λ| for odd n, and never for even n."""
    verdict = sd.stability(sd.Flow(BEALE, sd.USAM(0.1, ascent_steps=n)), (0, 1))
    expected = sympy.Interval.open(sympy.Rational(condition, 111), sympy.oo) if condition else sympy.S.EmptySet
    assert verdict.condition == expected
    assert sympy.expand(verdict.formula - LAM * (1 + RHO * LAM / n) ** n) == 0


def test_averaged_ascent_of_two_steps_captures_in_a_window() -> None:
    verdict = sd.stability(sd.Flow(BEALE, sd.USAM(0.1, ascent_steps=2, average=True)), (0, 1))
    assert verdict.condition == sympy.Interval.open(sympy.Rational(8, 111), sympy.Rational(16, 111))
    y = 1 + RHO * LAM / 2
    assert sympy.expand(verdict.formula - LAM * (y + y**2) / 2) == 0


def test_a_window_can_have_a_hole() -> None:
    """With averaged ascent ηλₑ passes 2 inside the window if η|λ| > 16, and comes back."""
    ridge = sd.Landscape("-sqrt(2)*x**2/2", "x")
    system = sd.Map(ridge, sd.USAM(0.1, ascent_steps=2, average=True), lr=14.0)
    condition = sd.stability(system, (0,)).condition
    assert isinstance(condition, sympy.Union)
    assert not condition.has(sympy.Float)
    assert check_radii(system, (0,), np.linspace(1.2, 3.2, 101)) == {True, False}


def test_bounds_are_exact_up_to_degree_four() -> None:
    upper = {n: sd.stability(sd.Map(BEALE, sd.USAM(0.1, ascent_steps=n), lr=0.001), (0, 1)).condition for n in (3, 5)}
    assert upper[3].sup.has(sympy.CRootOf)
    assert isinstance(upper[5].sup, sympy.Float)
    assert [c.inf for c in upper.values()] == [sympy.Rational(4 * n, 111) for n in upper]


def test_exact_sam_never_captures() -> None:
    verdict = sd.stability(sd.Flow(BEALE, sd.ExactSAM(0.1)), (0, 1))
    assert verdict.condition is sympy.S.EmptySet
    assert verdict.relational == sympy.false
    assert sympy.expand(verdict.formula - LAM * (1 + RHO * LAM) ** 2) == 0


def test_gradient_descent_has_no_radius() -> None:
    assert sd.stability(sd.Flow(BEALE, sd.GD()), (0, 1)).relational == sympy.false
    minimum = sd.stability(sd.Flow(BEALE, sd.GD()), (3, 0.5))
    assert minimum.relational == sympy.true
    assert minimum.condition is sympy.S.UniversalSet
    assert sd.stability(sd.Map(BEALE, sd.GD(), lr=1.0), (3, 0.5)).relational == sympy.false


def test_adaptive_ascent_sees_where_the_point_is() -> None:
    """Hₑ = H(I + ρT²H), T = diag|w|."""
    verdict = sd.stability(sd.Flow(PLANE, sd.UASAM(0.1)), PLANE_AT)
    h, t = verdict.hessian, sympy.diag(1, 2)
    assert sympy.expand(verdict.effective_hessian - h * (sympy.eye(2) + RHO * t**2 * h)).is_zero_matrix
    assert verdict.formula is None
    assert verdict.conditions[0].eigenvalue is None
    # With T a multiple of the identity it is a function of H after all.
    level = sd.Landscape("(x - 2)**2 - (y + 2)**2", "x y")
    assert sympy.expand(sd.stability(sd.Flow(level, sd.UASAM(0.1)), (2, -2)).formula - LAM * (1 + 4 * RHO * LAM)) == 0


def test_a_method_of_single_entries_is_no_function_of_the_hessian() -> None:
    verdict = sd.stability(sd.Flow(PLANE, RowSums(0.1)), PLANE_AT)
    h = verdict.hessian
    sums = sympy.diag(*(h * sympy.ones(2, 1)))
    assert verdict.formula is None
    assert sympy.expand(verdict.effective_hessian - h * (sympy.eye(2) + RHO * sums * h)).is_zero_matrix


def test_one_coordinate() -> None:
    well = sd.Landscape("(x**2 - 1)**2/4", "x")
    for system in (sd.Flow(well, sd.USAM(0.5)), sd.Map(well, sd.USAM(0.5), lr=0.1)):
        assert sd.stability(system, (0,)).condition == sympy.Interval.open(
            1, 21 if isinstance(system, sd.Map) else sympy.oo
        )
        assert sd.stability(system, (0,)).kind == "repeller"
        assert sd.stability(system, (-1,)).kind == "attractor"


def test_shift_and_weights_are_exact() -> None:
    method = sd.UASAM(0.1, shift=0.01, weights=(True, False))
    h = sd.stability(sd.Flow(PLANE, method), PLANE_AT).effective_hessian
    hessian = PLANE.hessian_matrix
    assert sympy.expand(
        h - hessian * (sympy.eye(2) + RHO * sympy.diag(sympy.Rational(101, 100) ** 2, 1) * hessian)
    ).is_zero_matrix


def test_square_roots_stay_exact() -> None:
    landscape = sd.Landscape("(x**2 - 2)**2/4 - y**2/2", "x y")
    verdict = sd.stability(sd.Map(landscape, sd.USAM(0.1), lr=0.01), (2**0.5, 0.0))
    assert verdict.point == (sympy.sqrt(2), 0)
    assert verdict.exact
    assert verdict.hessian == sympy.diag(4, -1)
    bowl = sd.stability(sd.Flow(sd.Landscape("x**2 + x*y - y**2/2", "x y"), sd.USAM(0.1)), (0, 0))
    assert (
        bowl.condition.inf == 2 / (sympy.sqrt(13) - 1)
        or sympy.simplify(bowl.condition.inf - 2 / (sympy.sqrt(13) - 1)) == 0
    )
    assert not bowl.condition.inf.has(sympy.Float)


def test_effective_hessian_for_itself() -> None:
    assert sympy.expand(symbolic.effective_hessian(sd.USAM(0.1)) - LAM * (1 + RHO * LAM)) == 0
    assert symbolic.effective_hessian(sd.USAM(0.1), lam=-2) == -2 * (1 - 2 * RHO)
    assert symbolic.effective_hessian(sd.GD()) == LAM
    for method in (sd.UASAM(0.1), RowSums(0.1)):
        with pytest.raises(
            sd.InputError, match=r"no function of its eigenvalues, or depends on where the critical point"
        ):
            symbolic.effective_hessian(method)
    with pytest.raises(sd.InputError, match=r"no Jacobian at a critical point.*samdyn.stability says"):
        symbolic.effective_hessian(sd.SAM(0.1))


# Kinds.


@pytest.mark.parametrize("system", [sd.Flow(PLANE, sd.UASAM(0.1)), sd.Map(PLANE, sd.UASAM(0.1), lr=0.1, momentum=0.9)])
def test_kinds_change_where_the_condition_says(system: sd.Map | sd.Flow) -> None:
    threshold = float(sd.stability(system, PLANE_AT).condition.inf)
    for factor, kind in [(1 - 1e-6, "saddle"), (1 + 1e-6, "attractor")]:
        assert sd.stability(with_radius(system, factor * threshold), PLANE_AT).kind == kind


def test_kinds() -> None:
    for formula, kind in [("x**2 + y**2", "attractor"), ("x**2 - y**2", "saddle"), ("-x**2 - y**2", "repeller")]:
        assert sd.stability(sd.Flow(sd.Landscape(formula, "x y"), sd.GD()), (0, 0)).kind == kind
        assert sd.stability(sd.Map(sd.Landscape(formula, "x y"), sd.GD(), lr=0.1), (0, 0)).kind == kind


@pytest.mark.parametrize(
    "system",
    [
        sd.Flow(BEALE, sd.USAM(4 / 111)),
        sd.Map(BEALE, sd.USAM(4 / 111), lr=1e-6),
        sd.Map(BEALE, sd.USAM(4 / 111), lr=1e-3, momentum=0.9),
        sd.Map(sd.landscapes.quadratic((2.0, 1.0)), sd.GD(), lr=1.0),
        sd.Map(sd.landscapes.quadratic((2.0, 1.0)), sd.GD(), lr=1.5, momentum=0.5),
    ],
    ids=str,
)
def test_boundaries_are_not_hyperbolic(system: sd.Map | sd.Flow) -> None:
    point = (0, 1) if system.landscape is BEALE else (0, 0)
    assert sd.stability(system, point).kind == "not hyperbolic"


def test_slow_is_not_neutral() -> None:
    """A step of 1e-9 leaves a saddle slowly, but surely."""
    assert sd.stability(sd.Map(BEALE, sd.USAM(0.03), lr=1e-9), (0, 1)).kind == "saddle"
    assert sd.stability(sd.Map(BEALE, sd.USAM(0.0360), lr=1e-9, momentum=0.9), (0, 1)).kind == "saddle"


def test_singular_hessians_are_not_hyperbolic() -> None:
    monkey = sd.landscapes.monkey_saddle()
    verdict = sd.stability(sd.Flow(monkey, sd.USAM(0.1)), (0, 0))
    assert verdict.kind == "not hyperbolic"
    assert "higher derivatives" in verdict.note
    # The quadratic there is flat, and has no gradient to normalise; the landscape has.
    assert not sd.stability(sd.Flow(monkey, sd.SAM(0.1)), (0, 0)).differentiable
    rotated = sd.landscapes.quadratic((0.0, 1.0), rotation=0.3)
    assert sd.stability(sd.Flow(rotated, sd.USAM(0.1)), (0, 0)).kind == "not hyperbolic"


def test_radius_as_a_symbol() -> None:
    verdict = sd.stability(sd.Flow(BEALE, sd.USAM(sympy.Symbol("r", positive=True))), (0, 1))
    assert verdict.kind == "depends on rho"
    assert verdict.eigenvalues is None
    assert verdict.condition.inf == sympy.Rational(4, 111)


# No Jacobian.


@dataclass(frozen=True)
class Downhill(Ascent):
    """F(w) = ∇L(w − ρ g/‖g‖)."""

    def direction(self, w, g, grad):
        return -unit(g)


@dataclass(frozen=True)
class ByLength(Ascent):
    """SAM, written otherwise."""

    def direction(self, w, g, grad):
        return unit(3 * g)


@dataclass(frozen=True)
class Twice(sd.SAM):
    """Twice as far as SAM, whatever it inherits."""

    def direction(self, w, g, grad):
        return 2 * unit(g)


@dataclass(frozen=True)
class RowSums(Ascent):
    """F(w) = ∇L(w + ρ diag(H1)g): a function of H where that is a multiple of the identity, but not elsewhere."""

    def direction(self, w, g, grad):
        return grad.hvp(w, 0 * g + 1) * g


@dataclass(frozen=True)
class Root(Ascent):
    """F(w) = ∇L(w + √ρ g): no polynomial in ρ."""

    def direction(self, w, g, grad):
        return g / self.rho**0.5


@dataclass(frozen=True)
class Square(Ascent):
    """F(w) = ∇L(w + ρ‖g‖g): normalised by too little to matter at a critical point."""

    def direction(self, w, g, grad):
        return g * norm(g)


@dataclass(frozen=True)
class Absolute(Ascent):
    """F(w) = ∇L(w + ρ|g|): of first order, but with another slope on either side."""

    def direction(self, w, g, grad):
        return abs(g)


@dataclass(frozen=True)
class Decay(sd.Method):
    """Weight decay: not at rest where the gradient vanishes."""

    def __call__(self, w, grad):
        return grad(w) + 0.1 * w


NO_JACOBIAN = [sd.SAM(0.3), sd.DNSAM(0.3), sd.ASAM(0.3), sd.SAM(0.3, ascent_steps=2), Downhill(0.3), Absolute(0.3)]


@pytest.mark.parametrize(
    ("method", "kind"), [(method, ("flow", "map")[i % 2]) for i, method in enumerate(NO_JACOBIAN)], ids=str
)
def test_no_jacobian_is_said(method: sd.Method, kind: str) -> None:
    system = sd.Flow(PLANE, method) if kind == "flow" else sd.Map(PLANE, method, lr=0.01)
    verdict = sd.stability(system, PLANE_AT)
    assert (verdict.kind, verdict.differentiable) == ("no Jacobian", False)
    assert verdict.effective_hessian is verdict.eigenvalues is verdict.condition is verdict.formula is None
    assert verdict.conditions == ()
    assert (verdict.trap is not None) == (type(method) in (sd.SAM, sd.DNSAM) and method.ascent_steps == 1)
    assert "no Jacobian" in verdict.note
    assert str(verdict)
    assert verdict.latex()
    with pytest.raises(sd.InputError, match=r"no Jacobian at a critical point.*See trap and note"):
        _ = verdict.relational


def test_small_perturbations_keep_the_jacobian() -> None:
    verdict = sd.stability(sd.Flow(PLANE, Square(0.3)), PLANE_AT)
    assert verdict.formula == LAM
    assert verdict.effective_hessian == verdict.hessian


def test_formulas_that_are_no_polynomials_stay_unsolved() -> None:
    verdict = sd.stability(sd.Flow(sd.landscapes.saddle(), Root(0.3)), (0, 0))
    assert sympy.expand(verdict.formula - LAM * (1 + sympy.sqrt(RHO) * LAM)) == 0
    assert isinstance(verdict.condition, sympy.ConditionSet)
    assert [verdict.condition.condition.subs(RHO, r) for r in (HALF**2 - 0.01, HALF**2 + 0.01)] == [False, True]
    assert verdict.kind == "attractor"
    assert "sqrt(ρ)" in verdict.table()


def test_coefficients_that_are_no_fractions() -> None:
    """T = (√2 + 1) I at (√2, −√2): λₑ = λ(1 + (√2 + 1)²ρλ)."""
    landscape = sd.Landscape("(x**2 - 2)**2/4 - (y**2 - 2)**2/8", "x y")
    verdict = sd.stability(sd.Flow(landscape, sd.UASAM(0.3, shift=1)), (2**0.5, -(2**0.5)))
    assert verdict.hessian == sympy.diag(4, -2)
    assert float(verdict.condition.inf) == pytest.approx(1 / (2 * (1 + 2**0.5) ** 2), rel=1e-12)
    elsewhere = sd.stability(sd.Flow(landscape, sd.UASAM(0.3, shift=1, weights=(True, False))), (2**0.5, -(2**0.5)))
    assert float(elsewhere.condition.inf) == pytest.approx(1 / 2, rel=1e-12)


def test_without_a_radius_sam_is_gradient_descent() -> None:
    assert sd.stability(sd.Flow(BEALE, sd.SAM(0)), (0, 1)).kind == "saddle"
    minimum = sd.stability(sd.Flow(BEALE, sd.SAM(0)), (3, 0.5))
    assert (minimum.kind, minimum.condition) == ("attractor", sympy.FiniteSet(0))


def test_trap_of_sam() -> None:
    landscape = sd.landscapes.saddle()
    x, y = landscape.symbols
    verdict = sd.stability(sd.Flow(landscape, sd.SAM(0.5)), (0, 0))
    assert verdict.trap == (2 * sympy.sqrt(x**2 + y**2) < 2 * RHO)
    assert verdict.region == (2 * sympy.sqrt(x**2 + y**2) < 1)
    assert "not quadratic" not in verdict.note
    assert "quadratic with this Hessian" in sd.stability(sd.Flow(BEALE, sd.SAM(0.5)), (0, 1)).note


def starts_in(verdict: symbolic.Stability, count: int, inside: float) -> torch.Tensor:
    """Return starts at which the trap's left side is a share of its right side, ``(d, count)``."""
    landscape = verdict.system.landscape
    h = np.array(verdict.hessian, dtype=float)
    directions = np.random.default_rng(0).standard_normal((landscape.dim, count))
    bound = float(verdict.region.rhs)
    g = inside * bound * directions / np.linalg.norm(directions, axis=0)
    w = np.array(verdict.point, dtype=float)[:, None] + np.linalg.solve(h, g)
    for column in w.T[:3]:
        here = dict(zip(landscape.symbols, column, strict=True))
        assert float(verdict.region.lhs.subs(here)) == pytest.approx(inside * bound)
    return torch.as_tensor(w)


@pytest.mark.parametrize(("landscape", "point"), [(PLANE, PLANE_AT), (SPACE, SPACE_AT)], ids=["plane", "space"])
def test_flows_in_the_trap_come_in(landscape: sd.Landscape, point: tuple[float, ...]) -> None:
    """½‖∇L‖² falls along the flow everywhere in the region, and not everywhere around it."""
    flow = sd.Flow(landscape, sd.SAM(0.3))
    verdict = sd.stability(flow, point)

    def change(inside: float) -> torch.Tensor:
        w = starts_in(verdict, 2000, inside)
        return (landscape.grad(w) * landscape.grad.hvp(w, flow(w))).sum(0)

    assert all(bool((change(inside) < 0).all()) for inside in (0.01, 0.3, 0.7, 0.999))
    assert bool((change(1.05) > 0).any())


@pytest.mark.parametrize(("landscape", "point"), [(PLANE, PLANE_AT), (SPACE, SPACE_AT)], ids=["plane", "space"])
def test_maps_in_the_trap_stay(landscape: sd.Landscape, point: tuple[float, ...]) -> None:
    lam = np.linalg.eigvalsh(np.array(landscape.hessian_matrix, dtype=float))
    nearest = -lam[lam < 0].max()
    largest = min(nearest / lam[-1] ** 2, nearest / lam[0] ** 2, 2 * nearest / (lam[-1] * (lam[-1] + nearest)))
    map_ = sd.Map(landscape, sd.SAM(0.3), lr=0.999 * largest)
    verdict = sd.stability(map_, point)
    bound = float(verdict.region.rhs)

    def gradients(map_: sd.Map, steps: int) -> float:
        w = torch.cat([starts_in(verdict, 500, inside) for inside in (1e-6, 1e-3, 0.5, 0.999)], dim=1)
        most = 0.0
        for _ in range(steps):
            (w,) = map_.step((w,))
            most = max(most, float(landscape.grad(w).norm(dim=0).max()))
        return most

    assert gradients(map_, 300) < bound
    # A larger step throws runs out of the region, and gets no trap.
    larger = replace(map_, lr=1.2 * largest)
    assert gradients(larger, 1) > bound
    assert sd.stability(larger, point).trap is None
    assert "η is too large" in sd.stability(larger, point).note


def test_what_has_no_closed_form_gets_none() -> None:
    assert sd.stability(sd.Map(PLANE, sd.SAM(0.3), lr=0.01, momentum=0.9), PLANE_AT).trap is None
    assert sd.stability(sd.Flow(PLANE, sd.SAM(0.3), order=2, lr=0.01), PLANE_AT).trap is None
    bowl = sd.stability(sd.Flow(BOWL, sd.SAM(0.3)), (0, 0))
    assert bowl.trap is None
    assert "No direction leads away" in bowl.note


def test_the_trap_is_known_by_the_field_and_not_by_the_class() -> None:
    trap = sd.stability(sd.Flow(PLANE, sd.SAM(0.3)), PLANE_AT).trap
    assert trap is not None
    assert sd.stability(sd.Flow(PLANE, ByLength(0.3)), PLANE_AT).trap == trap
    assert sd.stability(sd.Flow(PLANE, sd.ASAM(0.3, weights=(False, False))), PLANE_AT).trap == trap
    assert sd.stability(sd.Flow(PLANE, Twice(0.3)), PLANE_AT).trap is None


# Measured.


@pytest.mark.slow
@pytest.mark.parametrize("method", [sd.UASAM(0.1), sd.USAM(0.1, ascent_steps=2, average=True)], ids=str)
def test_thresholds_as_measured(method: sd.Method) -> None:
    map_ = sd.Map(PLANE, method, lr=0.01, momentum=0.5)
    (point,) = sd.critical_points(PLANE)
    measured = analysis.trapping_threshold(map_, point)
    assert measured == pytest.approx(float(sd.stability(map_, point).condition.inf), rel=0.005)


# Points.


def test_points_are_recognised() -> None:
    for point in sd.critical_points(BEALE):
        verdict = sd.stability(sd.Flow(BEALE, sd.USAM(0.1)), point)
        if point.kind == "minimum":
            assert verdict.point == (3, HALF)
        assert [float(v) for v in verdict.hessian_eigenvalues] == pytest.approx(point.eigenvalues, rel=1e-9)
    himmelblau = sd.landscapes.himmelblau()
    for point in sd.critical_points(himmelblau)[::3]:
        verdict = sd.stability(sd.Flow(himmelblau, sd.USAM(0.1)), point)
        assert verdict.exact == (tuple(np.round(point.w, 9)) == (3.0, 2.0))
        assert [float(c) for c in verdict.point] == pytest.approx(point.w, rel=1e-12)
        assert (verdict.relational == sympy.true) == (point.kind == "minimum")
        if point.kind != "minimum":
            threshold = -1 / point.eigenvalues[point.eigenvalues < 0].max()
            assert float(verdict.condition.inf) == pytest.approx(threshold, rel=1e-12)


def test_points_in_any_form() -> None:
    flow = sd.Flow(BEALE, sd.USAM(0.1))
    for point in [(3, HALF), [3.0, 0.5], np.array([3.0, 0.5]), torch.tensor([3.0, 0.5]), sympy.Matrix([3, HALF])]:
        assert sd.stability(flow, point).point == (3, HALF)
    assert sd.stability(flow, (3 + 1e-12, 0.5)).point == (3, HALF)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ((0, 0), r"is not critical: ‖∇L‖ = 12\.8 there. Give one that samdyn.critical_points finds"),
        ((3 + 1e-6, 0.5), "is not critical"),
        ((HALF, HALF), "is not critical"),
        ((0, 1, 2), r"has 3 coordinate\(s\) where .*Beale.* has 2"),
        (3, "must be real numbers"),
        ("01", "must be real numbers"),
        ((0, "y"), "must be real numbers"),
        ((0, float("nan")), "must be real numbers"),
        ((0, sympy.Symbol("a", real=True)), "must be real numbers"),
        ((0, 1j), "must be real numbers"),
        (np.zeros((2, 2)), "must be real numbers"),
    ],
)
def test_bad_points(point: object, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.stability(sd.Flow(BEALE, sd.USAM(0.1)), point)


@pytest.mark.parametrize(
    ("formula", "point"),
    [
        ("abs(x) + y**2/2", (0, 0)),
        ("relu(x)**2 + y**2", (0, 0)),
        ("Max(x, -y) + y**2", (0, 0)),
        ("abs(x)**1.5 + y**2", (0, 0)),
    ],
)
def test_kinks_have_no_hessian(formula: str, point: tuple[int, int]) -> None:
    with pytest.raises(sd.InputError, match=r"the landscape has no Hessian there|is not critical"):
        sd.stability(sd.Flow(sd.Landscape(formula, "x y"), sd.USAM(0.1)), point)


def test_smooth_enough_is_no_kink() -> None:
    verdict = sd.stability(sd.Flow(sd.Landscape("abs(x)**3 + y**2", "x y"), sd.USAM(0.1)), (0, 0))
    assert verdict.hessian == sympy.diag(0, 2)
    away = sd.stability(sd.Flow(sd.Landscape("abs(x - 2)*(x - 1)**2 + y**2", "x y"), sd.USAM(0.1)), (1, 0))
    assert away.hessian == sympy.diag(2, 2)


def test_other_bad_input() -> None:
    with pytest.raises(sd.InputError, match=r"lr = eta: the condition is solved at one number"):
        sd.stability(sd.Map(BEALE, sd.USAM(0.1), lr=ETA), (0, 1))
    with pytest.raises(sd.InputError, match=r"momentum = gamma: the condition is solved at one number"):
        sd.stability(sd.Map(BEALE, sd.USAM(0.1), lr=0.1, momentum=GAMMA), (0, 1))
    with pytest.raises(sd.InputError, match=r"rho = .*must be one number, or a symbol"):
        sd.stability(sd.Flow(BEALE, sd.USAM(torch.tensor([0.1, 0.2]))), (0, 1))
    with pytest.raises(sd.InputError, match=r"has 11 coordinates.*growth_rate"):
        sd.stability(sd.Flow(sd.landscapes.quadratic([1.0] * 11), sd.USAM(0.1)), [0] * 11)
    with pytest.raises(sd.InputError, match=r"is critical, but .*Decay.* does not rest there"):
        sd.stability(sd.Flow(BEALE, Decay()), (0, 1))


# As text.


def test_table_and_latex() -> None:
    verdict = sd.stability(sd.Map(BEALE, sd.USAM(0.5), lr=0.0001), (0, 1))
    assert str(verdict) == verdict.table()
    assert verdict.table().splitlines() == [
        "USAM (ρ = 0.5) map (η = 0.0001) at (0, 1) of Beale: attractor",
        "λₑ = λ*(λ*ρ + 1); 0 < η*λ*(λ*ρ + 1); η*λ*(λ*ρ + 1) < 2",
        "  λ of H       λₑ  attracts for",
        "  -111/4  357.281  4/111 < ρ < 26.008",
        "   111/4  412.781  ρ < 25.9359",
        "   point           4/111 < ρ < 25.9359",
        "multipliers: 0.958722, 0.964272",
    ]
    assert r"\frac{4}{111} < \rho" in verdict.latex()
    assert r"\lambda_e = \lambda \left(\lambda \rho + 1\right)" in verdict.latex()
    assert "Hₑ = [[5*ρ + 2, " in sd.stability(sd.Flow(PLANE, sd.UASAM(0.1)), PLANE_AT).table()
    assert "never" in sd.stability(sd.Flow(BEALE, sd.GD()), (0, 1)).table()
    held = sd.stability(sd.Flow(sd.landscapes.saddle(), sd.SAM(0.5)), (0, 0))
    assert "holds every start with 2*sqrt(x**2 + y**2) < 2*ρ" in held.table()
    local = sd.stability(sd.Flow(BEALE, sd.SAM(0.5)), (0, 1))
    assert len(local.note) > 200
    assert max(map(len, local.table().splitlines())) <= 100
    assert local.note in " ".join(local.table().splitlines())
    assert held.latex() == r"2 \sqrt{x^{2} + y^{2}} < 2 \rho"


@pytest.mark.parametrize(("names", "word"), [("rho eta", "radius"), ("ρ radius", "radius'")])
def test_coordinates_may_be_called_as_parameters_are(names: str, word: str) -> None:
    first, second = names.split()
    verdict = sd.stability(sd.Map(sd.Landscape(f"{first}**2 - {second}**2", names), sd.SAM(0.1), lr=0.01), (0, 0))
    (line,) = (line for line in str(verdict).splitlines() if line.startswith("holds every start"))
    assert line.endswith(f" < 2*{word}")
    assert "< 2 radius" in verdict.latex()
    assert verdict.region.free_symbols == set(verdict.system.landscape.symbols)


def test_a_mean_over_points_rests_on_quadratics_alone() -> None:
    """Gaussian smoothing moves the critical points of Beale's function, and not that of a quadratic."""
    smooth = sd.methods.GaussianSmoothing(0.1)
    assert sd.stability(sd.Flow(sd.landscapes.saddle(), smooth), (0, 0)).kind == "saddle"
    with pytest.raises(sd.InputError, match=r"is critical, but GaussianSmoothing.* does not rest there"):
        sd.stability(sd.Flow(sd.landscapes.beale(), smooth), (3, 0.5))
