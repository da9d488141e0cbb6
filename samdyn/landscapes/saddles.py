"""Landscapes whose point of interest is a saddle at the origin."""

from .landscape import Landscape


def saddle() -> Landscape:
    """x² − y², the saddle of [K23]'s pictures: λ = 2 along x and −2 along y."""
    return Landscape("x**2 - y**2", "x y", box=((-3.5, 3.5), (-3.5, 3.5)), name="saddle")


def monkey_saddle() -> Landscape:
    """x³ − 3xy²: a degenerate saddle, with three ways down and a vanishing Hessian at the origin."""
    return Landscape("x**3 - 3*x*y**2", "x y", box=((-2, 2), (-2, 2)), name="monkey saddle")


def double_well() -> Landscape:
    """(x² − 1)²/4 + y²/2: minima at (±1, 0), a saddle between them with λ = −1 along x and 1 along y."""
    return Landscape("(x**2 - 1)**2/4 + y**2/2", "x y", box=((-2, 2), (-1.5, 1.5)), name="double well")
