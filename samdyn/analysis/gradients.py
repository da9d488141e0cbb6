"""The two points at which a sharpness-aware method takes a gradient, and the angle between the gradients there."""

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
        runs: results of ``simulate`` with more than one saved state.

    Raises:
        InputError: runs without their states, or of a landscape in another dimension.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.5), lr=0.1)
    >>> sd.analysis.perturbed(map_, sd.simulate(map_, (1, 0), steps=2, save_every=1)).values.round(3)
    array([[[1.5 , 0.  ],
            [1.2 , 0.  ],
            [0.96, 0.  ]]])
    """
    _check(map_, runs, "w", "step")
    w = runs.w.transpose("coord", "run", "step")
    there = map_.method.perturbed(torch.as_tensor(w.values), map_.landscape.grad)
    return w.copy(data=there.numpy()).transpose("run", "step", "coord").rename("perturbed")


@checked
def cosine(map_: Map, runs: "xarray.Dataset") -> "xarray.DataArray":
    """Return cos(∇L(w), ∇L(wᵖ)) along simulated runs, (run, step).

    Near a saddle and within ρ of it the perturbed point crosses to the other side, and the cosine jumps between −1 and
    1 [K23]. It is 0 where a gradient vanishes, and NaN where a run no longer moves because it diverged or left its box.

    Raises:
        InputError: runs without their states, or of a landscape in another dimension.
    """
    import xarray

    _check(map_, runs, "w", "status", "end", "step")
    grad = map_.landscape.grad
    w = torch.as_tensor(runs.w.transpose("coord", "run", "step").values)
    cos = dot(unit(grad(w)), unit(grad(map_.method.perturbed(w, grad))))
    cosines = xarray.DataArray(cos.numpy(), dims=("run", "step"), coords={"step": runs.step, "time": runs.time})
    over = (runs.status == Status.DIVERGED) & (runs.step >= runs.end) | (runs.status == Status.LEFT) & (
        runs.step > runs.end
    )
    return cosines.where(~over)


def _check(map_: Map, runs: "xarray.Dataset", *needed: str) -> None:
    """Refuse runs that lack a variable, or that are of a landscape in another dimension.

    Raises:
        InputError: the same.
    """
    checks.holds(runs, *needed)
    if runs.sizes["coord"] != map_.landscape.dim:
        rule = f"has {runs.sizes['coord']} coordinate(s), the landscape {map_.landscape.dim}"
        checks.reject("runs", dict(runs.sizes), rule, "Give the map that made these runs")
