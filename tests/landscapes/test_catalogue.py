"""Every landscape computes its own formula: conformance of the catalogue, and the parameters of its factories."""

from functools import cache, partial

import mpmath
import numpy as np
import pytest
import sympy
import torch
from scipy.stats import ortho_group

import samdyn as sd
from samdyn.landscapes import catalogue, quadratic
from samdyn.landscapes.formulas.parse import FUNCTIONS
from samdyn.ops import symbolic

POINTS = 12
SEVERAL = {"Max": "Max(x*y, y**2 - 1/3, x, -1/4)", "Min": "Min(x*y, y**2 - 1/3, x, 1/4)"}  # functions of many arguments

# What is in the catalogue, whoever added it; beside it one formula for every function that a user may type (the
# catalogue has few transcendental ones), constants, and the quadratic where rotation makes its formula a long one.
CASES = {
    **catalogue(),
    **{
        f"formula-{name}": partial(
            sd.Landscape, SEVERAL.get(name, f"{name}(x*y + 1/3)"), "x y", box=((-1, 1), (-1, 1)), name=name
        )
        for name in FUNCTIONS
    },
    "formula-constant": partial(sd.Landscape, "pi/3", "x y"),
    "formula-linear": partial(sd.Landscape, "3*y", "x y z"),
    "formula-steps": partial(sd.Landscape, "relu(x) - relu(-y)", "x y"),  # a gradient of nothing but steps
    "formula-roots": partial(sd.Landscape, "(x**2 + y**2)**0.5 + sqrt(2)/sqrt(1 + x**2) + (2 + y)**1.25", "x y"),
    "formula-exponents": partial(sd.Landscape, "2**x + exp(y)**2 + (3 + x)**y + abs(x)**(1 + y**2)", "x y"),
    "formula-shared-constants": partial(sd.Landscape, "x**2/sqrt(2*pi + 1) + y*(2*pi + 1) + abs(x - 2*pi - 1)", "x y"),
    "quadratic-rotated": partial(quadratic, (3, -1, 0.25), ortho_group.rvs(3, random_state=1)),
}


WHAT = ["value", "grad", "hessian"]


# What mpmath does not have; no kink is at a regular point, so steps have a value there and pulses have none.
STEPS = {"Max": max, "Min": min, "Heaviside": lambda u, *_: int(u > 0), "DiracDelta": lambda *_: 0}


class Exact(dict):
    """What formulas are with 30 digits at exactly the points the tensors hold: (…, N) by name.

    mpmath evaluates them. SymPy, which makes a new formula for each point, does so once more at the first point.
    Few tests need the higher derivatives, so nothing is evaluated before it is asked for.
    """

    def __init__(self, formulas, w, symbols):
        self.formulas, self.w, self.symbols = formulas, w.T.tolist(), symbols

    def __missing__(self, what):
        formulas = self.formulas[what]()
        evaluate = sympy.lambdify(self.symbols, formulas.ravel().tolist(), modules=[STEPS, "mpmath"], cse=True)
        with mpmath.workdps(30):
            values = [[float(value) for value in evaluate(*map(mpmath.mpf, w))] for w in self.w]
        first = dict(zip(self.symbols, map(sympy.Rational, self.w[0]), strict=True))
        by_sympy = [float(e.subs(first).evalf(30)) for e in formulas.ravel()]
        assert values[0] == pytest.approx(by_sympy, rel=1e-15, abs=0)
        self[what] = np.reshape(np.transpose(values), (*formulas.shape, -1))
        return self[what]


class Case:
    """A landscape, regular points in its box, and what its formula says there."""

    def __init__(self, name):
        self.landscape = CASES[name]()
        symbols = self.landscape.symbols
        # SymPy's own derivatives of the formula, not the ones that the landscape keeps.
        expr, gradient = self.landscape.expr, [self.landscape.expr.diff(s) for s in symbols]
        formulas = {
            "value": lambda: np.array(expr),
            "grad": lambda: np.array(gradient),
            "hessian": lambda: np.array([[g.diff(s) for s in symbols] for g in gradient]),
            # ∂³L/∂wᵢ³ and ∂³(∂ⱼL)/∂wᵢ³: the leading errors of central differences, in (i,) and (i, j).
            "third": lambda: np.array([expr.diff(s, 3) for s in symbols]),
            "fourth": lambda: np.array([[g.diff(s, 3) for g in gradient] for s in symbols]),
        }
        self.w = self.regular_points()
        self.exact = Exact(formulas, self.w, symbols)
        # Rounding errors are relative to the numbers a formula handles: those of the box, not those of one point where
        # terms may cancel.
        self.scale = {what: max(1.0, np.abs(self.exact[what]).max()) for what in WHAT}

    def regular_points(self):
        """Draw points of the box where the formula is real and no kink is nearer than a difference stencil reaches."""
        rng = np.random.default_rng(0)
        low, high = np.array(self.landscape.box).T
        expr = self.landscape.expr
        kinks = [a.args[0] for a in expr.atoms(sympy.Abs, sympy.sign)]
        kinks += [a - b for m in expr.atoms(sympy.Max, sympy.Min) for a in m.args for b in m.args if a != b]
        found = []
        for w in rng.uniform(low, high, (100 * POINTS, len(low))):
            at = dict(zip(self.landscape.symbols, map(sympy.Rational, w), strict=True))
            margins = [abs(k.evalf(subs=at)) for k in kinks]
            # The stencil is 1e-4 wide, so a kink 0.05 away is out of its reach for slopes below 500.
            if expr.evalf(subs=at).is_real and all(m > 0.05 for m in margins):
                found.append(w)
            if len(found) == POINTS:
                return torch.tensor(np.array(found).T)
        raise AssertionError("the box has hardly a regular point")

    def call(self, what, w):
        return {"value": self.landscape.value, "grad": self.landscape.grad, "hessian": self.landscape.hessian}[what](w)

    def close(self, what, actual, expected):
        # 1e-13 is some 500 roundings of the largest number involved; no formula here has more operations that matter.
        atol = 1e-13 * self.scale[what]
        np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=0, atol=atol)


make = cache(Case)


@pytest.fixture(params=CASES)
def case(request):
    return make(request.param)


@pytest.mark.parametrize("what", WHAT)
def test_numbers_are_those_of_the_formula(case, what):
    case.close(what, case.call(what, case.w), case.exact[what])


def test_hessian_vector_product(case):
    v = torch.tensor(np.random.default_rng(1).normal(size=case.w.shape))
    expected = np.einsum("ijn,jn->in", case.exact["hessian"], v)
    case.close("hessian", case.landscape.grad.hvp(case.w, v) / 10, expected / 10)  # /10: |v| < 4, sums of d < 4 terms


def test_gradient_and_hessian_are_those_of_autograd(case):
    for i, w in enumerate(case.w.T):
        case.close("grad", torch.func.grad(case.landscape.value)(w), case.exact["grad"][..., i])
        by_autograd = torch.func.jacrev(torch.func.grad(case.landscape.value))(w)
        case.close("hessian", by_autograd, case.exact["hessian"][..., i])


@pytest.mark.parametrize(
    ("what", "derivative", "remainder"), [("value", "grad", "third"), ("grad", "hessian", "fourth")]
)
def test_derivatives_are_those_of_central_differences(case, what, derivative, remainder):
    h = 1e-4
    actual = np.asarray(case.call(derivative, case.w))
    for i in range(case.landscape.dim):
        e = torch.zeros(case.landscape.dim, 1, dtype=torch.float64)
        e[i] = h
        difference = np.asarray(case.call(what, case.w + e) - case.call(what, case.w - e)) / (2 * h)
        # The next term of the Taylor series, h²/6 times a third derivative, plus that of rounding in the two values.
        # 1.1: terms of order h⁴ (1e-16) are lost in the rounding.
        tolerance = 1.1 * h**2 / 6 * np.abs(case.exact[remainder][i]) + 1e-13 * case.scale[what] / h
        assert np.all(np.abs(difference - actual[i]) <= tolerance)


@pytest.mark.parametrize("what", WHAT)
def test_batches_hold_what_single_points_give(case, what):
    d, n = case.w.shape
    in_front = {"value": (), "grad": (d,), "hessian": (d, d)}[what]
    one = torch.stack([case.call(what, w) for w in case.w.T], -1)
    assert one.shape == (*in_front, n)
    batch = case.call(what, case.w)
    assert batch.shape == (*in_front, n)
    grid = case.call(what, case.w.reshape(d, 3, n // 3))
    assert grid.shape == (*in_front, 3, n // 3)
    assert case.call(what, case.w[:, :0]).shape == (*in_front, 0)
    case.close(what, batch, one)
    case.close(what, grid.flatten(-2), one)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_dtype_of_the_points(case, dtype):
    w = case.w.to(dtype)
    for what in WHAT:
        assert case.call(what, w).dtype == dtype
        assert case.call(what, w[:, 0]).dtype == dtype
        # Points and operations are rounded to eps: some hundred roundings, as in close().
        atol = 500 * torch.finfo(dtype).eps * case.scale[what]
        np.testing.assert_allclose(case.call(what, w), case.exact[what], rtol=0, atol=atol)
    assert case.landscape.grad.hvp(w, w).dtype == dtype


def test_lists_and_arrays_are_points_in_double_precision(case):
    w = case.w[:, 0]
    for given in (w.tolist(), w.numpy()):
        for what in WHAT:
            result = case.call(what, given)
            assert result.dtype == torch.float64
            assert torch.equal(result, case.call(what, w))


def test_symbols_give_the_formulas(case):
    landscape = case.landscape
    w = np.array(landscape.symbols, dtype=object)
    assert landscape.value(w) == landscape.expr
    assert tuple(landscape.grad(w)) == landscape.gradient
    assert landscape.hessian(w).shape == (landscape.dim, landscape.dim)
    assert sympy.ImmutableDenseMatrix(landscape.hessian(w)) == landscape.hessian_matrix


def test_symbols_are_replaced_all_at_once(case):
    # Replaced one after the other, (x, y) -> (y, x) would give (x, x).
    w = np.array(case.landscape.symbols[::-1], dtype=object)
    at = {s: sympy.Rational(i + 2, 7) for i, s in enumerate(case.landscape.symbols)}
    there = symbolic(e.xreplace(at) for e in w)
    swapped = sympy.sympify(case.landscape.value(w)).xreplace(at)
    assert swapped.evalf(20) == sympy.sympify(case.landscape.value(there)).evalf(20)


def test_hessian_vector_product_in_symbols(case):
    landscape = case.landscape
    w, v = np.array(landscape.symbols, dtype=object), symbolic(range(2, 2 + landscape.dim))
    expected = landscape.hessian_matrix * sympy.Matrix(v)
    assert all(sympy.expand(a - b) == 0 for a, b in zip(landscape.grad.hvp(w, v), expected, strict=True))


@pytest.mark.parametrize("function", ["value", "grad", "hessian", "hvp"])
def test_points_of_another_dimension_are_refused(case, function):
    landscape, d = case.landscape, case.landscape.dim
    right = torch.ones(d, dtype=torch.float64)
    call = partial(landscape.grad.hvp, v=right) if function == "hvp" else partial(case.call, function)
    for wrong in (torch.ones(d + 1), torch.ones(d + 1, d), torch.tensor(1.0), [1.0] * (d + 1), symbolic([1] * (d + 1))):
        with pytest.raises(sd.InputError, match=rf"{d} components.*\({d}, \.\.\.\)"):
            call(wrong)
    if function == "hvp":
        with pytest.raises(sd.InputError, match=f"{d} components"):
            landscape.grad.hvp(right, torch.ones(d + 1))


def test_kinks_have_the_derivatives_of_deep_learning():
    relu = sd.Landscape("relu(x) + 3*y", "x y")
    absolute = sd.Landscape("abs(x) + sign(y)", "x y")
    assert relu.grad([0.0, 1.0]).tolist() == [0, 3]
    assert absolute.grad([0.0, 0.0]).tolist() == [0, 0]
    assert absolute.value([0.0, 0.0]) == 0
    for landscape in (relu, absolute, sd.landscapes.relu_product()):
        assert landscape.hessian([0.0, 0.0]).isfinite().all()  # delta functions are dropped


# The catalogue itself.


def test_every_landscape_can_be_had_by_name():
    assert {"beale", "quadratic", "ravine", "saddle", "one_neuron"} <= set(catalogue())  # one of every file
    for name, factory in catalogue().items():
        assert getattr(sd.landscapes, name) is factory
        assert name in dir(sd.landscapes)
        assert sd.landscapes.named(name.upper()).name == factory().name


def test_a_typo_is_answered_with_the_nearest_name():
    with pytest.raises(sd.InputError, match=r"'roosenbrock'.*Did you mean 'rosenbrock'\? Known: .*beale"):
        sd.landscapes.named("roosenbrock")
    with pytest.raises(AttributeError, match=r"known: .*beale"):
        sd.landscapes.roosenbrock  # noqa: B018 (the access is the test)


@pytest.mark.parametrize(
    ("name", "point", "value", "eigenvalues"),
    [
        ("beale", (3, 0.5), 0, None),
        ("beale", (0, 1), 14.203125, (-27.75, 27.75)),  # (1.5² + 2.25² + 2.625²); theory 1
        ("rosenbrock", (1, 1), 0, (0.39936, 1001.60064)),  # condition number 2508
        ("himmelblau", (3, 2), 0, None),
        ("saddle", (0, 0), 0, (-2, 2)),
        ("monkey_saddle", (0, 0), 0, (0, 0)),
        ("double_well", (0, 0), 0.25, (-1, 1)),
        ("double_well", (-1, 0), 0, (1, 2)),
        ("quadratic", (0, 0), 0, (-1, 1)),
        ("ravine", (0, 2), 0, (0, 5)),
        ("product", (0, 0), 1, (-2, 2)),
        ("one_neuron", (1, 1), 0, None),
        ("relu_product", (0.5, 2), 0, None),
    ],
)
def test_known_points(name, point, value, eigenvalues):
    landscape = sd.landscapes.named(name)
    w = torch.tensor(point, dtype=torch.float64)
    assert landscape.value(w).item() == pytest.approx(value, abs=1e-15)
    assert landscape.grad(w).abs().max() < 1e-14  # a critical point; coefficients are below 100
    if eigenvalues is not None:
        # Rosenbrock's are given to five decimals, the others exactly.
        assert torch.linalg.eigvalsh(landscape.hessian(w)).tolist() == pytest.approx(eigenvalues, abs=1e-5)


# Quadratics.


@pytest.mark.parametrize("d", [1, 2, 3, 50])
@pytest.mark.parametrize("rotated", [False, True])
def test_quadratic_has_the_spectrum_asked_for(d, rotated):
    eigenvalues = np.random.default_rng(d).normal(size=d)
    rotation = np.atleast_2d(ortho_group.rvs(d, random_state=d)) if rotated and d > 1 else None
    landscape = quadratic(eigenvalues, rotation)
    w = torch.tensor(np.random.default_rng(0).normal(size=(d, 4)))
    hessian = landscape.hessian(w)[..., 2]
    assert landscape.dim == d
    # Symmetric eigenvalues are computed to d·eps·‖H‖ = 5e-14 for d = 50, ‖H‖ < 4.
    np.testing.assert_allclose(torch.linalg.eigvalsh(hessian), np.sort(eigenvalues), rtol=0, atol=1e-13)
    # H = QΛQᵀ, column k of Q being the eigenvector of the k-th eigenvalue: not the other way round.
    q = np.eye(d) if rotation is None else rotation
    expected = np.einsum("ik,k,jk,jn->in", q, eigenvalues, q, w)
    np.testing.assert_allclose(landscape.grad(w), expected, rtol=0, atol=1e-12)  # sums of 50 terms of size ten
    np.testing.assert_allclose(landscape.value(w), (w.numpy() * expected).sum(0) / 2, rtol=0, atol=1e-11)


def test_quadratic_turned_by_an_angle():
    angle = 0.3
    landscape = quadratic((5, -2), angle)
    first = torch.tensor([np.cos(angle), np.sin(angle)])  # the x axis, turned anticlockwise
    torch.testing.assert_close(landscape.grad(first), 5 * first, rtol=1e-14, atol=1e-14)


def test_quadratic_in_many_dimensions_does_not_write_its_formula():
    landscape = quadratic(np.ones(1000))
    w = torch.ones(1000, 2)
    assert landscape.grad(w).shape == landscape.grad.hvp(w, w).shape == (1000, 2)
    assert landscape.value(w).tolist() == [500, 500]
    assert landscape.hessian(w[:, 0]).shape == (1000, 1000)
    assert "expr" not in vars(landscape)


@pytest.mark.parametrize(
    "eigenvalues", [(), (1, float("nan")), (1, float("inf")), ("a", "b"), [[1, 2], [3, 4]], (1j, 1), 3.0, None]
)
def test_bad_eigenvalues(eigenvalues):
    with pytest.raises(sd.InputError, match=r"eigenvalues = .* must be .* numbers\. Give e\.g\. eigenvalues=\(1, -1\)"):
        quadratic(eigenvalues)


@pytest.mark.parametrize(
    ("dim", "rotation"),
    [
        (2, np.eye(3)),
        (2, [[1, 1e-6], [0, 1]]),
        (2, 2 * np.eye(2)),
        (2, float("nan")),
        (2, [[float("nan"), 0], [0, 1]]),
        (3, 0.3),
        (2, "quarter"),
        (2, [[1], [0, 1]]),
    ],
    ids=repr,
)
def test_bad_rotations(dim, rotation):
    with pytest.raises(sd.InputError, match=rf"(?s)rotation = .* must be orthogonal, of shape \({dim}, {dim}\)\. Give"):
        quadratic(range(1, dim + 1), rotation)


# The other factories with parameters.


@pytest.mark.parametrize(
    ("curvature", "function"),
    [("2 + z**4", lambda z: 2 + z**4), ("3", lambda z: 3), ("exp(-z)", lambda z: np.exp(-z))],
)
def test_ravine_has_the_curvature_asked_for(curvature, function):
    landscape = sd.landscapes.ravine(curvature)
    y, z = 1.5, -0.5
    # A handful of operations on numbers below 10.
    assert landscape.value([y, z]).item() == pytest.approx(function(z) * y**2 / 2, rel=1e-15 * 10)
    assert landscape.hessian([0.0, z])[0, 0].item() == pytest.approx(function(z), rel=1e-15 * 10)


@pytest.mark.parametrize("curvature", ["1 + y", "1 + x", "z +", "1/0", "__import__('os')", 3, None])
def test_bad_curvatures(curvature):
    with pytest.raises(sd.InputError, match="formula"):
        sd.landscapes.ravine(curvature)


@pytest.mark.parametrize("target", [0.1, -2, 0, np.float64(0.3), np.int64(3)])
def test_product_reaches_its_target(target):
    w1, w2 = 0.7, 1.9
    # Three operations on numbers of order one to ten.
    by_hand = (w1 * w2 - float(target)) ** 2
    assert sd.landscapes.product(target).value([w1, w2]).item() == pytest.approx(by_hand, rel=1e-14)
    by_hand = abs(w1 * w2 - float(target))
    assert sd.landscapes.relu_product(target).value([w1, w2]).item() == pytest.approx(by_hand, rel=1e-14)
    assert sd.landscapes.relu_product(target).value([w1, -w2]).item() == abs(float(target))  # the neuron is off


@pytest.mark.parametrize("factory", [sd.landscapes.product, sd.landscapes.relu_product])
@pytest.mark.parametrize("target", [float("nan"), float("inf"), "1", None, 1j, True])
def test_bad_targets(factory, target):
    with pytest.raises(sd.InputError, match=r"target = .* must be a finite number"):
        factory(target)


def test_one_neuron_is_the_mean_squared_error_of_its_net():
    x, y = np.array([0.5, -1.25, 2]), np.array([0.1, 3, -0.7])
    w1, w2 = 0.6, -1.1
    by_hand = np.mean((w2 * (w1 * x) ** 2 - y) ** 2)
    # The formula is expanded, its terms below 10 add up to about 5: a few eps.
    assert sd.landscapes.one_neuron(x, y).value([w1, w2]).item() == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ((), (), "inputs = .*0 inputs for 0 targets"),
        ((1, 2), (1,), "inputs = .*2 inputs for 1 targets"),
        ((1,), (1, 2), "inputs = .*1 inputs for 2 targets"),
        ((1, float("nan")), (1, 2), "inputs = nan: must be a finite number"),
        ((1, 2), (1, "a"), "targets = 'a': must be a finite number"),
        ((1, 2), (1, float("inf")), "targets = inf: must be a finite number"),
    ],
)
def test_bad_samples(inputs, targets, message):
    with pytest.raises(sd.InputError, match=message):
        sd.landscapes.one_neuron(inputs, targets)


def test_a_slice_has_the_values_of_the_whole() -> None:
    whole = sd.Landscape("x**2*y - sin(z)*y + z", "x y z", box=((-1, 1), (-2, 2), (-3, 3)))
    part = whole.restrict({"y": 0.3})
    assert [str(s) for s in part.symbols] == ["x", "z"]
    assert part.box == ((-1, 1), (-3, 3))
    w = np.random.default_rng(0).standard_normal((3, 5))
    w[1] = 0.3
    assert part.value(w[[0, 2]]).numpy() == pytest.approx(whole.value(w).numpy(), rel=1e-12)
    quadratic = sd.landscapes.quadratic((1, -2, 3, 4)).restrict({"x0": 2, "x3": 0})
    assert float(quadratic.value([1, 1])) == pytest.approx(2 - 1 + 1.5)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"zz": 0}, "no coordinate has this name"),
        ({"x": float("nan")}, "finite"),
        ({"x": 0, "y": 0}, "every coordinate"),
    ],
)
def test_slices_that_are_none(fixed: dict[str, float], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.Landscape("x + y", "x y").restrict(fixed)
