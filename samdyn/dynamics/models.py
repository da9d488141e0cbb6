"""Models of a diffusion's drift and covariance: from the law of one step, and from the literature."""

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
    """Return the mean and the covariance of F_ξ(w) over the noise of one step.  [C23; theory 17]"""
    return Expectation(source, method, jumps(source, method))


def taylor(source: Source, method: Method) -> Law:
    """Return the mean and the covariance to first order in ρ.  [C23]

    They are E[g + ρHp] and Σ + ρ(Σ̃ + Σ̃ᵀ) with Σ̃ = Cov(g, Hp), where g and H are the gradient and the Hessian of a batch
    and p is the direction of the ascent. For USAM p = g, and the mean is ∇(L + (ρ/2)E‖∇L_ξ‖²). For SAM p = g/‖g‖, and
    the mean is ∇(L + ρE‖∇L_ξ‖). For DNSAM p = g/‖∇L‖.
    """
    if not isinstance(method, Ascent):
        return moments(source, method)

    def terms(w: Point, grad: Oracle) -> Point:
        g = grad(w)
        return torch.cat([g, method.rho * grad.hvp(w, method.direction(w, g, grad))])

    both, d = Expectation(source, terms, jumps(source, method)), source.landscape.dim

    def law(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, covariance = both(w)
        cross = covariance[:d, d:]
        return mean[:d] + mean[d:], covariance[:d, :d] + cross + cross.transpose(0, 1)

    return law


def fisher(source: Source, method: Method) -> Law:
    """Return the model of [K23]: the mean is exact SAM's gradient, the covariance is |H|/B for every perturbation."""
    exact = ExactSAM(method.rho) if isinstance(method, USAM) else method
    covariance = Expectation(source, GD(), False)
    return lambda w: (exact(w, source.landscape.grad), covariance(w[:, :1])[1])


MODELS: dict[str, Callable[[Source, Method], Law]] = {"moments": moments, "taylor": taylor, "fisher": fisher}


def check_model(model: str, method: Method, noise: Noise) -> None:
    """Refuse a model for methods and noise that it is not defined for.

    Raises:
        InputError: "taylor" gets several ascent steps or a coupling that is not "shared". "fisher" gets noise that is
            not ``noise.Fisher``, or a method that is not gradient descent, USAM or exact SAM with one ascent step.
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
