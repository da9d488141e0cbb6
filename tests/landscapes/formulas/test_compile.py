"""Compiled code: what it can compute and what it refuses, when a landscape is made and not when it is first used."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
import torch

import samdyn as sd

X, Y = (sympy.Symbol(name, real=True) for name in "xy")
BATCH = torch.tensor([[0.5, -0.25, 0.75], [-0.5, 0.25, 0.125]], dtype=torch.float64)


@pytest.mark.parametrize(
    "expr",
    [
        sympy.gamma(X),
        sympy.besselj(1, X),
        sympy.erf(X),
        sympy.acos(X),
        sympy.atan2(Y, X),
        sympy.floor(X),
        sympy.Mod(X, 2),
        sympy.Piecewise((X, X > 0), (Y, True)),
        sympy.Function("f")(X),
        sympy.Integral(sympy.exp(X**2), X),
        sympy.I * X,
        sympy.oo * X,
    ],
    ids=str,
)
def test_expressions_are_computed_or_refused(expr):
    try:
        landscape = sd.Landscape(expr, "x y")
    except sd.InputError as error:
        assert "formula" in str(error)  # noqa: PT017 (being computed is as good)
    else:
        for i in range(BATCH.shape[1]):
            at = {X: BATCH[0, i].item(), Y: BATCH[1, i].item()}
            # A single operation or function of numbers of order one.
            assert landscape.value(BATCH)[i].item() == pytest.approx(float(expr.subs(at)), rel=1e-14)


def test_a_refusal_says_what_can_be_computed():
    with pytest.raises(sd.InputError, match=r"besselj.*cannot compute this function.*Known: exp, log"):
        sd.Landscape(sympy.besselj(1, X), "x y")


def test_unknown_symbols_of_an_expression_are_refused():
    with pytest.raises(sd.InputError, match=r"unknown symbols a, z\. Add them to the coordinates"):
        sd.Landscape(X + sympy.Symbol("a") * sympy.Symbol("z"), "x y")


def test_symbols_of_other_assumptions_are_other_symbols():
    # Symbol("x") without real=True would keep abs and sqrt from simplifying, and never be substituted.
    with pytest.raises(sd.InputError, match="unknown symbols x"):
        sd.Landscape(sympy.Symbol("x") ** 2, "x y")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_constants_are_as_wide_as_the_points(dtype):
    landscape = sd.Landscape("5 + 0*x", "x y")
    w = torch.ones(2, 3, dtype=dtype)
    assert landscape.value(w).tolist() == [5, 5, 5]
    assert landscape.grad(w).tolist() == [[0] * 3] * 2
    assert landscape.hessian(w).shape == (2, 2, 3)
    assert landscape.value(w).dtype == landscape.grad(w).dtype == landscape.hessian(w).dtype == dtype


def test_kinks_of_what_is_real_in_a_part_of_space_only():
    # SymPy cannot know that sqrt(x) - 1 is real, and differentiates |u| through real and imaginary parts if left alone.
    x = 0.25
    landscape = sd.Landscape("abs(sqrt(x) - 1) + sign(log(x))", "x")
    # d|√x − 1|/dx = sign(√x − 1)/(2√x) = −1 at x = ¼; −d(1/(2√x))/dx = 1/(4x^(3/2)) = 2.
    assert landscape.grad([x]).tolist() == pytest.approx([-1], rel=1e-14)
    assert landscape.hessian([x]).item() == pytest.approx(2, rel=1e-14)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan"])
def test_values_do_not_depend_on_how_many_there_are(name: str) -> None:
    """To the bit; torch's own sinh and cosh do."""
    landscape = sd.Landscape(f"{name}(x)", "x")
    w = torch.rand(1, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    together = landscape.value(w)
    for first in (0, 3):
        for number in range(1, 40):
            part = slice(first, first + number)
            assert (landscape.value(w[:, part].clone()) == together[part]).all()
    expected = getattr(torch, name)(w[0])
    torch.testing.assert_close(together, expected, rtol=4e-16, atol=1e-17)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x**2 + pi*y**2", 0.09 * (1 + math.pi)),
        ("x**2 + cos(pi*x) + y**2", 0.18 + math.cos(0.3 * math.pi)),
        ("x + pi*y", 0.3 * (1 + math.pi)),
        ("x**2 + 2*pi*x", 0.09 + 0.6 * math.pi),
        ("x*y + pi", 0.09 + math.pi),
        ("x**2 + exp(1)*y**2", 0.09 * (1 + math.e)),
        ("Max(x, pi)*y + pi*x", 0.6 * math.pi),
        ("Min(pi, x, y) + pi*Max(x, 2*pi, y*pi)", 0.3 + 2 * math.pi**2),
        ("pi**x + x*pi**2 + x**pi", math.pi**0.3 + 0.3 * math.pi**2 + 0.3**math.pi),
        ("pi*abs(x) + pi/y + log(pi)*x", 0.3 * math.pi + math.pi / 0.3 + 0.3 * math.log(math.pi)),
    ],
)
def test_constants_in_sums_products_and_powers(text: str, told: float) -> None:
    landscape = sd.Landscape(text, "x y")
    w = torch.full((2, 5), 0.3, dtype=torch.float64)
    # A few operations on numbers up to 20.
    assert landscape.value(w).tolist() == pytest.approx([told] * 5, rel=1e-14)
    assert landscape.grad(w).isfinite().all()
    assert landscape.hessian(w).isfinite().all()


def test_the_slope_of_a_cosine_of_pi_x() -> None:
    slope = sd.Landscape("x**2 + cos(pi*x) + y**2", "x y").grad([0.3, 0.3])
    assert slope.tolist() == pytest.approx([0.6 - math.pi * math.sin(0.3 * math.pi), 0.6], rel=1e-14)


@pytest.mark.parametrize(
    "text",
    ["(x**2 + y**2)**0.3", "x**5/5 - y**2", "x**7*y**-3", "abs(x)**2.5", "Max(x, 1)**y", "2**x", "x**-9 + y**33"],
)
def test_powers_do_not_depend_on_how_many_there_are(text: str) -> None:
    """To the bit, and as accurate as libm's: torch computes powers one way in an array and another way at its end."""
    landscape = sd.Landscape(text, "x y")
    w = torch.rand(2, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3 + 0.1
    for function in (lambda w: landscape.value(w)[None], landscape.grad, lambda w: landscape.hessian(w).flatten(0, 1)):
        together = function(w)
        for first, number in [(i, 1) for i in range(60)] + [(3, n) for n in range(2, 40)]:
            part = slice(first, first + number)
            assert (function(w[:, part].clone()) == together[:, part]).all()


@pytest.mark.parametrize("power", [*range(-9, 10), 0.3, 2.5, -1.5, 1 / 3, 40])
def test_powers_are_accurate(power: float) -> None:
    x = torch.rand(1, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 20 + 1e-3
    found = sd.Landscape(sympy.Symbol("x", real=True) ** sympy.Rational(power), "x").value(x)
    with mpmath.workdps(40):
        told = [mpmath.mpf(v) ** mpmath.mpf(power) for v in x[0].tolist()]
        errors = [float(abs(f / t - 1)) for f, t in zip(found.tolist(), told, strict=True)]
    # Seven products of half a unit each, at most, or one call of libm's pow.
    assert max(errors) <= 7 * 2.0**-53


def test_powers_at_zero_and_below() -> None:
    w = torch.tensor([[0.0, -2.0]], dtype=torch.float64)
    assert sd.Landscape("x**5", "x").value(w).tolist() == [0, -32]
    assert sd.Landscape("x**9", "x").value(w).tolist() == [0, -512]
    assert sd.Landscape("x**3", "x").grad(w).tolist() == [[0, 12]]
    assert sd.Landscape("x**-3", "x").value(w).tolist() == [math.inf, -0.125]


def test_long_sums() -> None:
    names = [f"x{i}" for i in range(260)]
    landscape = sd.Landscape("+".join(f"{n}**2" for n in names), names)
    w = torch.arange(260.0, dtype=torch.float64)
    assert landscape.value(w).item() == float((w * w).sum())
    assert torch.equal(landscape.grad(w), 2 * w)


@pytest.mark.parametrize("nested", [99, 150, 250])
def test_what_is_nested_too_deeply_is_refused(nested: int) -> None:
    expr = X
    for _ in range(nested):
        expr = sympy.sin(expr)
    if nested < 100:
        assert sd.Landscape(expr, "x").value([0.0]) == 0
    else:
        with pytest.raises(sd.InputError, match="is nested too deeply"):
            sd.Landscape(expr, "x")


def test_the_lowest_of_many_wells_is_found_at_once() -> None:
    """SymPy compares each pair of fourteen paraboloids, and each pair of thirteen for every derivative."""
    x, y = torch.randint(-9, 10, (2, 14), generator=torch.Generator().manual_seed(0)).tolist()
    landscape = sd.Landscape(
        "Min(" + ", ".join(f"(x-{a})**2 + (y-{b})**2" for a, b in zip(x, y, strict=True)) + ")", "x y"
    )
    w = torch.tensor([[0.3, x[7] + 0.1], [1.2, y[7] - 0.2]], dtype=torch.float64)
    wells = (w[0] - torch.tensor(x)[:, None]) ** 2 + (w[1] - torch.tensor(y)[:, None]) ** 2
    nearest = wells.argmin(0)
    assert landscape.value(w).tolist() == pytest.approx(wells.min(0).values.tolist(), rel=1e-15)
    told = 2 * (w - torch.stack([torch.tensor(x)[nearest], torch.tensor(y)[nearest]]))
    torch.testing.assert_close(landscape.grad(w), told, rtol=1e-15, atol=1e-15)
    assert torch.equal(landscape.hessian(w), 2 * torch.eye(2, dtype=torch.float64)[:, :, None].expand(2, 2, 2))
    here = dict(zip(landscape.symbols, map(sympy.Float, w[:, 0].tolist()), strict=True))
    slope = landscape.gradient[0].xreplace(here)
    assert float(slope) == pytest.approx(told[0, 0].item(), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "quadratic"),
    [
        ("((x + y + 1)**64 + 1)**64", False),
        ("((x + y + 1)**8)**8", False),
        ("x**2 + x*y + pi*y", True),
        ("(x + y)**3 - x**3 - 3*x**2*y - 3*x*y**2 - y**3 + x*y", True),
        ("x*y**2", False),
        ("x/y", False),
        ("(x - y)**2*2 + sqrt(2)*x", True),
        ("3", True),
        ("exp(2)*x**2 + 0.1*y", True),
        ("sin(x)", False),
        ("x*abs(y)", False),
        ("sqrt((x + y)**4)", True),
    ],
)
def test_what_is_quadratic(text: str, quadratic: bool) -> None:
    assert sd.Landscape(text, "x y").is_quadratic is quadratic


@pytest.mark.parametrize(
    ("z", "told"),
    [
        (1.0000000001, "10000000001*x/10000000000 + y"),
        (0.010000000298, "5000000149*x/500000000000 + y"),
        (np.float32(0.1), "10000000149011612*x/100000000000000000 + y"),
        (0.1, "x/10 + y"),
        (3, "3*x + y"),
        (sympy.Rational(1, 3), "x/3 + y"),
        (sympy.sqrt(2), "sqrt(2)*x + y"),
    ],
)
def test_fixed_coordinates_keep_their_values(z: Any, told: str) -> None:
    assert sd.Landscape("z*x + y", "x y z").restrict({"z": z}).expr == sympy.sympify(told, locals={"x": X, "y": Y})


def test_numbers_of_a_formula_are_the_decimals_they_are_written_as() -> None:
    c = 1.0000000001
    points = sd.analysis.exact_critical_points(
        sd.Landscape(X**4 / 4 - sympy.Float(c) * X**2 / 2 + Y**2 / 2, "x y")
    ).points
    root = sympy.sqrt(sympy.Rational("1.0000000001"))
    assert set(points) == {(-root, 0), (0, 0), (root, 0)}
    # At (1, 1) with H = ½I, ASAM's unnormalised form makes λ(1 + ρT²λ), T = 1 + shift, of λ.
    shift = 0.0100000001
    flow = sd.Flow(sd.Landscape("((x - 1)**2 + (y - 1)**2)/4", "x y"), sd.UASAM(0.1, shift=shift))
    told = -0.5 * (1 + 0.1 * (1 + shift) ** 2 * 0.5)
    found = [complex(v).real for v in sd.stability(flow, (1, 1)).eigenvalues]
    assert found == pytest.approx([told, told], rel=1e-14)
