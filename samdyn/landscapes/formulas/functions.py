"""The functions of torch tensors that generated code calls.

The last bits of each function depend only on the number, not on its place in the array. This is why torch's own pow,
sinh, cosh, sigmoid and logaddexp are not used as they are: torch computes them one way in the middle of an array and
another way at its end.

Some functions have two branches. Each branch is the whole analytic function, in the form that is accurate on its side,
so that automatic differentiation is right on both sides and where they meet.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import torch

LOG_2 = math.log(2)
LARGEST_PRODUCT = 8  # integer exponents up to this one are computed as products, as in compiled code


def _largest(*terms: Any) -> Any:
    """Return the largest of the terms, tensors or numbers, at every point."""
    return reduce(_pairwise(torch.maximum, "min"), terms)


def _smallest(*terms: Any) -> Any:
    """Return the smallest of the terms, tensors or numbers, at every point."""
    return reduce(_pairwise(torch.minimum, "max"), terms)


def _pairwise(both_tensors: Callable[..., Any], bound: str) -> Callable[[Any, Any], Any]:
    """Return a function of two terms that calls ``both_tensors``, or clamps the one tensor by the other term."""

    def pair(a: Any, b: Any) -> Any:
        if torch.is_tensor(a) and torch.is_tensor(b):
            return both_tensors(a, b)
        tensor, constant = (a, b) if torch.is_tensor(a) else (b, a)
        return tensor.clamp(**{bound: constant})

    return pair


def _power(base: Any, exponent: Any) -> torch.Tensor:
    if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) <= LARGEST_PRODUCT:
        product = reduce(torch.mul, [base] * (int(abs(exponent)) - 1), base)
        return product if exponent > 0 else 1 / product
    return torch.pow(_apart(base), _apart(exponent))


def _apart(a: Any) -> Any:
    """Return a tensor whose entries are not neighbours in memory, so that torch computes them one by one."""
    return torch.stack([a, a], -1)[..., 0] if torch.is_tensor(a) else a


def _sinh(u: torch.Tensor) -> torch.Tensor:
    return torch.sinh(_apart(u))


def _cosh(u: torch.Tensor) -> torch.Tensor:
    return torch.cosh(_apart(u))


def _step(u: torch.Tensor, at_zero: float) -> torch.Tensor:
    return torch.where(u > 0, 1.0, torch.where(u < 0, 0.0, at_zero)).to(u.dtype)


def _where(u: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return torch.where(u > 0, value, 0.0)


def _log_sum_exp(*u: Any) -> torch.Tensor:
    if len(u) == 2:
        a, b = u if torch.is_tensor(u[0]) else u[::-1]
        return torch.where(a > b, a, b) + torch.log1p(torch.exp(torch.where(a > b, b - a, a - b)))
    top = _largest(*u).detach()
    return top + torch.log(_sum_exp(top, u))


def _soft_max(v: Any, *u: Any) -> torch.Tensor:
    top = _largest(*u).detach()
    return torch.exp(v - top) / _sum_exp(top, u)


def _sum_exp(top: torch.Tensor, u: Any) -> torch.Tensor:
    return reduce(torch.add, [torch.exp(part - top) for part in u])


def _logistic(u: torch.Tensor) -> torch.Tensor:
    e = torch.exp(torch.where(u > 0, -u, u))
    return torch.where(u > 0, 1.0, e) / (1 + e)


def _log_cosh(u: torch.Tensor) -> torch.Tensor:
    a = torch.where(u > 0, u, -u)
    near = a.clamp(max=1)
    near = torch.log1p(torch.expm1(-near).square() * torch.exp(near) / 2)  # log(1 + 2 sinh²(a/2))
    return torch.where(a < 1, near, a + torch.log1p(torch.exp(-2 * a)) - LOG_2)


def _sech(u: torch.Tensor) -> torch.Tensor:
    e = torch.exp(torch.where(u > 0, -u, u))
    return 2 * e / (1 + e * e)


def _sinh_exp(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    a = torch.where(u > 0, u, -u)
    return torch.where(u > 0, -0.5, 0.5) * torch.expm1(-2 * a) * torch.exp(a + v)


def _cosh_exp(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    a = torch.where(u > 0, u, -u)
    return (0.5 + 0.5 * torch.exp(-2 * a)) * torch.exp(a + v)


# The functions of a formula: generated code calls no names but these and those of REPLACEMENTS.
TORCH: dict[str, Callable[..., Any]] = {
    **{name: getattr(torch, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "atan", "sign")},
    "sinh": _sinh,
    "cosh": _cosh,
    "Abs": torch.abs,
    "Max": _largest,
    "Min": _smallest,
    "Heaviside": _step,
}
# Functions that generated code calls in place of those of a formula.
REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "add": torch.add,
    "addcmul": torch.addcmul,
    "power": _power,
    "Largest": _largest,
    "Smallest": _smallest,
    "Step": lambda u: _step(u, 0.0),
    "Where": _where,
    "LogSumExp": _log_sum_exp,
    "SoftMax": _soft_max,
    "Logistic": _logistic,
    "LogCosh": _log_cosh,
    "Tanh": torch.tanh,
    "Sech": _sech,
    "SinhExp": _sinh_exp,
    "CoshExp": _cosh_exp,
}
