"""The few vector operations methods are written in, with one meaning on numbers and on symbols.

A point is a torch tensor ``(d, …)`` with its components on the first axis, or a NumPy array of d SymPy expressions.
(SymPy's own arrays refuse the elementwise products that ASAM is made of; NumPy's object arrays do everything
tensors do with ``+ - * abs()``.)
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
import torch

Point = Any  # torch.Tensor (d, …) | numpy array (d,) of SymPy expressions


def is_symbolic(a: Point) -> bool:
    """Whether ``a`` holds SymPy expressions rather than numbers."""
    return isinstance(a, np.ndarray) and a.dtype == object


def symbolic(entries: Any) -> np.ndarray:
    """Make a symbolic point ``(d,)`` from d SymPy expressions."""
    return np.array([sympy.sympify(e) for e in entries], dtype=object)


def dot(a: Point, b: Point) -> Any:
    """Return aᵀb: ``(d, …), (d, …) -> (…)``."""
    return (a * b).sum(0)


def norm(a: Point) -> Any:
    """Return the Euclidean norm ‖a‖: ``(d, …) -> (…)``."""
    return sympy.sqrt(dot(a, a)) if is_symbolic(a) else dot(a, a).sqrt()


def unit(a: Point, of: Point | None = None) -> Point:
    """Return a/‖a‖, and 0 where a = 0: ``(d, …) -> (d, …)``.

    With ``of`` the norm is that of another vector: a/‖of‖, and 0 where of = 0.

    The numeric norm is taken after scaling by the largest component, so that a gradient of 1e-200 still has a
    direction. Symbolically a/‖a‖ is left as it stands unless ``of`` is identically zero: it has no value, and no
    derivative, where the vector vanishes, and whoever substitutes such a point must say so.
    """
    of = a if of is None else of
    if is_symbolic(a):
        return 0 * a if not any(of) else a / norm(of)
    largest = of.abs().amax(0)
    scale = torch.where(largest == 0, 1, largest)
    direction = a / scale / dot(of / scale, of / scale).clamp(min=1).sqrt()
    return direction if of is a else torch.where(largest == 0, 0, direction)


def directional_derivative(function: Callable[[Point], Point], w: Point, v: Point) -> Point:
    """Return D function(w)·v, by forward-mode differentiation: ``(d, …), (d, …) -> (d, …)``.

    Where the function has no derivative, as normalised methods at a critical point, the numbers mean nothing.
    """
    if is_symbolic(w):
        t = sympy.Dummy("t", real=True)
        return symbolic(derivative(entry, t).subs(t, 0) for entry in function(w + t * v))
    return torch.func.jvp(function, (w,), (v,))[1]


def jacobian(function: Callable[[Point], Point], w: Point) -> Point:
    """Return the Jacobian D function(w), column j the derivative along coordinate j: ``(d, …) -> (m, d, …)``.

    Where the function has no derivative the numbers mean nothing.
    """
    if is_symbolic(w):
        axes = np.array(sympy.eye(len(w)).tolist(), dtype=object)
        return np.stack([directional_derivative(function, w, axis) for axis in axes], axis=1)
    # All rows at once, backward: forward, torch goes the long way around wherever an operand has no tangent.
    value, pull_back = torch.func.vjp(function, w)[:2]
    rows = torch.eye(len(value), dtype=w.dtype, device=w.device).reshape(len(value), len(value), *[1] * (w.ndim - 1))
    return torch.func.vmap(lambda row: pull_back(row)[0])(rows.expand(len(value), *value.shape))


class _RealSign(sympy.Function):  # type: ignore[misc]  # SymPy is not annotated
    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.Integer(0)


class _RealAbs(sympy.Function):  # type: ignore[misc]
    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return _RealSign(self.args[0])


def derivative(expr: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """Return ∂expr/∂symbol for real symbols; at kinks those of abs, Max and Min are 0, deltas are dropped."""
    # SymPy differentiates |u| through real and imaginary parts where it cannot know that u is real, as for log(x).
    slope = expr.replace(sympy.Abs, _RealAbs).replace(sympy.sign, _RealSign).diff(symbol)
    slope = slope.replace(_RealAbs, sympy.Abs).replace(_RealSign, sympy.sign)
    slope = slope.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    return slope.replace(sympy.Heaviside, lambda u, *_: sympy.Heaviside(u, 0))
