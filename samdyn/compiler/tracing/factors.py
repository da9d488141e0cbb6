"""The factors by which norms scale vectors, as a function of the bits of the largest component.

``ops`` finds them by comparisons, which work for all that torch differentiates. In a compiled step they lie between the
gradient and everything after it, and a processor waits for each of them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...ops import EXPONENTS
from .expression import Node, ordered

FACTOR, GREATER = "factor_of", "greater"  # the operations: a factor, and the larger of two numbers if none is nan


def with_factors(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return expressions in which the factors of ``ops.norm`` and ``ops.unit`` are FACTOR of the largest component.

    If a component is nan, the factor may be that of another: the norm and the direction are nan by themselves.
    """
    new: dict[int, Node] = {}
    for node in ordered([node for array in values for node in array.flat]):
        largest = _largest(node)
        arguments = tuple(new[id(a)] for a in node.arguments)
        changed = any(a is not b for a, b in zip(arguments, node.arguments, strict=True))
        if largest is not None:
            new[id(node)] = Node(FACTOR, (_greatest(new[id(largest)]),), node.dtype, None, node.level)
        else:
            new[id(node)] = replace(node, arguments=arguments) if changed else node
    return [np.array([new[id(node)] for node in array.flat], dtype=object).reshape(array.shape) for array in values]


def _largest(node: Node) -> Node | None:
    """Return the largest component of the vector whose factor a node is, None if it is none."""
    if node.operation != "?" or node.dtype not in EXPONENTS:
        return None
    low, up, high, down = (2.0**exponent for exponent in EXPONENTS[node.dtype])
    below, value, other = node.arguments
    if value.value != up or other.operation != "?":
        return None
    above, second, one = other.arguments
    is_factor = below.operation == "<" and above.operation == ">" and below.arguments[0] is above.arguments[0]
    numbers = below.arguments[-1].value, above.arguments[-1].value, second.value, one.value
    return below.arguments[0] if is_factor and numbers == (low, high, down, 1.0) else None


def _greatest(node: Node) -> Node:
    """Return the largest of the numbers that a maximum is of, by operations for which no nan counts."""
    if node.operation != "max":
        return node
    return replace(node, operation=GREATER, arguments=tuple(map(_greatest, node.arguments)))
