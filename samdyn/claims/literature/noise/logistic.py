"""What SAM's perturbation by one sample does to the weight of the sample in logistic regression."""

import math

import torch

import samdyn as sd
from samdyn.claims import Claim, grid


def measure(label: int, rho: float) -> float:
    """Return the length of SAM's step over η‖x‖: the weight of a sample x = (1, 2)."""
    landscape = sd.Landscape(f"log(1 + exp({-label}*(a + 2*b)))", "a b")
    w = torch.tensor([[0.3], [-0.2]], dtype=torch.float64)
    (end,) = sd.Map(landscape, sd.SAM(rho), lr=0.1).step((w,))
    return float((w - end).norm()) / (0.1 * math.sqrt(5))


def sigmoid(z: float) -> float:
    """Return 1/(1 + e^−z)."""
    return 1 / (1 + math.exp(-z))


logistic_weight = Claim(
    id="sam-logistic-weight",
    statement="In logistic regression with one sample a step SAM replaces the weight σ(−m) of a sample of margin m by "
    "σ(−m+ρ‖x‖), exactly: it lowers every margin by ρ‖x‖.",
    formula=r"\sigma(-m) \rightarrow \sigma(-m + \rho \|x\|)",
    source="derived; on [BK24]",
    process="map of SAM, one sample",
    cases=grid(label=(1, -1), rho=(0.1, 0.6)),
    predict=lambda label, rho: sigmoid(-label * (0.3 - 0.2 * 2) + rho * math.sqrt(5)),
    rival=lambda label, rho: sigmoid(-label * (0.3 - 0.2 * 2)) * (1 + rho * math.sqrt(5)),
    mistake="a weight that grows by the factor 1 + ρ‖x‖",
    measure=measure,
    tolerance=1e-10,
    reason="rounding",
)
