"""The choice of hyper-parameters, such that what is reported has not served for the choice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import checks
from ..arguments import checked

if TYPE_CHECKING:
    import xarray


@checked
def best_by_others(losses: "xarray.DataArray", settings: Sequence[str], dim: str) -> dict[str, "xarray.DataArray"]:
    """Return for each sample the settings with the lowest mean loss of all other samples.

    To report a sample with settings that it has helped to choose makes its loss too low. Here the luck of a sample has
    no part in the choice for it.

    Args:
        losses: a loss on data for validation. A missing one counts as inf.
        settings: the names of the dimensions of the settings, e.g. ["lr", "rho"].
        dim: the name of the dimension of the samples, of two or more, e.g. "seed".

    Returns:
        The index of the choice along each dimension of settings, an array over all other dimensions: what ``isel``
        takes. Of equal losses the first setting is chosen.

    Raises:
        InputError: the losses lack a dimension, there is no setting, or a single sample.

    >>> import xarray as xr
    >>> from samdyn.statistics import best_by_others
    >>> losses = xr.DataArray([[0.0, 2.0, 2.0], [1.0, 1.0, 1.0]], dims=("lr", "seed"))
    >>> best_by_others(losses, ["lr"], "seed")["lr"].values.tolist()  # the first seed is lucky with the first lr
    [1, 0, 0]
    """
    import xarray

    if not settings:
        checks.reject("settings", list(settings), "names none", 'Use e.g. ["lr", "rho"]')
    for name in (*settings, dim):
        checks.present("dimension", name, map(str, losses.dims))
    samples = losses.fillna(float("inf"))
    if samples.sizes[dim] < 2:
        checks.reject(dim, samples.sizes[dim], "sample has no others", "Give two or more")
    means = [samples.drop_isel({dim: i}).mean(dim) for i in range(samples.sizes[dim])]
    best = xarray.concat(means, dim=losses[dim]).argmin(list(settings))
    return {name: best[name] for name in settings}
