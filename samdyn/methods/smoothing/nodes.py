"""Gauss–Hermite quadrature with exact nodes, for means over normal perturbations."""

import itertools
from functools import cache
from typing import Any

import sympy
import torch

from ... import checks
from ...ops import Point, is_symbolic, symbolic

MOST_NODES = 5  # per coordinate; the nodes of more are no square roots
MOST = 243  # largest count of nodes in all, each of which takes a gradient


def check_nodes(nodes: Any) -> int:
    """Return how many nodes there are per coordinate.

    Raises:
        InputError: the count is not 2, 3, 4 or 5.
    """
    fix = "Use nodes=3, which is exact for losses of degree 6"
    count = checks.count("nodes", nodes, fix)
    if not 2 <= count <= MOST_NODES:
        checks.reject("nodes", nodes, f"must lie between 2 and {MOST_NODES}", fix)
    return count


def perturbations(w: Point, nodes: int) -> list[tuple[Point, Any]]:
    """Return nodes ``(d, 1, …)`` of d standard normal numbers with their weights, as formulas for formulas w.

    With n nodes per coordinate means are exact for polynomials of degree 2n − 1 in each.

    Raises:
        InputError: there are too many nodes in all.
    """
    if nodes ** len(w) > MOST:
        rule = f"{nodes} nodes in each of {len(w)} coordinates are more than {MOST} gradients a step"
        checks.reject("nodes", nodes, rule, "Use fewer nodes or coordinates, or methods.StochasticSAM")
    if is_symbolic(w):
        return [(symbolic(x), weight) for x, weight in _grid(nodes, len(w))]
    axes = [1] * (w.ndim - 1)
    return [
        (torch.tensor(x, dtype=w.dtype, device=w.device).reshape(-1, *axes), weight)
        for x, weight in _numbers(nodes, len(w))
    ]


@cache
def _numbers(nodes: int, dim: int) -> list[tuple[list[float], float]]:
    """Return the grid in floating-point numbers."""
    return [([float(one) for one in x], float(weight)) for x, weight in _grid(nodes, dim)]


@cache
def _grid(nodes: int, dim: int) -> list[tuple[list[sympy.Expr], sympy.Expr]]:
    """Return the nodes in ``dim`` coordinates with their weights, as square roots."""
    product = itertools.product(_hermite(nodes), repeat=dim)
    return [([one for one, _ in chosen], sympy.prod(weight for _, weight in chosen)) for chosen in product]


@cache
def _hermite(nodes: int) -> list[tuple[sympy.Expr, sympy.Expr]]:
    """Return the roots x of Heₙ with their weights n!/(n Heₙ₋₁(x))², as square roots."""
    x = sympy.Symbol("x", real=True)

    def polynomial(n: int) -> sympy.Expr:
        return sympy.expand(sympy.hermite(n, x / sympy.sqrt(2)) / sympy.sqrt(2) ** n)

    roots = sorted(sympy.roots(polynomial(nodes), x), key=float)
    below = polynomial(nodes - 1)
    number = sympy.factorial(nodes)
    return [
        (r, sympy.nsimplify(sympy.radsimp(sympy.simplify(number / (nodes * below.subs(x, r)) ** 2)))) for r in roots
    ]
