"""What a noise model is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from .. import checks
from ..landscapes import Landscape
from ..oracle import Oracle
from .generator import Draws

COUPLINGS = ("shared", "independent", "clean")


class Source(ABC):
    """Noise on one landscape: gives the oracle that a step sees."""

    @abstractmethod
    def oracle(self, draws: Draws) -> Oracle:
        """Return the oracle of one step of the runs that ``draws`` names."""


@dataclass(frozen=True, eq=False)
class Noise(ABC):
    """Noise of the gradients that a step takes.

    Attributes:
        coupling: "shared", one batch for all gradients of a step, as everybody runs SAM; "independent", a new one for
            every gradient; "clean", the ascent climbs the full-batch gradient.

    Raises:
        InputError: another coupling.
    """

    coupling: str = field(default="shared", kw_only=True)

    def __post_init__(self) -> None:
        checks.known("coupling", self.coupling, COUPLINGS)

    @abstractmethod
    def on(self, landscape: Landscape) -> Source:
        """Return the noise on a landscape.

        Raises:
            InputError: it does not fit the landscape.
        """
