"""A tiny interpreter of programs, on torch's operations."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

BINARY: dict[str, Callable[..., Any]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": torch.div,
    "pow": torch.pow,
    "max": torch.maximum,
    "min": torch.minimum,
    "<": torch.lt,
    "<=": torch.le,
    "==": torch.eq,
    "!=": torch.ne,
    "&": torch.logical_and,
    "|": torch.logical_or,
}
UNARY = {"~": torch.logical_not, **{name: getattr(torch, name) for name in ("neg", "abs", "sign", "sqrt", "exp")}}
UNARY |= {name: getattr(torch, name) for name in ("expm1", "log", "log1p", "sin", "cos", "tan", "sinh", "cosh")}
UNARY |= {name: getattr(torch, name) for name in ("tanh", "atan")}


class Result:
    """The results of a program ``(m, N)``, and the largest number in the whole computation at every point ``(N,)``."""

    def __init__(self, values: torch.Tensor, size: torch.Tensor) -> None:
        self.values, self.size = values, size


def evaluate(program: Mapping[str, Any], inputs: Mapping[str, torch.Tensor], landscape: Any = None) -> Result:
    """Run a program at points ``(N,)``. Calls run the programs of a landscape."""
    numbers = [inputs[name] for name in program["inputs"]]
    size = torch.stack([n.abs() for n in numbers]).amax(0)
    called: dict[Any, Result] = {}
    for operation, *arguments in program["code"]:
        if operation == "=":
            value = torch.full_like(numbers[0], arguments[0])
        elif operation in ("gradient", "hessian", "third"):
            component, x, y = arguments
            if (operation, x, y) not in called:
                names = landscape[operation]["inputs"]
                at = dict(zip(names, (numbers[x], numbers[y]), strict=True))
                called[operation, x, y] = evaluate(landscape[operation], at)
            result = called[operation, x, y]
            value, size = result.values[component], torch.maximum(size, result.size)
        elif operation == "?":
            value = torch.where(*(numbers[a] for a in arguments))
        else:
            value = {**UNARY, **BINARY}[operation](*(numbers[a] for a in arguments))
        if value.dtype != torch.bool:
            size = torch.maximum(size, value.abs().nan_to_num())
        numbers.append(value)
    return Result(torch.stack([numbers[i] for i in program["outputs"]]), size)


@pytest.fixture(name="evaluate")
def evaluate_() -> Callable[..., Result]:
    return evaluate


@pytest.fixture
def agrees() -> Callable[..., None]:
    """Return a check that a program's results are those of the library, relative to the largest number on the way."""

    def check(result: Result, expected: torch.Tensor, tolerance: float) -> None:
        assert torch.isfinite(expected).all()
        error = (result.values - expected.reshape(result.values.shape)).abs() / result.size
        assert float(error.max()) <= tolerance

    return check
