"""The programs of landscapes compute what the landscapes compute."""

from functools import partial
from typing import Any

import pytest
import torch

import samdyn as sd
from samdyn.compiler import NotCompilable
from samdyn.compiler.web import landscape_programs
from samdyn.ops import jacobian

ROUNDING = 1e-12  # of a few hundred operations in double precision, relative to the largest number on the way
FORMULAS = [
    "sin(x)*cos(y) + exp(-x**2) + tanh(x*y) + atan(x) + sqrt(1 + x**2 + y**2)",
    "log(1 + exp(x*y)) + sinh(x)/cosh(y) + tan(x/4) + log(cosh(y)) + x**2.5*0 + (1 + x**2)**0.3",
    "abs(x - y) + relu(x + y)**2 + Max(x, y, 0)*Min(x, 2*y) + sign(x)*x**3 + log(exp(x) + exp(y) + exp(x*y))",
    "1/(1 + exp(-x)) + (x - y)**-2 + pi*x**9 + 3",
]
LANDSCAPES = {name: make() for name, make in sd.landscapes.catalogue().items()}
LANDSCAPES |= {formula: sd.Landscape(formula, "x y") for formula in FORMULAS}


def upper(landscape: sd.Landscape, w: torch.Tensor) -> torch.Tensor:
    h = landscape.hessian(w)
    return torch.stack([h[0, 0], h[0, 1], h[1, 1]])


@pytest.mark.parametrize("name", LANDSCAPES)
def test_value_and_derivatives(name: str, evaluate: Any, agrees: Any) -> None:
    landscape = LANDSCAPES[name]
    programs = landscape_programs(landscape)
    low, high = torch.tensor(landscape.box, dtype=torch.float64).T
    w = low[:, None] + (high - low)[:, None] * torch.rand(2, 40, generator=torch.Generator().manual_seed(0)).double()
    at = dict(zip(map(str, landscape.symbols), w, strict=True))
    slopes = jacobian(partial(upper, landscape), w)
    expected = {
        "value": landscape.value(w)[None],
        "gradient": landscape.grad(w),
        "hessian": upper(landscape, w),
        "third": torch.stack([slopes[0, 0], slopes[1, 0], slopes[2, 0], slopes[2, 1]]),
    }
    for part, values in expected.items():
        assert programs[part]["inputs"] == list(at)
        agrees(evaluate(programs[part], at), values, ROUNDING)


def test_stable_forms_stay_stable(evaluate: Any) -> None:
    """The page computes log(1 + eˣ) where eˣ is out of range, as the library does."""
    programs = landscape_programs(sd.Landscape("log(1 + exp(x)) + y", "x y"))
    at = {"x": torch.tensor([1000.0, -1000.0]).double(), "y": torch.zeros(2).double()}
    assert evaluate(programs["value"], at).values.tolist() == [[1000.0, 0.0]]
    assert evaluate(programs["gradient"], at).values.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_an_operation_without_a_program() -> None:
    class Sorted(sd.Landscape):
        def value(self, w: Any) -> Any:
            return w.sort(0).values[0]

    with pytest.raises(NotCompilable, match="sort"):
        landscape_programs(Sorted("x*y", "x y"))
