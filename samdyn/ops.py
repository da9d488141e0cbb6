"""The vector operations in which methods are written. Each has one meaning on numbers and on symbols.

A point is a torch tensor ``(d, …)`` with its components on the first axis, or a NumPy array of d SymPy expressions.
(SymPy's own arrays have no elementwise product, which ASAM needs. NumPy's object arrays support ``+ - * abs()`` as
tensors do.)
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy
import torch

Point = Any  # torch.Tensor (d, …) | numpy array (d,) of SymPy expressions


def is_symbolic(a: Point) -> bool:
    """Return whether ``a`` holds SymPy expressions rather than numbers."""
    return isinstance(a, np.ndarray) and a.dtype == object


def symbolic(entries: Any) -> np.ndarray:
    """Return a symbolic point ``(d,)`` of d SymPy expressions."""
    return np.array([sympy.sympify(e) for e in entries], dtype=object)


def dot(a: Point, b: Point) -> Any:
    """Return aᵀb: ``(d, …), (d, …) -> (…)``."""
    return (a * b).sum(0) if is_symbolic(a) else halves(a * b, 0)


def norm(a: Point) -> Any:
    """Return the Euclidean norm ‖a‖: ``(d, …) -> (…)``.

    Its derivative is a/‖a‖, and 0 where a = 0. The norm has no derivative there, but ‖a‖a and a/(1 + ‖a‖) have one, and
    this rule gives it. Vectors of any length have a norm, also those whose squares are out of range.

    >>> norm(torch.tensor([3e-200, 4e-200], dtype=torch.float64))
    tensor(5.0000e-200, dtype=torch.float64)
    """
    if is_symbolic(a):
        return sympy.sqrt(dot(a, a))
    if a.dtype in HALF:
        return norm(a.float()).to(a.dtype)
    factor, is_zero = _factor(a)
    scaled = a * factor
    # The clamp gives the root the derivative 0 where a = 0.
    root = dot(scaled, scaled).clamp(min=torch.finfo(scaled.dtype).tiny).sqrt()
    return torch.where(is_zero, 0, root / factor)


HALF = (torch.float16, torch.bfloat16)
# The exponents (low, up, high, down) of ``_factor``, by dtype.
EXPONENTS = {torch.float64: (-480, 600, 480, -600), torch.float32: (-50, 100, 50, -90)}


def _factor(a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return powers of 2 by which vectors can be multiplied before squaring, and whether a vector is 0: ``(…)`` each.

    The product is exact, and no square of its largest component overflows or underflows. The factor is 2^up if the
    largest component is below 2^low, 2^down if it is above 2^high, and 1 if it is between, or 0. A division by the
    largest component would take longer.
    """
    largest = a.detach().abs().amax(0)  # detached, since no result depends on the factor
    low, up, high, down = (2.0**exponent for exponent in EXPONENTS[a.dtype])
    is_zero = largest == 0
    one = torch.ones_like(largest)
    return torch.where((largest < low) & ~is_zero, up, torch.where(largest > high, down, one)), is_zero


def halves(a: torch.Tensor, axis: int) -> torch.Tensor:
    """Return the sum along an axis, which adds the two halves of the axis until one entry is left.

    Its bits do not depend on the lengths of the other axes. The order of additions in torch's own sum does.
    """
    while (n := a.shape[axis]) > 1:
        half, odd = n // 2, [1] * (n % 2)
        low, high, *rest = a.split_with_sizes([half, half, *odd], axis)  # ``split`` takes twice as long
        a = torch.cat([low + high, *rest], axis) if odd else low + high
    return a.squeeze(axis)


NEGATIVE = 1e-9  # ratio of a negative eigenvalue to the largest |eigenvalue| up to which it counts as zero


def root(c: torch.Tensor) -> torch.Tensor:
    """Return the symmetric square roots of positive semi-definite matrices, ``(d, d, …) -> (d, d, …)``.

    A matrix may be singular. The root of an indefinite matrix is nan.

    >>> root(torch.tensor([[4.0, 0.0], [0.0, 9.0]]))
    tensor([[2., 0.],
            [0., 3.]])
    """
    if len(c) == 1:
        return c.sqrt()
    if (
        len(c) == 2
    ):  # in closed form, for one matrix per run: C = SS, with det S = √(det C) and (tr S)² = tr C + 2 det S
        trace, det = c[0, 0] + c[1, 1], c[0, 0] * c[1, 1] - c[0, 1] * c[1, 0]
        least = NEGATIVE * trace * trace
        det = torch.where(det.abs() <= least, det.clamp(min=0), det).sqrt()
        eye = torch.eye(2, dtype=c.dtype, device=c.device).reshape(2, 2, *[1] * (c.ndim - 2))
        size = torch.where(trace < 0, torch.nan, trace + 2 * det).sqrt()
        return torch.where(size == 0, 0, (c + det * eye) / torch.where(size == 0, 1, size))
    values, vectors = _eigen(c)
    below = values < -NEGATIVE * values.abs().amax(0)
    scaled = vectors * torch.where(below, torch.nan, values.clamp(min=0)).sqrt()
    return halves(scaled[:, None] * vectors[None], 2)


SWEEPS = 8  # number of sweeps of Jacobi's method; it converges quadratically, so these suffice for a dozen dimensions


def _eigen(c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues ``(d, …)`` and eigenvectors ``(d, d, …)``, in columns, by Jacobi's method.

    LAPACK's last bits depend on the place of a matrix in memory, and so on the other matrices.
    """
    d = len(c)
    a = c.clone()
    v = torch.eye(d, dtype=c.dtype, device=c.device).reshape(d, d, *[1] * (c.ndim - 2)).repeat(1, 1, *c.shape[2:])
    for p, q in list(itertools.combinations(range(d), 2)) * SWEEPS:
        is_zero = a[p, q] == 0
        slope = (a[q, q] - a[p, p]) / torch.where(is_zero, 1, 2 * a[p, q])
        tangent = torch.where(slope < 0, -1, 1) / (slope.abs() + (slope * slope + 1).sqrt())
        cos = torch.where(is_zero, 1, (tangent * tangent + 1).rsqrt())
        sin = torch.where(is_zero, 0, tangent * cos)
        for first, second in ((a[p], a[q]), (a[:, p], a[:, q]), (v[:, p], v[:, q])):
            low, high = cos * first - sin * second, sin * first + cos * second
            first.copy_(low)
            second.copy_(high)
    return torch.stack([a[i, i] for i in range(d)]), v


def unit(a: Point, of: Point | None = None) -> Point:
    """Return a/‖a‖, and 0 where a = 0: ``(d, …) -> (d, …)``.

    With ``of`` it returns a/‖of‖, and 0 where of = 0.

    Vectors of any length have a direction, also a gradient of 1e-200. The symbolic a/‖a‖ has no value and no derivative
    where the vector is zero: the caller must treat such a point separately. Only if ``of`` is identically zero does the
    function return 0.

    >>> unit(torch.tensor([3.0, 4.0])), unit(torch.tensor([0.0, 0.0]))
    (tensor([0.6000, 0.8000]), tensor([0., 0.]))
    """
    of = a if of is None else of
    if is_symbolic(a):
        return 0 * a if not any(of) else a / norm(of)
    if a.dtype in HALF:
        return unit(a.float(), of.float()).to(a.dtype)
    factor, is_zero = _factor(of)
    scaled = of * factor
    direction = (scaled if of is a else a * factor) * torch.where(is_zero, 1, dot(scaled, scaled)).rsqrt()
    return direction if of is a else torch.where(is_zero, 0, direction)


def sqrt(a: Point) -> Point:
    """Return the square root of every component: ``(d, …) -> (d, …)``."""
    return symbolic(map(sympy.sqrt, a)) if is_symbolic(a) else a.sqrt()


def sign(a: Point) -> Point:
    """Return the sign of every component, and 0 where it is 0: ``(d, …) -> (d, …)``."""
    return symbolic(map(sympy.sign, a)) if is_symbolic(a) else a.sign()


def softmax(a: Sequence[Any]) -> list[Any]:
    """Return the weights exp(aᵢ)/Σⱼ exp(aⱼ) of K numbers aᵢ ``(…)``, or of K formulas.

    >>> softmax([torch.tensor(1000.0), torch.tensor(1000.0)])
    [tensor(0.5000), tensor(0.5000)]
    """
    if not torch.is_tensor(a[0]):
        terms = [sympy.exp(entry) for entry in a]
        return [term / sum(terms) for term in terms]
    stacked = torch.stack(list(a))
    powers = (stacked - stacked.detach().amax(0)).exp()  # no result depends on the largest, which avoids overflow
    return list(powers / halves(powers, 0))


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition holds, else b: entry by entry if it is a tensor; a truth value chooses a whole.

    >>> where(True, 1.0, 2.0), where(torch.tensor([True, False]), torch.ones(2), torch.zeros(2))
    (1.0, tensor([1., 0.]))
    """
    if not torch.is_tensor(condition):
        return a if condition else b
    if not torch.is_tensor(a) and not torch.is_tensor(b):
        b = torch.tensor(b, dtype=torch.float64)  # two numbers would become one in single precision
    return torch.where(condition, a, b)


def directional_derivative(function: Callable[[Point], Point], w: Point, v: Point) -> Point:
    """Return the derivative D function(w)·v by forward-mode differentiation: ``(d, …), (d, …) -> (d, …)``.

    The result has no meaning where the function has no derivative, such as a normalised method at a critical point.
    """
    if is_symbolic(w):
        t = sympy.Dummy("t", real=True)
        return symbolic(derivative(entry, t).subs(t, 0) for entry in function(w + t * v))
    if hasattr(w, "directional_derivative"):  # of tensors of expressions, which the compiler traces steps with
        return w.directional_derivative(function, v)
    return torch.func.jvp(function, (w,), (v,))[1]


def jacobian(function: Callable[[Point], Point], w: Point) -> Point:
    """Return the Jacobian D function(w), whose column j is the derivative along coordinate j: ``(d, …) -> (m, d, …)``.

    The result has no meaning where the function has no derivative.
    """
    if is_symbolic(w):
        axes = np.array(sympy.eye(len(w)).tolist(), dtype=object)
        return np.stack([directional_derivative(function, w, axis) for axis in axes], axis=1)
    if hasattr(w, "directional_derivative"):  # of tensors of expressions
        unit_vectors = torch.eye(len(w), dtype=w.dtype).reshape(len(w), len(w), *[1] * (w.ndim - 1))
        return torch.stack([directional_derivative(function, w, e.expand(w.shape)) for e in unit_vectors], 1)
    # Backward mode computes all rows at once. Forward mode is slow in torch where an operand has no tangent, and
    # torch.func.vjp imports torch's compiler, which takes a second.
    with torch.enable_grad():
        point = w.detach().requires_grad_()
        value = function(point)
    if not value.requires_grad:  # a constant
        return torch.zeros(len(value), *w.shape, dtype=w.dtype, device=w.device)
    rows = torch.eye(len(value), dtype=w.dtype, device=w.device).reshape(len(value), len(value), *[1] * (w.ndim - 1))

    def pull_back(row: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(value, point, row, retain_graph=True, materialize_grads=True)[0]

    return torch.func.vmap(pull_back)(rows.expand(len(value), *value.shape))


class _RealSign(sympy.Function):  # type: ignore[misc]  # SymPy is not annotated
    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.Integer(0)


class _RealAbs(sympy.Function):  # type: ignore[misc]
    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return _RealSign(self.args[0])


def derivative(expr: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    """Return ∂expr/∂symbol for real symbols, without delta functions.

    At kinks the derivatives of abs, Max and Min are 0.
    """
    # SymPy differentiates |u| by real and imaginary parts unless it knows that u is real, as it does not for log(x).
    slope = expr.replace(sympy.Abs, _RealAbs).replace(sympy.sign, _RealSign).diff(symbol)
    slope = slope.replace(_RealAbs, sympy.Abs).replace(_RealSign, sympy.sign)
    slope = slope.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    return slope.replace(sympy.Heaviside, lambda u, *_: sympy.Heaviside(u, 0))


AFFINE = 1e-9  # error, relative to the sum of the terms' sizes, up to which a function counts as affine


def affine(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], d: int, m: int, columns: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Return A ``(k, d, N)``, B ``(k, m, N)`` and b ``(k, N)`` if function(w, n) = Aw + Bn + b, and None otherwise.

    A and B are derivatives at zero. The test evaluates the function at points of sizes from 1e-6 to 1e6, so it misses a
    function that is nonlinear only in a small part of space.

    Args:
        function: a function from w ``(d, N)`` and n ``(m, N)`` to ``(k, N)``.
        d: the number of components of w.
        m: the number of components of n.
        columns: the number N of columns. The function may differ from column to column.
    """
    w, n = (torch.zeros(size, columns, dtype=torch.float64) for size in (d, m))
    a = jacobian(lambda w: function(w, n), w)
    b = jacobian(lambda n: function(w, n), n) if m else torch.zeros(len(a), 0, columns, dtype=a.dtype)
    at_zero = function(w, n)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-6, 1e-3, 1.0, 30.0, 1e3, 1e6):
        w, n = (size * torch.randn(part.shape, generator=generator, dtype=part.dtype) for part in (w, n))
        parts = torch.cat([a * w, b * n, at_zero[:, None]], 1)
        error = (function(w, n) - parts.sum(1)).abs()
        if not bool((error <= AFFINE * parts.abs().sum(1)).all()):
            return None
    return a, b, at_zero
