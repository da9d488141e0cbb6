"""What a step of a method does along the direction in which a saddle is left."""

import numpy as np
import torch

from ... import checks
from ...arguments import checked
from ...landscapes import Landscape
from ...methods import Method
from ..curvature import extreme_eigenpairs


@checked
def escape_step(
    landscape: Landscape,
    w: torch.Tensor,
    method: Method,
    *,
    where: np.ndarray | None = None,
    tolerance: float = 1e-3,
) -> dict[str, np.ndarray]:
    """Compare a method's step with gradient descent's along v, the eigenvector of the lowest eigenvalue λ of H(w).

    The ratio F·v / g·v, with g = ∇L(w), is 1 for gradient descent. It is negative where the method climbs back to the
    saddle that gradient descent leaves.

    Args:
        landscape: a network or any other landscape.
        w: the points, ``(d, n)``. Their dtype is that of the computation.
        method: the method, whose F is a step. Its radius may be a tensor ``(n,)``.
        where: which points to look at, ``(n,)`` of bool; the others are nan in the result. None: all.
        tolerance: the error of λ relative to the largest |λ|, as for ``extreme_eigenpairs``.

    Returns:
        "eigenvalue", λ in the units of the loss per w², "gradient_norm", ‖g‖ in those of the loss per w, and
        "step_ratio", each ``(n,)``.

    Raises:
        InputError: a point to look at is not finite, or others of ``extreme_eigenpairs``.

    >>> import samdyn as sd
    >>> w = torch.tensor([[0.0], [0.25]], dtype=torch.float64)
    >>> {k: v.tolist() for k, v in sd.networks.escape_step(sd.landscapes.saddle(), w, sd.SAM(0.5)).items()}
    {'eigenvalue': [-2.0], 'gradient_norm': [0.5], 'step_ratio': [-1.0]}
    """
    if w.ndim != 2 or len(w) != landscape.dim:
        checks.reject("w", tuple(w.shape), f"must be points ({landscape.dim}, n)", "Use w[:, None] for one point")
    if where is not None and np.shape(where) != (w.shape[1],):
        checks.reject(
            "where", np.shape(where), f"must have {w.shape[1]} entries, one per point", "Leave it out for all"
        )
    chosen = np.ones(w.shape[1], dtype=bool) if where is None else np.asarray(where, dtype=bool)
    lam, v = np.full(len(chosen), np.nan), torch.full_like(w, torch.nan)
    for i in np.flatnonzero(chosen):
        (lam[i],), vectors = extreme_eigenpairs(landscape, w[:, i].contiguous(), highest=0, tolerance=tolerance)
        v[:, i] = torch.as_tensor(vectors[:, 0]).to(w)
    g = landscape.grad(w)
    ratio = (method(w, landscape.grad) * v).sum(0) / (g * v).sum(0)
    norm = g.norm(dim=0).double().cpu().numpy()
    return {
        "eigenvalue": lam,
        "gradient_norm": np.where(chosen, norm, np.nan),
        "step_ratio": ratio.double().cpu().numpy(),
    }
