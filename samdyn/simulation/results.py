"""The dataset that a simulation returns, with its labels and units."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..landscapes import Landscape

if TYPE_CHECKING:
    import xarray

OF_W, OF_LOSS, TIME = "units of w", "units of L", "steps × lr"

# Long name and units of every variable and coordinate of a result ("1": no units).
MEANINGS = {
    "w": ("position w", OF_W),
    "v": ("last velocity v, a sum of gradients", "units of L per unit of w"),
    "loss": ("loss L(w)", OF_LOSS),
    "status": ("what became of the run", "1"),
    "end": ("last step of the run", "steps"),
    "slid": ("whether the run slid along a jump of the field", "1"),
    "run": ("index of the run", "1"),
    "step": ("step", "steps"),
    "time": ("time t", TIME),
    "noise_run": ("index by which the run draws its noise", "1"),
    "coord": ("coordinate of w", "1"),
    **{name: (f"last {name} of the base optimizer or the method", "as in its definition") for name in ("m", "slow")},
}
# Long name and units of the parameters with one value per run. A user's own parameters are not among them.
MEANINGS_OF_PARAMETERS = {
    "rho": ("radius ρ", f"{OF_W}; of w per gradient where the method does not normalise it"),
    "lr": ("learning rate η", "units of w, squared, per unit of L"),
    "momentum": ("momentum γ", "1"),
    "shift": ("shift of ASAM's scale", OF_W),
    "batch_size": ("batch size B", "samples"),
    "std": ("standard deviation of the labels' noise", "units of the labels"),
    "noise_covariance": ("variance of the gradient's noise", "units of the gradient, squared"),
}


def meaning(long_name: str, units: str) -> dict[str, str]:
    """Return the attributes of a variable: its long name and its units ("1": no units)."""
    return {"long_name": long_name, "units": units}


def label(result: "xarray.Dataset", parameters: Iterable[str] = ()) -> "xarray.Dataset":
    """Give every variable and coordinate of a result its ``long_name`` and its ``units``.

    ``parameters`` are the names of coordinates that are parameters.
    """
    meanings = dict(MEANINGS)
    for parameter in parameters:
        default = (parameter.replace("_", " "), "as in its definition")
        meanings[parameter] = MEANINGS_OF_PARAMETERS.get(parameter, default)
    if "step" not in result.dims:  # the result of a flow
        meanings["end"] = ("time that the run got to", TIME)
    for name, variable in result.variables.items():
        entry = meanings.get(str(name))
        if entry:
            variable.attrs = meaning(*entry)
    return result


def dataset(
    landscape: Landscape,
    w: np.ndarray,
    loss: np.ndarray,
    status: np.ndarray,
    end: np.ndarray,
    saved: tuple[str, np.ndarray],
    time: np.ndarray,
    runs: np.ndarray | None = None,
    variables: Mapping[str, Any] | None = None,
    coords: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> "xarray.Dataset":
    """Label w ``(saved, d, N)`` and loss ``(saved, N)`` as run × saved × coord; ``saved`` names that axis.

    ``time`` is ``(saved,)``, or ``(N, saved)`` if it differs from run to run. ``runs`` are the indices of the runs,
    None for 0, 1, …; ``variables`` and ``coords`` are further ones.
    """
    import xarray

    axis, values = saved
    return xarray.Dataset(
        {
            "w": (("run", axis, "coord"), w.transpose(2, 0, 1)),
            "loss": (("run", axis), loss.T),
            "status": ("run", status),
            "end": ("run", end),
            **(variables or {}),
        },
        coords={
            "run": np.arange(w.shape[2]) if runs is None else runs,
            axis: values,
            "time": (axis if time.ndim == 1 else ("run", axis), time),
            "coord": [str(s) for s in landscape.symbols],
            **(coords or {}),
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
    """Label statistics over runs. ``saves`` and ``time`` label the dim step.

    Variables and coordinates are (dims, values, attributes).
    """
    import xarray

    labels = {name: ("step", of, meaning(*MEANINGS[name])) for name, of in (("step", saves), ("time", time))} | coords
    return xarray.Dataset(variables, coords=labels, attrs={"landscape": landscape.formula, **attributes})
