"""Forward-mode differentiation of expressions, by the rules of torch.

Where torch chooses a derivative, as at the kinks of max and abs, the rule here makes the same choice.
"""

from collections.abc import Callable, Sequence

import torch

from .expression import Graph, Node, NotCompilable, ordered
from .operations import cast

Tangent = Node | None  # None for a value that does not change along the direction


def differentiate(graph: Graph, values: Sequence[Node], tangents: dict[Node, tuple[Node, Node]]) -> list[Node]:
    """Return the derivative of every value along a direction.

    Args:
        graph: the graph of the derivatives' nodes.
        values: expressions of the variables.
        tangents: for each variable, the node to put in its place and its component of the direction.
    """
    pairs: dict[Node, tuple[Node, Tangent]] = dict(tangents)
    for node in ordered(values):
        if node in pairs:
            continue
        if node.operation == "input":
            pairs[node] = (node, None)
            continue
        arguments = [pairs[a][0] for a in node.arguments]
        if node.operation == "detach":
            pairs[node] = (graph.detached(arguments[0]), None)
            continue
        value = graph.node(node.operation, tuple(arguments), node.dtype, node.value)
        pairs[node] = (value, _tangent(graph, value, [pairs[a][1] for a in node.arguments]))
    derivatives = [pairs[value][1] for value in values]
    return [graph.literal(0, v.dtype) if d is None else d for v, d in zip(values, derivatives, strict=True)]


def _tangent(graph: Graph, value: Node, tangents: Sequence[Tangent]) -> Tangent:
    if all(t is None for t in tangents) or not value.dtype.is_floating_point or value.operation == "sign":
        return None
    if value.operation == "cast":
        return cast(graph, tangents[0], value.dtype)  # type: ignore[arg-type]  # its only argument has a tangent
    if value.operation not in RULES:
        raise NotCompilable(f"the derivative of {value.operation} is not among those that are compiled")
    return RULES[value.operation](_Algebra(graph, value.dtype), value, tangents)


class _Algebra:
    """Creates nodes of one dtype from nodes and numbers."""

    def __init__(self, graph: Graph, dtype: torch.dtype) -> None:
        self._graph, self._dtype = graph, dtype

    def __call__(self, operation: str, *arguments: Node | float) -> Node:
        return self._make(operation, arguments, self._dtype)

    def compare(self, operation: str, *arguments: Node | float) -> Node:
        return self._make(operation, arguments, torch.bool)

    def choose(self, condition: Node, a: Node | float, b: Node | float) -> Node:
        return self._graph.node("?", (condition, self._node(a), self._node(b)), self._dtype)

    def component(self, call: str, component: int, arguments: Sequence[Node]) -> Node:
        return self._graph.node(call, tuple(arguments), self._dtype, component)

    def _make(self, operation: str, arguments: Sequence[Node | float], dtype: torch.dtype) -> Node:
        return self._graph.node(operation, tuple(map(self._node, arguments)), dtype)

    def _node(self, a: Node | float) -> Node:
        return cast(self._graph, a, self._dtype) if isinstance(a, Node) else self._graph.literal(a, self._dtype)


Rule = Callable[
    [_Algebra, Node, Sequence[Tangent]], Node
]  # takes a value and its arguments' tangents, of which one is not None


def _sum(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    a, b = tangents
    if a is None or b is None:
        return a or b  # type: ignore[return-value]  # one of them is a node
    return o("+", a, b)


def _difference(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    a, b = tangents
    if b is None:
        return a  # type: ignore[return-value]
    return o("neg", b) if a is None else o("-", a, b)


def _product(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    x, y = value.arguments
    a, b = tangents
    return _sum(o, value, [a and o("*", a, y), b and o("*", b, x)])


def _quotient(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    a, b = tangents
    return o("/", _difference(o, value, [a, b and o("*", b, value)]), value.arguments[1])


def _choice(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    return o.choose(value.arguments[0], tangents[1] or 0, tangents[2] or 0)


def _extreme(further: str) -> Rule:
    def rule(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
        x, y = value.arguments
        a, b = tangents[0] or 0, tangents[1] or 0
        if value.value in ("clamp", "bound"):  # see operations._clamp
            return o.choose(o.compare(further + "=" * (value.value == "clamp"), x, y), a, b)
        both = o("*", o("+", a, b), 0.5)
        return o.choose(o.compare("==", x, y), both, o.choose(o.compare(further, x, y), a, b))

    return rule


def _power(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
    x, y = value.arguments
    a, b = tangents
    of_base = o.choose(o.compare("==", y, 0), 0, o("*", y, o("pow", x, o("-", y, 1))))
    at_zero = o.choose(o.compare("==", x, 0), 0, o("log", x)) if b else None  # where x = 0, x^y log(x) has this limit
    of_exponent = at_zero and o("*", value, at_zero)
    return _sum(o, value, [a and o("*", a, of_base), b and o("*", b, of_exponent)])  # type: ignore[arg-type]


def _call(derivative: str) -> Rule:
    """Return the rule of a component of a function that is not known, such as the gradient of a landscape of the page.

    The component is the number of derivatives along y, to which one along y adds 1.
    """

    def rule(o: _Algebra, value: Node, tangents: Sequence[Tangent]) -> Node:
        slopes = (o.component(derivative, value.value + along_y, value.arguments) for along_y in (0, 1))
        return _sum(o, value, [t and o("*", slope, t) for slope, t in zip(slopes, tangents, strict=True)])

    return rule


def _slope(slope: Callable[[_Algebra, Node, Node], Node]) -> Rule:
    return lambda o, value, tangents: o("*", tangents[0], slope(o, value, value.arguments[0]))  # type: ignore[arg-type]


def _inverse(slope: Callable[[_Algebra, Node, Node], Node]) -> Rule:
    return lambda o, value, tangents: o("/", tangents[0], slope(o, value, value.arguments[0]))  # type: ignore[arg-type]


# Rules by operation. For functions of one argument they multiply by the slope, or divide by its inverse.
RULES: dict[str, Rule] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "?": _choice,
    "max": _extreme(">"),
    "min": _extreme("<"),
    "pow": _power,
    "gradient": _call("hessian"),
    "hessian": _call("third"),
    "neg": lambda o, value, tangents: o("neg", tangents[0]),  # type: ignore[arg-type]
    "abs": _slope(lambda o, y, x: o("sign", x)),
    "exp": _slope(lambda o, y, x: y),
    "expm1": _slope(lambda o, y, x: o("+", y, 1)),
    "sin": _slope(lambda o, y, x: o("cos", x)),
    "cos": _slope(lambda o, y, x: o("neg", o("sin", x))),
    "tan": _slope(lambda o, y, x: o("+", o("*", y, y), 1)),
    "sinh": _slope(lambda o, y, x: o("cosh", x)),
    "cosh": _slope(lambda o, y, x: o("sinh", x)),
    "tanh": _slope(lambda o, y, x: o("-", 1, o("*", y, y))),
    "sqrt": _inverse(lambda o, y, x: o("*", 2, y)),
    "log": _inverse(lambda o, y, x: x),
    "log1p": _inverse(lambda o, y, x: o("+", x, 1)),
    "atan": _inverse(lambda o, y, x: o("+", o("*", x, x), 1)),
}
