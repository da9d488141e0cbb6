"""The largest eigenvalues of the Hessian along training."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..landscapes import Landscape
from .curvature import extreme_eigenpairs
from .training import train

if TYPE_CHECKING:
    import xarray

TOLERANCE = 1e-3  # error of the eigenvalues, relative to the largest


@checked
def track_curvature(
    map_: Map, starts: Any, steps: int, every: int, *, top: int = 5, device: str = "auto"
) -> "xarray.Dataset":
    """Train networks, and measure their largest eigenvalues and their gradient every few steps.

    Args:
        map_: the iterates; lr, momentum and the radius may be tensors ``(n,)``. They are computed in float32.
        starts: the initial parameters, ``(n, d)``.
        steps: the number of steps.
        every: the number of steps from one measurement to the next. Iterates at the edge of stability alternate between
            two sides, of which an even number would show one.
        top: the number of eigenvalues.
        device: the device of the computation.

    Returns:
        Over "run" and "step": "loss"; "gradient_norm", ‖∇L‖; "eigenvalue", the largest first ("order"), in the units of
        the loss per w²; "share", that of ‖∇L‖² along their eigenvectors. "w" (run, coord) are the parameters at the
        end. Networks that diverged are nan.

    Raises:
        InputError: ``train`` or ``extreme_eigenpairs`` refuses an argument.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.quadratic([3.0, 1.0]), sd.GD(), lr=0.1)
    >>> data = track_curvature(map_, [(0.5, 1.0)], steps=20, every=10, top=1)
    >>> data.eigenvalue.values.round(3).ravel().tolist(), data.share.values.round(2).ravel().tolist()
    ([3.0, 3.0, 3.0], [0.69, 0.01, 0.0])
    """
    import xarray

    every = checks.count("every", every, "Use e.g. every=101")
    top = min(checks.count("top", top, "Use e.g. top=5"), map_.landscape.dim)
    step_numbers, looks, end = [], [], torch.empty(0, 0)
    for step, w in train(map_, starts, steps, save_every=every, device=device):
        step_numbers.append(step)
        looks.append(_look(map_.landscape, w, top))
        end = w
    dims = {name: ("run", "step", "order")[: looks[0][name].ndim + 1] for name in looks[0]}
    return xarray.Dataset(
        {
            **{name: (dims[name], np.stack([one[name] for one in looks], axis=1)) for name in dims},
            "w": (("run", "coord"), end.T.cpu().numpy()),
        },
        coords={"step": step_numbers, "order": np.arange(1, top + 1)},
    )


@checked
def against_edge(runs: "xarray.Dataset", last: float = 1 / 3) -> "xarray.Dataset":
    """Compare the largest eigenvalue λ of networks in training with its edge.

    Args:
        runs: the result of ``track_curvature``, or of a sweep of it, with the variable "edge" of the dimensions of
            "loss": the curvature above which steps grow, such as ``symbolic.edge_at_gradient`` predicts.
        last: the last part of training over which means are taken, in (0, 1].

    Returns:
        For each network "first", the first measured step with λ at its edge or above, nan if there is none; and over
        the last part of training "ratio", the mean of λ/edge; "deviation", its standard deviation; "above", the share
        of measurements with λ above the edge; "lam", the mean of λ; "first_share" and "top_share", the mean share of
        ‖∇L‖² along the first eigenvector and along all that were measured. "loss" is that at the end.

    Raises:
        InputError: a part that is not in (0, 1], or runs without an edge.

    >>> import numpy as np
    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.quadratic([3.0, 1.0]), sd.GD(), lr=0.1)
    >>> data = track_curvature(map_, [(0.5, 1.0)], steps=20, every=5, top=1)
    >>> data["edge"] = data.gradient_norm.copy(data=np.full((1, 5), sd.symbolic.edge_of_stability(map_)))
    >>> float(against_edge(data).ratio.round(3)[0])  # 3 η/2
    0.15
    """
    import xarray

    last = checks.number("last", last, "must lie in (0, 1]", "Use e.g. last=1/3", lambda part: 0 < part <= 1)
    checks.holds(runs, "edge", "eigenvalue", "share", "loss", "step")
    is_late = runs.step >= runs.step[-1] - last * runs.step[-1]
    late = runs.isel(step=is_late)
    lam = runs.eigenvalue.sel(order=1, drop=True)
    ratio = late.eigenvalue.sel(order=1, drop=True) / late.edge
    return xarray.Dataset(
        {
            "first": runs.step.where(lam >= runs.edge).min("step"),
            "ratio": ratio.mean("step"),
            "deviation": ratio.std("step", ddof=1),
            "above": (ratio > 1).mean("step"),
            "lam": late.eigenvalue.sel(order=1, drop=True).mean("step"),
            "first_share": late.share.sel(order=1, drop=True).mean("step"),
            "top_share": late.share.sum("order").mean("step"),
            "loss": runs.loss.isel(step=-1, drop=True),
        }
    )


def _look(landscape: Landscape, w: torch.Tensor, top: int) -> dict[str, np.ndarray]:
    """Measure networks ``(d, n)``."""
    gradients = landscape.grad(w).double().cpu().numpy()
    finite = np.isfinite(gradients).all(axis=0)
    norms = np.where(finite, np.linalg.norm(gradients, axis=0), np.nan)
    eigenvalues, shares = np.full((2, len(norms), top), np.nan)
    for i in np.flatnonzero(finite):
        values, vectors = extreme_eigenpairs(landscape, w[:, i], lowest=0, highest=top, tolerance=TOLERANCE)
        eigenvalues[i] = values[::-1]
        shares[i] = ((gradients[:, i] @ vectors)[::-1] / norms[i]) ** 2
    loss = landscape.value(w).double().cpu().numpy()
    return {
        "loss": np.where(finite, loss, np.nan),
        "gradient_norm": norms,
        "eigenvalue": eigenvalues,
        "share": shares,
    }
