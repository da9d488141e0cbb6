"""Stability with a symbol for a parameter of the landscape is, at every value, stability with the number."""

from typing import Any

import pytest
import sympy

import samdyn as sd
from samdyn.symbolic import RHO

A, B = sympy.Symbol("a", positive=True), sympy.Symbol("b", real=True)
SADDLE = sd.Landscape("x**2 - a*y**2", "x y", parameters={"a": A})
FOLD = sd.Landscape("x**3/3 - a*x + y**2/2", "x y", parameters={"a": A})
TURNED = sd.Landscape("a*x*y + x**2", "x y", parameters={"a": A})
CHAIN = sd.Landscape("x**2 + y**2 + z**2 + a*x*y + y*z", "x y z", parameters={"a": A})
SHIFTED = sd.Landscape("(x - a)**2 - y**2", "x y", parameters={"a": A})


def flow(landscape: sd.Landscape, method: sd.Method) -> sd.Flow:
    return sd.Flow(landscape, method)


def map_(landscape: sd.Landscape, method: sd.Method) -> sd.Map:
    return sd.Map(landscape, method, lr=0.1, momentum=0.5 if landscape.dim < 3 else 0.0)


@pytest.mark.parametrize("make", [flow, map_])
@pytest.mark.parametrize(
    ("landscape", "method", "point"),
    [
        (SADDLE, sd.USAM(0.1), (0, 0)),
        (SADDLE, sd.USAM(0.1, ascent_steps=2), (0, 0)),
        (SADDLE, sd.GD(), (0, 0)),
        (FOLD, sd.USAM(0.1), (-sympy.sqrt(A), 0)),
        (FOLD, sd.ExactSAM(0.1), (sympy.sqrt(A), 0)),
        (TURNED, sd.USAM(0.1), (0, 0)),
        (CHAIN, sd.USAM(0.1), (0, 0, 0)),
        (SHIFTED, sd.USAM(0.1), (A, 0)),
    ],
    ids=str,
)
def test_at_every_value_it_is_the_condition_of_the_number(make: Any, landscape: Any, method: Any, point: Any) -> None:
    verdict = sd.stability(make(landscape, method), point)
    assert verdict.exact
    for a in (sympy.Rational(1, 4), sympy.Integer(1), sympy.Integer(9)):
        here = tuple(sympy.sympify(c).subs(A, a) for c in point)
        number = sd.stability(make(landscape.with_parameters(a=float(a)), method), here)
        assert verdict.hessian.subs(A, a) == number.hessian
        polynomial = verdict.characteristic_polynomial.subs(A, a) - number.characteristic_polynomial  # type: ignore[union-attr]
        assert sympy.simplify(polynomial) == 0
        if verdict.hessian_eigenvalues:
            values = [lam.subs(A, a) for lam in verdict.hessian_eigenvalues]
            assert sorted(values, key=sympy.N) == pytest.approx(sorted(number.hessian_eigenvalues, key=sympy.N))
        for rho in (sympy.Rational(1, 100), sympy.Rational(1, 10), sympy.Rational(4, 5), sympy.Integer(3)):
            assert verdict.relational.subs({A: a, RHO: rho}) == number.relational.subs(RHO, rho), (a, rho)


def test_what_a_reader_sees() -> None:
    verdict = sd.stability(sd.Flow(FOLD, sd.USAM(0.1)), (-sympy.sqrt(A), 0))
    assert verdict.kind == "depends on a"
    assert verdict.hessian_eigenvalues == (-2 * sympy.sqrt(A), 1)
    assert verdict.eigenvalues is None
    assert verdict.relational == sympy.StrictGreaterThan(RHO, 1 / (2 * sympy.sqrt(A)))
    assert verdict.conditions[0].inequalities[0].has(A)
    assert verdict.attracts_for == "ρ > 1/(2*sqrt(a))"
    assert "-2*sqrt(a)  -2*sqrt(a)*(1 - sqrt(a)/5)  ρ > 1/(2*sqrt(a))" in str(verdict)
    assert r"\rho > \frac{1}{2 \sqrt{a}}" in verdict.latex()
    assert "sqrt{a}" in verdict._repr_html_()
    greek = sd.Landscape("x**2 - alpha_1*y**2", "x y", parameters={"alpha_1": sympy.Symbol("alpha_1", positive=True)})
    assert r"\frac{1}{2 \alpha_{1}}" in sd.stability(sd.Flow(greek, sd.USAM(0.1)), (0, 0)).latex()
    both = sd.stability(sd.Flow(SADDLE, sd.USAM(RHO)), (0, 0))
    assert both.kind == "depends on rho and a"


def test_without_the_sign_of_a_the_inequality_stays() -> None:
    verdict = sd.stability(sd.Flow(SADDLE.with_parameters(a=B), sd.USAM(0.1)), (0, 0))
    for b, rho in ((1, 0.6), (1, 0.4), (-1, 0.4), (2, 0.3)):
        held = verdict.relational.subs({B: b, RHO: rho})
        number = sd.stability(sd.Flow(SADDLE.with_parameters(a=b), sd.USAM(0.1)), (0, 0))
        assert held == number.relational.subs(RHO, rho)


def test_the_point_alone_may_depend_on_the_symbol() -> None:
    verdict = sd.stability(sd.Flow(SHIFTED, sd.USAM(0.1)), (A, 0))
    assert verdict.point == (A, 0)
    assert (verdict.kind, verdict.condition) == ("saddle", sympy.Interval.open(sympy.Rational(1, 2), sympy.oo))
    assert verdict.eigenvalues == pytest.approx([-2.4, 1.6])


def test_the_trap_of_normalised_sam() -> None:
    verdict = sd.stability(sd.Flow(SADDLE, sd.SAM(0.1)), (0, 0))
    assert verdict.kind == "no Jacobian"
    number = sd.stability(sd.Flow(SADDLE.with_parameters(a=4), sd.SAM(0.1)), (0, 0))
    x, y = SADDLE.symbols
    for place in ((0.1, 0.2), (0.3, 0.01), (1.0, 1.0)):
        at = {x: place[0], y: place[1], RHO: 0.3}
        assert verdict.trap.subs({**at, A: 4}) == number.trap.subs(at)  # type: ignore[union-attr]
    for open_ in (sd.Map(SADDLE, sd.SAM(0.1), lr=0.1), sd.Flow(SADDLE.with_parameters(a=B), sd.SAM(0.1))):
        verdict = sd.stability(open_, (0, 0))
        assert verdict.trap is None
        assert "does not follow from what is known of the symbols" in verdict.note


def test_singular_hessians_are_noted() -> None:
    chain = sd.Landscape("x**2 + a*x*y + x*z", "x y z", parameters={"a": A})  # rank 2
    assert "singular" in sd.stability(sd.Flow(chain, sd.USAM(0.1)), (0, 0, 0)).note


def test_numbers_are_as_before() -> None:
    written = sd.stability(sd.Flow(sd.Landscape("x**2 - 2*y**2", "x y"), sd.USAM(0.1)), (0, 0))
    verdict = sd.stability(sd.Flow(SADDLE.with_parameters(a=2), sd.USAM(0.1)), (0, 0))
    assert (verdict.kind, verdict.condition, verdict.conditions) == (
        written.kind,
        written.condition,
        written.conditions,
    )
    assert "of -a*y**2 + x**2, a = 2: saddle" in str(verdict)
    assert (
        sd.symbolic.predicted_boundary(sd.Map(SADDLE.with_parameters(a=2), sd.USAM(0.1), lr=0.1), [-4, 2]).low == 0.25
    )  # type: ignore[union-attr]


KINK = sd.Landscape("abs(x - a) + y**2", "x y", parameters={"a": A})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: sd.stability(sd.Flow(FOLD, sd.GD()), (1, 0)),
            r"is not critical at every value of a: ∇L = \(1 - a, 0\)",
        ),
        (
            lambda: sd.stability(sd.Flow(FOLD, sd.GD()), (B, 0)),
            "must be real numbers: no parameter of the landscape has a value in b",
        ),
        (lambda: sd.stability(sd.Flow(SADDLE, sd.GD()), (0, 0, 0)), "has 3 coordinate"),
        (
            lambda: sd.stability(sd.Flow(SADDLE.with_parameters(a=[1, 2]), sd.GD()), (0, 0)),
            r"a = \[1.0, 2.0\]: must be one number, or a symbol",
        ),
        (lambda: sd.stability(sd.Flow(KINK, sd.GD()), (A, 0)), "no Hessian there: a kink"),
        (
            lambda: sd.stability(sd.Flow(FOLD.with_parameters(a=A - 100), sd.GD()), (sympy.sqrt(A - 100), 0)),
            "is real at none of the values",
        ),
        (lambda: sd.analysis.exact_critical_points(SADDLE), "coefficients that are not rational"),
    ],
)
def test_bad_input(call: Any, said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        call()
