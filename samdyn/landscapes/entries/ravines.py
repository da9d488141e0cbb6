"""Landscapes with a line of minima along which the curvature varies."""

from ..formulas.parse import parse, symbols
from ..landscape import Landscape


def ravine(curvature: str = "1 + z**2") -> Landscape:
    """Return ½λ(z)y², whose minima form the line y = 0 with the curvature λ(z), the setting of the drift in [B22].

    Args:
        curvature: the formula of λ in z.

    Raises:
        InputError: a text that is not a formula in z.

    >>> import samdyn as sd
    >>> sd.landscapes.ravine("2 + z").expr
    y**2*(z + 2)/2
    """
    (y,) = symbols("y")
    return Landscape(parse(curvature, symbols("z")) * y**2 / 2, "y z", box=((-2, 2), (-2, 2)), name="ravine")
