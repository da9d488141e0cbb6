"""The base class of objects that other processes can receive."""

from functools import cached_property
from typing import Any


class Portable:
    """An object that pickle and copy handle without its cached properties.

    Cached properties hold what cannot be pickled, such as code compiled from formulas. The copy computes them again on
    first use.
    """

    def __getstate__(self) -> dict[str, Any]:
        cached = {n for cls in type(self).__mro__ for n, v in vars(cls).items() if isinstance(v, cached_property)}
        return {name: value for name, value in vars(self).items() if name not in cached}
