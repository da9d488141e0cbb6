"""Derivatives of expressions are torch's own: everywhere to rounding, and the same choice at kinks and ties."""

from collections.abc import Callable

import pytest
import torch

from samdyn.compiler import LANES, VARYING, Input, Kernel, NotCompilable
from samdyn.compiler.tracing import derivative
from samdyn.ops import directional_derivative, norm, unit

Function = Callable[[torch.Tensor], torch.Tensor]

EDGES = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0, -2.0], dtype=torch.float64)


def points() -> torch.Tensor:
    """Return all pairs of values at which kinks lie, and others, ``(2, N)``."""
    both = torch.cartesian_prod(EDGES, EDGES).T
    ordinary = torch.randn(2, 2 * LANES - both.shape[1], generator=torch.Generator().manual_seed(0), dtype=both.dtype)
    return torch.cat([both, ordinary], 1).contiguous()


def both(function: Function, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the derivative of a function at w, along a direction that varies with w, compiled and in torch."""

    def slope(w: torch.Tensor) -> torch.Tensor:
        return directional_derivative(function, w, 1.3 - torch.stack(w.unbind()[::-1]))

    expected = slope(w)
    state = Input("out", tuple(expected.shape[:-1]), expected.dtype, VARYING)
    given = Input("w", tuple(w.shape[:-1]), w.dtype, VARYING)
    kernel = Kernel(lambda _, w: [slope(w)], [state], [given], None, None)
    kernel.build()
    value = torch.zeros_like(expected)
    kernel.run([value, w], {}, 0, 1)
    return value, expected


FUNCTIONS: dict[str, Function] = {
    "arithmetic": lambda w: torch.stack([w[0] + w[1], w[0] - w[1], 2 - w[0], w[0] * w[1], w[0] / w[1], 3 / w[0]]),
    "multiples": lambda w: torch.stack([torch.sub(w[0], w[1], alpha=3), torch.addcmul(w[0], w[0], w[1], value=2)]),
    "powers": lambda w: torch.stack([w[0] ** 3, w[0].square(), w[0].abs() ** 1.7, (1 + w[0] ** 2) ** w[1]]),
    "roots": lambda w: torch.stack([(1 + w[0]).sqrt(), (3 + w[1]).rsqrt(), (4 + w[0]).reciprocal()]),
    "exponentials": lambda w: torch.stack([w.exp(), w.expm1(), (3 + w).log(), (2.5 + w).log1p()]).flatten(0, 1),
    "circular": lambda w: torch.stack([w.sin(), w.cos(), w.tan(), w.atan()]).flatten(0, 1),
    "hyperbolic": lambda w: torch.stack([w.sinh(), w.cosh(), w.tanh()]).flatten(0, 1),
    "kinks": lambda w: torch.stack([w[0].abs(), w[0].sign() * w[1], -w[0]]),
    "extremes": lambda w: torch.stack([torch.maximum(w[0], w[1]), torch.minimum(w[0], w[1]), w.amax(0), w.amin(0)]),
    "clamps": lambda w: torch.cat([w.clamp(min=0.5), w.clamp(max=1.0), w.clamp(-1, 1), w.clamp(min=-w)]),
    "choices": lambda w: torch.stack([torch.where(w[0] > w[1], w[0] * w[1], w[0]), torch.where(w[0] == 0, 1.0, w[1])]),
    "sums": lambda w: torch.stack([w.sum(0), w.mean(0), (w * w).sum(0).float().double()]),
    "constants": lambda w: torch.stack([w.detach()[0] * w[1], (w.detach() * w).sum(0), w.detach()[0]]),
    "vectors": lambda w: torch.cat([unit(w), norm(w)[None] * w, unit(w, of=w.square())]),
    "twice": lambda w: directional_derivative(lambda p: p**3 * p.detach() + p.exp(), w, 2 * w),
    "from outside": lambda w: directional_derivative(lambda p: p * p * w.sin() * w.detach(), w, w),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_derivatives_are_torchs(kind: str) -> None:
    value, expected = both(FUNCTIONS[kind], points())
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-14, equal_nan=True)


def test_what_does_not_vary_has_the_derivative_zero() -> None:
    value, _ = both(lambda w: torch.zeros_like(w), points())
    assert (value == 0).all()


def test_other_operations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(derivative.RULES, "sin")
    with pytest.raises(NotCompilable, match="derivative of sin"):
        both(torch.sin, points())
