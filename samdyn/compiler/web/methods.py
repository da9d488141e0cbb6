"""The programs of a method, which call the gradient and the Hessian of whatever landscape the page shows."""

from collections.abc import Sequence
from typing import Any, NoReturn

import torch

from ...dynamics.settings import filled
from ...noise import COUPLINGS, Gaussian
from ...noise.generator import Samples
from ..tracing.expression import NotCompilable
from .opaque import OpaqueLandscape
from .tracing import Trace, tracing

MAX_DRAWS = 64  # most draws of noise in one step


def method_programs(method: Any, parameters: Sequence[str] = ()) -> dict[str, Any]:
    """Return the programs of a method.

    "field", "perturbed" and "jacobian" take x, y and the parameters. "noisy" has a program for each coupling, which
    takes the noise too: noise0 and noise1 are the first draw, and so on. "field32" and "noisy32" are for single
    precision, in which vectors are scaled by other numbers before their norm is taken.

    Args:
        method: a Method, or a function of w and a gradient oracle.
        parameters: the names of its fields that are inputs of the programs.

    Raises:
        NotCompilable: the method has an operation that programs lack.

    >>> import samdyn as sd
    >>> method_programs(sd.GD())["field"]
    {'inputs': ['x', 'y'], 'code': [['gradient', 0, 0, 1], ['gradient', 1, 0, 1]], 'outputs': [2, 3]}
    """
    double, single = (_programs(method, parameters, dtype) for dtype in (torch.float64, torch.float32))
    return {**double, "field32": single["field"], "noisy32": single["noisy"]}


def _programs(method: Any, parameters: Sequence[str], dtype: torch.dtype) -> dict[str, Any]:
    landscape, trace, names = OpaqueLandscape(), Trace(dtype), ["x", "y", *parameters]
    with tracing():
        x, y, *values = (trace.input(name) for name in names)
        w = torch.stack([x, y])
        method = filled(method, {(name,): value for name, value in zip(parameters, values, strict=True)})
        field = method(w, landscape.grad)
        results = {"field": (names, field)}
        if dtype == torch.float64:
            perturbed = method.perturbed(w, landscape.grad) if hasattr(method, "perturbed") else w
            results |= {"perturbed": (names, perturbed), "jacobian": (names, trace.jacobian(field, w))}
        for coupling in COUPLINGS:
            draws = _Inputs(trace)
            update = Gaussian(1.0, coupling=coupling).on(landscape).update(method, w, draws)
            results[coupling] = ([*names, *draws.names], update)
        programs = trace.programs(results)
    noisy = {coupling: programs.pop(coupling) for coupling in COUPLINGS}
    return {**programs, "noisy": noisy}


class _Inputs:
    """Draws whose batches are inputs of the program, two numbers each.

    Attributes:
        names: the names of the inputs of all batches up to now.
    """

    def __init__(self, trace: Trace) -> None:
        self.names: list[str] = []
        self._trace = trace

    def normals(self, draw: int, count: int) -> NoReturn:
        """Refuse: only the schemes of diffusions draw numbers that are no noise."""
        raise NotCompilable("a step of a map draws no numbers but its noise")

    def batch(self, source: Samples, draw: int) -> torch.Tensor:
        """Return the next batch: ``(1, 2, 1)``."""
        if draw >= MAX_DRAWS:
            raise NotCompilable(f"its step draws more than {MAX_DRAWS} batches")
        names = [f"noise{2 * draw}", f"noise{2 * draw + 1}"]
        self.names += names
        return torch.stack([self._trace.input(name) for name in names])[None]
