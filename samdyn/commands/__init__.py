"""The command ``samdyn``."""

from .app import main

__all__ = ["main"]
