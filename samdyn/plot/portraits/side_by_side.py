"""Phase portraits of several flows on one plane, with their basins."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy

from ... import checks
from ...analysis import Basins, PhasePlane
from ...arguments import checked
from ..styles.names import label
from .basins import basins as draw_basins
from .phase_portrait import phase_portrait

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@checked
def phase_portraits(
    planes: Sequence[PhasePlane],
    *,
    traps: "Sequence[Sequence[sympy.Basic | None]]" = (),
    runs: "Sequence[xarray.Dataset]" = (),
    basins: Sequence[Basins] = (),
) -> "Figure":
    """Draw the phase portraits of several flows side by side, and their basins below them.

    Args:
        planes: the results of ``analysis.phase_plane``, on one plane.
        traps, runs: for each plane, what ``phase_portrait`` takes; or none.
        basins: the result of ``analysis.basins`` for each plane, or none.

    Returns:
        A new figure.

    Raises:
        InputError: no plane, or traps, runs or basins that are not one for each.

    >>> import samdyn as sd
    >>> flows = [sd.Flow(sd.landscapes.saddle(), method) for method in (sd.GD(), sd.USAM(rho=1.0))]
    >>> figure = sd.plot.phase_portraits([sd.analysis.phase_plane(flow) for flow in flows])
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['GD', 'USAM, ρ = 1']
    """
    from matplotlib import pyplot as plt

    for name, given in (("traps", traps), ("runs", runs), ("basins", basins)):
        if not planes or (given and len(given) != len(planes)):
            rule = f"are for {len(given)} plane(s), and there are {len(planes)}"
            checks.reject(name, len(given), rule, "Give one or more planes, and one entry for each or none")
    shape = (2 if basins else 1, len(planes))
    size = (3.9 * shape[1] + 1.4, 4.4 * shape[0])
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, sharey="row")
    for i, (plane, ax) in enumerate(zip(planes, axes[0], strict=True)):
        inside, trajectories = traps[i] if traps else (), runs[i] if runs else None
        phase_portrait(plane, ax, traps=inside, runs=trajectories, bar=plane is planes[-1])
        ax.set_title(label(plane.flow.method))
    for one, ax in zip(basins, axes[-1], strict=False):
        draw_basins(one, ax)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    return figure
