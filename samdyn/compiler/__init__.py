"""Steps written in torch, compiled: traced to a run's scalars, and written out in C, or in CUDA for a GPU."""

from .cuda_kernel import CUDAKernel
from .expression import CONSTANT, STATIC, UNIFORM, VARYING, NotCompilable
from .kernel import Kernel
from .source import LANES
from .trace import Input

__all__ = ["CONSTANT", "LANES", "STATIC", "UNIFORM", "VARYING", "CUDAKernel", "Input", "Kernel", "NotCompilable"]
