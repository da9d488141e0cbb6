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
from .models import MODELS, Law, check_model
from .parts import check_parts


@dataclass(frozen=True)
class Diffusion(Portable):
    """A diffusion that models the iterates w ← w − ηF_ξ(w) at t = kη:

    dw = −M(w) dt + √(η C(w)) dW,

    or with momentum γ, of v ← γv + F_ξ(w), w ← w − ηv, the underdamped

    dw = −v dt,  dv = (M(w) − (1 − γ)v)/η dt + √(C(w)/η) dW,

    in which v, like the map's, is a sum of gradients. Models of M and C:

    - "moments": mean and covariance of F_ξ(w) over what a step draws; exact for finite sums, by quadrature for Gaussian
      noise;
    - "taylor": these to first order in ρ, the SDEs of [C23] (from memory, and tested by their weak order);
    - "fisher": [K23]'s, the gradient of the perturbed loss and |H|/B at a critical point.

    Where C is indefinite, as "taylor" may be at large ρ, its root is nan.

    Attributes:
        landscape: the loss.
        method: F.
        noise: of its gradients.
        lr: learning rate η > 0 of the iterates, which sets the size of the noise.
        momentum: γ in [0, 1).
        model: "moments", "taylor" or "fisher".

    Raises:
        InputError: a parameter out of its range or not a number; noise that does not fit the landscape, or a model that
            says nothing of the method or the noise.
    """

    landscape: Landscape
    method: Method
    noise: Noise
    lr: Any
    momentum: Any = 0.0
    model: str = "moments"

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
        if not isinstance(self.noise, Noise):
            checks.reject("noise", self.noise, "a diffusion needs noise", "Use e.g. noise.Gaussian(1.0), or a Flow")
        object.__setattr__(self, "lr", checks.learning_rate(self.lr))
        object.__setattr__(self, "momentum", checks.momentum(self.momentum))
        object.__setattr__(self, "model", checks.known("model", self.model, MODELS))
        checks.numeric(self)
        check_model(self.model, self.method, self.noise)
        self.coefficients(self.start(torch.ones(self.landscape.dim, 1, dtype=torch.float64)))

    def start(self, w: torch.Tensor) -> torch.Tensor:
        """Return the state z at w with no velocity: ``(d, N) -> (D, N)``, D = 2d with momentum, else d."""
        return torch.cat([w, 0 * w]) if self.momentum else w

    def law(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return M ``(d, N)`` and C ``(d, d, N)`` at points w ``(d, N)``; C's last axis has length 1 if it is constant.

        Always in float64: in less, a singular covariance would be indefinite to rounding.

        Raises:
            InputError: more batches, or dimensions of Gaussian noise, than a mean can be taken over.
        """
        return self._law(w.double())

    def coefficients(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the drift ``(D, N)`` and the root B of the covariance, ``(D, d, N)``, at states z ``(D, N)``.

        B's last axis has length 1 where it is the same at every state.

        Raises:
            InputError: more batches, or dimensions of Gaussian noise, than a mean can be taken over.
        """
        w = z[: self.landscape.dim]
        mean, covariance = self.law(w)
        drift, noise = self._along(mean.to(w), z), self._root(covariance).to(w)
        return drift, torch.cat([0 * noise, noise / self.lr**0.5]) if self.momentum else self.lr**0.5 * noise

    def drift(self, z: torch.Tensor) -> torch.Tensor:
        """Return the drift alone, ``(D, N) -> (D, N)``, of which derivatives can be taken: roots have none.

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
        known = self._roots.get("last")
        if known is None or not torch.equal(known[0], covariance):  # where it is constant, once is enough
            known = self._roots["last"] = covariance, root(covariance)
        return known[1]

    @cached_property
    def _roots(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        return {}

    @cached_property
    def _law(self) -> Law:
        return MODELS[self.model](self.noise.on(self.landscape), self.method)
