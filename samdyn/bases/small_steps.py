"""The direction in which the steps of a base optimizer lead if they are small."""

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..ops import Point
from ..oracle import Oracle
from .base import Base


@dataclass(frozen=True)
class SmallSteps:
    """The limit of a base's steps for η → 0: the direction base.limit(w, F(w)). It stands where a method does.

    ``Flow(landscape, SmallSteps(method, base))`` is the flow of the base: that of the sign for Adam with ε = 0 and for
    Lion, a preconditioned one for fixed second moments. Its time is that of the map with this base, t = kη.

    >>> import samdyn as sd
    >>> flow = sd.Flow(sd.landscapes.saddle(), sd.bases.SmallSteps(sd.SAM(0.1), sd.bases.Lion()))
    >>> sd.integrate(flow, (1, 0.5), 0.25).w.values[0, -1].round(6).tolist()
    [0.75, 0.75]

    Attributes:
        method: the method F.
        base: the base optimizer.

    Raises:
        InputError: a part that is not a method or a base; a base that has no such limit, when it is called.
    """

    method: Any
    base: Base

    def __post_init__(self) -> None:
        if not callable(self.method) or isinstance(self.method, type):
            checks.reject("method", self.method, "is no method", "Use e.g. SAM(rho=0.05)")
        if not isinstance(self.base, Base):
            checks.reject("base", self.base, "is no base optimizer", "Use e.g. bases.Adam()")

    def __call__(self, w: Point, grad: Oracle) -> Point:
        return self.base.limit(w, self.method(w, grad))

    def perturbed(self, w: Point, grad: Oracle) -> Point:
        """Return the perturbed point of the method: ``(d, …) -> (d, …)``."""
        perturbed: Point = self.method.perturbed(w, grad)
        return perturbed

    @property
    def radius(self) -> Any:
        """The radius of the method."""
        return getattr(self.method, "radius", 0.0)
