"""The motion of averaged iterates: central flows."""

from .central_flow import CentralFlow

__all__ = ["CentralFlow"]
