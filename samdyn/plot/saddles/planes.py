"""Figures of the loss along planes."""

from typing import TYPE_CHECKING

from ... import checks
from ...arguments import checked
from .ascent_planes import ascent_planes

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@checked
def planes(data: "xarray.Dataset") -> "Figure":
    """Return a figure of the loss along planes side by side, in the same colours, with the ascent in each.

    Args:
        data: results of ``networks.ascent_plane``, as for ``ascent_planes``. They have the same radius ρ, which is the
            attribute "rho".

    Raises:
        InputError: as for ``ascent_planes``.

    >>> import torch
    >>> import xarray as xr
    >>> import samdyn as sd
    >>> bowl, w = sd.landscapes.quadratic([1.0, 4.0]), torch.tensor([1.0, 0.5], dtype=torch.float64)
    >>> both = [sd.networks.ascent_plane(bowl, w, sd.SAM(0.2, ascent_steps=n), points=5) for n in (1, 2)]
    >>> figure = sd.plot.planes(xr.concat(both, xr.Variable("form", ["one step", "two steps"]), join="outer"))
    >>> len(figure.axes), figure.axes[-1].get_ylabel()
    (3, 'train loss')
    """
    from matplotlib import pyplot as plt

    checks.present("variable", "start_loss", map(str, data.data_vars))
    checks.present("attribute", "rho", map(str, data.attrs))
    count = data.start_loss.size
    figure, axes = plt.subplots(1, count, figsize=(3.7 * count + 1, 4.4), sharey=True, squeeze=False)
    ascent_planes(data, axes[0])
    figure.colorbar(axes[0, 0].collections[0], ax=axes[0], label="train loss", format="%.2g")
    figure.suptitle(f"From w (★) the ascent goes up within ρ = {data.rho:g} (dotted)")
    return figure
