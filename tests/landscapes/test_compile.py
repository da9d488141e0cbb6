"""Compiled code: what it can compute and what it refuses, when a landscape is made and not when it is first used."""

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
