"""The point and the perturbed point at which SAM takes gradients, and the angle between these gradients."""

from typing import TYPE_CHECKING

import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..ops import dot, unit
from ..simulation import Status

if TYPE_CHECKING:
    import xarray


@checked
def perturbed(map_: Map, runs: "xarray.Dataset") -> "xarray.DataArray":
    """Return the perturbed point wᵖ of every saved state of simulated runs, (run, step, coord).

    Args:
        map_: the map that made the runs.
        runs: the results of ``simulate`` with ``save_every``.

    Raises:
        InputError: the runs lack their states, or their landscape has another dimension.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> sd.analysis.perturbed(map_, sd.simulate(map_, (1, 0), steps=2, save_every=1)).values.round(3)
    array([[[1.5 , 0.  ],
            [1.2 , 0.  ],
            [0.96, 0.  ]]])
    """
    _check(map_, runs, "w", "step")
    w = runs.w.transpose("coord", "step", "run")  # runs last, as ρ may be one number per run
    there = map_.method.perturbed(torch.as_tensor(w.values), map_.landscape.grad)
    return w.copy(data=there.numpy()).transpose("run", "step", "coord").rename("perturbed")


@checked
def cosine(map_: Map, runs: "xarray.Dataset") -> "xarray.DataArray":
    """Return cos(∇L(w), ∇L(wᵖ)) along simulated runs, (run, step).

    Within ρ of a saddle the perturbed point lies on the other side of the ridge, and along the escape direction the two
    gradients are opposite [K23]. The cosine is that of the whole gradients, which may stay near 1 all the same.
    The cosine is 0 where a gradient vanishes. It is NaN after a run diverged or left its box.

    Args:
        map_: the map that made the runs.
        runs: the results of ``simulate`` with ``save_every``.

    Raises:
        InputError: the runs lack their states, or their landscape has another dimension.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> runs = sd.simulate(map_, (1, 0.1), steps=3, save_every=1)
    >>> sd.analysis.cosine(map_, runs).values.round(3)
    array([[0.998, 0.992, 0.968, 0.873]])
    """
    import xarray

    _check(map_, runs, "w", "status", "end", "step")
    grad = map_.landscape.grad
    w = torch.as_tensor(runs.w.transpose("coord", "step", "run").values)
    cos = dot(unit(grad(w)), unit(grad(map_.method.perturbed(w, grad))))
    cosines = xarray.DataArray(cos.numpy().T, dims=("run", "step"), coords={"step": runs.step, "time": runs.time})
    over = (runs.status == Status.DIVERGED) & (runs.step >= runs.end) | (runs.status == Status.LEFT) & (
        runs.step > runs.end
    )
    return cosines.where(~over)


def _check(map_: Map, runs: "xarray.Dataset", *variables: str) -> None:
    """Check that the runs hold these variables and have the dimension of the map's landscape.

    Raises:
        InputError: a variable is missing, or the dimensions differ.
    """
    checks.holds(runs, *variables)
    if runs.sizes["coord"] != map_.landscape.dim:
        rule = f"has {runs.sizes['coord']} coordinate(s), the landscape {map_.landscape.dim}"
        checks.reject("runs", dict(runs.sizes), rule, "Give the map that made these runs")
