"""The interface of a statistic: a quantity over all runs that accumulates while they run, without trajectories."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch

from ... import checks
from ...landscapes import Landscape

FAR = 1e70  # |coordinate|, in units of w, beyond which a run is about to diverge; its fourth power is still finite

# A variable in the form that xarray takes: dims, values and optional attributes, such as ``results.meaning`` returns.
Variable = tuple[str | Sequence[str], Any] | tuple[str | Sequence[str], Any, Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """The data of a simulation that a statistic needs before the first step.

    Attributes:
        landscape: the landscape of the runs.
        saves: number of saves.
        dt: time of a step, in the units of t = kη.
    """

    landscape: Landscape
    saves: int
    dt: float

    @property
    def coordinates(self) -> list[str]:
        """The names of the coordinates of w."""
        return [str(s) for s in self.landscape.symbols]


@dataclass(frozen=True)
class Snapshot:
    """Some of the runs at a save. A run that left the box counts where it stopped; a run that diverged does not count.

    Attributes:
        slot: index of the save, from 0.
        raw: ``(d, n)``, the positions in the dtype and on the device of the simulation.
        find_start: function that returns the starts ``(d, n)``, on that device.
        counts: ``(n,)`` bool, whether the run counts: it has neither diverged nor gone beyond FAR.
        diverged, outside: ``(n,)`` bool, whether the run has left the floating-point range, or the box.
        landscape: the landscape of the runs.
    """

    slot: int
    raw: torch.Tensor
    find_start: Callable[[], torch.Tensor]
    counts: torch.Tensor
    diverged: torch.Tensor
    outside: torch.Tensor
    landscape: Landscape

    @cached_property
    def w(self) -> torch.Tensor:
        """The positions of the runs, ``(d, n)``, float64; a run that stopped stays where it stopped."""
        return self.raw.double()

    @cached_property
    def start(self) -> torch.Tensor:
        """The starts of the runs, ``(d, n)``, float64."""
        return self.find_start().double()

    @cached_property
    def loss(self) -> torch.Tensor:
        """The losses of the runs, ``(n,)``, float64."""
        return self.landscape.value(self.w)


class Accumulator(ABC):
    """The sums of a statistic over the runs of one simulation. Its size must not grow with the number of runs.

    Runs come in chunks. For every chunk ``simulate`` calls ``observe`` at every save, once for each piece of the chunk,
    and then ``finish``. A chunk that fails starts again from a copy (``copy.deepcopy``) of the accumulator before it.

    >>> import samdyn as sd
    >>> class Outside(sd.Accumulator):  # counts the runs that ended outside the box
    ...     def __init__(self):
    ...         self.count = 0
    ...     def finish(self, status, steps):
    ...         self.count += int((status == "left the box").sum())
    ...     def variables(self):
    ...         return {"outside": ((), self.count)}
    >>> class CountOutside(sd.Statistic):
    ...     def accumulator(self, setting):
    ...         return Outside()
    >>> map_ = sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.GD(), lr=0.1)
    >>> runs = sd.simulate(map_, [(0, 0.1), (0, 0.5)], 10, box=[(-1, 1), (-1, 1)], statistics=CountOutside())
    >>> runs.outside.item()
    1
    """

    def observe(self, snapshot: Snapshot) -> None:  # noqa: B027  # a class may need only one of the two
        """Add some of the runs at a save."""

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:  # noqa: B027
        """Add the ends of some of the runs.

        Args:
            status: ``(n,)`` of str, each a ``samdyn.Status``.
            steps: ``(n,)`` of int, the number of steps that the run took.
        """

    @abstractmethod
    def variables(self) -> Mapping[str, Variable]:
        """Return the results by name, each as (dims, values) or (dims, values, attributes).

        The dims are "step" (one entry per save), "coord" and "coord_2" (one entry per coordinate of w), and the dims
        that ``coords`` labels.
        """

    def coords(self) -> Mapping[str, Any]:
        """Return the labels of other dims, as xarray takes coordinates: {dim: labels}, or {name: (dim, labels)}."""
        return {}


class Statistic(ABC):
    """A quantity over all runs, for ``simulate(…, statistics=[…])``.

    To add a statistic, write two classes: a ``Statistic`` that returns an accumulator, and the ``Accumulator``. Every
    simulation gets an accumulator of its own, passes it the runs at every save and their ends, and asks it for its
    variables at the end. A statistic works for any backend, device and number of runs.

    Attributes:
        name: a short name for ``statistics=["name"]``, if all fields of the class have defaults; "" for none.

    >>> import numpy as np, samdyn as sd
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Within(sd.Statistic):
    ...     radius: float = 1.0
    ...     name = "within"
    ...     def accumulator(self, setting):
    ...         return RunsWithin(self.radius, setting.saves)
    >>> class RunsWithin(sd.Accumulator):
    ...     def __init__(self, radius, saves):
    ...         self.radius, self.number = radius, np.zeros(saves, dtype=int)
    ...     def observe(self, snapshot):
    ...         near = snapshot.w.norm(dim=0) < self.radius
    ...         self.number[snapshot.slot] += int((near & snapshot.counts).sum())
    ...     def variables(self):
    ...         return {"within": ("step", self.number)}
    >>> map_ = sd.Map(sd.Landscape("x**2 - y**2", "x y"), sd.GD(), lr=0.1)
    >>> runs = sd.simulate(map_, [(0, 0.1), (0, 0.5)], 10, save_every=5, statistics=[Within(0.4), "mean"])
    >>> runs.within.values.tolist()
    [1, 1, 0]
    """

    name: ClassVar[str] = ""

    @abstractmethod
    def accumulator(self, setting: Setting) -> Accumulator:
        """Return a new accumulator, which has seen no run."""

    @classmethod
    def by_name(cls, landscape: Landscape) -> Self:
        """Return the statistic for ``statistics=["name"]``.

        Raises:
            InputError: a field of the class has no default.
        """
        try:
            return cls()
        except TypeError as error:
            rule = f"cannot be made from its name alone ({error})"
            checks.reject("statistic", cls.name, rule, f"Use {cls.__name__}(…) instead of its name")
