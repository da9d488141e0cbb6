"""What is compiled is correctly rounded where IEEE 754 says so, and elsewhere torch's to rounding.

torch's own bits are not asked for where it may choose its way: its roots are not correctly rounded on every processor,
and its sums come in another order.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from samdyn.compiler import CONSTANT, LANES, STATIC, UNIFORM, VARYING, Input, Kernel, NotCompilable
from samdyn.compiler.c import kernel, source
from samdyn.noise import Draws

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-300, -1e300, float("inf"), -float("inf"), float("nan")]
Function = Callable[..., Sequence[torch.Tensor]]


def compiled(
    function: Function, given: Sequence[torch.Tensor], like: Sequence[torch.Tensor], steps: int = 1
) -> list[torch.Tensor]:
    """Return a function's values for tensors ``(…, N)``; ``like`` are tensors of their shapes and dtypes."""
    state = [Input(f"out{i}", tuple(t.shape[:-1]), t.dtype, VARYING) for i, t in enumerate(like)]
    others = [Input(f"in{i}", tuple(t.shape[:-1]), t.dtype, VARYING) for i, t in enumerate(given)]
    kernel = Kernel(lambda *tensors: function(*tensors[len(like) :]), state, others, None, None)
    kernel.build()
    values = [torch.zeros_like(t).contiguous() for t in like]
    kernel.run([*values, *(t.contiguous() for t in given)], {}, 0, steps)
    return values


def assert_same(function: Function, *given: torch.Tensor, rtol: float = 0.0) -> None:
    """Check that a function, compiled, gives what it gives in torch; with rtol 0, to the bit."""
    expected = function(*given)
    for number, (value, right) in enumerate(zip(compiled(function, given, expected), expected, strict=True)):
        torch.testing.assert_close(value, right, rtol=rtol, atol=0, equal_nan=True, msg=lambda m, n=number: f"{n}: {m}")


def pairs(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Return all pairs of special values, and some others, as many as fill whole blocks."""
    if dtype.is_floating_point:
        values = torch.tensor(SPECIAL, dtype=torch.float64).to(dtype)
    else:
        values = torch.tensor([0, 1, -1, 2, 5, -7, 2**30, -(2**31), 2**31 - 1, 123456789, -3, 8], dtype=dtype)
    both = torch.cartesian_prod(values, values).T
    return tuple(both.repeat(1, 2)[:, : 3 * LANES].contiguous())  # type: ignore[return-value]


ROUNDED: dict[str, Function] = {  # what IEEE 754 rounds correctly
    "arithmetic": lambda a, b: [a + b, a - b, a * b, a / b, -a, 2 - a, 3 / b, a + 1, b * 0.3, a.square(), a**3],
    "multiples": lambda a, b: [torch.sub(a, b, alpha=2), torch.add(a, 0.0 * b, alpha=4)],
    "order": lambda a, b: [torch.maximum(a, b), torch.minimum(a, b), a.clamp(min=0.5), a.clamp(-1, 2), a.clamp(max=b)],
    "choice": lambda a, b: [torch.where(a < b, a, b), torch.where(a == 0, 1, a), torch.where(b > 0, torch.nan, b)],
    "signs": lambda a, b: [a.sign(), a.abs(), (-b).abs()],
    "comparison": lambda a, b: [a < b, a <= b, a > b, a >= b, a == b, a != b, a == 1, torch.isfinite(a), a.isnan()],
    "logic": lambda a, b: [(a > 0) & (b > 0), (a > 0) | (b > 0), ~(a > 0), (a > 0) ^ (b > 0), (a > 0).logical_not()],
    "counting": lambda a, b: [(a > 0) + (b > 0).long(), (a > 0).long() * 3, torch.where(a > 0, 1, 0)],
}


@pytest.mark.parametrize("kind", ROUNDED)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rounded_operations_are_torchs_to_the_bit(kind: str, dtype: torch.dtype) -> None:
    assert_same(ROUNDED[kind], *pairs(dtype))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_roots_are_correctly_rounded(dtype: torch.dtype) -> None:
    # As C's are. Through a root that is rounded to float64 first, one in float32 is still right (Figueroa 1995).
    a, _ = pairs(dtype)
    near = torch.linspace(0.1, 4, LANES, dtype=torch.float64).to(dtype)  # torch's own are off for 1 % of arguments
    for given in (a, near):
        right = [math.sqrt(x) if not x < 0 else math.nan for x in given.tolist()]
        right = torch.tensor(right, dtype=torch.float64).to(dtype)
        for value in compiled(lambda a: [a.sqrt(), a**0.5, a.abs().sqrt()], [given], [given] * 3)[:2]:
            torch.testing.assert_close(value, right, rtol=0, atol=0, equal_nan=True)


def test_zeros_keep_their_sign() -> None:
    a, b = pairs(torch.float64)
    assert_same(lambda a, b: [1 / (a * b), 1 / -a, 1 / (a * 0.0), 1 / (a * -0.0)], a, b)  # it shows in the infinity


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_integers_wrap_around(dtype: torch.dtype) -> None:
    a, b = pairs(dtype)
    assert_same(
        lambda a, b: [a + b, a - b, a * b, a & b, a | b, a ^ b, ~a, -a, a.abs(), a.sign(), a << 3, a >> 3], a, b
    )
    assert_same(lambda a, b: [a.double(), a.float(), a.long(), a.int(), a > b, a == 7, torch.where(a < b, a, 2)], a, b)
    # A rotation, and what is nearly one: another word, another distance, another mask.
    assert_same(lambda a, b: [(a << 13) | ((a >> 19) & 8191), (a << 13) | ((b >> 19) & 8191)], a, b)
    assert_same(lambda a, b: [(a << 13) | ((a >> 18) & 8191), (a << 13) | ((a >> 19) & 8190)], a, b)


def test_conversions() -> None:
    values = torch.linspace(-3, 3, LANES, dtype=torch.float64)
    assert_same(lambda a: [a.float(), a.int(), a.long(), a.bool(), a.float().double(), a + a.float()], values)
    words = torch.arange(-32, 32) * 2**28
    assert_same(lambda a: [a.int(), a.bool(), a.double() * 0.1, a / 3, a & 0xFFFFFFFF], words)


def test_functions_are_torchs_to_rounding() -> None:
    a = torch.linspace(-3, 3, LANES, dtype=torch.float64)
    functions: Function = lambda a: [  # noqa: E731
        a.exp(), a.expm1(), a.sin(), a.cos(), a.tan(), a.tanh(), a.sinh(), a.cosh(), a.atan(),
        a.abs().log(), a.abs().log1p(), a.abs() ** 1.7, a.abs() ** a, 1 / a, a.abs().rsqrt(), a.reciprocal(), a**-2,
    ]  # fmt: skip
    assert_same(functions, a, rtol=2e-15)  # vector versions of these functions are right to 4 units in the last place
    assert_same(functions, a.float(), rtol=1e-6)


def test_functions_where_they_have_no_value() -> None:
    a = torch.tensor(SPECIAL * 6)[:LANES].double()
    assert_same(lambda a: [a.log(), a.sqrt(), a.exp(), a.tanh(), a.atan()], a, rtol=2e-15)


SHAPED: dict[str, Function] = {
    "parts": lambda w: [w[0], w[1:3], w[..., :], w.unbind(0)[2], w.split([1, 3])[1], w.split(3)[1], w.narrow(0, 1, 2)],
    "order": lambda w: [w[[2, 0, 1, 3]], w.reshape(2, 2, -1), w.reshape(2, 2, -1).transpose(0, 1)],
    "axes": lambda w: [w[:, None], w[:, None].squeeze(1), w[None].expand(3, 4, w.shape[1]), w.unflatten(0, (2, 2))],
    "joined": lambda w: [torch.cat([w, w[:2]]), torch.stack([w[0], w[3]]), w.repeat(2, 1), torch.stack([w, w], 1)],
    "reduced": lambda w: [w.sum(0), w.amax(0), w.amin(0), w.prod(0), w.mean(0), (w > 0).all(0), (w > 0).any(0)],
    "kept": lambda w: [w.sum(0, keepdim=True), w.reshape(2, 2, -1).sum((0, 1)), w.reshape(2, 2, -1).sum(1)],
    "filled": lambda w: [torch.zeros_like(w) + w, w + torch.full_like(w, 0.3), w + w.new_zeros(4, 1)],
    "broadcast": lambda w: [(w[:, None] * w[None]).sum(1), torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None] * w],
    "products": lambda w: [torch.arange(8.0).reshape(2, 4).to(w) @ w, torch.tensordot(torch.eye(4).to(w), w, 1)],
}  # fmt: skip


@pytest.mark.parametrize("kind", SHAPED)
def test_shapes(kind: str) -> None:
    function, w = SHAPED[kind], torch.randn(4, LANES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Sums of up to four products come in another order, and each addition and product is off by half a unit in the last
    # place of what it gives: all in all by 4 units of the sum of the terms' sizes, on both sides, whatever cancels.
    expected, sizes = function(w), function(w.abs())
    for value, right, size in zip(compiled(function, [w], expected), expected, sizes, strict=True):
        if value.is_floating_point():
            assert ((value - right).abs() <= 4 * torch.finfo(value.dtype).eps * size).all()
        else:
            assert torch.equal(value, right)


def test_writing_into_parts() -> None:
    def function(w: torch.Tensor) -> list[torch.Tensor]:
        a = w.clone()
        a[0] = w[1]
        a[1] += 2
        a.reshape(2, 2, -1)[1, 0].mul_(3)  # through a view
        return [a]

    assert_same(function, torch.randn(4, LANES, dtype=torch.float64))


def test_lookup_in_a_table() -> None:
    table = torch.randn(2, 5, dtype=torch.float64)
    place = torch.randint(0, 5, (3, LANES))
    assert_same(lambda i: [table[:, i], table[0][i]], place)


def test_nothing_beside_a_table_is_read() -> None:
    table = torch.randn(5, dtype=torch.float64)
    place = torch.tensor([0, 4, -1, -5, 5, -6, 2**40, -(2**62), 2**63 - 1, -(2**63)]).repeat(LANES)[:LANES]
    (value,) = compiled(lambda i: [table[i]], [place], [place.double()])
    inside = (place >= -5) & (place < 5)
    assert torch.equal(value[inside], table[place[inside]])
    assert value[~inside].isnan().all()  # where torch raises


def test_noise_has_the_same_bits_before_its_functions() -> None:
    runs = torch.arange(LANES) + 2**31 - 7

    def function(runs: torch.Tensor) -> list[torch.Tensor]:
        draws = Draws(7, runs, 2**32 - 1)
        return [draws.integers(3, torch.tensor([5, 2**31])), draws.normals(0, 3)]

    integers, normals = compiled(function, [runs], function(runs))
    assert torch.equal(integers, function(runs)[0])
    # A normal number is the product of a root of a logarithm and a sine, each right to a few units in the last place.
    torch.testing.assert_close(normals, function(runs)[1], rtol=1e-13, atol=1e-15)


def steps_of(begin: int, steps: int, last: torch.Tensor, threads: int = 1) -> torch.Tensor:
    """Return w after steps w ← 0.99 w + run + seed + step, of the runs whose w stays under ``last``."""

    def function(*tensors: torch.Tensor) -> list[torch.Tensor]:
        w, going, run, seed, step = tensors
        w = torch.where(going, 0.99 * w + run + seed + step, w)
        return [w, going & (w < last[0])]

    state = [Input("w", (), torch.float64, VARYING), Input("going", (), torch.bool, VARYING)]
    others = [Input("run", (), torch.int64, STATIC), Input("seed", (), torch.int64, CONSTANT)]
    kernel = Kernel(function, state, [*others, Input("step", (), torch.int64, UNIFORM)], "going", "step")
    kernel.build()
    w, going, run = torch.zeros(3 * LANES).double(), torch.ones(3 * LANES, dtype=torch.bool), torch.arange(3 * LANES)
    kernel.run([w, going, run], {"seed": 5}, begin, steps, threads)
    right, on = torch.zeros(3 * LANES).double(), torch.ones(3 * LANES, dtype=torch.bool)
    for step in range(begin, begin + steps):
        right, on = function(right, on, run, torch.tensor(5), torch.tensor(step))
    torch.testing.assert_close(w, right, rtol=1e-13, atol=0)  # compiled, the product and the sum are rounded once
    assert torch.equal(going, on)
    return w


def test_steps_are_numbered_and_runs_and_seed_told_apart() -> None:
    steps_of(3, 40, torch.tensor([torch.inf]))


def test_a_run_that_stopped_is_held() -> None:
    # Some stop in blocks that go on, whole blocks stop early.
    w = steps_of(0, 100, torch.tensor([500.0]))
    assert (w >= 500).all()
    assert w.max() < 1500  # far less than after all steps


@pytest.mark.parametrize("threads", [1, 2, 9])  # of three blocks
def test_one_thread_or_several(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = steps_of(0, 10, torch.tensor([torch.inf]))
    monkeypatch.setattr(kernel, "SHORT", 1e-9)  # work this short is not shared
    assert torch.equal(steps_of(0, 10, torch.tensor([torch.inf]), threads), whole)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda w: w[:, : LANES - 1],  # no whole block
        lambda w: w[:, :0],
        lambda w: w[:2],  # another shape
        lambda w: w.float(),
        lambda w: w[:, :1].expand(3, LANES),  # as a field that is constant may give: it has less memory than entries
        lambda w: w.repeat(1, 2)[:, ::2],
    ],
)
def test_memory_that_is_not_as_it_was_made_for_is_refused(wrong: Callable[[torch.Tensor], torch.Tensor]) -> None:
    w = torch.zeros(3, LANES, dtype=torch.float64)
    made = Kernel(lambda w: [w + 1], [Input("w", (3,), torch.float64, VARYING)], [], None, None)
    made.build()
    with pytest.raises(ValueError, match="needs"):
        made.run([wrong(w)], {}, 0, 1)
    with pytest.raises(ValueError, match="2 tensors"):
        made.run([w, w], {}, 0, 1)
    made.run([w], {}, 0, 1)
    assert (w == 1).all()


def test_stopped_code_writes_nothing() -> None:
    w = torch.zeros(LANES, dtype=torch.float64)
    made = Kernel(lambda w: [w + 1], [Input("w", (), torch.float64, VARYING)], [], None, None)
    made.build()
    run = made._library.run

    def stopped(*arguments: Any) -> None:
        run(*arguments[:-1], ctypes.byref(ctypes.c_int32(1)))

    made._library = SimpleNamespace(run=stopped)  # type: ignore[assignment]
    made.run([w], {}, 0, 10**15)  # which would take for ever
    assert (w == 0).all()


def test_numbers_are_handed_in_so_that_others_compile_nothing() -> None:
    def kernel(factor: float) -> Kernel:
        return Kernel(lambda w: [w * factor], [Input("w", (), torch.float64, VARYING)], [], None, None)

    assert kernel(0.1).text == kernel(0.2).text
    assert kernel(1000.0).text == kernel(1001.0).text
    assert kernel(0.1).text != kernel(2.0).text  # small whole numbers stand in the code
    for factor in (0.1, 0.2, 1e300, float("inf")):
        w = torch.full((LANES,), 3.0, dtype=torch.float64)
        made = kernel(factor)
        made.build()
        made.run([w], {}, 0, 1)
        assert (w == 3 * factor).all()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda w: [w if w.sum() > 0 else -w], "_local_scalar_dense.* is not among the operations"),
        (lambda w: [w.cumsum(0)], "cumsum.* is not among the operations"),
        (lambda w: [w - w.sum(-1, keepdim=True)], "runs depend on one another"),
        (lambda w: [w * w[..., :1]], "runs depend on one another"),
        (lambda w: [torch.zeros(3, 2)], "does not depend on the runs"),
        (lambda w: [w.sum(-1)], "does not depend on the runs"),
        (lambda w: [sum((w * k for k in range(9000)), w)], "more than 24000 operations"),
    ],
)
def test_what_is_not_of_one_run_is_refused(function: Function, said: str) -> None:
    with pytest.raises(NotCompilable, match=said):
        Kernel(function, [Input("w", (3,), torch.float64, VARYING)], [], None, None)


def test_what_the_stack_of_a_thread_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(terms: int) -> Kernel:
        # Around a call no value can stay in a register.
        function: Function = lambda w: [sum(((w * (k + 0.5)).exp() for k in range(terms)), w)]  # noqa: E731
        return Kernel(function, [Input("w", (), torch.float64, VARYING)], [], None, None)

    monkeypatch.setattr(source, "STACK", 8 * LANES * 50)
    kept(20)
    with pytest.raises(NotCompilable, match="more than a thread's stack holds"):
        kept(60)


def test_long_sums_need_no_recursion() -> None:
    w = torch.full((LANES,), 0.5, dtype=torch.float64)
    total = np.float64(0.5)
    for k in range(1200):
        total = total + 0.5 * (k + 17)

    def function(w: torch.Tensor) -> list[torch.Tensor]:
        total = w
        for k in range(1200):
            total = total + w * (k + 17)
        return [total]

    assert (compiled(function, [w], [w])[0] == total).all()
