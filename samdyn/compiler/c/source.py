"""The C code of a step: the runs of a block are in the lanes of vector registers, and the block takes all its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..tracing.expression import CONSTANT, STATIC, UNIFORM, VARYING, Node, NotCompilable, ordered
from ..tracing.fused import FUSED, with_fused
from ..tracing.normals import COSINE, RADIUS, SINE, with_normals
from ..tracing.trace import Input
from .normals import FUNCTIONS

LANES = 64  # number of runs in a block, a multiple of the numbers in a vector register, so that no run is left over
CHECK = 16  # number of steps between two checks whether any run of a block goes on, and whether to stop
STACK = 2**20  # largest number of bytes of a block's arrays; threads of glibc have a stack of 2 MB or more
TYPES = {
    torch.float64: "double",
    torch.float32: "float",
    torch.int64: "int64_t",
    torch.int32: "int32_t",
    torch.bool: "_Bool",
}
# Places of code beside the loops 0, 1, … of a step: before all loops, at the start of every step, in a loop over the
# runs before the first step.
ONCE, EVERY_STEP, BEFORE = -3, -2, -1
# Functions with loops of their own: those that are called, and those of normal numbers, which are as long. A root
# divides what precedes it from what waits for it: in one loop, a processor would have few lanes under way at once.
CALLED = {"exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan", "pow"}
CALLED |= {RADIUS, COSINE, SINE, "sqrt"}
PLAIN = 16.0  # largest whole number in the code; other numbers are arguments, so that new values need no compilation

HEAD = """\
#include <math.h>
#include <stdint.h>

/* glibc has these for whole vectors, but says so only where any error is allowed. */
#if defined(__GLIBC__) && defined(__x86_64__)
#define VECTOR(name) \\
  _Pragma("omp declare simd notinbranch") double name(double); \\
  _Pragma("omp declare simd notinbranch") float name##f(float);
VECTOR(exp) VECTOR(log) VECTOR(sin) VECTOR(cos)
#if __GLIBC_PREREQ(2, 35)
VECTOR(tan) VECTOR(tanh) VECTOR(atan) VECTOR(sinh) VECTOR(cosh) VECTOR(expm1) VECTOR(log1p)
#endif
#endif

/* a*b + c, rounded once where the processor can do that. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA(a, b, c) __builtin_fma(a, b, c)
#define FMAF(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#define FMAF(a, b, c) ((a) * (b) + (c))
#endif

/* Whoever called sets it when the call is to end at once; what was computed is then not stored. */
#define STOPPED __atomic_load_n(stop, __ATOMIC_RELAXED)

/* a if c, otherwise b. Of bits, since of "?" compilers make branches, and loops with branches stay scalar. */
#define SELECT(type, bits, name) \
  static inline type name(_Bool c, type a, type b) \
  { \
    bits x, y, all = -(bits)c; \
    __builtin_memcpy(&x, &a, sizeof a); \
    __builtin_memcpy(&y, &b, sizeof b); \
    x = (x & all) | (y & ~all); \
    __builtin_memcpy(&a, &x, sizeof a); \
    return a; \
  }
SELECT(double, uint64_t, select_double)
SELECT(float, uint32_t, select_float)
SELECT(int64_t, uint64_t, select_int64_t)
SELECT(int32_t, uint32_t, select_int32_t)
"""


@dataclass(frozen=True)
class Source:
    """Code, and the numbers that are its argument.

    Attributes:
        text: the code of ``run(first, last, stride, begin, steps, shared, numbers, arrays, stop)``. It takes the steps
            ``begin``, ``begin`` + 1, … of the blocks ``first`` to ``last`` − 1 in place; once ``stop`` is not 0 it
            writes nothing more.
        numbers: the literals and tables, float64.
    """

    text: str
    numbers: np.ndarray


def write(inputs: Sequence[Input], values: Sequence[np.ndarray], going: str | None, step: str | None) -> Source:
    """Write the code.

    Args:
        inputs: the inputs of the state, as many as ``values``, and after them the other inputs.
        values: the expressions of the next state.
        going: name of the entry of the state that is true while a run goes on; None for none.
        step: name of the shared input that is the number of the step; None for none.
    """
    return Writer(inputs, with_fused(with_normals(values)), going, step).source()


class Writer:
    """Writes loops over the runs of a block: one before all steps, and one for each stage of a step.

    Calls of functions such as log have stages of their own. Around a call no value stays in a register, and such a loop
    has few values.
    """

    def __init__(
        self, inputs: Sequence[Input], values: Sequence[np.ndarray], going: str | None, step: str | None
    ) -> None:
        self._inputs, self._state, self._going, self._step = inputs, inputs[: len(values)], going, step
        self._results = [
            (entry, at, v[at]) for entry, v in zip(self._state, values, strict=True) for at in places(entry)
        ]
        self._order = ordered([node for *_, node in self._results])
        self._names = {id(node): f"n{number}" for number, node in enumerate(self._order)}
        self._numbers: list[float] = []
        self._loops = self._assigned()
        self._arrays: dict[str, torch.dtype] = {}  # dtypes of the arrays that pass values from one loop to another
        self._lines: dict[int, list[str]] = {}
        self._read: set[tuple[int, str]] = set()

    def source(self) -> Source:
        self._compute()
        last = self._last
        stores = [f"{local_name(entry, at)}[i] = {self._used(node, last)};" for entry, at, node in self._results]
        for line in stores:
            self._add(last, line)
        functions = [FUNCTIONS] if any(node.operation in (RADIUS, COSINE, SINE) for node in self._order) else []
        return Source("\n".join([HEAD, *functions, *self._function(), ""]), np.array(self._numbers, dtype=np.float64))

    def _compute(self) -> None:
        """Add the code of every node to its loop."""
        for node in self._order:
            if node.operation == "literal":
                self._names[id(node)] = self._literal(float(node.value), node.dtype)
            elif node.operation == "input":
                self._names[id(node)] = _input_name(node)
            else:
                loop = self._loops[id(node)]
                line = self._operation(node, [self._used(a, loop) for a in node.arguments])
                self._add(loop, f"const {TYPES[node.dtype]} {self._names[id(node)]} = {line};")

    @property
    def _last(self) -> int:
        return max([*self._loops.values(), 0])

    def _assigned(self) -> dict[int, int]:
        """Return the loop of every node by its id: as late as possible, or ONCE, EVERY_STEP or BEFORE."""
        loops: dict[int, int] = {}
        for node in self._order:
            if node.level != VARYING:
                loops[id(node)] = {CONSTANT: ONCE, UNIFORM: EVERY_STEP, STATIC: BEFORE}[node.level]
            else:
                earliest = max((loops[id(a)] for a in node.arguments), default=0)
                # Even loops compute, odd loops call functions.
                called = node.operation in CALLED
                loops[id(node)] = max(earliest, 0) + (max(earliest, 0) % 2 != called)
        last = max([*loops.values(), 0])
        latest: dict[int, int] = {}
        for node in reversed(self._order):
            if node.level != VARYING:
                continue
            if node.operation not in CALLED:
                loops[id(node)] = latest.get(id(node), last)
            for a in node.arguments:
                limit = loops[id(node)] - (node.operation in CALLED)
                limit -= limit % 2 if a.operation not in CALLED else 0
                latest[id(a)] = min(latest.get(id(a), last), limit)
        return loops

    def _used(self, node: Node, loop: int) -> str:
        """Return the name of a value in a loop; add the code that passes the value to the loop."""
        name = self._names[id(node)]
        if node.operation == "literal" or node.level in (CONSTANT, UNIFORM):
            return name
        if node.operation == "input":
            return self._from_array(name, node.dtype, loop)
        if self._loops[id(node)] == loop:
            return name
        if name not in self._arrays:
            self._arrays[name] = node.dtype
            self._add(self._loops[id(node)], f"k{name}[i] = {name};")
        return self._from_array(f"k{name}", node.dtype, loop)

    def _from_array(self, name: str, dtype: torch.dtype, loop: int) -> str:
        if (loop, name) not in self._read:
            self._read.add((loop, name))
            self._add(loop, f"const {TYPES[dtype]} l{name} = {name}[i];")
        return f"l{name}"

    def _add(self, loop: int, line: str) -> None:
        self._lines.setdefault(loop, []).append(line)

    def _function(self) -> list[str]:
        per_run = [i for i in self._inputs if i.per_run]
        shared = [i for i in self._inputs if not i.per_run and i.name != self._step]
        load, store, arrays = [], [], []
        for number, entry in enumerate(per_run):
            for flat, at in enumerate(places(entry)):
                memory = f"(({stored_type(entry)} *)arrays[{number}])[{flat} * stride + from + i]"
                load.append(f"{local_name(entry, at)}[i] = {memory};")
                if entry in self._state:
                    store.append(f"{memory} = {local_name(entry, at)}[i];")
                arrays.append(f"{_array_type(self._inputs, entry.dtype)} {local_name(entry, at)}[{LANES}];")
        arrays += [f"{_array_type(self._inputs, dtype)} k{name}[{LANES}];" for name, dtype in self._arrays.items()]
        if 8 * LANES * len(arrays) > STACK:
            raise NotCompilable(
                f"a step keeps {len(arrays)} numbers of each run at once, more than a thread's stack holds"
            )
        begin = f"for (int i = 0; i < {LANES}; ++i) {{"

        def indented(loop: int, spaces: int) -> list[str]:
            return [" " * spaces + line for line in self._lines.get(loop, [])]

        steps = []
        for loop in range(self._last + 1):
            steps += ["#pragma omp simd", f"      {begin}", *indented(loop, 8), "      }"]
        return [
            "void run(int64_t first, int64_t last, int64_t stride, int64_t begin, int64_t steps,",
            "         const int64_t *shared, const double *restrict p, void **arrays, const int32_t *stop)",
            "{",
            *(f"  const int64_t {i.name} = shared[{n}];" for n, i in enumerate(shared)),
            *indented(ONCE, 2),
            "  for (int64_t block = first; block < last; ++block) {",
            "    if (STOPPED) return;",
            f"    const int64_t from = block * {LANES};",
            *(f"    {line}" for line in arrays),
            f"    {begin}",
            *(f"      {line}" for line in load),
            "    }",
            *([f"    {begin}", *indented(BEFORE, 6), "    }"] if BEFORE in self._lines else []),
            "    for (int64_t k = 0; k < steps; ++k) {",
            *([f"      const int64_t {self._step} = begin + k;"] if self._step else []),
            *indented(EVERY_STEP, 6),
            *steps,
            f"      if (k % {CHECK} == {CHECK - 1}) {{",
            "        if (STOPPED) return;",
            *self._break_if_none_goes_on(begin),
            "      }",
            "    }",
            f"    {begin}",
            *(f"      {line}" for line in store),
            "    }",
            "  }",
            "}",
        ]

    def _break_if_none_goes_on(self, begin: str) -> list[str]:
        if not self._going:
            return []
        return [
            "        int any = 0;",
            f"        {begin} any |= {self._going}[i] != 0; }}",
            "        if (!any) break;",
        ]

    def _literal(self, value: float, dtype: torch.dtype) -> str:
        if not dtype.is_floating_point:
            return f"INT64_C({int(value)})" if dtype == torch.int64 else f"{int(value)}"
        suffix = "f" if dtype == torch.float32 else ""
        if value == int(value) if np.isfinite(value) and abs(value) <= PLAIN else False:
            return f"({value!r}{suffix})"
        name = f"p{len(self._numbers)}"
        self._add(ONCE, f"const {TYPES[dtype]} {name} = p[{len(self._numbers)}];")
        self._numbers.append(value)
        return name

    def _operation(self, node: Node, arguments: list[str]) -> str:
        kind, operation, argument_dtypes = node.dtype, node.operation, [a.dtype for a in node.arguments]
        suffix = "f" if kind == torch.float32 else ""
        a, b = (*arguments, "", "")[:2]
        if operation == "cast":
            return f"{a} != 0" if kind == torch.bool else f"({TYPES[kind]}){a}"
        if operation == FUSED:
            return f"FMA{suffix.upper()}({', '.join(arguments)})"
        if operation == "?":
            return self._select(kind, a, b, arguments[2])
        if operation in ("max", "min"):  # nan stays nan
            value, bound = (b, a) if node.arguments[0].operation == "literal" else (a, b)
            if "literal" in (argument.operation for argument in node.arguments):  # and a literal is never nan
                return self._select(kind, f"!({value} {'<=' if operation == 'max' else '>='} {bound})", value, bound)
            return self._select(kind, f"({a} {'>' if operation == 'max' else '<'} {b}) | ({a} != {a})", a, b)
        if operation == "neg":
            return f"-{a}"
        if operation == "abs":
            return f"fabs{suffix}({a})" if kind.is_floating_point else self._select(kind, f"{a} < 0", f"-{a}", a)
        if operation == "sign":
            return f"({TYPES[kind]})({a} > 0) - ({TYPES[kind]})({a} < 0)"
        if operation == "~":
            return f"!{a}" if argument_dtypes[0] == torch.bool else f"~{a}"
        if operation == "|" and (turn := _rotation(node)):
            word, amount = f"(uint32_t){self._used(turn[0], self._loops[id(node)])}", turn[1]
            return f"(int32_t)(({word} << {amount}) | ({word} >> {32 - amount}))"
        if operation == "lookup":
            # Negative places count from the end. Places outside the table give nan, where torch raises an error.
            first, n = len(self._numbers), len(node.value)
            self._numbers.extend([*node.value, np.nan])
            place = f"{a} + ({a} < 0) * INT64_C({n})"
            return self._number(f"{first} + {self._select(torch.int64, f'(uint64_t)({place}) < {n}', place, str(n))}")
        if operation == "pow":
            return f"pow{suffix}({a}, {b})"
        if len(arguments) == 1:
            return f"{operation}{suffix}({a})"
        return f"{a} {operation} {b}"

    def _number(self, place: str) -> str:
        return f"p[{place}]"

    def _select(self, dtype: torch.dtype, condition: str, a: str, b: str) -> str:
        if dtype == torch.bool:
            return f"({condition} & {a}) | (!{condition} & {b})"
        return f"select_{TYPES[dtype]}({condition}, {a}, {b})"


def _rotation(node: Node) -> tuple[Node, int] | None:
    """Return the word and the number of bits if a node is a left rotation, for which compilers have an instruction."""
    high, low = node.arguments
    if node.dtype != torch.int32 or high.operation != "<<" or low.operation != "&":
        return None
    right, mask = low.arguments
    if right.operation != ">>" or right.arguments[0] is not high.arguments[0]:
        return None
    numbers = [n.value if n.operation == "literal" else None for n in (high.arguments[1], right.arguments[1], mask)]
    bits = numbers[0]
    return (high.arguments[0], bits) if bits and numbers[1:] == [32 - bits, (1 << bits) - 1] else None


def places(entry: Input) -> list[tuple[int, ...]]:
    """Return the indices of the scalars of a run in an input."""
    return list(np.ndindex(*entry.shape))


def _input_name(node: Node) -> str:
    return "_".join(map(str, node.value[0]))


def local_name(entry: Input, place: tuple[int, ...]) -> str:
    """Return the name in the code of one of these scalars."""
    return "_".join(map(str, (entry.name, *place)))


def stored_type(entry: Input) -> str:
    """Return the type in C of an input in torch's memory."""
    return "uint8_t" if entry.dtype == torch.bool else TYPES[entry.dtype]


def _array_type(inputs: Sequence[Input], dtype: torch.dtype) -> str:
    """Return the type of a local array. Booleans are as wide as the numbers beside them, as vector code needs."""
    if dtype != torch.bool:
        return TYPES[dtype]
    return "int64_t" if any(i.dtype == torch.float64 for i in inputs) else "int32_t"
