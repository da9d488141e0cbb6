"""The resting points of runs, to rounding."""

import numpy as np
import torch

from ....ops import jacobian
from ....simulation.settling import Function


def refined(residual: Function, z: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Return the zeros of a residual near states ``(D, n)``, and the eigenvalues of its Jacobian there, ``(n, D)``."""
    for _ in range(4):
        a = jacobian(residual, z).movedim(2, 0)
        # The pseudoinverse takes the shortest step, which is defined on a curve of zeros too.
        z = z - (torch.linalg.pinv(a, rtol=1e-9) @ residual(z).T[:, :, None]).squeeze(2).T
    return z, torch.linalg.eigvals(jacobian(residual, z).movedim(2, 0)).numpy()
