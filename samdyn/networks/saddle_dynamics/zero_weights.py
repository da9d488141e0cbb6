"""A network on digits next to the saddle at which all its weights are 0."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from ... import checks
from ...analysis import CriticalPoint
from ...dynamics import Map
from ...methods import SAM
from ...noise import FiniteSum
from .. import models
from ..data.data import digits
from ..landscape.network import Network
from ..saddles import critical_point, ways_out, without_weights
from .look import look_at
from .mean_step import SampleStep, hidden_units, predicted_stalls, sample_step
from .stalls import follow

if TYPE_CHECKING:
    import xarray

INPUTS, CLASSES = 64, 10  # pixels of a digit, and digits


@dataclass(frozen=True)
class ZeroWeights:
    """The tanh network 64-hidden-10 on all digits, near the saddle of its cross-entropy at which it has no weights.

    >>> place = ZeroWeights(hidden=1)
    >>> place.point.kind, place.starts(2, scale=0.01).shape, place.units(place.starts(2, scale=0.01)).shape
    ('saddle', torch.Size([2, 85]), (2, 1, 75))

    Attributes:
        hidden: the number of hidden units.

    Raises:
        InputError: hidden < 1.
    """

    hidden: int

    def __post_init__(self) -> None:
        checks.count("hidden", self.hidden, "Use e.g. hidden=8")

    @cached_property
    def network(self) -> Network:
        """The loss over all digits, in float32."""
        return _on_digits(self.hidden, torch.float32)

    @cached_property
    def exact(self) -> Network:
        """The same in float64."""
        return _on_digits(self.hidden, torch.float64)

    @cached_property
    def point(self) -> CriticalPoint:
        """The saddle."""
        return critical_point(self.exact, without_weights(self.exact))

    def starts(self, number: int, scale: float, seed: int = 0) -> torch.Tensor:
        """Return the initial weights of networks, torch's times ``scale``, of one seed after the other: ``(n, d)``."""
        seeds = ((seed + i) % 2**32 for i in range(checks.count("number", number, "Use e.g. number=3")))
        return self.network.vector(_model(self.hidden, checks.positive("scale", scale, "Use 0.01"), s) for s in seeds)

    def units(self, starts: torch.Tensor) -> np.ndarray:
        """Return the weights of each hidden unit of networks ``(n, d)``: ``(n, hidden, 75)``, as ``hidden_units``."""
        return hidden_units(starts, (INPUTS, self.hidden, CLASSES))

    @cached_property
    def unit_step(self) -> SampleStep:
        """The samples' gradients and Hessians at the saddle, in the 75 weights of a hidden unit and the 10 biases.

        Hidden units do not interact at the saddle, so that the network with one unit has all the information.
        """
        one = _on_digits(1, torch.float64)
        return sample_step(one, without_weights(one))

    def follow(
        self,
        starts: torch.Tensor,
        coupling: str,
        batch_size: int,
        rho: np.ndarray,
        start: np.ndarray,
        *,
        lr: float,
        steps: int,
        seed: int = 0,
        device: str = "auto",
    ) -> "xarray.Dataset":
        """Train networks by SAM from small weights, as ``stalls.follow`` does; a function for a sweep.

        Args:
            starts: initial weights, ``(m, d)``.
            coupling: "shared" or "independent" batches of the two gradients of a step.
            batch_size: B; all samples are the full batch, without noise.
            rho: the radius of each network, ``(n,)``.
            start: the index of its initial weights, ``(n,)``. Networks with the same index have the same batches.
            lr, steps, seed, device: as in ``stalls.follow``.
        """
        noise = FiniteSum(batch_size, coupling=coupling) if batch_size < self.network.samples else None
        map_ = Map(self.network, SAM(torch.as_tensor(rho)), lr=lr, noise=noise)
        how: dict[str, Any] = {"seed": seed, "runs": torch.as_tensor(start), "device": device}
        return follow(map_, self.point, starts[start], steps, **how)

    def predicted_stalls(
        self, starts: torch.Tensor, batch_size: int, batches: int, *, drop: float, lr: float, steps: int, seed: int = 0
    ) -> "xarray.Dataset":
        """Return the radii from which SAM stalls, from the noise at the saddle, as ``mean_step.predicted_stalls``."""
        how: dict[str, Any] = {"drop": drop, "lr": lr, "steps": steps, "seed": seed}
        coords = slice(0, INPUTS + 1 + CLASSES)
        return predicted_stalls(self.unit_step, self.units(starts), batch_size, batches, coords=coords, **how)

    def look(self, w: torch.Tensor, batch_size: int, rho: float, *, seed: int = 0) -> dict[str, float]:
        """Measure a network ``(d,)`` that SAM trained, with the escape directions of the saddle, as ``look_at``."""
        size = batch_size if batch_size < self.network.samples else None
        return look_at(self.exact, w.double(), SAM(rho), ways_out(self.point)[1], batch_size=size, seed=seed)

    def look_again(
        self, w: "xarray.DataArray", batch_size: int, rho: float, start: int, *, seed: int = 0
    ) -> dict[str, float]:
        """Measure a network that a sweep of ``follow`` trained, as ``look``; a function for a sweep.

        Args:
            w: the variable "w" of that sweep, over "batch_size", "rho", "start" and "coord".
            batch_size, rho, start: the setting of the network.
            seed: as in ``look_at``.
        """
        one = w.sel(batch_size=batch_size, rho=rho, start=start)
        return self.look(torch.as_tensor(one.values), batch_size, rho, seed=seed)


def _model(hidden: int, scale: float, seed: int) -> torch.nn.Module:
    return models.mlp((INPUTS, hidden, CLASSES), activation="tanh", scale=scale, seed=seed)


def _on_digits(hidden: int, dtype: torch.dtype) -> Network:
    data = digits()
    return Network(_model(hidden, 0.0, 0), cross_entropy, data.train_inputs.to(dtype), data.train_targets)
