"""Objects that can be sent to other processes."""

from functools import cached_property
from typing import Any


class Portable:
    """What is pickled and copied without its cached properties: code compiled from formulas is made anew when needed.

    A class that keeps anything else that cannot be pickled keeps it in a ``cached_property``.
    """

    def __getstate__(self) -> dict[str, Any]:
        cached = {n for cls in type(self).__mro__ for n, v in vars(cls).items() if isinstance(v, cached_property)}
        return {name: value for name, value in vars(self).items() if name not in cached}
