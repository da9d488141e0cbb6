"""Perturbations that parameters are too narrow for."""

import warnings

import torch

from .parameters import Parameters

LOST = 0.1  # rounding error of a perturbation, relative to its length, that is worth a warning


class RoundingWarning(UserWarning):
    """Parameters in float16 or bfloat16 round away much of the perturbation that a method asks for."""


class Rounding:
    """What rounding makes of the points that are written to an optimizer's parameters; it warns once."""

    def __init__(self) -> None:
        """Have warned of nothing."""
        self._told = False

    def look(self, parameters: Parameters, start: torch.Tensor, w: torch.Tensor) -> None:
        """Warn if parameters, to which w was written, are far from it, measured by ‖w − start‖."""
        if self._told or not parameters.narrow:
            return
        asked, moved = w - start, parameters.read() - start
        length = asked.norm()
        error = (moved - asked).norm()
        if not error > LOST * length:  # nor if they are not finite: a step that is not says so
            return
        self._told = True
        dtypes = ", ".join(sorted({str(p.dtype) for p in parameters.tensors}))
        along, share = float(moved @ asked / length), float(moved.count_nonzero() / len(moved))
        warnings.warn(
            f"parameters in {dtypes} round the perturbation: it has length {float(length):.3g} and they miss it by "
            f"{float(error):.3g}; along it they move by {along:.3g}, {share:.0%} of their entries do at all. That "
            "is another method. Keep parameters in float32 and compute under torch.autocast, or use a larger rho.",
            RoundingWarning,
            stacklevel=2,
        )
