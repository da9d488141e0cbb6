"""Growth rates derived from a method's own formula, for random methods, momenta and spectra."""

import numpy as np
import torch

import samdyn as sd
from samdyn.claims import Claim

RANDOM = np.random.default_rng(0)  # the cases are drawn before anything is measured


def uniform(low: float, high: float) -> float:
    """Return a random number of two digits behind the point."""
    return round(float(RANDOM.uniform(low, high)), 2)


def case(number: int) -> dict[str, object]:
    """Return a random setting: methods in turn, a spectrum with a negative eigenvalue, any momentum of either form."""
    spectrum = (-uniform(0.5, 2), *(uniform(0.2, 3) for _ in range(RANDOM.integers(1, 3))))
    rho, steps, average = uniform(0.1, 0.4), int(RANDOM.integers(1, 4)), bool(RANDOM.integers(2))
    method = (sd.USAM(rho, ascent_steps=steps, average=average), sd.ExactSAM(rho), sd.GD())[number % 3]
    settings = {"lr": uniform(0.02, 0.2), "momentum": uniform(0, 0.8), "nesterov": bool(RANDOM.integers(2))}
    return {"method": method, "spectrum": spectrum, **settings}


def map_of(method: sd.Method, spectrum: tuple[float, ...], lr: float, momentum: float, nesterov: bool) -> sd.Map:
    """Return the map of a case."""
    landscape = sd.landscapes.quadratic(spectrum)
    return sd.Map(landscape, method, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0)


def measure(method: sd.Method, spectrum: tuple[float, ...], lr: float, momentum: float, nesterov: bool) -> float:
    """Measure the rate at which distances from the saddle grow."""
    map_ = map_of(method, spectrum, lr, momentum, nesterov)
    (saddle,) = sd.critical_points(map_.landscape)
    return sd.analysis.growth_rate(map_, saddle)


def predict(method: sd.Method, spectrum: tuple[float, ...], lr: float, momentum: float, nesterov: bool) -> float:
    """Return the rate that symbolic.predicted_growth derives."""
    rates = sd.symbolic.predicted_growth(
        map_of(method, spectrum, lr, momentum, nesterov), torch.tensor(spectrum).double()
    )
    assert rates is not None
    return float(rates)


derived_growth = Claim(
    id="derived-growth",
    statement="Near a saddle distances grow at the rate log|z|/η, z the largest root of z² − (1+γ−ηλₑ)z + γ = 0 (of "
    "z² − (1+γ)(1−ηλₑ)z + γ(1−ηλₑ) = 0 with Nesterov's momentum), λₑ derived from the method's own formula.",
    formula=r"\frac{1}{\eta}\log|z|, \quad z^2 - (1+\gamma-\eta\lambda_e)z + \gamma = 0",
    source="derived; [K23, Theorem 1] for USAM",
    process="maps of GD, USAM with n ascent steps, averaged or not, and exact SAM, with either form of momentum",
    cases=[case(number) for number in range(6)],
    predict=predict,
    measure=measure,
    rival=lambda spectrum: -min(spectrum),
    mistake="the rate |λ₋| of the gradient flow",
    tolerance=1e-6,
    reason="the rate is measured over a finite number of steps, at a distance of 1e-7",
)
