"""Saddles of networks that are known exactly."""

import numpy as np
import torch

from .. import checks
from ..analysis import CriticalPoint
from .network import Network

AT_REST = 1e-8  # ‖∇L‖ at a critical point, relative to max|λ|: as far off, in the units of w


def rank_one(inputs: torch.Tensor, targets: torch.Tensor, hidden: int) -> torch.Tensor:
    """Return weights of a linear net that fit the outputs' first principal direction alone, by one hidden unit.

    A saddle of the mean squared error, if two hidden units or more can fit better.  [Baldi and Hornik 1989, Neural
    networks and principal component analysis, fact 4]

    Args:
        inputs: of the samples, ``(n, p)``, of rank p.
        targets: theirs, ``(n, q)``.
        hidden: units of ``models.deep_linear((p, hidden, q))``.

    Returns:
        Its parameters, ``((p + q) · hidden,)``, in the inputs' dtype.
    """
    best = torch.linalg.lstsq(inputs, targets).solution.T
    fitted = inputs @ best.T
    direction = torch.linalg.eigh(fitted.T @ fitted)[1][:, -1]
    row = direction @ best
    first, last = inputs.new_zeros(hidden, inputs.shape[1]), inputs.new_zeros(targets.shape[1], hidden)
    first[0], last[:, 0] = row / row.norm().sqrt(), direction * row.norm().sqrt()
    return torch.cat([first.flatten(), last.flatten()])


def without_weights(network: Network) -> torch.Tensor:
    """Return a classifier's parameters at which all weights are 0 and the output is the classes' shares.

    A saddle of the cross-entropy of ``models.mlp`` with an odd activation, as tanh, unless the inputs' means are the
    same in all classes: a hidden unit needs two weights to be of any effect.

    Args:
        network: with biases at the output as its last parameters, and classes as targets.

    Returns:
        Its parameters, ``(d,)``, float64: the output's biases are the logarithms of the shares, with mean 0.

    Raises:
        InputError: a class without samples, whose bias would be −∞.
    """
    counts = torch.bincount(network.targets).double()
    if not counts.all():
        missing = int((counts == 0).nonzero()[0])
        checks.reject("targets", missing, "is a class without samples", "Use more samples, or renumber the classes")
    w = torch.zeros(network.dim, dtype=torch.float64)
    logs = counts.log()
    w[-len(logs) :] = (logs - logs.mean()).cpu()
    return w


def critical_point(network: Network, w: torch.Tensor) -> CriticalPoint:
    """Return a critical point, with the whole spectrum there.

    Args:
        network: whose Hessian, ``(d, d)``, fits into memory.
        w: where, ``(d,)``.

    Raises:
        InputError: no critical point of this network.
    """
    values, vectors = np.linalg.eigh(network.hessian(w).cpu().numpy())
    slope = float(network.grad(w).norm())
    if not slope <= AT_REST * abs(values).max():
        checks.reject("‖∇L‖", slope, "w is no critical point of this network", "Give one at which it is 0")
    return CriticalPoint(w.cpu().numpy(), float(network.value(w)), values, vectors)
