"""Fused operations of compiled steps, which keep symmetries, and norms of vectors of any length."""

from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn import ops
from samdyn.compiler import LANES, VARYING, Input, Kernel
from samdyn.compiler.tracing.expression import Graph, Node
from samdyn.compiler.tracing.fused import FUSED, with_fused


def operations(values: list[Node]) -> list[list[str]]:
    """Return the operations of each value and its arguments, after fusing."""
    (result,) = with_fused([np.array(values, dtype=object)])
    return [[node.operation, *(a.operation for a in node.arguments)] for node in result]


class Terms:
    """Writes expressions in the coordinates x and y of a run."""

    def __init__(self) -> None:
        self.graph = Graph(1000)
        self.x, self.y = (self.graph.input(("w", i), 0, torch.float64, VARYING) for i in range(2))
        self.v = self.graph.input(("v", 0), 0, torch.float64, VARYING)

    def node(self, operation: str, a: Any, b: Any) -> Node:
        a, b = (n if isinstance(n, Node) else self.graph.literal(n, torch.float64) for n in (a, b))
        return self.graph.node(operation, (a, b), torch.float64)

    def times(self, *factors: Any) -> Node:
        first, *rest = factors
        for factor in rest:
            first = self.node("*", first, factor)
        return first


def test_products_are_fused_unless_a_term_mirrors_them() -> None:
    t = Terms()
    x, y = t.x, t.y
    # 3x + 1, x − 3y, 3y − x, and γv + 3y, where v is no coordinate of w
    alone = [t.node("+", t.times(3, x), 1), t.node("-", x, t.times(3, y)), t.node("-", t.times(3, y), x)]
    alone.append(t.node("+", t.times(0.9, t.v), t.times(3, y)))
    assert [kind for kind, *_ in operations(alone)] == [FUSED] * 4
    # 3x − 3y, 3x + (−3)y, xy² − x²y with the factors in any order, 3x + (3y + 1), (1 + 3x) − 3y
    mirrored = [t.node("-", t.times(3, x), t.times(3, y)), t.node("+", t.times(3, x), t.times(-3, y))]
    mirrored.append(t.node("-", t.times(x, y, y), t.times(x, t.node("*", x, y))))
    mirrored.append(t.node("+", t.times(3, x), t.node("+", t.times(3, y), 1)))
    mirrored.append(t.node("-", t.node("+", 1, t.times(3, x)), t.times(3, y)))
    assert [kind for kind, *_ in operations(mirrored)] == ["-", "+", "-", "+", "-"]


def test_mirrored_sums_are_fused_alike() -> None:
    t = Terms()
    of_x = t.node("+", t.times(2, t.x), t.times(3, t.x, t.x))  # 2x + 3x²
    of_y = t.node("+", t.times(3, t.y, t.y), t.times(2, t.y))  # 3y² + 2y
    first, second = operations([of_x, of_y])
    assert first == second


@pytest.mark.parametrize("method", [sd.GD(), sd.USAM(0.1), sd.SAM(0.1), sd.SAM(0.1, ascent_steps=3)], ids=str)
def test_compiled_runs_rest_where_mirrored_terms_of_a_gradient_cancel(method: sd.methods.Method) -> None:
    # SAM would turn a rounding error of the gradient into a step as long as any other.
    valley = sd.Landscape("3*x**4/7 - 6*x**2*y**2/7 + 3*y**4/7", "x y")  # 3/7 (x² − y²)²
    starts = np.random.default_rng(0).uniform(-1, 1, (500, 1)) * [1, 1]
    runs = sd.simulate(sd.Map(valley, method, lr=0.1, momentum=0.9), starts, steps=20, backend="compiled")
    np.testing.assert_array_equal(runs.w[:, -1], starts)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_compiled_norms_and_directions_have_the_range_of_the_numbers(dtype: torch.dtype) -> None:
    state = [Input("a", (2,), dtype, VARYING), Input("length", (), dtype, VARYING)]
    kernel = Kernel(lambda a, length: [ops.unit(a), ops.norm(a)], state, [], None, None)
    kernel.build()
    limits = np.finfo(np.float64 if dtype == torch.float64 else np.float32)
    lengths = 2.0 ** np.linspace(limits.minexp - limits.nmant + 2, limits.maxexp - 1, LANES - 2)  # the first subnormal
    lengths[-1] = limits.max
    a = torch.zeros(2, LANES, dtype=torch.float64)
    a[:, : LANES - 2] = torch.tensor([[0.6], [-0.8]]) * torch.tensor(lengths)
    a[0, -1] = torch.nan  # and the other component is 0; the vector before is 0
    a = a.to(dtype)
    unit, length = a.clone(), torch.zeros(LANES, dtype=dtype)
    kernel.run([unit, length], {}, begin=0, steps=1)
    assert unit[0, -1].isnan()
    assert length[-1].isnan()
    assert unit[:, -2].tolist() == [0, 0]
    assert length[-2] == 0
    eps = 4 * torch.finfo(dtype).eps  # some roundings
    torch.testing.assert_close(unit[:, :-2], ops.unit(a[:, :-2]), rtol=eps, atol=0)
    torch.testing.assert_close(length[:-2], ops.norm(a[:, :-2]), rtol=eps, atol=0)
