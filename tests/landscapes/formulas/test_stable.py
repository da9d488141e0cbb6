"""Losses whose formulas overflow as they stand and whose values do not."""

import mpmath
import numpy as np
import pytest
import sympy
import torch

import samdyn as sd

# With their values far out by hand: at −800 and at 800.
FORMULAS = {
    "log(1 + exp(x))": (0, 800),
    "log(exp(x) + 1) + x**2/1000": (640, 1440),
    "log(2 + 3*exp(-x))": (800 + np.log(3), np.log(2)),
    "log(exp(x) + exp(-2*x))": (1600, 800),
    "log(2 + exp(pi) + exp(x))": (np.log(2 + np.exp(np.pi)), 800),
    "relu(log(2 + exp(3) + exp(x - 1)))*tanh(2)/cosh(1)": tuple(
        v * np.tanh(2) / np.cosh(1) for v in (np.log(2 + np.exp(3)), 799)
    ),
    "-log(exp(-(x - 1)**2) + exp(-(x + 1)**2) + 2*exp(-x**2))": (799.0**2, 799.0**2),
    "1/(1 + exp(-x))": (0, 1),
    "x/(1 + exp(-x))": (0, 800),
    "exp(x)/(1 + exp(x))": (0, 1),
    "exp(x)/(1 + exp(x))**2": (0, 0),
    "exp(-x)/(exp(-x) + exp(x) + 1)": (1, 0),
    "log(1/(1 + exp(-x)))": (-800, 0),
    "-log(1 - 1/(1 + exp(-x)))": (0, 800),
    "log(cosh(x))": (800 - np.log(2), 800 - np.log(2)),
    "log(2*cosh(3*x)**2)": (4800 - np.log(2), 4800 - np.log(2)),
    "1/cosh(x)**2": (0, 0),
    "sinh(x)/cosh(x)": (-1, 1),
    "sinh(x)*exp(-abs(x))": (-0.5, 0.5),
    "cosh(x)*exp(-abs(x))": (0.5, 0.5),
    "x*tanh(log(1 + exp(x)))": (0, 800),
}


@pytest.mark.parametrize(("text", "ends"), FORMULAS.items(), ids=FORMULAS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_far_out(text: str, ends: tuple[float, float], dtype: torch.dtype) -> None:
    landscape = sd.Landscape(text, "x")
    w = torch.tensor([[-800.0, 800.0]], dtype=dtype)
    # Sums of exponents of up to 640,000 and one logarithm.
    np.testing.assert_allclose(landscape.value(w), ends, rtol=8 * torch.finfo(dtype).eps, atol=1e-12)
    assert landscape.grad(w).isfinite().all()
    assert landscape.hessian(w).isfinite().all()
    # Automatic differentiation of the gradient, which flows and maps take, is the Hessian.
    jacobian = -sd.Flow(landscape, sd.GD()).jacobian_at(w)
    torch.testing.assert_close(jacobian, landscape.hessian(w), rtol=1e-5, atol=1e-6)


def test_slopes_far_out_by_hand() -> None:
    loss = sd.Landscape("log(1 + exp(-x)) + x**2/1000", "x")
    assert loss.value([-800.0]).item() == pytest.approx(1440, rel=1e-15)
    assert loss.grad([-800.0]).item() == pytest.approx(-2.6, rel=1e-15)
    # σ(x) = e^x and 1 − σ(x) = e^−x to rounding at ∓40, where 1 − σ would be 0.
    softplus = sd.Landscape("log(1 + exp(x))", "x")
    for x in (-40.0, 40.0):
        assert softplus.hessian([x]).item() == pytest.approx(np.exp(-40), rel=1e-13)
    assert sd.Landscape("log(cosh(x))", "x").hessian([30.0]).item() == pytest.approx(4 * np.exp(-60), rel=1e-13)


def test_a_run_that_overflowed_settles() -> None:
    loss = sd.Landscape("log(1 + exp(-x)) + x**2/1000", "x")
    for dtype, start, rounding in (("float32", -100.0, 1e-5), ("float64", -800.0, 1e-12)):
        runs = sd.simulate(sd.Map(loss, sd.GD(), lr=4.0), [(start,)], 1000, dtype=dtype)
        # The root of x/500 = 1/(1 + exp(x)), by bisection with Python's own exp.
        assert runs.w.values.item() == pytest.approx(4.6651204124055425, rel=rounding)


def by_mpmath(expr: sympy.Expr, symbols: tuple[sympy.Symbol, ...], w: np.ndarray) -> np.ndarray:
    function = sympy.lambdify(symbols, expr, "mpmath")
    with mpmath.workdps(60):
        return np.array([float(function(*map(mpmath.mpf, point))) for point in w.T])


@pytest.mark.parametrize("text", FORMULAS)
def test_where_formulas_can_be_computed_as_they_stand_the_numbers_are_the_same(text: str) -> None:
    landscape = sd.Landscape(text, "x")
    w = torch.tensor([[*np.random.default_rng(0).uniform(-6, 6, 12).tolist(), 0.5, -1e-3]], dtype=torch.float64)
    for of, exprs in (
        (landscape.value(w)[None], [landscape.expr]),
        (landscape.grad(w), landscape.gradient),
        (landscape.hessian(w).flatten(0, 1), list(landscape.hessian_matrix)),
    ):
        for row, expr in zip(of.numpy(), exprs, strict=True):
            told = by_mpmath(expr, landscape.symbols, w.numpy())
            # Derivatives are sums of terms of order one (36 for the squares at 6) that may cancel.
            np.testing.assert_allclose(row, told, rtol=1e-13, atol=5e-15)


@pytest.mark.parametrize("text", ["log(1 + exp(x))", "1/(1 + exp(-x))", "log(cosh(x))", "sinh(x)*exp(-x)"])
def test_values_near_zero_keep_their_digits(text: str) -> None:
    landscape = sd.Landscape(text, "x")
    w = torch.tensor([[-1e-9, 1e-9, 1e-5, -0.01, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(landscape.value(w), by_mpmath(landscape.expr, landscape.symbols, w.numpy()), rtol=1e-15)


@pytest.mark.parametrize("text", ["log(1 + exp(x))", "1/(1 + exp(-x))", "1/cosh(x)", "sinh(x)*exp(-x)"])
def test_derivatives_where_branches_meet(text: str) -> None:
    """By automatic differentiation of value and gradient, at 0, where the functions change to another form."""
    landscape = sd.Landscape(text, "x")
    zero = torch.zeros(1, 1, dtype=torch.float64)
    value, slope = (
        torch.func.jacrev(function)(zero).item()
        for function in (lambda w: landscape.value(w)[0], lambda w: landscape.grad(w)[0, 0])
    )
    assert value == pytest.approx(landscape.grad(zero).item(), abs=1e-15)
    assert slope == pytest.approx(landscape.hessian(zero).item(), abs=1e-15)


def test_two_coordinates() -> None:
    # Logistic regression of two samples: log(1 + exp(−(a + b))) + log(1 + exp(a − b)).
    landscape = sd.Landscape("log(1 + exp(-a - b)) + log(1 + exp(a - b)) + exp(a)/(exp(a) + exp(b))", "a b")
    w = torch.tensor([[900.0, -900.0, 0.3], [-900.0, 900.0, -0.2]], dtype=torch.float64)
    assert landscape.value(w)[:2].tolist() == [np.log(2) + 1800 + 1, np.log(2)]
    h = landscape.hessian(w)
    torch.testing.assert_close(-sd.Flow(landscape, sd.GD()).jacobian_at(w), h, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(h, h.transpose(0, 1), rtol=1e-12, atol=1e-15)
    for i, s in enumerate(landscape.symbols):
        told = by_mpmath(landscape.expr.diff(s), landscape.symbols, w[:, 2:].numpy())
        np.testing.assert_allclose(landscape.grad(w[:, 2:])[i], told, rtol=1e-13)


@pytest.mark.parametrize(
    "text", ["log(1 + exp(-x)) + x**2/50", "log(cosh(x)) + 1/(1 + exp(x))", "relu(x - 1)**1.5 + x*sinh(x)*exp(-abs(x))"]
)
def test_compiled_code_takes_the_same_steps(text: str) -> None:
    map_ = sd.Map(sd.Landscape(text, "x"), sd.SAM(0.1), lr=0.05)
    w = np.linspace(-1000, 1000, 41)[:, None]
    eager, compiled = (sd.simulate(map_, w, 50, backend=backend) for backend in ("eager", "compiled"))
    np.testing.assert_allclose(compiled.w, eager.w, rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("relu(x)**1.5", -1.0),
        ("abs(relu(x))**(1/3)", -1.0),
        ("log(relu(x))**7", -2.0),
        ("Max(1e200, x)**4", 3.0),
        ("sqrt(Max(0, x, x - 1))", -1.0),
        ("relu(x)**1.5", 0.0),
    ],
)
def test_derivatives_are_0_where_a_kink_lets_nothing_through(text: str, at: float) -> None:
    landscape = sd.Landscape(text, "x")
    assert landscape.grad([at]).item() == 0
    assert landscape.hessian([at]).item() == 0
    if at:  # at a kink itself torch takes either side
        assert sd.Flow(landscape, sd.GD()).jacobian_at(torch.tensor([at]).double()).item() == 0


def test_derivatives_where_a_kink_lets_through_are_the_functions() -> None:
    landscape = sd.Landscape("relu(x)**1.5 + log(relu(x))**7", "x")
    x = 2.25
    log = np.log(x)
    assert landscape.grad([x]).item() == pytest.approx(1.5 * 1.5 + 7 * log**6 / x, rel=1e-14)
    assert landscape.hessian([x]).item() == pytest.approx(0.5 + (42 * log**5 - 7 * log**6) / x**2, rel=1e-14)


@pytest.mark.parametrize("x", [0.3, 1.1, 1.3, 1.7, 7.9])
@pytest.mark.parametrize(("text", "term"), [("x/Max(y, x)", 1), ("3*x**2/Max(y, x)**2", 6)])
def test_the_slope_of_a_quotient_that_is_1_is_rounding(text: str, term: int, x: float) -> None:
    """The slopes are 1/x − x/x² and 6x/x² − 6x²/x³; two terms that cancel are each rounded by itself."""
    slope = sd.Landscape(text, "x y").grad([x, 0.2])
    assert slope.abs().max().item() <= 4 * np.spacing(term / x)
