"""How well the gradient after n ascent steps points to the maximum of a quadratic on a ball."""

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import brentq

import samdyn as sd
from samdyn.claims import Claim, grid, leading_order

EIGENVALUES, START = np.array([10.0, 3.0, 1.0, 0.3]), np.array([0.02, 0.1, 0.3, 0.6])
MULTIPLIERS = (EIGENVALUES[0] + 1e-9, 1e4)  # bracket of Lagrange's multiplier on the ball


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def measure(rho: float, share: float) -> float:
    """Return the cosine of the gradient at SAM's point, after 1/share ascent steps, with the shift to the maximum."""
    landscape = sd.landscapes.quadratic(EIGENVALUES)
    w = torch.as_tensor(START)[:, None]
    point = sd.SAM(rho, ascent_steps=round(1 / share)).perturbed(w, landscape.grad)
    shift = np.zeros(4)
    for _ in range(500):  # the shift is parallel to the gradient at the maximum on the sphere
        gradient = landscape.grad(w + torch.as_tensor(shift)[:, None])[:, 0].numpy()
        shift = rho * gradient / np.linalg.norm(gradient)
    return cosine(landscape.grad(point)[:, 0].numpy(), shift)


def to_maximum(rho: float) -> np.ndarray:
    """Return the shift to the maximum, (μ − H)⁻¹g with the μ that gives it the length ρ."""
    g = EIGENVALUES * START
    mu = brentq(lambda mu: np.linalg.norm(g / (mu - EIGENVALUES)) - rho, *MULTIPLIERS)
    return np.asarray(g / (mu - EIGENVALUES))


def after_one_step(rho: float) -> float:
    """Return the cosine after one ascent step."""
    g = EIGENVALUES * START
    return cosine(g + rho * EIGENVALUES * g / np.linalg.norm(g), to_maximum(rho))


def after_infinitely_many(rho: float) -> float:
    """Return the cosine at the end of an ascent along the gradient of length ρ: H exp(Hs)w."""
    g = EIGENVALUES * START

    def length(s: float) -> float:
        return float(quad(lambda r: np.linalg.norm(g * np.exp(EIGENVALUES * r)), 0, s)[0])

    s = brentq(lambda s: length(s) - rho, 0, 1)
    return cosine(g * np.exp(EIGENVALUES * s), to_maximum(rho))


ascent_limit = Claim(
    id="ascent-limit-cosine",
    statement="On a convex quadratic, SAM's gradient after n ascent steps points nearer to the maximum on the "
    "ball than after one: for many steps it tends to He^{Hs}w, s the time at "
    "which the path of steepest ascent has the length ρ.",
    formula=r"\cos(H e^{Hs} w, \delta^*), \quad \int_0^s \|H e^{Hr} w\|\, dr = \rho",
    source="derived",
    process="perturbation of SAM with n ascent steps",
    cases=grid(rho=(0.1, 0.3), share=(1 / 64, 1 / 32, 1 / 16)),
    predict=after_infinitely_many,
    rival=after_one_step,
    mistake="no gain from more ascent steps",
    measure=measure,
    tolerance=3e-3,
    reason="the error is of order 1/n",
    small="share",
    record=leading_order(1),
)
