"""The two gradients a sharpness-aware method looks at."""

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
def cosine(map_: Map, runs: "xarray.Dataset") -> "xarray.DataArray":
    """Return cos(∇L(w), ∇L(wᵖ)) along simulated runs, (run, step).

    Near a saddle and within ρ of it the perturbed point crosses to the other side, and the cosine jumps between −1 and
    1 [K23]. It is 0 where a gradient vanishes, and NaN where a run no longer moves because it diverged or left its box.

    Raises:
        InputError: runs without their states, or of a landscape in another dimension.
    """
    import xarray

    checks.holds(runs, "w", "status", "end", "step")
    if runs.sizes["coord"] != map_.landscape.dim:
        rule = f"has {runs.sizes['coord']} coordinate(s), the landscape {map_.landscape.dim}"
        checks.reject("runs", dict(runs.sizes), rule, "Give the map that made these runs")
    grad = map_.landscape.grad
    w = torch.as_tensor(runs.w.transpose("coord", "run", "step").values)
    cos = dot(unit(grad(w)), unit(grad(map_.method.perturbed(w, grad))))
    found = xarray.DataArray(cos.numpy(), dims=("run", "step"), coords={"step": runs.step, "time": runs.time})
    over = (runs.status == Status.DIVERGED) & (runs.step >= runs.end) | (runs.status == Status.LEFT) & (
        runs.step > runs.end
    )
    return found.where(~over)
