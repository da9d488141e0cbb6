"""How often a planar gradient turns along closed lines: a count of critical points that needs no search for them."""

from collections.abc import Callable

import numpy as np
import torch

Gradient = Callable[[torch.Tensor], torch.Tensor]

PARTS = 32  # an edge is divided into
LEVELS = 5  # parts along which the gradient turns too far to be followed are divided again, so often in all
TURN = np.pi / 4  # that is, this far


def cell_degrees(gradient: Gradient, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the degree of a gradient field on each cell of a grid: the sum over its zeros there of their index.

    For non-degenerate critical points the index is the sign of det H: +1 for minima and maxima, −1 for saddles in the
    plane. The degree is how often the field turns as one goes round the cell's edge (Kronecker's index).

    Args:
        gradient: the field, ``(2, n) -> (2, n)``.
        x, y: the grid's lines, ascending, ``(m + 1,)`` and ``(n + 1,)``.

    Returns:
        ``(m, n)``, NaN for cells on whose edge the field vanishes, jumps, or turns faster than can be followed.
    """
    corners = np.stack(np.meshgrid(x, y, indexing="ij"))  # (2, m + 1, n + 1)
    along_x = _turning(gradient, corners[:, :-1, :], corners[:, 1:, :])  # (m, n + 1)
    along_y = _turning(gradient, corners[:, :, :-1], corners[:, :, 1:])  # (m + 1, n)
    around = along_x[:, :-1] + along_y[1:, :] - along_x[:, 1:] - along_y[:-1, :]
    return np.round(around / (2 * np.pi))


def _turning(gradient: Gradient, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the angle by which the field turns along each segment, NaN where it cannot be followed."""
    shape = start.shape[1:]
    start, end = start.reshape(2, -1), end.reshape(2, -1)
    angle = np.zeros(start.shape[1])
    edge, a, width = np.arange(start.shape[1]), np.zeros(start.shape[1]), 1.0
    for _ in range(LEVELS):
        s = a + width * np.linspace(0, 1, PARTS + 1)[:, None]
        # Convex combinations: both ends come out exactly, so that neighbouring edges meet in the same value.
        g = gradient(torch.as_tensor((1 - s) * start[:, None, edge] + s * end[:, None, edge])).numpy()
        lost = (~np.isfinite(g).all(0) | (g == 0).all(0)).any(0)
        angle[edge[lost]] = np.nan
        with np.errstate(invalid="ignore"):
            turns = np.diff(np.arctan2(g[1], g[0]), axis=0)
        turns = (turns + np.pi) % (2 * np.pi) - np.pi
        followed = (np.abs(turns) < TURN) & ~lost
        np.add.at(angle, edge, np.where(followed, turns, 0).sum(0))
        part, interval = np.nonzero(~followed & ~lost)
        edge, a, width = edge[interval], s[part, interval], width / PARTS
    angle[edge] = np.nan
    return angle.reshape(shape)
