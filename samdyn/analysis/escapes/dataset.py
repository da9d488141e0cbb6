"""Escapes and boundaries of capture of many maps as one dataset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ... import checks
from ...arguments import checked
from ...dynamics import Boundary, Map
from .escape import OUTCOMES, Escape

if TYPE_CHECKING:
    import xarray


@checked
def escapes_dataset(maps: Sequence[Map], results: Sequence[Escape], boundaries: Sequence[Boundary]) -> "xarray.Dataset":
    """Return what ``escapes`` and ``capture_boundaries`` measured of the same maps as data.

    Args:
        maps: the maps.
        results: their escapes, from the same starts.
        boundaries: their boundaries of capture.

    Returns:
        Over ``setting``: ``method``, ``rho`` (0 for a method without), ``lr`` and ``momentum``; the fraction of each
        outcome; ``median_time`` with ``median_time_low`` and ``median_time_high``, and ``observed``, the time at which
        observation ended, in t = kη; ``boundary``, "rho" or "width", with ``boundary_low`` and ``boundary_high``. For
        every ``run``: ``outcome``, the step ``end``, and the last state ``w`` (setting, run, coord).

    Raises:
        InputError: no map, or not one result for each.

    >>> import samdyn as sd
    >>> maps = [sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)]
    >>> (point,) = sd.critical_points(maps[0].landscape)
    >>> escapes = sd.analysis.escapes(maps, point, [(0.1, 0.1)], radius=1.0, steps=20)
    >>> data = sd.analysis.escapes_dataset(maps, escapes, sd.analysis.capture_boundaries(maps, point, 1.0, 20))
    >>> data.escaped.values, data.median_time.values.round(2)
    (array([1.]), array([1.3]))
    """
    import xarray as xr

    if not maps or not len(maps) == len(results) == len(boundaries):
        rule = f"are for {len(results)} map(s), boundaries for {len(boundaries)}, and there are {len(maps)} map(s)"
        checks.reject("results", len(results), rule, "Give one result for each map, and at least one")
    medians = np.array([result.survival().median() for result in results])
    per_setting = {
        "method": [type(map_.method).__name__ for map_ in maps],
        "rho": [float(map_.radius) for map_ in maps],
        "lr": [map_.lr for map_ in maps],
        "momentum": [map_.momentum for map_ in maps],
        "boundary": [boundary.quantity for boundary in boundaries],
        "boundary_low": [boundary.low for boundary in boundaries],
        "boundary_high": [boundary.high for boundary in boundaries],
        **{outcome: [result.fraction(outcome) for result in results] for outcome in OUTCOMES},
        **dict(zip(("median_time", "median_time_low", "median_time_high"), medians.T, strict=True)),
        "observed": [result.end.max() * result.lr for result in results],
    }
    return xr.Dataset(
        {
            **{name: ("setting", np.array(values)) for name, values in per_setting.items()},
            "outcome": (("setting", "run"), np.stack([result.outcome for result in results])),
            "end": (("setting", "run"), np.stack([result.end for result in results])),
            "w": (("setting", "run", "coord"), np.stack([result.w for result in results])),
        },
        coords={"coord": [str(symbol) for symbol in maps[0].landscape.symbols]},
    )
