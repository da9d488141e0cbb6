"""Programs hold only known operations, on earlier numbers, and numbers that JSON can write."""

import json
import math
from typing import Any

import pytest
import torch

import samdyn as sd
from samdyn.compiler import NotCompilable
from samdyn.compiler.web import OPERATIONS, landscape_programs, method_programs
from samdyn.compiler.web.program import CALLS, write
from samdyn.compiler.web.tracing import Trace, tracing


def check(program: dict[str, Any]) -> None:
    """Check that a program is one of web/src/types.ts."""
    assert set(program) == {"inputs", "code", "outputs"}
    assert json.loads(json.dumps(program, allow_nan=False)) == program
    count = len(program["inputs"])
    for operation, *rest in program["code"]:
        if operation == "=":
            (value,) = rest
            assert math.isfinite(value)
            arguments = []
        elif operation in CALLS:
            component, *arguments = rest
            assert component in range(CALLS[operation])
            assert len(arguments) == 2
        else:
            arguments = rest
            assert len(arguments) == OPERATIONS[operation]
        assert all(isinstance(a, int) and 0 <= a < count for a in arguments)
        count += 1
    assert all(0 <= output < count for output in program["outputs"])


@pytest.mark.parametrize("method", [sd.ASAM(0.1, shift=0.01, ascent_steps=3), sd.ExactSAM(0.1), sd.DNSAM(0.1)])
def test_programs_of_methods_are_well_formed(method: sd.Method) -> None:
    programs = method_programs(method, ["rho"])
    for program in (programs[key] for key in ("field", "field32", "perturbed", "jacobian")):
        check(program)
    for program in (*programs["noisy"].values(), *programs["noisy32"].values()):
        check(program)


def test_programs_of_landscapes_are_well_formed() -> None:
    for make in sd.landscapes.catalogue().values():
        for program in landscape_programs(make()).values():
            check(program)


def traced(function: Any, dtype: torch.dtype = torch.float64) -> dict[str, Any]:
    trace = Trace(dtype)
    with tracing():
        return trace.programs({"result": (["x", "y"], function(trace.input("x"), trace.input("y"))[None])})["result"]


LOGIC = {
    "and, or, not": lambda x, y: torch.where((x > 0) & (y >= 0) | ~(x != y), x, y),
    "exclusive or": lambda x, y: torch.where((x > 0) ^ (y > 0), x, y),
    "equal truth values": lambda x, y: torch.where((x > 0) == (y > 0), x, y),
    "chosen truth values": lambda x, y: torch.where(torch.where(x > y, x > 0, y > 0), x, y),
    "a truth value as a number": lambda x, y: (x > y).to(x.dtype) + y,
    "a number as a truth value": lambda x, y: torch.where(x.bool() | torch.tensor([False]), x, y),
    "a constant truth value": lambda x, y: torch.where((x > 0) & torch.tensor([True]), x, y),
    "any, all": lambda x, y: torch.where(torch.stack([x > 0, y > 0]).any(0) ^ torch.stack([x > 0, y > 0]).all(0), x, y),
    "signs": lambda x, y: x.sign() * y.abs() - x.neg().neg(),
    "clamped": lambda x, y: x.clamp(-1, 1) + torch.maximum(x, y) - y.clamp(min=0.3),
    "powers": lambda x, y: x.abs() ** 0.3 + x**3 + y.abs() ** -0.5 + x.abs().rsqrt() + x.reciprocal(),
    "left out": lambda x, y: (0 * x + y * 1) / 1 - 0 * y + (0 - x) + 0 / (y + 10),
}


@pytest.mark.parametrize("name", LOGIC)
def test_truth_values_and_numbers(name: str, evaluate: Any) -> None:
    program = traced(LOGIC[name])
    check(program)
    x, y = (
        torch.tensor([-1.5, -0.5, 0.0, 0.5, 2.0, 2.0, 0.25]).double(),
        torch.tensor([1, -2, 0, 3, 2, -1, 0.0]).double(),
    )
    if name == "powers":
        x, y = x + 0.125, y + 0.125
    expected = LOGIC[name](x, y)
    assert torch.allclose(evaluate(program, {"x": x, "y": y}).values[0], expected, rtol=1e-14, atol=0)


def test_numbers_of_single_precision_are_rounded() -> None:
    (instruction, *_) = traced(lambda x, y: x * 0.1 + y, torch.float32)["code"]
    assert instruction == ["=", float(torch.tensor(0.1))]


def test_a_sign_of_zero_stays() -> None:
    program = traced(lambda x, y: torch.maximum(x, torch.tensor([-0.0]).double()))
    assert math.copysign(1, program["code"][0][1]) == -1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite(value: float) -> None:
    with pytest.raises(NotCompilable, match="finite numbers only"):
        traced(lambda x, y: x + value)


def test_equal_parts_are_written_once() -> None:
    assert traced(lambda x, y: (x + y) * (x + y))["code"] == [["+", 0, 1], ["*", 2, 2]]


def test_results_may_be_inputs() -> None:
    trace = Trace(torch.float64)
    assert trace.programs({"r": (["x"], trace.input("x")[None])})["r"] == {"inputs": ["x"], "code": [], "outputs": [0]}
    assert write(["x"], []) == {"inputs": ["x"], "code": [], "outputs": []}
