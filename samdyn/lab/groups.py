"""Options that several experiments share, as one parameter of ``main``.

A parameter whose default is an instance of a frozen dataclass has an option for each field of the class. The instance
has the script's own defaults, and ``main`` receives one with the values that the user typed:
``training: lab.Training = lab.Training(seeds=3)``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from .. import checks
from ..analysis import CriticalPoint, CriticalPoints, critical_points
from ..landscapes import Landscape
from .objects import landscape, saddle
from .options import Coordinates, Device, LandscapeText, Processes, SaddleText, Seed, Seeds
from .words.tables import vector


@dataclass(frozen=True)
class Training:
    """The networks of every setting: how many, from which seed, and where they are trained.

    >>> from samdyn import lab
    >>> lab.Training(seeds=3)
    Training(seeds=3, seed=0, processes=2, device='auto')

    Attributes:
        seeds: the number of networks.
        seed: the seed of the first one. The next networks may have the next ones.
        processes: the number of processes.
        device: the device of the computation.

    Raises:
        InputError: seeds beyond 2³².
    """

    seeds: Seeds = 4
    seed: Annotated[Seed, "Seed of initial weights and batches."] = 0
    processes: Processes = 2
    device: Device = "auto"

    def __post_init__(self) -> None:
        checks.word("--seed", self.seed + self.seeds, "Use a smaller one")


@dataclass(frozen=True)
class AtSaddle:
    """A saddle of a landscape, from the texts that name them.

    >>> from samdyn import lab
    >>> at = lab.AtSaddle("x**2 - y**2")
    >>> at.scene, at.text
    (Landscape('x**2 - y**2', 'x y'), 'saddle at (0, 0), λ = (-2, 2)')

    Attributes:
        landscape: its name or formula, as ``lab.landscape`` takes it.
        coordinates: the names of a formula's coordinates.
        saddle: a point near the saddle, as ``lab.saddle`` takes it.
    """

    landscape: LandscapeText = "saddle"
    coordinates: Coordinates = "x y"
    saddle: SaddleText = ""

    @cached_property
    def scene(self) -> Landscape:
        """The landscape."""
        return landscape(self.landscape, self.coordinates)

    @cached_property
    def points(self) -> CriticalPoints:
        """Its critical points."""
        return critical_points(self.scene)

    @cached_property
    def point(self) -> CriticalPoint:
        """The saddle.

        Raises:
            InputError: as for ``lab.saddle``.
        """
        return saddle(self.scene, self.points, self.saddle)

    @property
    def text(self) -> str:
        """Where the saddle is, and its eigenvalues."""
        return f"saddle at {vector(self.point.w)}, λ = {vector(self.point.eigenvalues)}"
