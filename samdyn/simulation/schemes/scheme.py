"""The interface of a solver of diffusions, whose steps ``simulate`` takes like those of a map."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from ... import checks
from ...dynamics import Diffusion, State
from ...landscapes import Landscape
from ...methods import Method
from ...noise import Noise, StepDraws


@dataclass(frozen=True)
class Scheme(ABC):
    """A scheme that takes steps of length dt of a diffusion.

    To add a scheme, write a class with ``weak``, ``strong`` and ``change``.

    Attributes:
        sde: the diffusion.
        dt: length of a step, in the units of t = kη; None for sde.lr, which is one step per step of the map. With
            momentum, keep it below η/(1 − γ), the decay time of the velocity.
        weak, strong: orders of convergence in dt of means and of paths.

    Raises:
        InputError: dt is not finite and positive, or the scheme has no order for the diffusion.

    >>> import samdyn as sd
    >>> class Drift(sd.simulation.Scheme):  # Euler's scheme without noise
    ...     weak, strong = 0.0, 0.0
    ...     def change(self, z, draws):
    ...         return self.dt * self.sde.drift(z)
    >>> sde = sd.Diffusion(sd.Landscape("x**2/2", "x"), sd.GD(), sd.noise.Gaussian(1.0), lr=0.1)
    >>> sd.simulate(Drift(sde, dt=0.5), (1.0,), 2).w.values.round(4).tolist()
    [[[0.25]]]
    """

    weak: ClassVar[float]
    strong: ClassVar[float]

    sde: Diffusion
    dt: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.sde, Diffusion):
            checks.reject("sde", self.sde, "is no diffusion", "Use samdyn.Diffusion(landscape, method, noise, lr)")
        fix = "Use e.g. dt=sde.lr"
        object.__setattr__(self, "dt", self.sde.lr if self.dt is None else checks.positive("dt", self.dt, fix))

    @property
    def landscape(self) -> Landscape:
        """The landscape of the diffusion."""
        return self.sde.landscape

    @property
    def method(self) -> Method:
        """The method of the diffusion."""
        return self.sde.method

    @property
    def noise(self) -> Noise:
        """The noise model of the diffusion."""
        return self.sde.noise

    def start(self, w: torch.Tensor) -> State:
        """Return the state at w with zero velocity: (w,), or with momentum (w, v), ``(d, N)`` each.

        Raises:
            InputError: the covariance of the diffusion is indefinite at a point.
        """
        z = self.sde.start(w)
        bad = self.sde.coefficients(z)[1].isnan().any(0).any(0).nonzero()
        if len(bad):
            rule = f"the covariance of the model {self.sde.model!r} is indefinite there: it is no diffusion"
            fix = 'Use a smaller rho, or model="moments"'
            checks.reject("w0", w[:, bad[0, 0]].tolist(), rule, fix)
        return z.split(self.landscape.dim)

    def step(self, state: State, draws: StepDraws) -> State:
        """Return the next state; every part is ``(d, N)``."""
        z = torch.cat(state)
        return (z + self.change(z, draws)).split(self.landscape.dim)

    @abstractmethod
    def change(self, z: torch.Tensor, draws: StepDraws) -> torch.Tensor:
        """Return the change of the states z ``(D, N)`` in one step."""

    def times(self, steps: np.ndarray) -> np.ndarray:
        """Return the times t after some numbers of steps."""
        return steps * self.dt

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a result, by name."""
        sde = self.sde
        return {
            "method": repr(sde.method),
            "model": sde.model,
            "solver": type(self).__name__,
            "lr": sde.lr,
            "momentum": sde.momentum,
            "dt": self.dt,
        }

    @staticmethod
    def _pushed(b: torch.Tensor, dw: torch.Tensor) -> torch.Tensor:
        """Return B ΔW: ``(D, d, N), (d, N) -> (D, N)``."""
        if b.shape[-1] > 1 or bool(((b != 0).sum(1) > 1).any()):
            return (b * dw).sum(1)
        # B is constant and has one entry per row. Indexing avoids sums over d² numbers, nearly all of them 0.
        place = (b[..., 0] != 0).int().argmax(1)
        return b[torch.arange(len(b)), place] * dw[place]

    def _increments(self, draws: StepDraws, like: torch.Tensor) -> torch.Tensor:
        """Return the increments of the Brownian motions, ``(d, N)``, in the dtype of ``like``."""
        return self.dt**0.5 * draws.normals(0, self.landscape.dim).to(like.dtype)
