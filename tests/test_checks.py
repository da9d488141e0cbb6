"""Names that are looked up: which one is meant, and that it is the one that is used."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import samdyn as sd
from samdyn import checks

ROOT = Path(sd.__file__).parent
BEYOND = 10**400  # an integer, and no floating-point number
LOOKED_UP = {"known", "spelled"}  # of samdyn.checks: they return the name to go on with


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_looked_up_and_then_used_as_it_was_given(path: Path) -> None:
    dropped = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in LOOKED_UP
    ]
    assert not dropped, f"{path}: what these lines look up is not used"


def test_samdyns_own_names_are_found_in_any_case() -> None:
    assert checks.known("coupling", "Shared", ("shared", "clean")) == "shared"
    with pytest.raises(sd.InputError, match=r"coupling = 'sharde'.*Did you mean 'shared'"):
        checks.known("coupling", "sharde", ("shared", "clean"))


def test_a_name_that_is_spelled_exactly_is_meant() -> None:
    assert checks.known("coordinate", "X", ["x", "X", "Xa"]) == "X"
    assert checks.known("coordinate", "x", ["X", "x"]) == "x"
    with pytest.raises(sd.InputError, match=r"coordinate = 'ABC'.*Known: Abc, aBc"):
        checks.known("coordinate", "ABC", ["aBc", "Abc"])


def test_the_users_names_are_case_sensitive() -> None:
    assert checks.spelled("coordinate", "X", ["x", "X"]) == "X"
    with pytest.raises(sd.InputError, match=r"coordinate = 'X'.*Did you mean 'x'"):
        checks.spelled("coordinate", "X", ["x", "y"])


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000], ids=["400", "-400", "5000"])
def test_numbers_beyond_the_floating_point_range(value: int) -> None:
    with pytest.raises(sd.InputError, match="the radius must be a finite number"):
        sd.SAM(value)
    with pytest.raises(sd.InputError, match="must be a finite number > 0"):
        sd.Map(sd.landscapes.saddle(), sd.GD(), lr=value)


@pytest.mark.parametrize("steps", [0, -1, True, 2.0, 2**63, 10**400])
def test_counts_are_integers_that_counters_hold(steps: object) -> None:
    with pytest.raises(sd.InputError, match=r"^steps = "):
        checks.count("steps", steps, "Use e.g. steps=10")
    assert checks.count("steps", 2**63 - 1, "") == 2**63 - 1


@pytest.mark.parametrize("given", [None, 1, "True", np.array([True, False])])
def test_truth_values_are_true_or_false(given: object) -> None:
    saddle = sd.landscapes.saddle()
    for build in (
        lambda: sd.Map(saddle, sd.GD(), lr=0.1, momentum=0.9, nesterov=given),
        lambda: sd.SAM(0.1, average=given),
        lambda: sd.noise.FiniteSum(2, replacement=given),
    ):
        with pytest.raises(sd.InputError, match="must be True or False"):
            build()


def test_shapes_that_do_not_broadcast_are_named() -> None:
    checks.broadcast({"lam": 1.0, "rho": np.zeros((2, 1)), "t": np.zeros(3)})
    with pytest.raises(sd.InputError, match=r"lam: \(2,\), t: \(3,\)': do not broadcast"):
        checks.broadcast({"lam": np.zeros(2), "rho": 0.1, "t": np.zeros(3)})


@pytest.mark.parametrize(
    "call",
    [
        lambda: sd.noise.Gaussian(BEYOND),
        lambda: sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1, noise=sd.noise.Fisher((BEYOND, 0), 1)),
        lambda: sd.SampleLandscape("a*x", "a", {"x": [BEYOND]}),
        lambda: sd.Landscape("x**2", "x", box=[(0, BEYOND)]),
        lambda: sd.Histogram({"x": [0, BEYOND]}),
        lambda: sd.simulate(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1), [(BEYOND, 0)], 1, progress=False),
        lambda: sd.integrate(sd.Flow(sd.landscapes.saddle(), sd.GD()), [(1, 0)], BEYOND, progress=False),
        lambda: sd.stability(sd.Flow(sd.landscapes.saddle(), sd.GD()), (BEYOND, 0)),
        lambda: sd.analysis.manifolds(sd.Flow(sd.landscapes.saddle(), sd.GD()), (BEYOND, 0)),
        lambda: sd.landscapes.quadratic([BEYOND]),
    ],
)
def test_integers_beyond_the_floating_point_range_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(sd.InputError):
        call()


@pytest.mark.parametrize("method", [len, max, sd.SAM, None])
def test_what_is_no_method_is_refused(method: object) -> None:
    with pytest.raises(sd.InputError, match=r"^method = .*is no method"):
        sd.Diffusion(sd.landscapes.saddle(), method, sd.noise.Gaussian(0.1), lr=0.1)
