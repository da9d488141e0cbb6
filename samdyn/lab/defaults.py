"""Values that an experiment uses where the user gives none, in units of the Hessian at a saddle."""

from collections.abc import Sequence

from .. import checks
from ..analysis import CriticalPoint, is_linear
from ..dynamics import Map
from ..landscapes import Box, Landscape
from ..methods import Method
from .objects import with_radii

BELOW, ABOVE = 0.75, 1.5  # ρ of methods with a Jacobian at the saddle, in units of its 1/|λ|
VISIBLE = 0.1  # ρ of methods with a trap of size ρ, in units of the box
SMALL_STEP = 0.02  # learning rate in units of the largest 1/|λ|


def usual_radii(method: type[Method], scene: Landscape, points: Sequence[CriticalPoint], box: Box) -> list[float]:
    """Return the radii at which a method is shown: below and above the threshold of the lowest saddle, if it has one.

    Args:
        method: the class of the method.
        scene: the landscape.
        points: its critical points.
        box: the part of the plane that is shown.

    Returns:
        Two radii. One, a tenth of the box, where the method has no Jacobian at the saddle. Without a saddle one, which
        is below the 1/|λ| of all points too.

    >>> import samdyn as sd
    >>> from samdyn import lab
    >>> scene = sd.landscapes.saddle()
    >>> [lab.usual_radii(method, scene, sd.critical_points(scene), scene.box) for method in (sd.USAM, sd.SAM)]
    [[0.38, 0.75], [0.7]]
    """
    width = float(f"{VISIBLE * min(high - low for low, high in box):.1g}")
    strongest = max((float(abs(p.eigenvalues).max()) for p in points), default=1 / width)
    radii = [min(width, BELOW / strongest)]
    for saddle in [p for p in points if p.kind == "saddle"][:1]:
        (one,) = with_radii([method], [width])
        has_jacobian = is_linear(Map(scene, one, lr=SMALL_STEP / strongest), saddle)
        radii = [part / abs(saddle.eigenvalues[0]) for part in (BELOW, ABOVE)] if has_jacobian else [width]
    return [float(f"{radius:.2g}") for radius in radii]


def usual_range(parameter: str, map_: Map, point: CriticalPoint) -> tuple[float, float]:
    """Return the lowest and the highest value of a parameter that a stability chart shows.

    Args:
        parameter: "rho", "lr", "momentum" or "distance" (of the start).
        map_: the iterates.
        point: the saddle.

    Raises:
        InputError: another parameter.

    >>> import samdyn as sd
    >>> from samdyn import lab
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho=0.1), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> [lab.usual_range(name, map_, point) for name in ("rho", "lr")]
    [(0.01, 1.0), (0.005, 1.5)]
    """
    length, strongest = 1 / abs(point.eigenvalues[0]), abs(point.eigenvalues).max()
    ranges = {
        "rho": (0.02 * length, 2 * getattr(map_.method, "ascent_steps", 1) * length),
        "lr": (0.01 / strongest, 3 * (1 + map_.momentum) / strongest),
        "momentum": (0.0, 0.98),
        "distance": (0.02 * length, 2 * length),
    }
    low, high = ranges[checks.known("parameter", parameter, ranges)]
    return float(low), float(high)
