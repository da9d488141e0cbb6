"""The step of an ensemble as a CUDA kernel, which NVIDIA's NVRTC compiles at run time."""

import ctypes
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import torch

from ..cache import find, store, workplace
from ..tracing.expression import NotCompilable
from ..tracing.trace import LIMIT, Input, Step, trace
from .source import write

THREADS = 128  # threads of a block; a step needs some 50 of the 65,536 registers of a multiprocessor
SUFFIX = ".cubin"  # of files with binaries
PARAMETER_BYTES = 4096  # bytes of parameters that a kernel can take on every card


class CUDAKernel:
    """The step of an ensemble, compiled for a GPU.

    Attributes:
        text: the CUDA code.
        numbers: its literals and tables, float64.
        operations: number of operations on the scalars of a run.
        calls: number of operations on tensors that torch would make.

    >>> import torch
    >>> from samdyn.compiler import CUDAKernel, Input, VARYING
    >>> kernel = CUDAKernel(lambda w: [0.5 * w], [Input("w", (), torch.float64, VARYING)], [], None, None)
    >>> "__global__ void run" in kernel.text, kernel.is_built
    (True, False)
    """

    def __init__(
        self, function: Step, state: Sequence[Input], others: Sequence[Input], going: str | None, step: str | None
    ) -> None:
        """Trace a function; the arguments are those of ``Kernel``.

        Raises:
            NotCompilable: the function cannot be traced, or has more numbers than a kernel can take.
        """
        inputs = [*state, *others]
        values, self.calls = trace(function, inputs, LIMIT)
        self._per_run = [i for i in inputs if i.per_run]
        self._shared = [i.name for i in others if not i.per_run and i.name != step]
        source = write(inputs, values, going, step)
        self.text, self.numbers = source.text, source.numbers if len(source.numbers) else np.zeros(1)
        self.operations = self.text.partition("__global__")[2].count("const ")
        if self.numbers.nbytes + 8 * (len(inputs) + 4) > PARAMETER_BYTES:
            raise NotCompilable(f"a step has {len(self.numbers)} numbers, more than a CUDA kernel can be handed")

    @property
    def is_built(self) -> bool:
        """Whether the code was compiled before for the current device, by any process of this user.

        Raises:
            NotCompilable: there is no NVRTC.
        """
        return torch.cuda.is_available() and find(_key(self.text, _architecture()), SUFFIX) is not None

    def build(self) -> None:
        """Compile the code for the current device, unless this process has done so.

        Raises:
            NotCompilable: there is no NVRTC, or NVRTC or the driver failed.
        """
        _loaded(self.text, torch.cuda.current_device(), _architecture())

    def run(self, per_run: Sequence[torch.Tensor], shared: dict[str, int], begin: int, steps: int) -> None:
        """Take steps in place, in the device's current stream, without waiting for their end.

        Args:
            per_run: the state and the other tensors with one entry per run, contiguous.
            shared: the integers that all runs share, by name.
            begin: number of the first step.
            steps: number of steps.

        Raises:
            NotCompilable: there is no NVRTC, or NVRTC or the driver failed.
            ValueError: a tensor has another shape, dtype or device than the kernel.
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
    function = _loaded(text, torch.cuda.current_device(), _architecture())
    pointers = (ctypes.c_void_p * len(arguments))(*(a.ctypes.data for a in arguments))
    stream = torch.cuda.current_stream(device).cuda_stream
    blocks = -(-runs // THREADS)
    _checked(driver.cuLaunchKernel(function, blocks, 1, 1, THREADS, 1, 1, 0, stream, ctypes.addressof(pointers), 0))


@cache
def _bindings() -> tuple[Any, Any]:
    """Return NVIDIA's Python bindings of the driver and of NVRTC, which torch's CUDA builds install.

    Raises:
        NotCompilable: they are not installed.
    """
    try:
        from cuda.bindings import driver, nvrtc
    except ImportError as error:
        raise NotCompilable(f"{error}; install cuda-bindings of this torch's CUDA, {torch.version.cuda}") from error
    return driver, nvrtc


@cache
def _loaded(text: str, device: int, architecture: str) -> Any:
    """Compile and load a kernel, once for each device in a process."""
    driver = _bindings()[0]
    binary = np.frombuffer(compiled(text, architecture), dtype=np.uint8)
    module = _checked(driver.cuModuleLoadData(binary.ctypes.data))
    return _checked(driver.cuModuleGetFunction(module, b"run"))


def _architecture() -> str:
    """Return the architecture of the current device, such as "sm_90"."""
    return "sm_{}{}".format(*torch.cuda.get_device_capability())


def _key(text: str, architecture: str) -> str:
    version = _nvrtc().nvrtcVersion()
    return hashlib.sha256(f"{text} {architecture} {version}".encode()).hexdigest()[:32]


def _nvrtc() -> Any:
    """Return the bindings of NVRTC, after a check that the library is there: they load it at the first call."""
    nvrtc = _bindings()[1]
    try:
        nvrtc.nvrtcVersion()
    except RuntimeError as error:
        raise NotCompilable(f"NVRTC could not be loaded: {str(error)[:200]}") from error
    return nvrtc


def compiled(text: str, architecture: str) -> bytes:
    """Return the binary of a kernel for an architecture such as "sm_90", from disk if it is there. It needs no GPU.

    Raises:
        NotCompilable: there is no NVRTC, or it refuses the code. The message ends with the end of its log.
    """
    key = _key(text, architecture)
    path = find(key, SUFFIX)
    if path is not None:
        with suppress(OSError):  # another process removed it
            return path.read_bytes()
    binary = _compiled(text, architecture)
    # Without room on the disk every process compiles anew, in about a second.
    with suppress(OSError), workplace() as folder:
        (folder / f"kernel{SUFFIX}").write_bytes(binary)
        store(key, folder / f"kernel{SUFFIX}")
    return binary


def _compiled(text: str, architecture: str) -> bytes:
    """Compile a kernel.

    Raises:
        NotCompilable: NVRTC refuses the code. The message ends with the end of its log.
    """
    nvrtc = _nvrtc()
    program = _checked(nvrtc.nvrtcCreateProgram(text.encode(), b"step.cu", 0, [], []))
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
    """Return the value of a call of CUDA, after a check of its status.

    Raises:
        torch.OutOfMemoryError: the device has no memory left.
        NotCompilable: the status is another error.
    """
    status, *values = answer
    if int(status):
        if "OUT_OF_MEMORY" in str(status):
            raise torch.OutOfMemoryError(str(status))
        raise NotCompilable(f"CUDA says {getattr(status, 'name', status)}")
    return values[0] if values else None
