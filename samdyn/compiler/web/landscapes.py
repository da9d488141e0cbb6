"""The programs of a landscape: its value and its derivatives up to the third."""

from functools import partial

import torch

from ... import checks
from ...landscapes import Landscape
from ...ops import directional_derivative
from ..tracing.expression import NotCompilable
from .program import Program
from .tracing import programs


def landscape_programs(landscape: Landscape) -> dict[str, Program]:
    """Return the programs "value", "gradient", "hessian" (xx, xy, yy) and "third" (xxx, xxy, xyy, yyy).

    They take the two coordinates. The third derivatives are derived from the code of the Hessian.

    Raises:
        InputError: the landscape has no formula, or not two coordinates, or an operation that programs lack.

    >>> import samdyn as sd
    >>> landscape_programs(sd.Landscape("x*y", "x y"))["gradient"]
    {'inputs': ['x', 'y'], 'code': [], 'outputs': [1, 0]}
    """
    if landscape.dim != 2:
        rule = f"the explorer shows landscapes of two coordinates, and this one has {landscape.dim}"
        checks.reject("landscape", landscape, rule, "Fix the other coordinates with landscape.restrict({…})")
    if not landscape.has_formula:
        checks.reject("landscape", landscape, "has no formula", "Give a Landscape, or a formula as text")
    try:
        return programs(partial(_derivatives, landscape), [str(s) for s in landscape.symbols], torch.float64)
    except NotCompilable as error:
        checks.reject("landscape", landscape, f"cannot run in the page: {error}", "Write its formula in other functions")


def _derivatives(landscape: Landscape, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    w = torch.stack([x, y])
    hessian = _upper(landscape, w)
    along_x, along_y = (
        directional_derivative(partial(_upper, landscape), w, torch.tensor(axis, dtype=w.dtype)[:, None].expand(w.shape))
        for axis in ([1.0, 0.0], [0.0, 1.0])
    )
    third = torch.stack([along_x[0], along_x[1], along_x[2], along_y[2]])
    return {"value": landscape.value(w), "gradient": landscape.grad(w), "hessian": hessian, "third": third}


def _upper(landscape: Landscape, w: torch.Tensor) -> torch.Tensor:
    h = landscape.hessian(w)
    return torch.stack([h[0, 0], h[0, 1], h[1, 1]])
