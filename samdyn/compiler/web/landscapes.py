"""The programs of a landscape: its value and its derivatives up to the third."""

import torch

from ...landscapes import Landscape
from .program import Program
from .tracing import Trace, tracing


def landscape_programs(landscape: Landscape) -> dict[str, Program]:
    """Return the programs "value", "gradient", "hessian" (xx, xy, yy) and "third" (xxx, xxy, xyy, yyy).

    They take the two coordinates. The third derivatives are derived from the code of the Hessian.

    Args:
        landscape: a landscape of two coordinates.

    Raises:
        NotCompilable: the landscape has an operation that programs lack.

    >>> import samdyn as sd
    >>> landscape_programs(sd.Landscape("x*y", "x y"))["gradient"]
    {'inputs': ['x', 'y'], 'code': [], 'outputs': [1, 0]}
    """
    names = [str(s) for s in landscape.symbols]
    trace = Trace(torch.float64)
    with tracing():
        w = torch.stack([trace.input(name) for name in names])
        hessian = landscape.hessian(w)
        upper = torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])
        (xxx, _), (xxy, _), (xyy, yyy) = trace.jacobian(upper, w)
        results = {
            "value": landscape.value(w),
            "gradient": landscape.grad(w),
            "hessian": upper,
            "third": torch.stack([xxx, xxy, xyy, yyy]),
        }
        return trace.programs({name: (names, value) for name, value in results.items()})
