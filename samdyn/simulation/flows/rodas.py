"""Hairer and Wanner's RODAS, an implicit method of order 4, for many stiff initial values."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..units import ScaledFlow
from .trial import Batch, Trial

# Coefficients of RODAS [E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, section VI.4].
GAMMA = 0.25
A = (
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
C = (
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
MAX_EXPLICIT = 3  # number of coordinates up to which matrices are inverted by explicit elimination


@dataclass(frozen=True)
class ImplicitTrial(Trial):
    """The trial step by RODAS, of which the embedded method of order 3 estimates the error.

    Attributes:
        field: the velocity, with its Jacobian.
    """

    field: ScaledFlow

    explicit: ClassVar[bool] = False
    order: ClassVar[int] = 4

    def _attempt(self, runs: Batch, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the ends of steps h, the velocity there, and the error over its bound, squared."""
        runs.k[0] = runs.f * h
        end, error = step(self.field, runs.w, runs.f, h)
        error = error / (torch.maximum(runs.w.abs(), end.abs()) * self.rtol + self.atol)
        size = error.square().mean(0)
        return end, self.field(end), torch.where(size < torch.inf, size, torch.inf)  # nan becomes inf too


def step(field: ScaledFlow, w: torch.Tensor, f: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states after steps h from w, ``(d, n)``, and the difference to those of the embedded method.

    f is the velocity at w.
    """
    eye = torch.eye(len(w), dtype=w.dtype, device=w.device)[..., None]
    inverse = _inverse(eye / (GAMMA * h) - field.jacobian_at(w))

    def increment(velocity: torch.Tensor) -> torch.Tensor:
        return (inverse * velocity).sum(1)

    point, k = w, [increment(f)]
    for a, c in zip(A, C, strict=True):
        point = w + sum(weight * part for weight, part in zip(a, k, strict=True))
        k.append(increment(field(point) + sum(weight * part for weight, part in zip(c, k, strict=True)) / h))
    return point + k[-1], k[-1]


def _inverse(matrix: torch.Tensor) -> torch.Tensor:
    """Return the inverses of matrices: ``(d, d, n) -> (d, d, n)``, not finite where a matrix is singular."""
    d = len(matrix)
    if d > MAX_EXPLICIT and type(matrix) is torch.Tensor:
        return torch.linalg.inv_ex(matrix.movedim(-1, 0).nan_to_num(0, 0, 0))[0].movedim(0, -1)
    eye = torch.eye(d, dtype=matrix.dtype, device=matrix.device)[..., None]
    rows = list(torch.cat([matrix, eye + 0 * matrix], 1).unbind(0))  # (2d, n) each
    for column in range(d):
        for other in range(column + 1, d):  # the row with the largest pivot comes first
            a, b = rows[column], rows[other]
            swap = b[column].abs() > a[column].abs()
            rows[column], rows[other] = torch.where(swap, b, a), torch.where(swap, a, b)
        rows[column] = rows[column] / rows[column][column]
        for other in range(d):
            if other != column:
                rows[other] = rows[other] - rows[other][column] * rows[column]
    return torch.stack([row[d:] for row in rows])
