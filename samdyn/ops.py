"""The few vector operations methods are written in, with one meaning on numbers and on symbols.

A point is a torch tensor ``(d, …)`` with its components on the first axis, or a NumPy array of d SymPy expressions.
(SymPy's own arrays refuse the elementwise products that ASAM is made of; NumPy's object arrays do everything
tensors do with ``+ - * abs()``.)
"""

import itertools
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
    return (a * b).sum(0) if is_symbolic(a) else halves(a * b, 0)


def norm(a: Point) -> Any:
    """Return the Euclidean norm ‖a‖: ``(d, …) -> (…)``.

    Its derivative is a/‖a‖, and 0 where a = 0: there the norm has none, but ‖a‖a, or a/(1 + ‖a‖), has the one that
    follows. Like that of ``unit``, the norm is taken after scaling by the largest component.
    """
    if is_symbolic(a):
        return sympy.sqrt(dot(a, a))
    largest = a.detach().abs().amax(0)  # whatever it is, the norm is the same: its derivative is none of the norm's
    range_ = torch.finfo(a.dtype)
    scaled = a / largest.clamp(min=range_.tiny, max=range_.max)
    # The square is at least 1. Only where a = 0 it is not, and there clamping gives the root the derivative 0.
    return largest * dot(scaled, scaled).clamp(min=1).sqrt()


def halves(a: torch.Tensor, axis: int) -> torch.Tensor:
    """Return the sum along an axis, taken by adding halves: its bits do not depend on the other axes' lengths.

    torch's own sum splits its work by the shape of the whole.
    """
    while (n := a.shape[axis]) > 1:
        half = n // 2
        low, high, rest = a.split([half, half, n - 2 * half], axis)
        a = torch.cat([low + high, rest], axis) if n % 2 else low + high
    return a.squeeze(axis)


INDEFINITE = 1e-9  # an eigenvalue below zero by less than this share of the largest is one of zero


def root(c: torch.Tensor) -> torch.Tensor:
    """Return the symmetric square roots of positive semi-definite matrices, singular ones included: ``(d, d, …)``.

    Where a matrix is indefinite: nan.
    """
    if len(c) == 1:
        return c.sqrt()
    if (
        len(c) == 2
    ):  # in closed form, for one matrix per run: C = SS, with det S = √(det C) and (tr S)² = tr C + 2 det S
        trace, det = c[0, 0] + c[1, 1], c[0, 0] * c[1, 1] - c[0, 1] * c[1, 0]
        least = INDEFINITE * trace * trace
        det = torch.where(det.abs() <= least, det.clamp(min=0), det).sqrt()
        eye = torch.eye(2, dtype=c.dtype, device=c.device).reshape(2, 2, *[1] * (c.ndim - 2))
        size = torch.where(trace < 0, torch.nan, trace + 2 * det).sqrt()
        return torch.where(size == 0, 0, (c + det * eye) / torch.where(size == 0, 1, size))
    values, vectors = _eigen(c)
    below = values < -INDEFINITE * values.abs().amax(0)
    scaled = vectors * torch.where(below, torch.nan, values.clamp(min=0)).sqrt()
    return halves(scaled[:, None] * vectors[None], 2)


SWEEPS = 8  # of Jacobi's method, which converges quadratically: enough for a dozen dimensions


def _eigen(c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues ``(d, …)`` and eigenvectors ``(d, d, …)``, in columns, by Jacobi's method.

    LAPACK's last bits depend on where a matrix lies in memory, and so on which others there are.
    """
    d = len(c)
    a = c.clone()
    v = torch.eye(d, dtype=c.dtype, device=c.device).reshape(d, d, *[1] * (c.ndim - 2)).repeat(1, 1, *c.shape[2:])
    for p, q in list(itertools.combinations(range(d), 2)) * SWEEPS:
        done = a[p, q] == 0
        slope = (a[q, q] - a[p, p]) / torch.where(done, 1, 2 * a[p, q])
        tangent = torch.where(slope < 0, -1, 1) / (slope.abs() + (slope * slope + 1).sqrt())
        cos = torch.where(done, 1, (tangent * tangent + 1).rsqrt())
        sin = torch.where(done, 0, tangent * cos)
        for first, second in ((a[p], a[q]), (a[:, p], a[:, q]), (v[:, p], v[:, q])):
            low, high = cos * first - sin * second, sin * first + cos * second
            first.copy_(low)
            second.copy_(high)
    return torch.stack([a[i, i] for i in range(d)]), v


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
    scaled = of / scale
    direction = (scaled if of is a else a / scale) * dot(scaled, scaled).clamp(min=1).rsqrt()
    return direction if of is a else torch.where(largest == 0, 0, direction)


def directional_derivative(function: Callable[[Point], Point], w: Point, v: Point) -> Point:
    """Return D function(w)·v, by forward-mode differentiation: ``(d, …), (d, …) -> (d, …)``.

    Where the function has no derivative, as normalised methods at a critical point, the numbers mean nothing.
    """
    if is_symbolic(w):
        t = sympy.Dummy("t", real=True)
        return symbolic(derivative(entry, t).subs(t, 0) for entry in function(w + t * v))
    if hasattr(w, "directional_derivative"):  # of tensors of expressions, which the compiler traces steps with
        return w.directional_derivative(function, v)
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


LINEAR = 1e-9  # how well a function must be affine, relative to its size


def affine(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], d: int, m: int, columns: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Return A ``(k, d, N)``, B ``(k, m, N)`` and b ``(k, N)`` if function(w, n) = Aw + Bn + b in every column.

    A and B are derivatives at zero; that the function is affine is checked at points of sizes from 1e-6 to 1e6. What is
    different in a small part of space alone is not seen.

    Args:
        function: of w ``(d, N)`` and n ``(m, N)``, giving ``(k, N)``.
        d, m: the sizes.
        columns: N, for functions that are different in every column.
    """
    w, n = (torch.zeros(size, columns, dtype=torch.float64) for size in (d, m))
    a = jacobian(lambda w: function(w, n), w)
    b = jacobian(lambda n: function(w, n), n) if m else torch.zeros(len(a), 0, columns, dtype=a.dtype)
    at_zero = function(w, n)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-6, 1e-3, 1.0, 30.0, 1e3, 1e6):
        w, n = (size * torch.randn(part.shape, generator=generator, dtype=part.dtype) for part in (w, n))
        parts = torch.cat([a * w, b * n, at_zero[:, None]], 1)
        off = (function(w, n) - parts.sum(1)).abs()
        if not bool((off <= LINEAR * parts.abs().sum(1)).all()):
            return None
    return a, b, at_zero
