"""Every method does what its formula says: conformance of the catalogue, formulas written out by hand, bad input."""

import dataclasses
import re

import mpmath
import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn import methods
from samdyn.catalogues import is_published
from samdyn.ops import directional_derivative, symbolic, unit
from samdyn.oracle import Oracle

RHO = 0.15
LANDSCAPE = sd.Landscape("x**3/3 + x*y**2/2 - y", "x y")  # of low degree: three ascent steps still have a formula
X, Y = LANDSCAPE.symbols
# Off the critical points (0, ±√2)… and off the axes, where ASAM's |w| has its kinks: regular for every method.
W = torch.tensor([[1.3, -0.7, 0.4, -1.6, 0.9, -0.5], [0.6, 1.1, -0.9, -0.4, -1.7, 0.3]], dtype=torch.float64)


# Variants of SAM, whose ascent of several steps is SAM's.
ONE_STEP = ("FisherSAM", "FullFriendlySAM", "GSAM", "LayerSAM", "LinfSAM", "StableSAM", "WSAM")
SMOOTHING = (methods.GaussianSmoothing, methods.TiltedSAM)  # whose F is a mean over perturbations
COMBINED = (methods.GSAM, methods.WSAM, methods.StableSAM, methods.PolyakSAM, sd.ExactSAM)  # of more than one gradient
LONG = ("GSAM", "StableSAM", "TiltedSAM", "PolyakSAM", "GaussianSmoothing")  # whose derivatives take SymPy seconds


def options():
    """Return every method of samdyn (tests may define others) in its variants, one step and several."""
    found = {}
    for name, cls in methods.catalogue().items():
        fields = {f.name for f in dataclasses.fields(cls)}
        if not is_published(cls) or not methods.is_stateless(cls):
            continue
        found[name] = (cls, {})
        if "ascent_steps" in fields and name not in ONE_STEP:
            found[f"{name}-3-steps"] = (cls, {"ascent_steps": 3})
            found[f"{name}-3-steps-averaged"] = (cls, {"ascent_steps": 3, "average": True})
    found["FullFriendlySAM"] = (methods.FullFriendlySAM, {"sigma": 0.5})  # with 1 it is GD where there is no noise
    found["LayerSAM"] = (methods.LayerSAM, {"layers": (1, 1)})  # with one layer it is SAM
    found["ASAM-shifted"] = (sd.ASAM, {"shift": 0.01, "weights": (True, False)})
    return found


OPTIONS = options()


def build(name, rho=RHO):
    cls, kwargs = OPTIONS[name]
    return cls(**({"rho": rho} if "rho" in {f.name for f in dataclasses.fields(cls)} else {}), **kwargs)


@pytest.fixture(params=OPTIONS)
def name(request):
    return request.param


def close(actual, expected, rtol=1e-14):
    """Compare to rounding: F is some ten operations on numbers of order one, so a few eps = 2.2e-16."""
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=rtol, atol=rtol)


def test_formulas_have_the_values_of_the_tensors(name):
    rho = sympy.Symbol("rho", positive=True)
    formula = build(name, rho)(symbolic((X, Y)), LANDSCAPE.grad)
    assert formula.shape == (2,)
    # Evaluated with 30 digits: what differs is the rounding of the tensors, of some hundred operations.
    evaluate = sympy.lambdify([X, Y, rho], list(formula), modules="mpmath", cse=True)
    with mpmath.workdps(30):
        expected = [list(map(float, evaluate(*w, RHO))) for w in W.T.tolist()]
    actual = build(name)(W, LANDSCAPE.grad)
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64).T, rtol=1e-10, atol=0)


def test_batches_hold_what_single_points_give(name):
    method = build(name)
    one = torch.stack([method(w, LANDSCAPE.grad) for w in W.T], 1)
    assert one.shape == (2, 6)
    close(method(W, LANDSCAPE.grad), one)
    close(method(W.reshape(2, 3, 2), LANDSCAPE.grad), one.reshape(2, 3, 2))
    assert method(W[:, :0], LANDSCAPE.grad).shape == (2, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_dtype_of_the_points(name, dtype):
    method = build(name)
    assert method(W.to(dtype), LANDSCAPE.grad).dtype == dtype
    assert method.perturbed(W.to(dtype), LANDSCAPE.grad).dtype == dtype


def test_radius_zero_gives_the_gradient(name):
    method = build(name, 0)
    gradient = LANDSCAPE.grad(W)
    if isinstance(method, methods.PolyakSAM):  # Polyak's step along the gradient, as a part of it
        gradient = LANDSCAPE.value(W) / (gradient**2).sum(0) * gradient
    # Quadrature adds up equal gradients. Their weights add up to 1 but for rounding, as do the exponents of tilted SAM.
    close(method(W, LANDSCAPE.grad), gradient)
    close(method.perturbed(W, LANDSCAPE.grad), W)


def test_radius_matters(name):
    # So that no method passes for being GD.
    method = build(name)
    moved = (method(W, LANDSCAPE.grad) - LANDSCAPE.grad(W)).abs().sum(0)
    assert torch.all(moved == 0 if isinstance(method, sd.GD) else moved > 1e-3)


def test_the_gradient_followed_is_that_of_the_perturbed_point(name):
    method = build(name)
    there = LANDSCAPE.grad(method.perturbed(W, LANDSCAPE.grad))
    if isinstance(method, (*COMBINED, *SMOOTHING)) or getattr(method, "average", False):
        # Exact SAM multiplies it by I + ρH, averaging adds the gradients on the way, variants combine it with others.
        assert torch.all((method(W, LANDSCAPE.grad) - there).abs().sum(0) > 1e-3)
    else:
        close(method(W, LANDSCAPE.grad), there)


def test_nothing_moves_at_a_critical_point(name):
    method = build(name)
    if isinstance(method, SMOOTHING):  # the mean gradient around a critical point does not vanish
        assert float(method(torch.tensor([0.0, 1.0]), sd.landscapes.beale().grad).norm()) > 1e-2
        return
    for landscape, point in [
        (sd.landscapes.saddle(), [0.0, 0.0]),  # ASAM's |w| vanishes as well
        (sd.landscapes.beale(), [0.0, 1.0]),
        (sd.landscapes.beale(), [3.0, 0.5]),
        (sd.landscapes.monkey_saddle(), [0.0, 0.0]),
    ]:
        w = torch.tensor(point, dtype=torch.float64)
        assert method(w, landscape.grad).tolist() == [0, 0]
        assert torch.equal(method.perturbed(w, landscape.grad), w)
        # In a batch, it leaves its neighbours alone.
        other = torch.tensor([0.5, -0.25], dtype=torch.float64)
        both = method(torch.stack([other, w], 1), landscape.grad)
        assert both[:, 1].tolist() == [0, 0]
        close(both[:, 0], method(other, landscape.grad))
        assert [*method(symbolic(map(sympy.Rational, point)), landscape.grad)] == [0, 0]


def test_directional_derivative_is_that_of_central_differences(name):
    method = build(name)

    def f(w):
        return method(w, LANDSCAPE.grad)

    def difference(h):
        return (f(W + h * v) - f(W - h * v)) / (2 * h)

    v = torch.tensor(np.random.default_rng(0).normal(size=W.shape))
    # A central difference errs by ch² + O(h⁴): from 2h to h it improves by 3ch², three times what is left. The rounding
    # of values below 10 adds 10 eps/h = 2e-11.
    tolerance = (difference(2e-4) - difference(1e-4)).abs() + 1e-10
    assert tolerance.max() < 1e-3
    assert torch.all((directional_derivative(f, W, v) - difference(1e-4)).abs() <= tolerance)


@pytest.mark.parametrize("name", [name for name in OPTIONS if "3-steps" not in name and name not in LONG])
def test_directional_derivative_in_symbols(name):
    # One step only: of three the derivative's formula takes minutes.
    method = build(name, sympy.Rational(str(RHO)))
    v = torch.tensor([0.3, -1.1], dtype=torch.float64)
    formula = directional_derivative(
        lambda w: method(w, LANDSCAPE.grad), symbolic((X, Y)), symbolic(map(sympy.Rational, v.tolist()))
    )
    numeric = build(name)
    for w in W.T:
        actual = directional_derivative(lambda w: numeric(w, LANDSCAPE.grad), w, v)
        expected = [float(e.subs({X: sympy.Rational(w[0].item()), Y: sympy.Rational(w[1].item())})) for e in formula]
        # As for F itself: the rounding of some hundred operations.
        torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64), rtol=1e-10, atol=1e-12)


# Exact SAM against what it is the gradient of.


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("average", [False, True])
def test_exact_sam_is_the_gradient_of_the_perturbed_loss(steps, average):
    def perturbed_loss(w):
        losses = []
        for _ in range(steps):
            w = w + RHO / steps * torch.func.grad(LANDSCAPE.value)(w)
            losses.append(LANDSCAPE.value(w))
        return sum(losses) / steps if average else losses[-1]

    method = sd.ExactSAM(RHO, ascent_steps=steps, average=average)
    expected = torch.stack([torch.func.grad(perturbed_loss)(w) for w in W.T], 1)
    close(method(W, LANDSCAPE.grad), expected, rtol=1e-12)  # each step multiplies rounding errors by |I + ρH| < 2


# Formulas written out by hand, in NumPy, on a loss whose gradient is written out by hand.

BY_HAND = sd.Landscape("x**4/4 - x**2/2 + x*y/2 + y**2", "x y")


def g(w):
    x, y = w
    return np.array([x**3 - x + y / 2, x / 2 + 2 * y])


POINT = np.array([0.8, -0.6])
NORM = np.linalg.norm


def apply(method, oracle=BY_HAND.grad):
    return method(torch.tensor(POINT), oracle)


def test_gd_by_hand():
    close(apply(sd.GD()), g(POINT))


def test_sam_by_hand():
    wp = POINT + 0.2 * g(POINT) / NORM(g(POINT))
    close(apply(sd.SAM(0.2)), g(wp))
    assert NORM(sd.SAM(0.2).perturbed(torch.tensor(POINT), BY_HAND.grad).numpy() - POINT) == pytest.approx(0.2)


def test_usam_by_hand():
    close(apply(sd.USAM(0.2)), g(POINT + 0.2 * g(POINT)))


def test_asam_by_hand():
    t = abs(POINT)
    wp = POINT + 0.2 * t**2 * g(POINT) / NORM(t * g(POINT))
    close(apply(sd.ASAM(0.2)), g(wp))


def test_asam_as_its_authors_run_it_by_hand():
    t = np.array([0.8 + 0.01, 1.0])  # shifted on the weight, the identity on the bias
    wp = POINT + 0.2 * t**2 * g(POINT) / NORM(t * g(POINT))
    close(apply(sd.ASAM(0.2, shift=0.01, weights=(True, False))), g(wp))
    for weights in ([True, False], np.array([True, False]), torch.tensor([True, False])):
        close(apply(sd.ASAM(0.2, shift=0.01, weights=weights)), g(wp))


def test_dnsam_by_hand():
    noise = np.array([0.3, -0.1])

    class Noisy(Oracle):
        def full(self, w):
            return self.gradient(w) - torch.tensor(noise)

    oracle = Noisy(lambda w: BY_HAND.grad(w) + torch.tensor(noise), BY_HAND.grad.hvp)
    batch = g(POINT) + noise
    wp = POINT + 0.2 * batch / NORM(g(POINT))  # the direction of the batch, the norm of the full gradient
    close(apply(sd.DNSAM(0.2), oracle), g(wp) + noise)
    assert not np.allclose(apply(sd.SAM(0.2), oracle), g(wp) + noise)
    close(apply(sd.DNSAM(0.2)), apply(sd.SAM(0.2)))  # without noise it is SAM


def test_dnsam_stays_where_the_full_gradient_vanishes():
    class Noisy(Oracle):
        def full(self, w):
            return 0 * w

    oracle = Noisy(BY_HAND.grad.gradient, BY_HAND.grad.hvp)
    close(apply(sd.DNSAM(0.2), oracle), g(POINT))


def test_exact_sam_by_hand():
    x, _ = POINT
    h = np.array([[3 * x**2 - 1, 0.5], [0.5, 2]])
    close(apply(sd.ExactSAM(0.2)), (np.eye(2) + 0.2 * h) @ g(POINT + 0.2 * g(POINT)))


def test_several_steps_by_hand():
    # n steps of radius ρ/n, the direction taken anew at every point.
    w1 = POINT + 0.1 * g(POINT) / NORM(g(POINT))
    w2 = w1 + 0.1 * g(w1) / NORM(g(w1))
    w3 = w2 + 0.1 * g(w2) / NORM(g(w2))
    close(apply(sd.SAM(0.3, ascent_steps=3)), g(w3))
    close(apply(sd.SAM(0.3, ascent_steps=3, average=True)), (g(w1) + g(w2) + g(w3)) / 3)
    close(sd.SAM(0.3, ascent_steps=3).perturbed(torch.tensor(POINT), BY_HAND.grad), w3)

    w1 = POINT + 0.15 * abs(POINT) ** 2 * g(POINT) / NORM(POINT * g(POINT))
    w2 = w1 + 0.15 * abs(w1) ** 2 * g(w1) / NORM(w1 * g(w1))
    close(apply(sd.ASAM(0.3, ascent_steps=2)), g(w2))


def test_asam_is_invariant_to_rescaling():
    # L(w₁w₂) has the same value at (aw₁, w₂/a); so have the adaptive perturbations, and the loss there.  [A21]
    product, w, a = sd.landscapes.product(), torch.tensor([1.5, 0.4], dtype=torch.float64), 4.0
    scale = torch.tensor([a, 1 / a], dtype=torch.float64)
    there, rescaled = (sd.ASAM(0.2).perturbed(p, product.grad) for p in (w, scale * w))
    close(rescaled, scale * there)
    there, rescaled = (sd.ASAM(0.2, shift=0.01).perturbed(p, product.grad) for p in (w, scale * w))
    assert (rescaled - scale * there).abs().max() > 1e-4  # the shift breaks it


# Unit vectors.


@pytest.mark.parametrize("size", [1e-323, 1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_unit_vectors_of_any_size(size):
    direction = np.array([1.0, -2.0, 3.0])
    # 1e-323 is two of the smallest steps a double has: no digits are left of the direction, but it has a norm.
    rtol = 1e-15 if size > 1e-310 else 0.5
    u = unit(torch.tensor(size * direction))
    assert u.norm().item() == pytest.approx(1, rel=1e-15)
    close(u, direction / NORM(direction), rtol=rtol)


@pytest.mark.parametrize("size", [1e-45, 1e-42, 1e-38, 1e-30, 1e30, 1e38])
def test_unit_vectors_in_single_precision(size):
    # 1e-45 is the smallest number of float32.
    u = unit(torch.tensor([size, -size], dtype=torch.float32))
    assert u.dtype == torch.float32
    close(u.double(), np.array([1, -1]) / np.sqrt(2), rtol=2e-7)  # eps is 1.2e-7


def test_the_unit_vector_of_zero_is_zero():
    assert unit(torch.zeros(3)).tolist() == [0, 0, 0]
    w = torch.tensor([[3.0, 0.0, 1e-300], [4.0, 0.0, 0.0]], dtype=torch.float64)
    close(unit(w), [[0.6, 0.0, 1.0], [0.8, 0.0, 0.0]])
    assert [*unit(symbolic([0, 0]))] == [0, 0]


def test_vectors_in_units_of_another():
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    close(unit(a, of=torch.tensor([3e-200, 4e-200], dtype=torch.float64)), a / 5e-200)
    assert unit(a, of=torch.zeros(2, dtype=torch.float64)).tolist() == [0, 0]
    assert [*unit(symbolic([X, Y]), of=symbolic([3, 4]))] == [X / 5, Y / 5]
    assert [*unit(symbolic([X, Y]), of=symbolic([0, 0]))] == [0, 0]


def test_vectors_that_are_not_numbers_have_no_direction():
    # A gradient beyond the range must be seen to be so, and not to vanish.
    assert unit(torch.tensor([float("nan"), 1.0])).isnan().all()
    assert unit(torch.tensor([1.0, 2.0]), of=torch.tensor([float("nan"), 1.0])).isnan().all()


# Bad input.

WITH_RADIUS = [methods.SAM, methods.USAM, methods.DNSAM, methods.ASAM, methods.UASAM, methods.ExactSAM]


def refused(name, value, rule, fix):
    return pytest.raises(sd.InputError, match=rf"^{name} = {re.escape(repr(value))}: .*{re.escape(rule)}.*{fix}")


@pytest.mark.parametrize("cls", WITH_RADIUS)
@pytest.mark.parametrize(
    "rho",
    [
        -0.1,
        float("nan"),
        float("inf"),
        "0.1",
        True,
        None,
        1j,
        [0.1, -0.1],
        torch.tensor(0.1),
        sympy.oo,
        sympy.I,
        sympy.S(-1),
    ],
    ids=repr,
)
def test_bad_radius(cls, rho):
    with refused("rho", rho, "finite number >= 0", r"Use e\.g\. rho=0\.05"):
        cls(rho)


@pytest.mark.parametrize("cls", WITH_RADIUS)
@pytest.mark.parametrize("steps", [0, -1, 1.0, 2.5, "2", True, None, float("nan")])
def test_bad_ascent_steps(cls, steps):
    with refused("ascent_steps", steps, "an integer >= 1", "Use ascent_steps=1"):
        cls(0.1, ascent_steps=steps)


@pytest.mark.parametrize("shift", [-0.01, float("nan"), float("inf"), "0.01", None, True])
def test_bad_shift(shift):
    with refused("shift", shift, "finite number >= 0", "Use 0, or 0.01"):
        sd.ASAM(0.1, shift=shift)


@pytest.mark.parametrize("weights", [(), (True,), (True, False, True)])
@pytest.mark.parametrize("w", [torch.tensor(POINT), symbolic((X, Y))], ids=["numbers", "symbols"])
def test_weights_of_another_length(weights, w):
    with refused("weights", weights, f"has {len(weights)} entries for 2 coordinates", "Give one truth value per"):
        sd.ASAM(0.1, weights=weights)(w, BY_HAND.grad)


def test_methods_are_values():
    assert sd.SAM(0.1) == sd.SAM(0.1) != sd.SAM(0.2)
    assert sd.SAM(0.1) != sd.USAM(0.1)
    assert len({sd.ASAM(0.1), sd.ASAM(0.1), sd.ASAM(0.1, shift=0.01)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        sd.SAM(0.1).rho = 0.2


def test_methods_by_name():
    assert {"GD", "SAM", "USAM", "DNSAM", "ASAM", "ExactSAM"} <= set(methods.catalogue())
    assert "Ascent" not in methods.catalogue()  # abstract
    assert methods.named("sam") is sd.SAM
    assert methods.named("exactsam") is sd.ExactSAM


@pytest.mark.parametrize(("typo", "meant"), [("SAMM", "SAM"), ("dnsm", "DNSAM"), ("exact_sam", "ExactSAM")])
def test_a_typo_is_answered_with_the_nearest_name(typo, meant):
    with pytest.raises(
        sd.InputError,
        match=rf"method = '{typo}': no method has this name\. Did you mean '{meant}'\? Known: ASAM, .*USAM",
    ):
        methods.named(typo)


def test_a_method_defined_by_a_user_joins_the_catalogue():
    @dataclasses.dataclass(frozen=True)
    class Flipped(sd.Method):
        def __call__(self, w, grad):
            return -grad(w)

    assert methods.named("flipped") is Flipped
    close(apply(Flipped()), -g(POINT))


@pytest.mark.parametrize("weights", [np.array(0.5), 3, "ab", [[True]], [0.5, 1], [[1, 2], [3]], [None]])
def test_weights_are_truth_values(weights: object) -> None:
    for kind in (sd.ASAM, sd.UASAM):
        with pytest.raises(sd.InputError, match=r"^weights = .*must be truth values"):
            kind(0.1, weights=weights)


@pytest.mark.parametrize("order", [0, 3, True, 1.0, "1", None, torch.zeros(2)])
def test_a_flows_order_is_one_or_two(order: object) -> None:
    with pytest.raises(sd.InputError, match=r"^order = "):
        sd.Flow(BY_HAND, sd.GD(), order=order)


def test_a_field_named_radius_is_refused():
    """Every method has a property of that name, which the dataclass could not set."""
    with pytest.raises(sd.InputError, match="Name the field rho"):

        class Wide(sd.Method):
            radius: float

    class Fixed(sd.Method):
        @property
        def radius(self):
            return 0.5

        def __call__(self, w, grad):
            return grad(w)

    assert Fixed().radius == 0.5
