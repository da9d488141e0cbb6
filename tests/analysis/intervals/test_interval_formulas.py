"""Intervals of formulas against mpmath, in many digits at points and in intervals of its own."""

from importlib import import_module

import mpmath
import numpy as np
import pytest
import sympy

import samdyn as sd
from samdyn.analysis.intervals.formula import IntervalFormulas, UnknownFunctionError
from samdyn.landscapes.formulas import special
from samdyn.landscapes.formulas.derivatives import Derivatives
from samdyn.landscapes.formulas.parse import FUNCTIONS, parse
from samdyn.landscapes.formulas.stable import stable

X, Y = sympy.symbols("x y", real=True)
mp = mpmath.mp.clone()
mp.dps = 50

EXACT = {  # the functions that samdyn adds to SymPy's, from their definitions
    "LogSumExp": lambda *u: mp.log(mp.fsum(map(mp.exp, u))),
    "Logistic": lambda u: 1 / (1 + mp.exp(-u)),
    "SoftMax": lambda v, *u: mp.exp(v) / mp.fsum(map(mp.exp, u)),
    "LogCosh": lambda u: mp.log(mp.cosh(u)),
    "Tanh": mp.tanh,
    "Sech": mp.sech,
    "SinhExp": lambda u, v: mp.sinh(u) * mp.exp(v),
    "CoshExp": lambda u, v: mp.cosh(u) * mp.exp(v),
    "Largest": max,
    "Smallest": min,
    "Step": lambda u: mp.mpf(u > 0),
    "Heaviside": lambda u, at_zero=0: at_zero if u == 0 else mp.mpf(u > 0),
    "Where": lambda u, v: v if u > 0 else mp.mpf(0),
    "Max": max,
    "Min": min,
    "Abs": abs,
    "sign": mp.sign,
}


def exact(expr: sympy.Expr, values: dict[sympy.Symbol, mpmath.mpf]) -> mpmath.mpf:
    """Return the value of an expression to 50 digits."""
    if expr.is_Symbol:
        return values[expr]
    if isinstance(expr, sympy.Rational):
        return mp.mpf(int(expr.p)) / int(expr.q)
    if expr.is_number:
        return mp.mpf(str(expr.evalf(50)))
    arguments = [exact(a, values) for a in expr.args]
    if expr.is_Add:
        return mp.fsum(arguments)
    if expr.is_Mul:
        return mp.fprod(arguments)
    if expr.is_Pow:
        base, exponent = arguments
        return base ** int(expr.exp) if expr.exp.is_Integer else mp.power(base, exponent)
    name = type(expr).__name__
    return EXACT[name](*arguments) if name in EXACT else getattr(mp, name)(*arguments)


def boxes(seed: int, n: int, size: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Return n random boxes (2, n), from thin ones to some as large as the plane that is looked at."""
    rng = np.random.default_rng(seed)
    middle, half = rng.uniform(-size, size, (2, n)), size * 10 ** rng.uniform(-14, 0, (2, n))
    return middle - half, middle + half


def check(expressions: list[sympy.Expr], low: np.ndarray, high: np.ndarray, seed: int = 0) -> None:
    """Check that the exact values at points of each box lie in its intervals."""
    results, marks = IntervalFormulas((X, Y), expressions)(low, high)
    rng = np.random.default_rng(seed)
    for i in range(low.shape[1]):
        for share in (np.zeros(2), np.ones(2), *rng.random((4, 2))):
            w = np.clip(low[:, i] + share * (high[:, i] - low[:, i]), low[:, i], high[:, i])
            for expr, result in zip(expressions, results, strict=True):
                try:
                    value = exact(expr, {X: mp.mpf(w[0]), Y: mp.mpf(w[1])})
                except ZeroDivisionError:
                    continue
                if isinstance(value, mp.mpc):
                    assert marks.rough[i]  # the formula is not real everywhere in the box
                    continue
                assert not marks.undefined[i]
                assert mp.mpf(result.low[i]) <= value <= mp.mpf(result.high[i]), (expr, w)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"relu", "abs"}))
def test_functions_of_formulas(name: str) -> None:
    function = FUNCTIONS[name]
    arguments = (X + Y / 3, 3 * X * Y) if function.variadic else (X + Y / 3,)
    for size in (0.01, 3.0, 30.0):
        check([function.of_symbols(*arguments)], *boxes(1, 60, size))


@pytest.mark.parametrize("name", ["Logistic", "LogCosh", "Tanh", "Sech", "Step"])
def test_functions_of_one_argument(name: str) -> None:
    for size in (0.01, 3.0, 300.0):
        check([getattr(special, name)(X)], *boxes(2, 60, size))


@pytest.mark.parametrize("name", ["LogSumExp", "SoftMax", "SinhExp", "CoshExp", "Largest", "Smallest", "Where"])
def test_functions_of_several_arguments(name: str) -> None:
    arguments = (X, X, Y, sympy.Integer(0)) if name == "SoftMax" else (X, Y)
    for size in (0.01, 3.0, 300.0):
        check([getattr(special, name)(*arguments)], *boxes(3, 60, size))


@pytest.mark.parametrize("power", ["1/2", "-1/2", "1/3", "5/2", "-3/4", "7", "-3", "20"])
def test_powers(power: str) -> None:
    check([X ** sympy.Rational(power)], *boxes(4, 60))


def test_powers_with_coordinates_as_exponents() -> None:
    check([(1 + X**2) ** (Y / 2)], *boxes(4, 60))


@pytest.mark.parametrize("name", sorted(sd.landscapes.catalogue()))
def test_gradients_and_hessians_of_the_catalogue(name: str) -> None:
    landscape = sd.landscapes.named(name)
    expr = landscape.expr.xreplace(dict(zip(landscape.symbols, (X, Y), strict=True)))
    derivatives = Derivatives(stable(expr), (X, Y))
    check([*derivatives.gradient, *derivatives.hessian], *boxes(5, 40))


FORMULAS = ["exp(-3*x**2 - y)*sin(2*x*y)", "(x*y - 1)**2/(1 + x**2)", "log(2 + cos(x))*sqrt(1 + y**2) - pi*x/7"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_intervals_of_mpmath(formula: str) -> None:
    """mpmath computes the intervals of the same operations in 100 bits: ours contain them, and are hardly wider."""
    expr = parse(formula, (X, Y))
    low, high = boxes(6, 200)
    (ours,), _ = IntervalFormulas((X, Y), [expr])(low, high)
    iv = mpmath.iv.clone() if hasattr(mpmath.iv, "clone") else mpmath.iv
    before, iv.prec = iv.prec, 100
    try:
        function = sympy.lambdify(
            (X, Y), expr, modules=[{n: getattr(iv, n) for n in ("exp", "sin", "cos", "log", "sqrt")}]
        )
        namespace = function.__globals__
        namespace["pi"] = iv.pi
        for i in range(200):
            theirs = function(iv.mpf([low[0, i], high[0, i]]), iv.mpf([low[1, i], high[1, i]]))
            a, b = mp.mpf(theirs.a), mp.mpf(theirs.b)
            assert ours.low[i] <= a
            assert b <= ours.high[i]
            # Some thirty operations are rounded, by up to 2⁻⁴⁸ of the largest number that occurs, about 100.
            assert ours.high[i] - ours.low[i] <= (b - a) * (1 + mp.mpf(10) ** -11) + 1e-11 * max(1, abs(a), abs(b))
    finally:
        iv.prec = before


def test_where_formulas_are_not_smooth() -> None:
    low, high = np.array([[-1.0, 1.0, -3.0, 0.0]]), np.array([[1.0, 2.0, -2.0, 0.0]])
    for expr, rough, undefined in [
        (sympy.sign(X), [1, 0, 0, 0], [0, 0, 0, 0]),
        (special.Step(X), [1, 0, 0, 0], [0, 0, 0, 0]),
        (1 / X, [1, 0, 0, 1], [0, 0, 0, 1]),
        (sympy.log(X), [1, 0, 1, 1], [0, 0, 1, 1]),
        (sympy.sqrt(X), [1, 0, 1, 0], [0, 0, 1, 0]),
        (sympy.tan(X), [0, 1, 0, 0], [0, 0, 0, 0]),  # its pole is at π/2
        (sympy.Abs(X), [0, 0, 0, 0], [0, 0, 0, 0]),  # continuous
    ]:
        _, marks = IntervalFormulas((X,), [expr])(low, high)
        assert marks.rough.tolist() == list(map(bool, rough)), expr
        assert marks.undefined.tolist() == list(map(bool, undefined)), expr


def test_poles_of_the_tangent() -> None:
    """Each interval reaches from below a pole to the first number above it, for poles up to 1e6."""
    poles = [(int(k) + mp.mpf(1) / 2) * mp.pi for k in np.random.default_rng(0).integers(-300_000, 300_000, 2000)]
    high = np.array([float(p) if mp.mpf(float(p)) > p else np.nextafter(float(p), np.inf) for p in poles])
    _, marks = IntervalFormulas((X,), [sympy.tan(X)])(high[None] - 1e-3, high[None])
    assert marks.rough.all()


def test_a_step_has_every_value_between_its_sides() -> None:
    (step,), _ = IntervalFormulas((X,), [special.Step(X)])(np.array([[-1.0, 0.0]]), np.array([[0.0, 1e-300]]))
    assert (step.low.tolist(), step.high.tolist()) == ([0, 0], [0, 1])


def test_an_unknown_function() -> None:
    with pytest.raises(UnknownFunctionError, match="gamma"):
        IntervalFormulas((X,), [sympy.gamma(X)])


def test_a_wrong_function_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exponential that rounds to nearest loses values, and the comparison above sees it."""
    module = import_module("samdyn.analysis.intervals.functions")
    monkeypatch.setitem(
        module.FUNCTIONS, "exp", lambda marks, u: module.Interval(np.exp(u.low), np.nextafter(np.exp(u.high), 0))
    )
    with pytest.raises(AssertionError):
        check([sympy.exp(X)], *boxes(1, 60))
