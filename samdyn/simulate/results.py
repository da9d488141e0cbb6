"""The labelled dataset that a simulation hands back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..landscapes import Landscape

if TYPE_CHECKING:
    import xarray

# What became of a run. "diverged": it left the floating-point range. "undecided": none of the others, so far.
SETTLED, DIVERGED, LEFT, UNDECIDED = "settled", "diverged", "left the box", "undecided"


def dataset(
    landscape: Landscape,
    w: np.ndarray,
    loss: np.ndarray,
    status: np.ndarray,
    end: np.ndarray,
    saved: tuple[str, np.ndarray],
    time: np.ndarray,
    **attributes: Any,
) -> "xarray.Dataset":
    """Label w ``(saved, d, N)`` and loss ``(saved, N)`` as run × saved × coord; ``saved`` names that axis."""
    import xarray

    axis, values = saved
    return xarray.Dataset(
        {
            "w": (("run", axis, "coord"), w.transpose(2, 0, 1)),
            "loss": (("run", axis), loss.T),
            "status": ("run", status),
            "end": ("run", end),
        },
        coords={
            "run": np.arange(w.shape[2]),
            axis: values,
            "time": (axis, time),
            "coord": [str(s) for s in landscape.symbols],
        },
        attrs={"landscape": landscape.formula, **attributes},
    )


def summary(
    landscape: Landscape,
    variables: dict[str, Any],
    coords: dict[str, Any],
    saves: np.ndarray,
    time: np.ndarray,
    **attributes: Any,
) -> "xarray.Dataset":
    """Label statistics over runs; of the dim step ``saves`` and ``time`` are the labels."""
    import xarray

    labels = {"step": saves, "time": ("step", time), **coords}
    return xarray.Dataset(variables, coords=labels, attrs={"landscape": landscape.formula, **attributes})
