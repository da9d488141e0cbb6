"""A step of an ensemble as a CUDA kernel, compiled at run time by NVIDIA's NVRTC."""

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from .cuda_source import write
from .expression import NotCompilable
from .kernel import LIMIT, Step
from .trace import Input, trace

THREADS = 128  # a block; a step needs some 50 registers of the 65,536 that a multiprocessor has
PARAMETER_BYTES = 4096  # that a kernel may be handed on every card


class CUDAKernel:
    """A function that takes a step, traced and compiled for a GPU.

    Attributes:
        text: the code.
        numbers: its literals and tables, float64.
        operations: how many operations on a run's scalars it comes down to.
    """

    def __init__(
        self, function: Step, state: Sequence[Input], others: Sequence[Input], going: str | None, step: str | None
    ) -> None:
        """Trace a function as ``Kernel`` does, which says what the arguments are.

        Raises:
            NotCompilable: the function cannot be traced, or has more numbers than a kernel can be handed.
        """
        inputs = [*state, *others]
        values, self.calls = trace(function, inputs, LIMIT)
        self._per_run = [i for i in inputs if i.per_run]
        self._shared = [i.name for i in others if not i.per_run and i.name != step]
        source = write(inputs, values, going, step)
        self.text, self.numbers = source.text, source.numbers if len(source.numbers) else np.zeros(1)
        self.operations = self.text.count("const ")
        if self.numbers.nbytes + 8 * (len(inputs) + 4) > PARAMETER_BYTES:
            raise NotCompilable(f"a step has {len(self.numbers)} numbers, more than a CUDA kernel can be handed")

    @property
    def is_built(self) -> bool:
        """Whether it was compiled before: never, since binaries are kept within a process alone."""
        return False

    def build(self) -> None:
        """Compile it for the current device, if that was not done before.

        Raises:
            NotCompilable: there is no NVRTC, or it or the driver failed.
        """
        _loaded(self.text, torch.cuda.current_device(), torch.cuda.get_device_capability())

    def run(self, per_run: Sequence[torch.Tensor], shared: dict[str, int], begin: int, steps: int) -> None:
        """Take steps, in place, on the tensors' device, after what was asked of it before. Does not wait for them.

        Args:
            per_run: the state and what else every run has, contiguous.
            shared: by name, what all runs share.
            begin: the first step's number.
            steps: how many.

        Raises:
            NotCompilable: there is no NVRTC, or it or the driver failed.
        """
        device, runs = per_run[0].device, per_run[0].shape[-1]
        for entry, tensor in zip(self._per_run, per_run, strict=True):
            fits = tensor.dtype == entry.dtype and tensor.shape == (*entry.shape, runs)
            if not (fits and tensor.is_contiguous() and tensor.device == device):
                raise ValueError(f"{entry.name} is {tensor.dtype} {tuple(tensor.shape)}, strides {tensor.stride()}")
        common = np.array([shared[name] for name in self._shared] or [0], dtype=np.int64)
        arguments: list[Any] = [np.array(n, dtype=np.int64) for n in (runs, begin, steps)]
        arguments += [common, self.numbers, *(np.array(t.data_ptr(), dtype=np.uint64) for t in per_run)]
        with torch.cuda.device(device):
            _launch(self.text, device, runs, arguments)


def _launch(text: str, device: torch.device, runs: int, arguments: Sequence[np.ndarray]) -> None:
    driver = _bindings()[0]
    function = _loaded(text, torch.cuda.current_device(), torch.cuda.get_device_capability(device))
    pointers = (ctypes.c_void_p * len(arguments))(*(a.ctypes.data for a in arguments))
    stream = torch.cuda.current_stream(device).cuda_stream
    blocks = -(-runs // THREADS)
    _checked(driver.cuLaunchKernel(function, blocks, 1, 1, THREADS, 1, 1, 0, stream, ctypes.addressof(pointers), 0))


@cache
def _bindings() -> tuple[Any, Any]:
    """Return NVIDIA's Python bindings of the driver and of NVRTC, which torch's CUDA builds bring.

    Raises:
        NotCompilable: they are not there.
    """
    try:
        from cuda.bindings import driver, nvrtc
    except ImportError as error:
        raise NotCompilable(f"{error}; install cuda-bindings of this torch's CUDA, {torch.version.cuda}") from error
    return driver, nvrtc


@cache
def _loaded(text: str, device: int, capability: tuple[int, int]) -> Any:
    """Compile and load a kernel, once in a process and for a device."""
    driver = _bindings()[0]
    binary = np.frombuffer(compiled(text, f"sm_{capability[0]}{capability[1]}"), dtype=np.uint8)
    module = _checked(driver.cuModuleLoadData(binary.ctypes.data))
    return _checked(driver.cuModuleGetFunction(module, b"run"))


def compiled(text: str, architecture: str) -> bytes:
    """Return the binary of a kernel for an architecture such as "sm_90". Needs no GPU.

    Raises:
        NotCompilable: there is no NVRTC, or it refuses the code; the message has the end of what it said.
    """
    nvrtc = _bindings()[1]
    try:
        program = _checked(nvrtc.nvrtcCreateProgram(text.encode(), b"step.cu", 0, [], []))
    except RuntimeError as error:  # of the bindings, which look for the library now
        raise NotCompilable(f"NVRTC could not be loaded: {str(error)[:200]}") from error
    options = [f"--gpu-architecture={architecture}".encode()]
    try:
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if int(status):
            log = b" " * _checked(nvrtc.nvrtcGetProgramLogSize(program))
            nvrtc.nvrtcGetProgramLog(program, log)
            raise NotCompilable(f"NVRTC failed: {log.decode(errors='replace').strip()[-300:]}")
        binary = b" " * _checked(nvrtc.nvrtcGetCUBINSize(program))
        _checked(nvrtc.nvrtcGetCUBIN(program, binary))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return binary


def _checked(answer: tuple[Any, ...]) -> Any:
    """Return what a call gave beside its status.

    Raises:
        torch.OutOfMemoryError: the device has no memory left.
        NotCompilable: another status than success.
    """
    status, *values = answer
    if int(status):
        if "OUT_OF_MEMORY" in str(status):
            raise torch.OutOfMemoryError(str(status))
        raise NotCompilable(f"CUDA says {getattr(status, 'name', status)}")
    return values[0] if values else None
