"""Counts how often a planar field turns along closed lines: a count of its zeros that needs no search."""

from collections.abc import Callable

import numpy as np
import torch

Gradient = Callable[[torch.Tensor], torch.Tensor]

PARTS = 32  # number of parts into which an edge is divided
LEVELS = 5  # number of times that a part is divided again because the field turns too far along it
MAX_TURN = np.pi / 4  # in radians; the field may turn this far along a part


def cell_degrees(gradient: Gradient, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the degree of a planar field on each cell of a grid: the sum of the indices of its zeros there.

    The index of a non-degenerate critical point is the sign of det H: in the plane +1 for minima and maxima, −1 for
    saddles. The degree is the number of turns of the field along the cell's edge (Kronecker's index).

    Args:
        gradient: the field, ``(2, n) -> (2, n)``.
        x, y: the grid's lines, ascending, ``(m + 1,)`` and ``(n + 1,)``.

    Returns:
        The degrees ``(m, n)``. A degree is NaN if the field vanishes, jumps or turns too fast on the cell's edge.
    """
    corners = np.stack(np.meshgrid(x, y, indexing="ij"))  # (2, m + 1, n + 1)
    along_x = _turning(gradient, corners[:, :-1, :], corners[:, 1:, :])  # (m, n + 1)
    along_y = _turning(gradient, corners[:, :, :-1], corners[:, :, 1:])  # (m + 1, n)
    around = along_x[:, :-1] + along_y[1:, :] - along_x[:, 1:] - along_y[:-1, :]
    return np.round(around / (2 * np.pi))


def _turning(gradient: Gradient, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the angle by which the field turns along each segment, in radians, NaN where it turns too fast."""
    shape = start.shape[1:]
    start, end = start.reshape(2, -1), end.reshape(2, -1)
    angle = np.zeros(start.shape[1])
    edge, a, width = np.arange(start.shape[1]), np.zeros(start.shape[1]), 1.0
    for _ in range(LEVELS):
        s = a + width * np.linspace(0, 1, PARTS + 1)[:, None]
        # A convex combination reproduces both ends exactly, so that neighbouring edges share their end points.
        g = gradient(torch.as_tensor((1 - s) * start[:, None, edge] + s * end[:, None, edge])).numpy()
        no_direction = (~np.isfinite(g).all(0) | (g == 0).all(0)).any(0)
        angle[edge[no_direction]] = np.nan
        with np.errstate(invalid="ignore"):
            turns = np.diff(np.arctan2(g[1], g[0]), axis=0)
        turns = (turns + np.pi) % (2 * np.pi) - np.pi
        small = (np.abs(turns) < MAX_TURN) & ~no_direction
        np.add.at(angle, edge, np.where(small, turns, 0).sum(0))
        part, interval = np.nonzero(~small & ~no_direction)
        edge, a, width = edge[interval], s[part, interval], width / PARTS
    angle[edge] = np.nan
    return angle.reshape(shape)
