"""Landscapes with a saddle at the origin."""

from ..landscape import Landscape


def saddle() -> Landscape:
    """Return x² − y², the saddle of [K23]'s pictures, with λ = 2 along x and −2 along y.

    >>> import samdyn as sd
    >>> sd.landscapes.saddle().expr
    x**2 - y**2
    """
    return Landscape("x**2 - y**2", "x y", box=((-3.5, 3.5), (-3.5, 3.5)), name="saddle")


def monkey_saddle() -> Landscape:
    """Return x³ − 3xy², a degenerate saddle: its Hessian at the origin is zero, and three directions lead down.

    >>> import samdyn as sd
    >>> float(sd.landscapes.monkey_saddle().hessian([0.0, 0.0]).abs().max())
    0.0
    """
    return Landscape("x**3 - 3*x*y**2", "x y", box=((-2, 2), (-2, 2)), name="monkey saddle")


def double_well() -> Landscape:
    """Return (x² − 1)²/4 + y²/2, with minima at (±1, 0) and between them a saddle with λ = −1 along x and 1 along y.

    >>> import samdyn as sd
    >>> sorted(p.kind for p in sd.critical_points(sd.landscapes.double_well()))
    ['minimum', 'minimum', 'saddle']
    """
    return Landscape("(x**2 - 1)**2/4 + y**2/2", "x y", box=((-2, 2), (-1.5, 1.5)), name="double well")
