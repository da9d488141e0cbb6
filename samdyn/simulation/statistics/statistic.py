"""What a statistic is: a quantity over all runs, gathered while they run, so that no trajectory is stored."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch

from ... import checks
from ...landscapes import Landscape

FAR = 1e70  # units of w: a run farther out along any coordinate is about to diverge; its fourth power is still a number

# Dims, values and, if wanted, attributes such as ``results.meaning`` makes: what xarray takes for a variable.
Variable = tuple[str | Sequence[str], Any] | tuple[str | Sequence[str], Any, Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """What is known of a simulation before it starts.

    Attributes:
        landscape: where the runs are.
        saves: how many steps are looked at.
        dt: the time of a step, in t = kη.
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
    """Some of the runs at a save. Runs that left the box count where they are held; runs that diverged do not count.

    Attributes:
        slot: which save, from 0.
        raw: where the runs are, ``(d, n)``, in the dtype and on the device of the simulation.
        find_start: returns where they started, ``(d, n)``, on that device.
        counts: which runs count, ``(n,)`` bool: those that have neither diverged nor gone beyond FAR.
        diverged, outside: which left the floating-point range, or the box, by then, ``(n,)`` bool.
        landscape: where the runs are.
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
        """Where the runs are, ``(d, n)``, float64; those that are out are held where they were last."""
        return self.raw.double()

    @cached_property
    def start(self) -> torch.Tensor:
        """Where they started, ``(d, n)``, float64."""
        return self.find_start().double()

    @cached_property
    def loss(self) -> torch.Tensor:
        """Their losses, ``(n,)``, float64."""
        return self.landscape.value(self.w)


class Accumulator(ABC):
    """What a statistic knows of the runs so far, in one simulation. It must not grow with the number of runs.

    Runs come in chunks: for every chunk ``observe`` is called at every save, once for each piece of it, and then
    ``finish``. A chunk that fails is begun again with a copy (``copy.deepcopy``) of what was known before it.
    """

    def observe(self, snapshot: Snapshot) -> None:  # noqa: B027  # some need only one of the two
        """Take in some of the runs at a save."""

    def finish(self, status: np.ndarray, steps: np.ndarray) -> None:  # noqa: B027
        """Take in how some of the runs ended.

        Args:
            status: ``(n,)`` of str, each a ``samdyn.Status``.
            steps: ``(n,)`` of int: how many steps a run took; of one that is out, after how many it left.
        """

    @abstractmethod
    def variables(self) -> Mapping[str, Variable]:
        """Return the results by name, each as (dims, values) or (dims, values, attributes).

        The dims may be "step" (one entry per save), "coord" and "coord_2" (one per coordinate of w), and those that
        ``coords`` labels.
        """

    def coords(self) -> Mapping[str, Any]:
        """Return the labels of other dims, as xarray takes coordinates: {dim: labels}, or {name: (dim, labels)}."""
        return {}


class Statistic(ABC):
    """A quantity over all runs, for ``simulate(…, statistics=[…])``.

    To add one, write a class derived from this that makes an accumulator, and the accumulator. Every simulation makes
    an accumulator of its own, which is given the runs at every save and how they ended, and says at the end what it
    found. It works for any backend, device and number of runs.

    Attributes:
        name: a short name that ``statistics=["name"]`` may ask by, if the class has defaults for all that it needs.

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
        """Return a new accumulator, which knows of no run."""

    @classmethod
    def by_name(cls, landscape: Landscape) -> Self:
        """Return the statistic that the name alone stands for.

        Raises:
            InputError: it needs more than its name.
        """
        try:
            return cls()
        except TypeError as error:
            rule = f"cannot be made from its name alone ({error})"
            checks.reject("statistic", cls.name, rule, f"Use {cls.__name__}(…) instead of its name")
