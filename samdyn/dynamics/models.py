"""Drift and covariance of the diffusions that the literature, or the law of one step, gives a method."""

from collections.abc import Callable

import torch

from .. import checks
from ..methods import GD, USAM, Ascent, ExactSAM, Method
from ..noise import Fisher, Noise
from ..noise.expectation import Expectation, jumps
from ..noise.model import Source
from ..ops import Point
from ..oracle import Oracle

Law = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]  # w (d, N) -> M (d, N) and C (d, d, N)


def moments(source: Source, method: Method) -> Law:
    """Return mean and covariance of F_ξ(w) over what a step draws.  [C23; theory 17]"""
    return Expectation(source, method, jumps(source, method))


def taylor(source: Source, method: Method) -> Law:
    """Return both to first order in ρ: E[g + ρHp] and Σ + ρ(Σ̃ + Σ̃ᵀ), Σ̃ = Cov(g, Hp), p the ascent's direction.

    g and H are a batch's. For USAM p = g, so the mean is ∇(L + (ρ/2)E‖∇L_ξ‖²); for DNSAM p = g/‖∇L‖; for SAM
    p = g/‖g‖, so it is ∇(L + ρE‖∇L_ξ‖): the SDEs of [C23].
    """
    if not isinstance(method, Ascent):
        return moments(source, method)

    def terms(w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return torch.cat([g, method.rho * grad.hvp(w, method.direction(w, g, grad))])

    both, d = Expectation(source, terms, jumps(source, method)), source.landscape.dim

    def law(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, covariance = both(w)
        crossed = covariance[:d, d:]
        return mean[:d] + mean[d:], covariance[:d, :d] + crossed + crossed.transpose(0, 1)

    return law


def fisher(source: Source, method: Method) -> Law:
    """Return [K23]'s: the gradient of the perturbed loss, exact SAM's, and |H|/B, which no perturbation changes."""
    exact = ExactSAM(method.rho) if isinstance(method, USAM) else method
    covariance = Expectation(source, GD(), False)
    return lambda w: (exact(w, source.landscape.grad), covariance(w[:, :1])[1])


MODELS: dict[str, Callable[[Source, Method], Law]] = {"moments": moments, "taylor": taylor, "fisher": fisher}


def check_model(model: str, method: Method, noise: Noise) -> None:
    """Refuse a model where it says nothing.

    Raises:
        InputError: "taylor" of several ascent steps or of another coupling than shared; "fisher" of other noise than
            ``noise.Fisher``, or of a method that is not gradient descent, USAM or exact SAM of one ascent step.
    """
    several = isinstance(method, Ascent) and method.ascent_steps > 1
    if model == "taylor":
        if isinstance(method, Ascent) and noise.coupling != "shared":
            rule = f"the expansion is of steps with a shared batch, the noise is {noise.coupling}"
            checks.reject("model", model, rule, 'Use coupling="shared", or model="moments"')
        if several or isinstance(method, ExactSAM):
            checks.reject("model", model, f"no expansion of {method} is known", 'Use model="moments"')
    if model == "fisher":
        if not isinstance(noise, Fisher):
            checks.reject("model", model, "its covariance is |H|/B", "Use noise.Fisher, or another model")
        if several or type(method) not in (GD, USAM, ExactSAM):
            fix = 'Use GD, USAM or ExactSAM, or model="moments"'
            checks.reject("model", model, f"[K23] have no diffusion of {method}", fix)
