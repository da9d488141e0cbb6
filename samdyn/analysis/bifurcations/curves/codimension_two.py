"""Names the points of codimension two on a curve of bifurcations, as the zeros of test functions."""

import itertools
from dataclasses import dataclass

import numpy as np

from ..problem import Problem
from .normal_form import Critical, cubic, first_lyapunov, forms, quadratic

REAL = 1e-6  # relative to ‖A‖; multipliers with a smaller imaginary part are real
PAIRS = ("Hopf", "Neimark–Sacker")  # kinds of bifurcations of a complex pair


@dataclass(frozen=True, eq=False)
class CodimensionTwoPoint:
    """A point of a curve of bifurcations at which a second condition holds.

    Attributes:
        kind: on folds "cusp"; on folds, branch points and Hopf curves of flows "Bogdanov–Takens"; on Hopf curves
            "generalised Hopf"; on those of maps "1:1 resonance"; on Neimark–Sacker curves "Chenciner", and all
            resonances up to "1:4 resonance"; on flips "generalised flip" and "1:2 resonance"; on branch points
            "degenerate pitchfork" and "degenerate transcritical"; where another multiplier is critical too, both names,
            such as "fold–flip".
        parameters: the values of both parameters, ``(2,)``.
        z: the state (w, v), ``(D,)``.
        w: the points of the cycle, ``(p, d)``.
        multipliers: the multipliers, or the eigenvalues of a flow, ``(D,)``.

    >>> import samdyn as sd
    >>> flow = sd.Flow(sd.Landscape("x**4/4 - b*x**2/2 - a*x", "x", parameters={"a": 0, "b": 1}), sd.GD())
    >>> (fold, *_) = sd.analysis.branch(flow, [1.0], "a", (-1, 1), at=0.0).bifurcations
    >>> (cusp,) = sd.analysis.bifurcation_curve(flow, fold, ("a", "b"), ((-1, 1), (-1, 2))).points
    >>> cusp.kind, bool(abs(cusp.parameters).max() < 1e-9)
    ('cusp', True)
    """

    kind: str
    parameters: np.ndarray
    z: np.ndarray
    w: np.ndarray
    multipliers: np.ndarray


@dataclass(frozen=True)
class Tests:
    """The test functions of a point on a curve.

    Attributes:
        values: the value of each by the kind of the point at which it vanishes.
        coefficient: the coefficient of the normal form with p·q = 1: quadratic for folds, cubic for branch points and
            flips, the first Lyapunov coefficient for pairs.
        bend: the quadratic coefficient of folds and branch points.
    """

    values: dict[str, float]
    coefficient: float
    bend: float = 0.0


def test_functions(kind: str, problem: Problem, at: Critical, kappa: float, unit: float) -> Tests:
    """Return the test functions of a point on a curve of bifurcations of a kind.

    Args:
        kind: the kind of the bifurcation.
        problem: the equations.
        at: the point, with its critical multiplier.
        kappa: for pairs ω² of flows, or 2(1 − cos θ) of maps.
        unit: a norm of the derivatives, in units of which the coefficients are zero or not.
    """
    second, third = forms(problem, at.u)
    one, product = ("1:1 resonance" if problem.discrete else "Bogdanov–Takens"), float(at.product.real)
    if kind in ("fold", "branch point"):
        bend, cube = quadratic(second, at), cubic(second, third, at, is_flip=False)
        values = {"cusp": bend / unit} if kind == "fold" else {}
        if kind == "branch point":
            values = {"degenerate transcritical": bend / unit, "degenerate pitchfork": cube / unit}
        coefficients = bend / (product or np.nan), cube / (product or np.nan)
        tests = Tests({**values, one: product}, coefficients[kind != "fold"], coefficients[0])
    elif kind == "flip":
        cube = cubic(second, third, at, is_flip=True)
        tests = Tests({"generalised flip": cube / unit, "1:2 resonance": product}, cube / (product or np.nan))
    else:
        lyapunov = first_lyapunov(second, third, at, problem.discrete)
        if problem.discrete:
            values = {f"1:{n} resonance": root - kappa for n, root in ((2, 4.0), (3, 3.0), (4, 2.0))}
            tests = Tests({"Chenciner": lyapunov / unit, one: kappa, **values}, lyapunov)
        else:
            tests = Tests({"generalised Hopf": lyapunov / unit, one: kappa}, lyapunov)
    tests.values.update({name: _signed_least(factors) for name, factors in _second(kind, problem, at).items()})
    return tests


def _second(kind: str, problem: Problem, at: Critical) -> dict[str, np.ndarray]:
    """Return for every second critical multiplier the factors of which one vanishes there, by the name of the point."""
    others = at.others
    if problem.discrete:
        pair, factors = "Neimark–Sacker", {"fold": others - 1, "flip": others + 1}
        products = [1 - a * b for a, b in itertools.combinations(others, 2)]
    else:
        pair, factors = "Hopf", {"fold": others}
        products = [a + b for a, b in itertools.combinations(others, 2)]
    names = {}
    if kind in ("flip", "Hopf", "Neimark–Sacker"):
        names[f"fold–{kind}"] = factors["fold"]
    if problem.discrete and kind != "flip":
        # The order of the names is that of the multipliers 1, −1 and the pair.
        names[f"flip–{kind}" if kind == "Neimark–Sacker" else f"{kind}–flip"] = factors["flip"]
    names[f"double {pair}" if kind == pair else f"{kind}–{pair}"] = np.array(products)
    return {name: values for name, values in names.items() if len(values)}


def _signed_least(factors: np.ndarray) -> float:
    """Return the least |factor| with the sign of the product of all, which is real."""
    return float(np.sign(np.prod(factors / np.maximum(np.abs(factors), 1e-300)).real) * np.abs(factors).min())


def is_true(name: str, kind: str, problem: Problem, at: Critical) -> bool:
    """Return whether a zero of a test function on a curve of a kind is a point of this name.

    The test of a second pair vanishes also for two real eigenvalues λ and −λ, or real multipliers μ and 1/μ.
    """
    if not (name.startswith("double") or (kind not in PAIRS and name.endswith(PAIRS))):
        return True
    strength = float(np.linalg.norm(at.matrix))
    neutral = at.others[np.abs(problem.beyond(at.others)) <= REAL * strength]
    return bool((np.abs(neutral.imag) > REAL * strength).any())
