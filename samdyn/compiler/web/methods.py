"""The programs of a method, which call the gradient and the Hessian of whatever landscape the page shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...dynamics.settings import filled
from ...noise import COUPLINGS, Gaussian
from ...noise.generator import Samples
from ...ops import directional_derivative
from ..tracing.expression import NotCompilable
from .opaque import OpaqueLandscape
from .program import Program
from .tracing import programs

MAX_DRAWS = 32  # most draws of noise in one step
NOISE = "noise"  # prefix of the names of the inputs that are noise


def method_programs(method: Any, parameters: Sequence[str] = ()) -> dict[str, Any]:
    """Return the programs of a method: "field", "perturbed", "jacobian", "noisy", and in single precision "field32"…

    Args:
        method: a Method, or a function of w and a gradient oracle.
        parameters: the names of its fields that are inputs of the programs.

    Raises:
        NotCompilable: the method has an operation that programs lack.

    >>> import samdyn as sd
    >>> method_programs(sd.GD())["field"]
    {'inputs': ['x', 'y'], 'code': [['gradient', 0, 0, 1], ['gradient', 1, 0, 1]], 'outputs': [2, 3]}
    """
    single, double = torch.float32, torch.float64
    plain, plain32 = (_plain(method, parameters, dtype) for dtype in (double, single))
    return {
        "field": plain["field"],
        "field32": plain32["field"],
        "perturbed": plain["perturbed"],
        "jacobian": plain["jacobian"],
        "noisy": _noisy(method, parameters, double),
        "noisy32": _noisy(method, parameters, single),
    }


def _plain(method: Any, parameters: Sequence[str], dtype: torch.dtype) -> dict[str, Program]:
    """Return the programs without noise; the Jacobian in double precision only."""
    gradient = OpaqueLandscape().grad

    def results(x: torch.Tensor, y: torch.Tensor, *values: torch.Tensor) -> dict[str, torch.Tensor]:
        w, method_ = torch.stack([x, y]), _with(method, parameters, values)
        if dtype == torch.float32:
            return {"field": method_(w, gradient)}
        axes = (torch.tensor(axis, dtype=dtype)[:, None].expand(w.shape) for axis in ([1.0, 0.0], [0.0, 1.0]))
        columns = [directional_derivative(lambda w: method_(w, gradient), w, axis) for axis in axes]
        perturbed = method_.perturbed(w, gradient) if hasattr(method_, "perturbed") else w
        return {"field": method_(w, gradient), "perturbed": perturbed, "jacobian": torch.stack(columns, 1)}

    return programs(results, ["x", "y", *parameters], dtype)


def _noisy(method: Any, parameters: Sequence[str], dtype: torch.dtype) -> dict[str, Program]:
    """Return the program with noise for each coupling."""
    landscape = OpaqueLandscape()

    def results(x: torch.Tensor, y: torch.Tensor, *values: torch.Tensor) -> dict[str, torch.Tensor]:
        w, count = torch.stack([x, y]), len(parameters)
        method_, draws = _with(method, parameters, values[:count]), _Inputs(values[count:])
        return {
            coupling: Gaussian(1.0, coupling=coupling).on(landscape).update(method_, w, draws)
            for coupling in COUPLINGS
        }

    names = [f"{NOISE}{i}" for i in range(2 * MAX_DRAWS)]
    return {
        coupling: _without_unused(p) for coupling, p in programs(results, ["x", "y", *parameters, *names], dtype).items()
    }


class _Inputs:
    """Draws whose batches are inputs of the program, two numbers each."""

    def __init__(self, numbers: Sequence[torch.Tensor]) -> None:
        self._numbers = numbers

    def normals(self, draw: int, count: int) -> torch.Tensor:
        raise NotCompilable("a step of a map draws no numbers but those of its noise")

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the batch of one draw: ``(1, 2, N)``."""
        if draw >= MAX_DRAWS:
            raise NotCompilable(f"its step draws more than {MAX_DRAWS} batches")
        return torch.stack(list(self._numbers[2 * draw : 2 * draw + 2]))[None]


def _with(method: Any, parameters: Sequence[str], values: Sequence[torch.Tensor]) -> Any:
    return filled(method, {(name,): value for name, value in zip(parameters, values, strict=True)})


def _without_unused(program: Program) -> Program:
    """Return a program without the inputs of noise after the last one that it uses, in whole draws."""
    names, code = program["inputs"], program["code"]
    first = len([name for name in names if not name.startswith(NOISE)])
    references: Mapping[str, int] = {"=": 2, "gradient": 2, "hessian": 2, "third": 2}
    read = [n for i in code for n in i[references.get(i[0], 1) :]] + program["outputs"]
    last = max([n for n in read if first <= n < len(names)], default=first - 1)
    keep = first + (last - first + 2) // 2 * 2
    dropped = len(names) - keep

    def moved(number: int) -> int:
        return number - dropped if number >= len(names) else number

    new = [[*i[: references.get(i[0], 1)], *map(moved, i[references.get(i[0], 1) :])] for i in code]
    return {"inputs": names[:keep], "code": new, "outputs": list(map(moved, program["outputs"]))}
