"""The compiler of steps: it traces a torch function to operations on scalars, and writes them in C or CUDA."""

from .cuda_kernel import CUDAKernel
from .expression import CONSTANT, STATIC, UNIFORM, VARYING, NotCompilable
from .kernel import Kernel
from .source import LANES
from .trace import Input

__all__ = ["CONSTANT", "LANES", "STATIC", "UNIFORM", "VARYING", "CUDAKernel", "Input", "Kernel", "NotCompilable"]
