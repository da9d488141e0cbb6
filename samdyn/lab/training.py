"""Options of experiments that train networks by SAM beside SGD."""

from typing import Annotated

from .options import Radii
from .readers import each

# Radii of SAM where SGD, which is SAM with the radius 0, is always among the methods.
PositiveRadii = Annotated[Radii, each(lambda rho: rho > 0, "must be finite numbers > 0")]
