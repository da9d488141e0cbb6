"""The table of the equilibria of flows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...analysis import Basins, Equilibrium, PhasePlane, equilibria_dataset
from ...dynamics import Flow
from ...output.terminal import Table
from ...plot import label
from ...symbolic import stability
from .tables import Column, table, vector


def equilibria(planes: Sequence[PhasePlane], basins: Sequence[Basins] = ()) -> Table:
    """Return the table of the equilibria of several flows, with their types, their rates and when they attract.

    Args:
        planes: the result of ``analysis.phase_plane`` for each flow.
        basins: the result of ``analysis.basins`` for each flow, for a column of shares; or none.

    >>> import samdyn as sd
    >>> from samdyn import lab
    >>> planes = [sd.analysis.phase_plane(sd.Flow(sd.landscapes.saddle(), sd.USAM(rho=1.0)))]
    >>> [(column.header, *column.cells) for column in lab.equilibria(planes).columns][2:]
    [('of L', 'saddle'), ('of the flow', 'attractor'), ('rates', '-6, -2'), ('attracts for', 'ρ > 1/2')]
    """
    data = equilibria_dataset(planes, basins)
    texts = [_attracts_for(plane.flow, point) for plane in planes for point in plane.equilibria]
    data["attracts_for"] = ("equilibrium", np.array(texts, dtype=object))
    columns: dict[str, Column] = {
        "flow": lambda one: label(planes[one["of"].item()].flow.method),
        "equilibrium": lambda one: vector(np.round(one.w, 9)),
        "of L": "{critical}",
        "of the flow": lambda one: f"{one.kind.item()}{', held' if one.held else ''}",
        "rates": _rates,
        "attracts for": "{attracts_for}",
    }
    if basins:
        columns["share"] = lambda one: f"{100 * one.share.item():.1f} %" if one.share else ""
    return table(data, columns, "equilibrium", keys=2, left=6, once=1)


def _attracts_for(flow: Flow, point: Equilibrium) -> str:
    """Return the radii, or the region, in which an equilibrium attracts. Only critical points of the loss have one."""
    verdict = point.critical and stability(flow, point.critical)
    return verdict.attracts_for if verdict and (verdict.differentiable or point.attracts) else ""


def _rates(one: Any) -> str:
    """Return the rates of an equilibrium, if it has any."""
    parts = zip(one.rate.values, one.frequency.values, strict=True)
    texts = [f"{complex(*pair):.4g}" if pair[1] else f"{pair[0]:.4g}" for pair in parts]
    return "" if one.rate.isnull().any() else ", ".join(texts)
