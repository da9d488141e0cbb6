"""A warning about perturbations that the dtype of the parameters rounds away."""

import warnings

import torch

from .parameters import Parameters

MAX_ROUNDING = 0.1  # rounding error of a perturbation, relative to its length, up to which there is no warning


class RoundingWarning(UserWarning):
    """Parameters in float16 or bfloat16 round away a large part of a perturbation.

    >>> import warnings
    >>> from samdyn.networks import RoundingWarning
    >>> warnings.simplefilter("error", RoundingWarning)  # stop instead of training by another method
    """


class Rounding:
    """The check of the rounding of points in an optimizer's parameters. It warns once."""

    def __init__(self) -> None:
        """Start without a warning."""
        self._has_warned = False

    def look(self, parameters: Parameters, start: torch.Tensor, w: torch.Tensor) -> None:
        """Warn if the distance of the parameters from w, which they were set to, is large compared with ‖w − start‖."""
        if self._has_warned or not parameters.narrow:
            return
        perturbation, moved = w - start, parameters.read() - start
        length = perturbation.norm()
        error = (moved - perturbation).norm()
        if not error > MAX_ROUNDING * length:  # also for nan: the step itself reports what is not finite
            return
        self._has_warned = True
        dtypes = ", ".join(sorted({str(p.dtype) for p in parameters.tensors}))
        along, share = float(moved @ perturbation / length), float(moved.count_nonzero() / len(moved))
        warnings.warn(
            f"parameters in {dtypes} round the perturbation: it has length {float(length):.3g} and they miss it by "
            f"{float(error):.3g}; along it they move by {along:.3g}, {share:.0%} of their entries do at all. That "
            "is another method. Keep parameters in float32 and compute under torch.autocast, or use a larger rho.",
            RoundingWarning,
            stacklevel=2,
        )
