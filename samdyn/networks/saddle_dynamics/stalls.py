"""Whether networks that start near a saddle escape from it, are held beside it, or stall elsewhere."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...analysis import CriticalPoint
from ...arguments import checked
from ...dynamics import Map
from ..saddles import ways_out
from ..training import train

if TYPE_CHECKING:
    import xarray

# The outcomes of training from a saddle.
ESCAPED, HELD, STALLED = OUTCOMES = ("escaped", "held", "stalled")
MOMENTS = ("start", "half", "end")


@checked
def follow(
    map_: Map, point: CriticalPoint, starts: Any, steps: int, *, seed: int = 0, runs: Any = None, device: str = "auto"
) -> "xarray.Dataset":
    """Train networks from near a saddle, and say how they moved in its escape directions.

    The escape directions are the eigenvectors of the negative eigenvalues (``saddles.ways_out``).

    Args:
        map_: the iterates on a network, in float32; lr, momentum and the radius may be tensors ``(n,)``.
        point: a saddle of the network.
        starts: the initial parameters, ``(n, d)``.
        steps: the number of steps, 2 or more.
        seed, runs, device: as in ``train``.

    Returns:
        For each run "start_loss" and "loss", in the units of the loss; "distance", that from the saddle in the escape
        directions at the start, half way and at the end ("moment"), in the units of w; "cosine", that of the gradients
        over all samples at w and wᵖ at the end, in the escape directions; and "w", the parameters at the end.

    Raises:
        InputError: fewer than 2 steps, a point without escape directions, or arguments that ``train`` refuses.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(torch.tensor([0.1, 0.5])), lr=0.1)
    >>> (point,) = sd.critical_points(map_.landscape)
    >>> data = follow(map_, point, [(0.1, 0.2)] * 2, steps=10)
    >>> data.distance.sel(moment="end").values.round(2), data.cosine.values.round(2)
    (array([0.74, 0.  ]), array([ 1., -1.]))
    """
    import xarray

    if checks.count("steps", steps, "Use e.g. steps=600") < 2:
        checks.reject("steps", steps, "must be at least 2, for there is a save half way", "Use e.g. steps=600")
    vectors = ways_out(point)[1]
    if not vectors.shape[1]:
        checks.reject("point", point.eigenvalues.tolist(), "has no negative eigenvalue", "Give a saddle")
    center, escaping = torch.as_tensor(point.w).double(), torch.as_tensor(vectors).double()
    saves = [
        w.double().cpu()
        for _, w in train(map_, starts, steps, save_every=steps // 2, seed=seed, runs=runs, device=device)
    ]
    begin, half, end = saves[0], saves[1], saves[-1]
    landscape = map_.landscape
    here = landscape.grad(end)
    there = landscape.grad(map_.method.perturbed(end, landscape.grad))
    distances = [(escaping.T @ (w - center[:, None])).norm(dim=0) for w in (begin, half, end)]
    return xarray.Dataset(
        {
            "start_loss": ("run", landscape.value(begin).numpy()),
            "loss": ("run", landscape.value(end).numpy()),
            "distance": (
                ("run", "moment"),
                torch.stack(distances, 1).numpy(),
                {"units": "w", "long_name": "distance from the saddle in its escape directions"},
            ),
            "cosine": (
                "run",
                torch.cosine_similarity(escaping.T @ here, escaping.T @ there, dim=0).numpy(),
                {"long_name": "cosine of the gradients at w and wᵖ in the escape directions"},
            ),
            "w": (("run", "coord"), end.float().T.numpy()),
        },
        coords={"moment": list(MOMENTS)},
    )


@checked
def outcomes(data: "xarray.Dataset", tolerance: float = 0.01) -> "xarray.DataArray":
    """Return what became of networks that started near a saddle.

    - escaped: the run lowered its loss by more than a fraction ``tolerance``;
    - held: it did not, and its distance from the saddle in the escape directions has shrunk;
    - stalled: it did not, and is farther away. A run that diverged counts as stalled.

    Args:
        data: the result of ``follow``, or of a sweep of it.
        tolerance: a run stalls if it lowered its loss by at most this fraction, in (0, 1).

    Raises:
        InputError: a tolerance out of its range.

    >>> import samdyn as sd
    >>> scene = sd.Landscape("1 + x**2 - y**2 + y**4 / 2", "x y")
    >>> (point,) = (p for p in sd.critical_points(scene) if p.kind == "saddle")
    >>> data = follow(sd.Map(scene, sd.SAM(torch.tensor([0.1, 0.4])), lr=0.1), point, [(0.0, 0.2)] * 2, steps=20)
    >>> outcomes(data).values.tolist()
    ['escaped', 'held']
    """
    tolerance = checks.number("tolerance", tolerance, "must lie in (0, 1)", "Use e.g. 0.01", lambda x: 0 < x < 1)
    fell = data.loss < (1 - tolerance) * data.start_loss
    shrank = data.distance.sel(moment="end", drop=True) < data.distance.sel(moment="start", drop=True)
    return fell.copy(data=np.where(fell, ESCAPED, np.where(shrank, HELD, STALLED)))


@checked
def stall_radii(outcome: "xarray.DataArray") -> "xarray.Dataset":
    """Return the smallest radius at which each network does not escape, and the next smaller one.

    Args:
        outcome: one of ``OUTCOMES`` for each network, over ascending radii "rho" and any other dimensions.

    Returns:
        Without "rho": "radius", inf if the network escapes at all, and "before", 0 if it does at none.

    Raises:
        InputError: there is no dimension "rho", or its radii do not ascend from above 0.

    >>> import xarray as xr
    >>> outcome = xr.DataArray(["escaped", "held", "stalled"], dims="rho", coords={"rho": [0.1, 0.2, 0.4]})
    >>> radii = stall_radii(outcome)
    >>> float(radii.before), float(radii.radius)
    (0.1, 0.2)
    """
    import xarray

    checks.present("dimension", "rho", map(str, outcome.dims))
    rho = outcome.rho.values
    if not (np.diff(rho, prepend=0.0) > 0).all():
        checks.reject("rho", rho.tolist(), "must be ascending radii > 0", "Use e.g. [0.1, 0.2]")
    stays = outcome != ESCAPED
    first = xarray.where(stays.any("rho"), stays.argmax("rho"), len(rho))
    ends = np.concatenate([[0.0], rho, [np.inf]])
    return xarray.Dataset({"before": first.copy(data=ends[first]), "radius": first.copy(data=ends[first + 1])})


@checked
def held_settings(outcome: "xarray.DataArray") -> list[tuple[int, float]]:
    """Return, for each batch size, the smallest radius at which every network is held, and the largest radius of all.

    Args:
        outcome: one of ``OUTCOMES`` for each network, "start", over "batch_size" and ascending radii "rho".

    Returns:
        Pairs of a batch size and a radius, ascending, for an axis of a sweep.

    Raises:
        InputError: the outcomes lack a dimension.

    >>> import xarray as xr
    >>> rows = [[["escaped", "held"], ["held", "held"], ["held", "stalled"]]]
    >>> outcome = xr.DataArray(rows, dims=("batch_size", "rho", "start"))
    >>> held_settings(outcome.assign_coords(batch_size=[8], rho=[0.1, 0.2, 0.4]))
    [(8, 0.2), (8, 0.4)]
    """
    for dim in ("batch_size", "rho", "start"):
        checks.present("dimension", dim, map(str, outcome.dims))
    first = outcome.rho.where((outcome == HELD).all("start")).min("rho")
    settings = {(int(size), float(outcome.rho[-1])) for size in outcome.batch_size}
    settings |= {(int(rho.batch_size), float(rho)) for rho in first if np.isfinite(rho)}
    return sorted(settings)
