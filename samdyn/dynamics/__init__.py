"""What a method does to a landscape: iterates and flows."""

from .flow import Flow
from .map import Map, State

__all__ = ["Flow", "Map", "State"]
