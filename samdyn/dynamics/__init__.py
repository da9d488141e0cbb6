"""What a method does to a landscape: iterates, flows and diffusions."""

from .boundary import Boundary
from .diffusion import Diffusion
from .flow import Flow
from .map import Map, State

__all__ = ["Boundary", "Diffusion", "Flow", "Map", "State"]
