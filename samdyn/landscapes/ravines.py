"""Lines of minima whose curvature varies along them."""

from .landscape import Landscape
from .parse import parse, symbols


def ravine(curvature: str = "1 + z**2") -> Landscape:
    """½λ(z)y²: a line of minima y = 0 whose curvature λ(z) varies along it, the setting of [B22]'s drift.

    Args:
        curvature: the formula of λ in z.

    Raises:
        InputError: a formula that cannot be read, or that has other symbols than z.
    """
    (y,) = symbols("y")
    return Landscape(parse(curvature, symbols("z")) * y**2 / 2, "y z", box=((-2, 2), (-2, 2)), name="ravine")
