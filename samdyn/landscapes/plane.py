"""The usual test functions of optimisation in the plane."""

from .landscape import Landscape


def beale() -> Landscape:
    """(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²: a minimum at (3, ½), a saddle at (0, 1).  [K23]"""
    formula = "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2"
    return Landscape(formula, "x y", box=((-0.5, 4), (-1, 2.2)), name="Beale")


def rosenbrock() -> Landscape:
    """(1 − x)² + 100(y − x²)²: one minimum, at (1, 1), in a curved valley of condition number 2508."""
    return Landscape("(1 - x)**2 + 100*(y - x**2)**2", "x y", box=((-2, 2), (-1, 3)), name="Rosenbrock")


def himmelblau() -> Landscape:
    """(x² + y − 11)² + (x + y² − 7)²: four minima, four saddles, one maximum."""
    return Landscape("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "x y", box=((-5, 5), (-5, 5)), name="Himmelblau")
