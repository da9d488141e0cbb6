"""Steps written in torch, compiled for the processor: traced to a run's scalars, and written out in C."""

from .expression import CONSTANT, STATIC, UNIFORM, VARYING, NotCompilable
from .kernel import Kernel
from .source import LANES
from .trace import Input

__all__ = ["CONSTANT", "LANES", "STATIC", "UNIFORM", "VARYING", "Input", "Kernel", "NotCompilable"]
