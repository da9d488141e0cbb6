"""Multiplications and additions that are rounded once, where no symmetry of a step depends on the rounding.

On a symmetric set, such as x = y, terms that mirror each other cancel exactly: 3x − 3y is 0. A fused operation would
leave the rounding error of one product, and a run would leave the set. So a product is added by a fused operation only
where no term of the sum can mirror it, that is, where no other has the same structure. The structure is the expression
without signs and without the indices of coordinates. If two products can be fused, the structures decide which one is,
so that mirrored sums are fused alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .expression import Node, rewritten

FUSED = "fma"  # the operation a*b + c
COMMUTATIVE = {"max", "min", "|", "&", "^"}
LARGEST_SUM = 64  # number of terms of a sum whose products are fused; a search takes its square in time


def with_fused(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return expressions in which products of floating-point numbers are added by FUSED where that is safe.

    >>> import torch
    >>> from samdyn.compiler.tracing.expression import VARYING, Graph
    >>> graph = Graph(100)
    >>> x, y = (graph.input(("w", i), 0, torch.float64, VARYING) for i in range(2))
    >>> three = graph.literal(3.0, torch.float64)
    >>> products = [graph.node("*", (three, z), torch.float64) for z in (x, y)]
    >>> def operation(a, b):
    ...     (result,) = with_fused([np.array([graph.node("-", (a, b), torch.float64)])])
    ...     return result[0].operation
    >>> operation(x, products[1]), operation(*products)  # x − 3y, 3x − 3y
    ('fma', '-')
    """
    structures = Structures()

    def rule(node: Node, updated: Node) -> Node:
        structures.add(node)
        return _fused(node, updated, structures)

    return rewritten(values, rule)


def _fused(node: Node, updated: Node, structures: "Structures") -> Node:
    """Return the fused operation that a sum or difference can be, and the node with its new arguments otherwise."""
    if node.operation not in ("+", "-") or not node.dtype.is_floating_point:
        return updated
    safe = [i for i in (0, 1) if structures.is_alone(node.arguments[i], node.arguments[1 - i])]
    if not safe:
        return updated
    place = min(safe, key=lambda i: structures.of(node.arguments[i]))
    (a, b), other = updated.arguments[place].arguments, updated.arguments[1 - place]
    if node.operation == "-":
        a, other = (a, _negative(other)) if place == 0 else (_negative(a), other)
    return Node(FUSED, (a, b, other), node.dtype, None, node.level)


def _negative(node: Node) -> Node:
    return Node("neg", (node,), node.dtype, None, node.level)


class Structures:
    """The structures of expressions as numbers, in the order in which they appear."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._of: dict[int, int] = {}  # by the ids of nodes
        self._terms: dict[int, tuple[int, ...]] = {}
        self._factors: dict[int, tuple[int, ...]] = {}

    def of(self, node: Node) -> int:
        """Return the structure of a node that was added."""
        return self._of[id(node)]

    def add(self, node: Node) -> None:
        """Add a node whose arguments were added."""
        operation, arguments = node.operation, node.arguments
        structures = [self._of[id(a)] for a in arguments]
        if operation == "neg":
            (self._of[id(node)],) = structures
            return
        key: Any
        if operation == "input":
            key = "input", node.value[0][0]
        elif operation == "literal":
            key = "literal", abs(float(node.value))
        elif operation in ("+", "-"):
            terms = tuple(sorted(t for s in structures for t in self._terms.get(s, (s,))))
            key = "sum", terms
        elif operation == "*":
            factors = [s for s, a in zip(structures, arguments, strict=True) if not _is_one(a)]
            if len(factors) == 1:
                self._of[id(node)] = factors[0]
                return
            key = "product", tuple(sorted(f for s in factors for f in self._factors.get(s, (s,))))
        else:
            arranged = sorted(structures) if operation in COMMUTATIVE else structures
            key = operation, node.dtype, node.value if operation == "lookup" else None, *arranged
        number = self._numbers.setdefault(key, len(self._numbers))
        self._of[id(node)] = number
        if key[0] == "sum" and len(key[1]) <= LARGEST_SUM:
            self._terms[number] = key[1]
        elif key[0] == "product" and len(key[1]) <= LARGEST_SUM:
            self._factors[number] = key[1]

    def is_alone(self, product: Node, other: Node) -> bool:
        """Say whether a node is a product that no term of another can mirror."""
        if product.operation != "*" or any(map(_is_one, product.arguments)):
            return False
        terms = self._terms.get(self.of(other), (self.of(other),))
        return len(terms) < LARGEST_SUM and self.of(product) not in terms


def _is_one(node: Node) -> bool:
    """Say whether a node is the number 1 or −1, whose products are not rounded."""
    return node.operation == "literal" and abs(float(node.value)) == 1
