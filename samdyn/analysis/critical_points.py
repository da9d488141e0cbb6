"""Critical points of a landscape in a box."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape

STARTS = 1024
ITERATIONS = 60
SAME = 1e-6  # points closer than this, relative to the box, are one
NEARBY = 1e-3  # of the box: at this distance from a point, the Hessian shows the scale on which its own is judged
DEGENERATE = 1e-6  # an eigenvalue below this, relative to the Hessian nearby, counts as zero


@dataclass(frozen=True, eq=False)  # the same point only if it is the same object: arrays do not compare
class CriticalPoint:
    """A non-degenerate critical point.

    Attributes:
        w: where, ``(d,)``.
        loss: L there.
        eigenvalues: of the Hessian, ascending, ``(d,)``.
        eigenvectors: theirs, in the columns, ``(d, d)``.
    """

    w: np.ndarray
    loss: float
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @property
    def index(self) -> int:
        """How many eigenvalues are negative."""
        return int((self.eigenvalues < 0).sum())

    @property
    def kind(self) -> str:
        """Return minimum, maximum or saddle."""
        return {0: "minimum", len(self.w): "maximum"}.get(self.index, "saddle")


def critical_points(landscape: Landscape, box: Sequence[tuple[float, float]] | None = None) -> list[CriticalPoint]:
    """Return the non-degenerate critical points that Newton's method finds in the box, by ascending loss.

    Newton's method starts from 1024 points spread evenly over the box. Degenerate points and curves of critical points
    are left out. On landscapes with very many critical points some may be missed.

    Args:
        landscape: the loss.
        box: one (low, high) pair per coordinate; the landscape's own where not given.

    Raises:
        InputError: a box of the wrong shape.
    """
    from scipy.stats import qmc  # half of what importing samdyn would cost

    limits = np.array(checks.box(landscape.box if box is None else box, landscape.dim))
    low, high = limits.T
    cloud = qmc.scale(qmc.Sobol(landscape.dim, rng=0).random(STARTS), low, high)
    w = torch.as_tensor(cloud.T)
    typical = torch.linalg.matrix_norm(landscape.hessian(w).movedim(-1, 0), 2).nanmedian()
    for _ in range(ITERATIONS):
        # Singular Hessians give infinite steps, which drop out below.
        step, _ = torch.linalg.solve_ex(landscape.hessian(w).movedim(-1, 0), landscape.grad(w).T)
        w = w - step.T

    extent = high - low
    # At a degenerate point Newton's method only halves the distance, so its last step is no smaller than that.
    settled = (step.abs() <= 1e-12 * torch.as_tensor(extent)).all(1)
    arrived = settled & (landscape.grad(w).norm(dim=0) <= 1e-9 * typical * extent.max())
    signs = np.random.default_rng(0).choice([-1.0, 1.0], landscape.dim)  # one direction nearby, of no symmetry
    found: list[CriticalPoint] = []
    for point in w.T[arrived].numpy():
        inside = ((point >= low - SAME * extent) & (point <= high + SAME * extent)).all()
        if not inside or any((np.abs(point - p.w) <= SAME * extent).all() for p in found):
            continue
        eigenvalues, eigenvectors = np.linalg.eigh(landscape.hessian(point).numpy())
        nearby = landscape.hessian(point + NEARBY * extent * signs).numpy()
        if np.abs(eigenvalues).min() > DEGENERATE * np.linalg.norm(nearby, 2):
            found.append(CriticalPoint(point, float(landscape.value(point)), eigenvalues, eigenvectors))
    return sorted(found, key=lambda p: p.loss)
