"""The compiler of steps: it traces a torch function to operations on scalars, and writes them in C or CUDA."""

from .c.kernel import Kernel
from .c.source import LANES
from .cuda.kernel import CUDAKernel
from .tracing.expression import CONSTANT, STATIC, UNIFORM, VARYING, NotCompilable
from .tracing.trace import Input

__all__ = ["CONSTANT", "LANES", "STATIC", "UNIFORM", "VARYING", "CUDAKernel", "Input", "Kernel", "NotCompilable"]
