"""The CUDA code of a step: a thread takes all steps of a run, with its state in registers."""

from collections.abc import Sequence

import numpy as np
import torch

from ..c.source import BEFORE, EVERY_STEP, ONCE, TYPES, Source, Writer, local_name, places, stored_type
from ..tracing.expression import CONSTANT, STATIC, UNIFORM, VARYING, Node
from ..tracing.fused import with_fused
from ..tracing.normals import COSINE, RADIUS, SINE, with_normals
from ..tracing.trace import Input
from .normals import FUNCTIONS

HEAD = """\
#ifdef __CUDACC_RTC__
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INT64_C(n) n##LL
#else
#include <stdint.h>
#endif
typedef bool _Bool;
#define FMA(a, b, c) fma(a, b, c)
#define FMAF(a, b, c) fmaf(a, b, c)
"""
UNSIGNED = {torch.int32: "uint32_t", torch.int64: "uint64_t"}


def write(inputs: Sequence[Input], values: Sequence[np.ndarray], going: str | None, step: str | None) -> Source:
    """Write the kernel.

    Args:
        inputs: the inputs of the state, as many as ``values``, and after them the other inputs.
        values: the expressions of the next state.
        going: name of the entry of the state that is true while a run goes on; a run that does not go on keeps its
            state. None for none.
        step: name of the shared input that is the number of the step; None for none.

    Returns:
        The code of ``run(stride, begin, steps, shared, p, arrays…)``, which takes the steps ``begin``, ``begin`` + 1, …
        of ``stride`` runs in place. ``p`` holds the numbers by value, so that the GPU reads them from constant memory.
    """
    return CUDAWriter(inputs, with_fused(with_normals(values)), going, step).source()


class CUDAWriter(Writer):
    """Writes a step as straight code, without arrays."""

    def _assigned(self) -> dict[int, int]:
        loops = {CONSTANT: ONCE, UNIFORM: EVERY_STEP, STATIC: BEFORE, VARYING: 0}
        return {id(node): loops[node.level] for node in self._order}

    def _used(self, node: Node, loop: int) -> str:
        return self._names[id(node)]

    def source(self) -> Source:
        self._compute()
        functions = [FUNCTIONS] if any(n.operation in (RADIUS, COSINE, SINE) for n in self._order) else []
        return Source("\n".join([HEAD, *functions, *self._kernel(), ""]), np.array(self._numbers, dtype=np.float64))

    def _literal(self, value: float, dtype: torch.dtype) -> str:
        name = super()._literal(value, dtype)
        if not name.startswith("p"):
            return name
        self._lines[ONCE].pop()  # it would occupy a register
        return f"(({TYPES[dtype]})p.of[{name[1:]}])"

    def _operation(self, node: Node, arguments: list[str]) -> str:
        kind = node.dtype
        if node.operation in ("+", "-", "*", "<<") and kind in UNSIGNED:  # unsigned integers wrap around, as torch's do
            a, b = (f"({UNSIGNED[kind]}){a}" for a in arguments)
            return f"({TYPES[kind]})({a} {node.operation} {b})"
        if node.operation == "/" and node.arguments[0].value == 1.0 and node.arguments[1].operation == "sqrt":
            return f"rsqrt{'f' if kind == torch.float32 else ''}({self._names[id(node.arguments[1].arguments[0])]})"
        return super()._operation(node, arguments)

    def _number(self, place: str) -> str:
        return f"p.of[{place}]"

    def _select(self, dtype: torch.dtype, condition: str, a: str, b: str) -> str:
        return f"(({condition}) ? {a} : {b})"

    def _kernel(self) -> list[str]:
        per_run = [i for i in self._inputs if i.per_run]
        shared = [i for i in self._inputs if not i.per_run and i.name != self._step]
        parameters = [f"{stored_type(entry)} *__restrict__ a{number}" for number, entry in enumerate(per_run)]
        load, store = [], []
        for number, entry in enumerate(per_run):
            for flat, at in enumerate(places(entry)):
                memory, local = f"a{number}[{flat} * stride + thread]", local_name(entry, at)
                if entry in self._state:
                    load.append(f"{TYPES[entry.dtype]} {local} = {memory};")
                    store.append(f"{memory} = {local};")
                else:
                    load.append(f"const {TYPES[entry.dtype]} {local} = {memory};")
        update = [
            f"const {TYPES[entry.dtype]} next_{local_name(entry, at)} = {self._names[id(node)]};"
            for entry, at, node in self._results
        ]
        update += [f"{local_name(entry, at)} = next_{local_name(entry, at)};" for entry, at, _ in self._results]
        return [
            f"struct Numbers {{ double of[{max(1, len(self._numbers))}]; }};",
            f"struct Shared {{ int64_t of[{max(1, len(shared))}]; }};",
            'extern "C" __global__ void run(const int64_t stride, const int64_t begin, const int64_t steps,',
            f"    const Shared shared, const Numbers p{''.join(', ' + parameter for parameter in parameters)})",
            "{",
            "  const int64_t thread = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;",
            "  if (thread >= stride) return;",
            *(f"  const int64_t {entry.name} = shared.of[{n}];" for n, entry in enumerate(shared)),
            *(f"  {line}" for line in [*self._lines.get(ONCE, []), *load, *self._lines.get(BEFORE, [])]),
            "  for (int64_t k = 0; k < steps; ++k) {",
            *([f"    if (!{self._going}) break;"] if self._going else []),
            *([f"    const int64_t {self._step} = begin + k;"] if self._step else []),
            *(f"    {line}" for loop in (EVERY_STEP, 0) for line in self._lines.get(loop, [])),
            *(f"    {line}" for line in update),
            "  }",
            *(f"  {line}" for line in store),
            "}",
        ]
