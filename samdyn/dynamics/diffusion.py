"""Stochastic differential equations that model a method's noisy iterates."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from .. import checks
from ..landscapes import Landscape
from ..methods import Method
from ..noise import Noise
from ..ops import root
from ..portable import Portable
from .map import Map
from .models import MODELS, Law, check_model
from .parts import check_memoryless, check_parts


@dataclass(frozen=True)
class Diffusion(Portable):
    """A diffusion that models the iterates w ← w − ηF_ξ(w) at t = kη:

    dw = −M(w) dt + √(η C(w)) dW,

    or with momentum γ, of v ← γv + F_ξ(w), w ← w − ηv, the underdamped

    dw = −v dt,  dv = (M(w) − (1 − γ)v)/η dt + √(C(w)/η) dW,

    in which v, like the map's, is a sum of gradients. Models of M and C:

    - "moments": mean and covariance of F_ξ(w) over the noise of one step. They are exact for finite sums; for Gaussian
      noise quadrature computes them.
    - "taylor": the same to first order in ρ. These are the SDEs of [C23], written from memory; a test measures their
      weak order.
    - "fisher": the model of [K23]. M is the gradient of the perturbed loss, C is |H|/B at a critical point.

    Where C is indefinite, as that of "taylor" may be at large ρ, its root is nan.

    Attributes:
        landscape: the loss L.
        method: the method F.
        noise: the noise model of its gradients.
        lr: learning rate η > 0 of the iterates, in units of w, squared, per unit of L. It sets the size of the noise.
        momentum: γ in [0, 1).
        model: "moments", "taylor" or "fisher".

    Raises:
        InputError: a parameter is out of its range or not a number, the noise does not fit the landscape, or the model
            is not defined for the method or the noise.

    >>> import torch, samdyn as sd
    >>> saddle = sd.Landscape("(x**2 - y**2)/2", "x y")
    >>> sde = sd.Diffusion(saddle, sd.GD(), sd.noise.Gaussian(0.25), lr=0.01)
    >>> mean, covariance = sde.law(torch.tensor([[1.0], [2.0]]))
    >>> mean.T.tolist(), covariance[..., 0].tolist()
    ([[1.0, -2.0]], [[0.25, 0.0], [0.0, 0.25]])
    """

    landscape: Landscape
    method: Method
    noise: Noise
    lr: Any
    momentum: Any = 0.0
    model: str = "moments"

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
        check_memoryless(self.method)
        if not isinstance(self.noise, Noise):
            checks.reject("noise", self.noise, "a diffusion needs noise", "Use e.g. noise.Gaussian(1.0), or a Flow")
        object.__setattr__(self, "lr", checks.learning_rate(self.lr))
        object.__setattr__(self, "momentum", checks.momentum(self.momentum))
        object.__setattr__(self, "model", checks.known("model", self.model, MODELS))
        checks.numeric(self)
        check_model(self.model, self.method, self.noise)
        self.coefficients(self.start(torch.ones(self.landscape.dim, 1, dtype=torch.float64)))

    @classmethod
    def of(cls, map_: Map, model: str = "moments") -> "Diffusion":
        """Return the diffusion that models a map's iterates.

        Args:
            map_: the map, with noise and without Nesterov's momentum.
            model: as in the attributes.

        Raises:
            InputError: the map has no noise or Nesterov's momentum, or there is no such diffusion of it.

        >>> import samdyn as sd
        >>> map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(0.1), lr=0.01, noise=sd.noise.Gaussian(1.0))
        >>> sd.Diffusion.of(map_, "taylor").model
        'taylor'
        """
        if not isinstance(map_, Map):
            checks.reject(
                "map_", map_, "must be a Map", "Give e.g. samdyn.Map(landscape, method, lr=0.01, noise=noise)"
            )
        if map_.noise is None:
            checks.reject("noise", None, "a diffusion needs noise", "Use e.g. noise.Gaussian(1.0), or a Flow")
        if map_.nesterov:
            checks.reject("nesterov", True, "the diffusion has heavy ball's momentum", "Use nesterov=False")
        return cls(map_.landscape, map_.method, map_.noise, map_.lr, map_.momentum, model)

    def start(self, w: torch.Tensor) -> torch.Tensor:
        """Return the state z at w with zero velocity: ``(d, N) -> (D, N)``, D = 2d with momentum, else d."""
        return torch.cat([w, 0 * w]) if self.momentum else w

    def law(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return M ``(d, N)`` and C ``(d, d, N)`` at points w ``(d, N)``; C's last axis has length 1 if C is constant.

        Both are computed in float64: in float32 rounding would make a singular covariance indefinite.

        Raises:
            InputError: there are too many batches, or too many dimensions of Gaussian noise, to average over.
        """
        return self._law(w.double())

    def coefficients(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the drift ``(D, N)`` and the root B of the covariance, ``(D, d, N)``, at states z ``(D, N)``.

        B's last axis has length 1 where B is the same at every state.

        Raises:
            InputError: there are too many batches, or too many dimensions of Gaussian noise, to average over.
        """
        w = z[: self.landscape.dim]
        mean, covariance = self.law(w)
        drift, noise = self._along(mean.to(w), z), self._root(covariance).to(w)
        return drift, torch.cat([0 * noise, noise / self.lr**0.5]) if self.momentum else self.lr**0.5 * noise

    def drift(self, z: torch.Tensor) -> torch.Tensor:
        """Return the drift alone, ``(D, N) -> (D, N)``. It can be differentiated; the root of the covariance cannot.

        Raises:
            InputError: as ``coefficients``.
        """
        w = z[: self.landscape.dim]
        return self._along(self.law(w)[0].to(w), z)

    def _along(self, mean: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        if not self.momentum:
            return -mean
        v = z[self.landscape.dim :]
        return torch.cat([-v, (mean - (1 - self.momentum) * v) / self.lr])

    def _root(self, covariance: torch.Tensor) -> torch.Tensor:
        if covariance.shape[-1] > 1:
            return root(covariance)
        pair = self._roots.get("last")
        if pair is None or not torch.equal(pair[0], covariance):  # a constant covariance needs one root
            pair = self._roots["last"] = covariance, root(covariance)
        return pair[1]

    @cached_property
    def _roots(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        return {}

    @cached_property
    def _law(self) -> Law:
        return MODELS[self.model](self.noise.on(self.landscape), self.method)
