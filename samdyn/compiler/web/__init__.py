"""Programs of the explorer's page: traced expressions as plain data, which a page runs without evaluating any text."""

from .landscapes import landscape_programs
from .methods import method_programs
from .program import OPERATIONS, Program
from .steps import step_program

__all__ = ["OPERATIONS", "Program", "landscape_programs", "method_programs", "step_program"]
