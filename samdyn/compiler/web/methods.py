"""The programs of a method, which call the gradient and the Hessian of whatever landscape the page shows."""

from collections.abc import Sequence
from typing import Any, NoReturn

import torch

from ...dynamics.settings import filled
from ...noise import COUPLINGS, Gaussian
from ...noise.generator import Samples
from ..tracing.expression import NotCompilable
from .opaque import OpaqueLandscape
from .program import Program
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
    double, single = _Traced(method, parameters, torch.float64), _Traced(method, parameters, torch.float32)
    programs, noisy, field32 = double.without_noise(), double.with_noise(), single.without_noise()["field"]
    # Without numbers that depend on the precision, neither field nor noise does: tracing the noise takes the longest.
    noisy32 = noisy if field32 == programs["field"] else single.with_noise()
    return {**programs, "field32": field32, "noisy": noisy, "noisy32": noisy32}


class _Traced:
    """A method in one precision, applied to inputs of programs."""

    def __init__(self, method: Any, parameters: Sequence[str], dtype: torch.dtype) -> None:
        self._landscape, self._trace, self._names = OpaqueLandscape(), Trace(dtype), ["x", "y", *parameters]
        x, y, *values = (self._trace.input(name) for name in self._names)
        with tracing():
            self._w = torch.stack([x, y])
        self._method = filled(method, {(name,): value for name, value in zip(parameters, values, strict=True)})

    def without_noise(self) -> dict[str, Program]:
        """Return the programs "field", and in double precision "perturbed" and "jacobian"."""
        trace, gradient = self._trace, self._landscape.grad
        with tracing():
            field = self._method(self._w, gradient)
            results = {"field": field}
            if trace.dtype == torch.float64:
                has_point = hasattr(self._method, "perturbed")
                results["perturbed"] = self._method.perturbed(self._w, gradient) if has_point else self._w
                results["jacobian"] = trace.jacobian(field, self._w)
            return trace.programs({name: (self._names, value) for name, value in results.items()})

    def with_noise(self) -> dict[str, Program]:
        """Return the program with noise for each coupling."""
        results = {}
        with tracing():
            for coupling in COUPLINGS:
                source, draws = Gaussian(1.0, coupling=coupling).on(self._landscape), _Inputs(self._trace)
                update = source.update(self._method, self._w, draws)
                results[coupling] = ([*self._names, *draws.names], update)
            return self._trace.programs(results)


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
