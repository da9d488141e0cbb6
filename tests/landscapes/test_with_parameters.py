"""A landscape with parameters is, at every value, the landscape with the number written in."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd

# Formulas with the parameters a and b, and the values at which they are compared.
FORMULAS = [
    ("x**3/3 - a*x + b*y**2/2", [(1.0, 1.0), (0.3, -2.0), (-1.5, 0.0)]),
    ("a*b - x**2*y", [(1.0, 2.0), (0.0, 0.5)]),  # a term without coordinates
    ("a*x + b*y", [(2.0, -1.0)]),  # a gradient without coordinates
    ("exp(a*x)*cos(b*y) + tanh(a + x*y)", [(0.5, 2.0), (-0.7, 0.1)]),
    ("log(1 + exp(a*x - b*y))", [(1.0, 3.0)]),
    ("relu(x - a) + abs(y - b) + Max(a*x, b*y, x*y)", [(0.25, -0.5)]),
    ("(x**2 + 1)**a + (y**2 + 0.5)**b", [(1.5, -0.5), (2.0, 3.0)]),
    ("sqrt(x**2 + a**2) + y**2/(b + y**2)", [(0.5, 1.0)]),
]
POINTS = np.random.default_rng(0).uniform(-2, 2, (2, 50))
FOLD = sd.Landscape("x**3/3 - a*x + y**2/2", "x y", parameters={"a": 1})


def values_of(landscape: sd.Landscape, w: Any) -> list[torch.Tensor]:
    return [landscape.value(w), landscape.grad(w), landscape.hessian(w), landscape.grad.hvp(w, w)]


@pytest.mark.parametrize(("formula", "values"), FORMULAS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_numbers_are_those_of_the_number_written_in(formula: str, values: list, dtype: torch.dtype) -> None:
    landscape = sd.Landscape(formula, "x y", parameters={"a": 1, "b": 1})
    w = torch.as_tensor(POINTS, dtype=dtype)
    for a, b in values:
        written = sd.Landscape(_written(formula, a=a, b=b), "x y")
        here = landscape.with_parameters(a=a, b=b)
        for mine, theirs in zip(values_of(here, w), values_of(written, w), strict=True):
            assert mine.dtype == dtype
            assert mine.shape == theirs.shape
            # Some operations in another order; second derivatives of powers lose some digits.
            torch.testing.assert_close(
                mine, theirs, rtol=200 * torch.finfo(dtype).eps, atol=200 * torch.finfo(dtype).eps
            )


def _written(formula: str, **values: float) -> sympy.Expr:
    """Return a formula with numbers in place of its parameters."""
    names = sympy.symbols([*"xy", *values], real=True)
    read = sd.Landscape(formula, [s.name for s in names]).expr
    return read.xreplace({sympy.Symbol(n, real=True): sympy.Rational(str(v)) for n, v in values.items()})


@pytest.mark.parametrize(("formula", "values"), FORMULAS)
def test_one_value_per_run_is_each_value_alone_to_the_bit(formula: str, values: list) -> None:
    rng = np.random.default_rng(1)
    spread = [values[i % len(values)] for i in range(POINTS.shape[1])]
    a, b = np.array(spread).T
    landscape = sd.Landscape(formula, "x y", parameters={"a": a, "b": torch.as_tensor(b)})
    alone = [landscape.with_parameters(a=float(x), b=float(y)) for x, y in zip(a, b, strict=True)]
    together = values_of(landscape, POINTS)
    for i in rng.integers(0, POINTS.shape[1], 8):
        for mine, theirs in zip(together, values_of(alone[i], POINTS[:, i : i + 1].repeat(50, 1)), strict=True):
            assert torch.equal(mine[..., i], theirs[..., i])


def test_one_point_for_every_value() -> None:
    many = FOLD.with_parameters(a=[1, 2, 4])
    assert many.value([1.0, 0.0]).tolist() == pytest.approx([1 / 3 - 1, 1 / 3 - 2, 1 / 3 - 4])
    assert many.grad([1.0, 0.5]).tolist() == [[0, -1, -3], [0.5, 0.5, 0.5]]
    assert many.hessian([1.0, 0.5]).shape == (2, 2, 3)
    assert many.grad(torch.ones(2, 1)).shape == (2, 3)
    assert many.grad(torch.ones(2, 5, 3)).shape == (2, 5, 3)  # the last axis is that of the runs


def test_derivatives_by_a_parameter() -> None:
    a = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    value = FOLD.with_parameters(a=a).value(torch.tensor([[3.0, 5.0], [0.0, 0.0]], dtype=torch.float64))
    (slope,) = torch.autograd.grad(value.sum(), a)
    assert slope.tolist() == [-3, -5]  # ∂L/∂a = −x


def test_formulas_are_those_of_the_number_written_in() -> None:
    written = sd.Landscape("x**3/3 - 0.3*x + y**2/2", "x y")
    here = FOLD.with_parameters(a=0.3)
    assert here.expr == written.expr
    assert here.gradient == written.gradient
    assert here.hessian_matrix == written.hessian_matrix
    assert here.formula == written.formula
    assert not here.is_quadratic
    assert sd.Landscape("a*x**3 + x**2", "x", parameters={"a": 0}).is_quadratic
    assert [p.w.tolist() for p in sd.critical_points(here)] == [p.w.tolist() for p in sd.critical_points(written)]


def test_symbols_stay_in_formulas() -> None:
    a, c = sympy.Symbol("a", positive=True), sympy.Symbol("c", real=True)
    x = FOLD.symbols[0]
    assert FOLD.with_parameters(a=a).gradient[0] == x**2 - a
    assert FOLD.with_parameters(a=c**2).gradient[0] == x**2 - c**2
    assert FOLD.with_parameters(a=[1, 2]).gradient[0] == x**2 - sympy.Symbol("a", real=True)
    for use in (lambda s: s.value([1.0, 1.0]), lambda s: s.grad([1.0, 1.0]), sd.critical_points):
        with pytest.raises(sd.InputError, match="a = a: is a formula, and numbers of the loss need a number"):
            use(FOLD.with_parameters(a=a))


def test_a_power_with_a_parameter_has_derivatives_at_zero() -> None:
    """SymPy derives x**p to p*x**p/x, which is 0/0 there."""
    power = sd.Landscape("x**p", "x", parameters={"p": 3})
    assert power.grad([0.0]).tolist() == [0.0]
    assert power.hessian([0.0]).tolist() == [[0.0]]


def test_other_values_share_the_code() -> None:
    other = FOLD.with_parameters(a=2)
    assert other._code is FOLD._code
    assert other.with_parameters(a=[1, 2])._code is FOLD._code
    assert FOLD.parameters == {"a": 1.0}
    FOLD.parameters["a"] = 7  # a copy
    assert FOLD.grad([1.0, 0.0]).tolist() == [0.0, 0.0]


def test_names() -> None:
    assert repr(FOLD) == "Landscape('-a*x + x**3/3 + y**2/2', 'x y', parameters={'a': 1.0})"
    assert FOLD.name == "-a*x + x**3/3 + y**2/2, a = 1"
    assert FOLD.with_parameters(a=1 / 3).name.endswith(", a = 0.333333")
    assert FOLD.with_parameters(a=sympy.Symbol("a", positive=True)).name == "-a*x + x**3/3 + y**2/2"
    assert FOLD.with_parameters(a=np.ones(100)).name.endswith("a = 100 values")
    own = sd.Landscape("a*x**2", "x", parameters={"a": 2}, name="bowl", box=[(0, 1)]).with_parameters(a=3)
    assert (own.name, repr(own), own.box) == ("bowl", "Landscape('bowl', 'x', parameters={'a': 3.0})", ((0, 1),))
    micro = sd.Landscape("µ*x**2", "x", parameters={"µ": 2})  # the micro sign, which Python reads as the Greek letter
    assert micro.with_parameters(μ=3).parameters == micro.with_parameters(µ=3).parameters == {"μ": 3.0}


@pytest.mark.parametrize("way", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize("value", [0.25, [1.0, 2.0], sympy.Symbol("a", positive=True) ** 2])
def test_copies(way: Any, value: Any) -> None:
    landscape = FOLD.with_parameters(a=value)
    other = way(landscape)
    assert (repr(other), other.name, other.expr, other.box) == (
        repr(landscape), landscape.name, landscape.expr, landscape.box,
    )  # fmt: skip
    if not isinstance(value, sympy.Expr):
        assert torch.equal(other.grad([1.0, 0.5]), landscape.grad([1.0, 0.5]))


def test_slices_keep_the_parameters_that_remain() -> None:
    landscape = sd.Landscape("a*x**2 + b*y**2 + x*y", "x y", parameters={"a": 2, "b": [3, 4]})
    along = landscape.restrict({"y": 0})
    assert along.parameters == {"a": 2.0}
    assert along.grad([1.0]).tolist() == [4.0]
    across = landscape.restrict({"x": 0.5})
    assert across.grad([1.0]).tolist() == [[6.5, 8.5]]
    with pytest.raises(sd.InputError, match=r"fixed = 'a': is a parameter; a slice fixes coordinates\. Use with_param"):
        landscape.restrict({"a": 1})


A = sympy.Symbol("a")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("a", "parameters = 'a': must be a dictionary of values by name"),
        (["a"], "must be a dictionary of values by name"),
        ({"x": 1}, "parameters = 'x': is a coordinate and a parameter"),
        ({"a": 1, "c": 1}, "parameters = 'c': is not in the formula"),
        ({"a": 1, "A": 1}, "parameters = 'A': is not in the formula"),
        ({"c": 1}, r"'a' is an unknown symbol; known are the coordinates x, y, the parameters c, pi"),
        ({}, "'a' is an unknown symbol; known are the coordinates x, y, pi"),
        *[({name: 1}, "taken by a setting") for name in ("rho", "ρ", "eta", "η", "lr", "gamma", "γ", "momentum", "λ")],
        *[({name: 1}, "taken by a function or constant") for name in ("sin", "pi", "Max")],
        *[({name: 1}, "must be a plain identifier") for name in ("a b", "lambda", "__a", "1a", "", 3, None)],
        *[
            ({"a": v}, "a = .*: must be a finite number")
            for v in (np.nan, np.inf, "1", None, True, 1j, [], [1, np.nan])
        ],
        ({"a": {}}, "must be a finite number"),
        ({"a": A}, "the symbol a need not be a real number"),
        ({"a": sympy.Symbol("x", real=True)}, "the symbol x stands for a coordinate or a setting already"),
        ({"a": 2 * sd.symbolic.RHO}, "the symbol rho stands for a coordinate or a setting already"),
        ({"a": 0}, r"parameters = {'a': 0.0}: the formula .* has no finite real value at these"),
    ],
)
def test_bad_input(parameters: Any, said: str) -> None:
    with pytest.raises(sd.InputError, match=said):
        sd.Landscape("x**2/a + y**2", "x y", parameters=parameters)


def test_bad_values() -> None:
    valley = sd.Landscape("x**2/width + y**2", "x y", parameters={"width": 1})
    with pytest.raises(sd.InputError, match=r"parameter = 'widht': .* Did you mean 'width'\? Known: width"):
        valley.with_parameters(widht=2)
    with pytest.raises(sd.InputError, match=r"width = 'wide': must be a finite number"):
        valley.with_parameters(width="wide")
    with pytest.raises(sd.InputError, match="has no finite real value at these"):
        valley.with_parameters(width=0)
    with pytest.raises(sd.InputError, match=r"parameter = 'a': .*saddle.* has no parameters"):
        sd.landscapes.saddle().with_parameters(a=1)
    with pytest.raises(sd.InputError, match=r"width = \[1.0, 2.0\]: has 2 numbers, one per run, and w has the shape"):
        valley.with_parameters(width=[1, 2]).value(np.ones((2, 3)))
    assert sd.landscapes.saddle().parameters == sd.landscapes.quadratic().parameters == {}
