"""Test functions of optimisation in the plane."""

from ..landscape import Landscape


def beale() -> Landscape:
    """Return (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)², which has a minimum and a saddle [K23].

    The minimum is at (3, ½), the saddle at (0, 1) with λ = ±111/4.

    >>> import samdyn as sd
    >>> [(p.kind, (p.w.round(9) + 0.0).tolist()) for p in sd.critical_points(sd.landscapes.beale())]
    [('minimum', [3.0, 0.5]), ('saddle', [0.0, 1.0])]
    """
    formula = "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2"
    return Landscape(formula, "x y", box=((-0.5, 4), (-1, 2.2)), name="Beale")


def rosenbrock() -> Landscape:
    """Return (1 − x)² + 100(y − x²)², which has one minimum, at (1, 1), in a curved valley of condition number 2508.

    >>> import samdyn as sd
    >>> sd.landscapes.rosenbrock().grad([1.0, 1.0]).tolist()
    [0.0, 0.0]
    """
    return Landscape("(1 - x)**2 + 100*(y - x**2)**2", "x y", box=((-2, 2), (-1, 3)), name="Rosenbrock")


def himmelblau() -> Landscape:
    """Return (x² + y − 11)² + (x + y² − 7)², which has four minima, four saddles and one maximum.

    >>> import samdyn as sd
    >>> float(sd.landscapes.himmelblau().value([3.0, 2.0]))
    0.0
    """
    return Landscape("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "x y", box=((-5, 5), (-5, 5)), name="Himmelblau")
