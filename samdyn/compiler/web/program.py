"""A program of the page: the operations of traced expressions, one after the other, as plain data."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..tracing.expression import Node, NotCompilable, ordered

Program = dict[str, Any]  # "inputs": names, "code": instructions, "outputs": numbers of instructions

# The operations of a program by their number of arguments. All work on the numbers of one precision, or on truth
# values. a < b, a <= b, a == b, a != b give truth values; a & b, a | b, ~a work on them, and c ? a : b chooses between
# numbers. max and min are nan if an argument is, sign(0) is 0, pow is that of C.
OPERATIONS = {
    **dict.fromkeys(("+", "-", "*", "/", "pow", "max", "min"), 2),
    **dict.fromkeys(("neg", "abs", "sign", "sqrt", "exp", "expm1", "log", "log1p"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "tanh", "atan"), 1),
    **dict.fromkeys(("<", "<=", "==", "!="), 2),
    "&": 2,
    "|": 2,
    "~": 1,
    "?": 3,
}
CALLS = {"gradient": 2, "hessian": 3, "third": 4}  # functions that the page fills in, by their number of components
SWAPPED = {">": "<", ">=": "<="}


def write(names: Sequence[str], values: Sequence[Node]) -> Program:
    """Return the program of some expressions, which ``simplified`` has shortened.

    Args:
        names: the names of the inputs, in order.
        values: the expressions of the results.

    Raises:
        NotCompilable: an expression has an operation that programs lack, or a number that is not finite.

    >>> from samdyn.compiler.tracing.expression import VARYING, Graph
    >>> graph = Graph(100)
    >>> x = graph.input(("x",), 0, torch.float64, VARYING)
    >>> square = graph.node("*", (x, x), torch.float64)
    >>> write(["x"], [square])
    {'inputs': ['x'], 'code': [['*', 0, 0]], 'outputs': [1]}
    """
    writer = _Writer(names)
    for node in ordered(values):
        writer.add(node)
    return {"inputs": list(names), "code": writer.code, "outputs": [writer.numbers[id(node)] for node in values]}


class _Writer:
    """Writes the instructions of nodes, equal ones once.

    All floating-point numbers of a program have one precision, that of its inputs.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.code: list[list[Any]] = []
        self.numbers: dict[int, int] = {}  # of the nodes, by their ids
        self._inputs = {name: number for number, name in enumerate(names)}
        self._places: dict[tuple[Any, ...], int] = {}  # of the instructions

    def add(self, node: Node) -> None:
        """Write the instructions of a node whose arguments are written."""
        self.numbers[id(node)] = self._write(node, [self.numbers[id(a)] for a in node.arguments])

    def _write(self, node: Node, arguments: list[int]) -> int:
        operation = node.operation
        if operation == "input":
            return self._inputs[node.value[0][0]]
        if operation == "literal":
            return self._literal(node)
        if operation in CALLS:
            return self._add(operation, node.value, *arguments)
        if operation == "cast":
            return self._cast(node, *arguments)
        if operation in SWAPPED:
            return self._add(SWAPPED[operation], *arguments[::-1])
        if node.dtype == torch.bool:
            return self._logical(node, arguments)
        if operation not in OPERATIONS or not node.dtype.is_floating_point:
            raise NotCompilable(f"{operation} of {node.dtype} is not among the operations of the page")
        return self._add(operation, *arguments)

    def _literal(self, node: Node) -> int:
        if node.dtype == torch.bool:
            zero = self._add("=", 0.0)
            return self._add("==" if int(node.value) else "!=", zero, zero)
        value = float(node.value)
        if node.dtype == torch.float32:
            value = float(np.float32(value))
        if not math.isfinite(value):
            raise NotCompilable(f"it contains the number {value}, and a program of the page holds finite numbers only")
        return self._add("=", value)

    def _cast(self, node: Node, argument: int) -> int:
        source = node.arguments[0].dtype
        if node.dtype == torch.bool:
            return self._add("!=", argument, self._add("=", 0.0)) if source != torch.bool else argument
        if not node.dtype.is_floating_point:
            raise NotCompilable(f"a cast to {node.dtype} is not among the operations of the page")
        if source == torch.bool:
            return self._add("?", argument, self._add("=", 1.0), self._add("=", 0.0))
        return argument

    def _logical(self, node: Node, arguments: list[int]) -> int:
        operation = {"*": "&", "min": "&", "max": "|", "+": "|", "^": "!="}.get(node.operation, node.operation)
        if operation == "?":
            condition, a, b = arguments
            return self._add("|", self._add("&", condition, a), self._add("&", self._add("~", condition), b))
        if operation in ("==", "!=") and node.arguments[0].dtype == torch.bool:
            a, b = arguments
            same = self._add("|", self._add("&", a, b), self._add("&", self._add("~", a), self._add("~", b)))
            return same if operation == "==" else self._add("~", same)
        if operation not in ("<", "<=", "==", "!=", "&", "|", "~"):
            raise NotCompilable(f"{node.operation} of truth values is not among the operations of the page")
        return self._add(operation, *arguments)

    def _add(self, *instruction: Any) -> int:
        """Return the number of an instruction, and write it if it is new."""
        # The sign tells 0.0 from -0.0, which Python takes for equal.
        key = (*instruction, math.copysign(1, instruction[1]))
        if key not in self._places:
            self._places[key] = len(self._inputs) + len(self.code)
            self.code.append([a if isinstance(a, str) else _short(a) for a in instruction])
        return self._places[key]


def _short(number: float) -> float:
    """Return a whole number as an int, which is shorter in JSON, and others as they are. -0.0 stays a float."""
    negative_zero = number == 0 and math.copysign(1, number) < 0
    return int(number) if number == int(number) and abs(number) < 2**53 and not negative_zero else number
