"""Has a run come to rest? A certificate, so that slow passage near a saddle is never taken for capture."""

from collections.abc import Callable

import torch

Function = Callable[[torch.Tensor], torch.Tensor]  # (D, N) -> (D, N), point by point

FLAT = 1e-4  # directions in which the linear part is weaker than this, relative to the strongest, count as neutral
UNSTABLE = 1e-6  # growth faster than this, relative to the strongest rate, is instability
LINEAR = 0.05  # how well the linear part must predict differences, relative to the strongest rate
BLOCK = 2**21  # entries of the Jacobians held at once


def settled(residual: Function, z: torch.Tensor, tolerance: float, *, discrete: bool) -> torch.Tensor:
    """Say which of the states z rest, within ``tolerance``, at a point where ``residual`` vanishes and that holds them.

    A state z is settled if all of these hold, A being the Jacobian of the residual at z:

    - the resting point is near: the Newton step from z to it, ‖A⁻¹ residual(z)‖, is at most tolerance · max(1, ‖z‖∞).
      Directions with singular values below FLAT of the largest (curves of resting points) are taken at that bound;
    - it is stable: no eigenvalue of A outside the circle |1 + a| ≤ 1 (discrete, residual(z) = map(z) − z), or right of
      Re a ≤ 0 (residual = velocity), by more than UNSTABLE relative to the largest singular value;
    - A means something there: it predicts residual(z ± h e) along every axis e, h the tolerance, to LINEAR. This fails
      where the field has no Jacobian, as normalised SAM's at a critical point.

    Args:
        residual: map(z) − z, or a velocity.
        z: states ``(D, N)``, finite, in the dtype of the run; the certificate is computed in float64.
        tolerance: a distance, relative to max(1, ‖z‖∞).
        discrete: whether the residual is that of a map.

    Returns:
        Truth values ``(N,)``.
    """
    z = z.double()
    size = z.abs().amax(0).clamp(min=1)
    rests = residual(z).norm(dim=0) <= 1e3 * tolerance * size  # spares Jacobians where there is motion
    candidates = rests.nonzero().squeeze(1)
    for block in candidates.split(max(1, BLOCK // len(z) ** 2)):
        rests[block] = _certified(residual, z[:, block], tolerance * size[block], discrete)
    return rests


def _certified(residual: Function, z: torch.Tensor, near: torch.Tensor, discrete: bool) -> torch.Tensor:
    axes = torch.eye(len(z), dtype=z.dtype, device=z.device)
    columns = []
    deviation = torch.zeros_like(near)
    here = residual(z)
    for axis in axes:
        along = axis[:, None].expand_as(z)
        column = torch.func.jvp(residual, (z,), (along,))[1]
        for h in (near, -near):
            difference = (residual(z + h * along) - here) / h
            deviation = torch.maximum(deviation, (difference - column).norm(dim=0))
        columns.append(column)
    a = torch.stack(columns, dim=1).movedim(2, 0)  # (N, D, D)
    proper = torch.isfinite(a).all(-1).all(-1) & torch.isfinite(deviation)
    a = torch.where(proper[:, None, None], a, 0).cpu()  # small dense problems are a CPU's work

    u, strength, _ = torch.linalg.svd(a)
    strongest = strength[:, 0]
    components = (u.mT @ here.T.cpu()[:, :, None]).squeeze(2)
    newton = (components / strength.clamp(min=FLAT * strongest[:, None])).norm(dim=1)

    eigenvalues = torch.linalg.eigvals(a)
    growth = ((1 + eigenvalues).abs() - 1 if discrete else eigenvalues.real).amax(1)

    certificate = (newton <= near.cpu()) & (growth <= UNSTABLE * strongest)
    certificate |= (strongest == 0) & (here.norm(dim=0).cpu() == 0)  # a plateau: nothing moves, nearby neither
    return proper & certificate.to(z.device) & (deviation <= LINEAR * strongest.to(z.device))
