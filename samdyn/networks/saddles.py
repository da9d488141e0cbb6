"""Saddles of networks in closed form.

>>> from torch.nn.functional import mse_loss
>>> from samdyn.networks import Network, models
>>> x = torch.eye(3, dtype=torch.float64)
>>> loss = Network(models.deep_linear((3, 2, 3)), mse_loss, x, torch.diag(torch.tensor([3.0, 2.0, 1.0])).double())
>>> saddle = critical_point(loss, rank_one(loss.inputs, loss.targets, hidden=2))
>>> len(ways_out(saddle)[0])  # the second hidden unit can fit the second direction or the third
2
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from .. import checks
from ..analysis import CriticalPoint
from .landscape.network import Network

if TYPE_CHECKING:
    import xarray

ZERO = 1e-9  # |eigenvalue| relative to the largest up to which it counts as zero


def rank_one(inputs: torch.Tensor, targets: torch.Tensor, hidden: int) -> torch.Tensor:
    """Return weights of a linear network that fit only the first principal direction of the outputs.

    One hidden unit does that, and the weights of the others are 0.

    They are a saddle of the mean squared error if two or more hidden units can fit better. [Baldi and Hornik 1989,
    Neural networks and principal component analysis, fact 4]

    Args:
        inputs: the inputs of the samples, ``(n, p)``, of rank p.
        targets: their targets, ``(n, q)``.
        hidden: the number of hidden units of ``models.deep_linear((p, hidden, q))``.

    Returns:
        The parameters of that network, ``((p + q) · hidden,)``, in the dtype of the inputs.

    Raises:
        InputError: arrays of other shapes or dtypes; targets whose best linear fit is 0.
    """
    hidden = checks.count("hidden", hidden, "Use e.g. hidden=4")
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets) or inputs.dtype != targets.dtype:
        shapes = f"{tuple(targets.shape)}, {targets.dtype}"
        rule = f"for inputs {tuple(inputs.shape)}, {inputs.dtype}: must be (n, p) and (n, q) of one dtype"
        checks.reject("targets", shapes, rule, "Reshape or convert them")
    best = torch.linalg.lstsq(inputs, targets).solution.T
    fitted = inputs @ best.T
    direction = torch.linalg.eigh(fitted.T @ fitted)[1][:, -1]
    row = direction @ best
    if not row.any():
        checks.reject("targets", float(targets.norm()), "is the norm of what has no linear fit but 0", "Use others")
    first, last = inputs.new_zeros(hidden, inputs.shape[1]), inputs.new_zeros(targets.shape[1], hidden)
    first[0], last[:, 0] = row / row.norm().sqrt(), direction * row.norm().sqrt()
    return torch.cat([first.flatten(), last.flatten()])


def without_weights(network: Network) -> torch.Tensor:
    """Return the parameters of a classifier with all weights 0, whose output is the share of each class.

    They are a saddle of the cross-entropy of ``models.mlp`` with an odd activation such as tanh, unless the means of
    the inputs are the same in all classes. The reason is that a hidden unit has an effect only if two weights differ
    from 0.

    Args:
        network: a network whose last parameters are the biases of the outputs, and whose targets are classes, one class
            per output.

    Returns:
        The parameters, ``(d,)``, float64. The biases of the outputs are the logarithms of the shares, with mean 0.

    Raises:
        InputError: a class without samples, whose bias would be −∞; targets that are not classes.
    """
    w = torch.zeros(network.dim, dtype=torch.float64)
    classes = network.outputs(w.to(network.inputs.device), network.inputs[:1]).shape[-1]
    targets = network.targets
    if targets.ndim != 1 or targets.is_floating_point() or not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        rule = f"must be classes, integers from 0 to {classes - 1}"
        checks.reject("targets", f"{tuple(targets.shape)}, {targets.dtype}", rule, "Use those of cross_entropy")
    counts = torch.bincount(targets, minlength=classes).double()
    if not counts.all():
        missing = int((counts == 0).nonzero()[0])
        checks.reject("targets", missing, "is a class without samples", "Use more samples, or renumber the classes")
    logs = counts.log()
    w[-len(logs) :] = (logs - logs.mean()).cpu()
    return w


def critical_point(network: Network, w: torch.Tensor) -> CriticalPoint:
    """Return a critical point with the whole spectrum of its Hessian.

    Args:
        network: a network whose Hessian, ``(d, d)``, fits into memory.
        w: the point, ``(d,)``. Its dtype is that of the computation.

    Raises:
        InputError: w is not a critical point of this network: ‖∇L‖ is above max|λ| √ε, with ε the rounding of the
            dtype.
    """
    w = torch.as_tensor(w).detach()
    if w.shape != (network.dim,) or not w.is_floating_point():
        checks.reject("w", tuple(w.shape), "must be one point", f"Give an array of shape ({network.dim},)")
    slope, hessian = float(network.grad(w).norm()), network.hessian(w).cpu().numpy()
    if not np.isfinite(hessian).all():
        checks.reject("w", slope, "is ‖∇L‖ there; the Hessian is not finite", "Give one at which it is")
    values, vectors = np.linalg.eigh(hessian)
    if not slope <= torch.finfo(w.dtype).eps ** 0.5 * abs(values).max():
        checks.reject("‖∇L‖", slope, "w is no critical point of this network", "Give one at which it is 0")
    return CriticalPoint(w.cpu().numpy(), float(network.value(w)), values, vectors)


def ways_out(saddle: CriticalPoint) -> tuple[np.ndarray, np.ndarray]:
    """Return the negative eigenvalues ``(k,)`` at a saddle, ascending, and their eigenvectors ``(d, k)``.

    The function leaves out eigenvalues that are negative only by rounding.
    """
    number = int((saddle.eigenvalues < -ZERO * abs(saddle.eigenvalues).max()).sum())
    return saddle.eigenvalues[:number], saddle.eigenvectors[:, :number]


def describe(places: Mapping[str, tuple[Network, CriticalPoint]]) -> "xarray.Dataset":
    """Return the numbers that describe saddles of networks.

    Args:
        places: networks, each with a saddle, by name.

    Returns:
        Over "saddle": "dim", the number of parameters; "gradient_norm", ‖∇L‖, which is 0 but for rounding; "lam_min",
        "lam_nearest" and "lam_max", the lowest eigenvalue of the Hessian, the negative one nearest 0, and the highest;
        "negative" and "zero", how many are negative, and how many are 0 but for rounding.

    Raises:
        InputError: a point without a negative eigenvalue.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, models
    >>> x = torch.eye(2, dtype=torch.float64)
    >>> loss = Network(models.deep_linear((2, 2, 2)), mse_loss, x, torch.diag(torch.tensor([2.0, 1.0])).double())
    >>> about = describe({"origin": (loss, critical_point(loss, torch.zeros(8, dtype=torch.float64)))})
    >>> int(about.negative[0]), int(about.zero[0]), round(float(about.lam_nearest[0]), 9)
    (4, 0, -0.5)
    """
    import xarray

    rows = []
    for name, (network, saddle) in places.items():
        values, (negative, _) = saddle.eigenvalues, ways_out(saddle)
        if not len(negative):
            checks.reject(name, values.tolist(), "has no negative eigenvalue", "Give a saddle")
        rows.append(
            {
                "dim": network.dim,
                "gradient_norm": float(network.grad(torch.as_tensor(saddle.w)).norm()),
                "lam_min": values[0],
                "lam_nearest": negative[-1],
                "lam_max": values[-1],
                "negative": len(negative),
                "zero": int((abs(values) <= ZERO * abs(values).max()).sum()),
            }
        )
    return xarray.Dataset(
        {name: ("saddle", [row[name] for row in rows]) for name in rows[0]}, coords={"saddle": list(places)}
    )
