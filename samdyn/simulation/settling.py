"""A certificate that a run has come to rest, so that slow passage near a saddle does not count as capture.

It detects escape at rates above UNSTABLE = 1e-6 of ‖A‖, the fastest rate at which a displacement changes the motion
there; rates are in e-folds per step or per unit of time. On x² − c y² that is c > 1e-6. Slower escape counts as
neutral, like motion along a valley of minima.
"""

from collections.abc import Callable

import torch

from ..dynamics import Map, State
from ..dynamics.settings import per_run, select
from ..ops import dot, jacobian, norm
from .units import in_unit, unit_of

Function = Callable[[torch.Tensor], torch.Tensor]  # (D, N) -> (D, N), point by point

FLAT = 1e-6  # rate of change of the residual along a direction, relative to ‖A‖, below which it is neutral
UNSTABLE = 1e-6  # growth rate, relative to ‖A‖, above which a point is unstable
LINEAR = 0.05  # largest error of the linear part's prediction of differences, relative to ‖A‖
PROBES = 4  # number of random directions that bound the Jacobian's norm in high dimension
BLOCK = 2**21  # number of entries of the Jacobians in memory at once


def settled(
    residual: Function,
    z: torch.Tensor,
    d: int,
    tolerance: float,
    *,
    discrete: bool,
    unit: float = 1.0,
    residual_of: Callable[[torch.Tensor], Function] | None = None,
) -> torch.Tensor:
    """Say which of the states z rest: within ``tolerance`` the residual vanishes at a point that holds them.

    Let A be the Jacobian of the residual at z, and ‖A‖ the norm of its first d columns: the rate at which a
    displacement of w changes the motion, for every learning rate and momentum. A state is settled if all of these hold:

    - the resting point is near: the Newton step from z to it, ‖A⁻¹ residual(z)‖, is at most
      tolerance · max(unit, ‖z‖∞). Singular values below FLAT · ‖A‖ (along curves of resting points they are 0) count as
      that bound;
    - it is stable: no eigenvalue of A outside the circle |1 + a| ≤ 1 (discrete: the residual is map(z) − z), or right
      of Re a ≤ 0 (the residual is a velocity), by more than UNSTABLE · ‖A‖;
    - A describes the residual: it predicts residual(z ± h e) along every axis e, with h the tolerance, to LINEAR · ‖A‖.
      This fails where the field has no Jacobian, as that of normalised SAM at a critical point.

    Args:
        residual: map(z) − z, computed without cancellation, or a velocity.
        z: states ``(D, N)``, finite, all components lengths; the certificate is computed in float64.
        d: number of components that belong to w.
        tolerance: distance to the resting point, relative to max(unit, ‖z‖∞).
        discrete: whether the residual is that of a map.
        unit: unit of length, as ``units.unit_of`` returns it.
        residual_of: function that returns the residual of the states with some indices, if it differs between states.

    Returns:
        Truth values ``(N,)``.
    """
    if not z.shape[1]:
        return torch.zeros(0, dtype=torch.bool, device=z.device)
    z, residual = z.double() / unit, in_unit(residual, unit)
    near = tolerance * z.abs().amax(0).clamp(min=1)
    rests = torch.zeros_like(near, dtype=torch.bool)
    candidates = torch.arange(z.shape[1], device=z.device)
    if len(z) > PROBES:
        candidates = candidates[_slow(residual, z, near)]

    def of(states: torch.Tensor) -> Function:
        return residual if residual_of is None else in_unit(residual_of(states), unit)

    for block in candidates.split(max(1, BLOCK // len(z) ** 2)):
        if not len(block):
            break
        here, a = _linearised(of(block), z[:, block])
        # ‖A⁻¹ r‖ ≥ ‖r‖/‖A‖ rules out most moving runs without a decomposition.
        slow = here.norm(dim=0) <= near[block] * a.flatten(1).norm(dim=1)
        slow &= torch.isfinite(a).flatten(1).all(1)
        at = block[slow]
        if len(at):
            rests[at] = _certified(of(at), z[:, at], here[:, slow], a[slow], d, near[at], discrete)
    return rests


def _slow(residual: Function, z: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """Rule out most moving runs without their Jacobians: ‖A⁻¹ r‖ ≥ ‖r‖/‖A‖, with ‖A‖ bounded from a few probes.

    E‖Av‖² = ‖A‖²_F for a random sign vector v; ten times the mean of PROBES of them is a safe bound on ‖A‖.
    """
    generator = torch.Generator().manual_seed(0)
    squares = torch.zeros_like(near)
    for _ in range(PROBES):
        signs = torch.randint(0, 2, (len(z), 1), generator=generator).to(z) * 2 - 1
        change = torch.func.jvp(residual, (z,), (signs.expand_as(z),))[1]
        squares += dot(change, change)
    return norm(residual(z)) <= near * 10 * (squares / PROBES).sqrt()


def _linearised(residual: Function, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the residual (D, N) and its Jacobians (N, D, D)."""
    return residual(z), jacobian(residual, z).movedim(2, 0)


def _certified(
    residual: Function,
    z: torch.Tensor,
    here: torch.Tensor,
    a: torch.Tensor,
    d: int,
    near: torch.Tensor,
    discrete: bool,
) -> torch.Tensor:
    deviation = torch.zeros_like(near)
    for index, axis in enumerate(torch.eye(len(z), dtype=z.dtype, device=z.device)):
        for h in (near, -near):
            difference = (residual(z + h * axis[:, None]) - here) / h
            deviation = torch.maximum(deviation, (difference - a[:, :, index].T).norm(dim=0))

    # A CPU is faster than a GPU at small dense problems.
    a, here, near, deviation = (part.cpu() for part in (a, here, near, deviation))
    strength = torch.linalg.matrix_norm(a[:, :, :d], 2)
    u, singular, _ = torch.linalg.svd(a)
    components = (u.mT @ here.T[:, :, None]).squeeze(2)
    newton = (components / singular.clamp(min=FLAT * strength[:, None])).norm(dim=1)
    eigenvalues = torch.linalg.eigvals(a)
    growth = ((1 + eigenvalues).abs() - 1 if discrete else eigenvalues.real).amax(1)

    holds = (newton <= near) & (growth <= UNSTABLE * strength)
    plateau = (strength == 0) & (here.norm(dim=0) == 0)  # the field vanishes at the point and around it
    rounding = 8 * torch.finfo(a.dtype).eps * torch.linalg.matrix_norm(a, 2)
    return ((holds | plateau) & (deviation <= LINEAR * strength + rounding)).to(z.device)


def at_rest(map_: Map, state: State, number: int | None = None) -> torch.Tensor:
    """Say which states of a map, ``(d, N)`` each, rest at a fixed point or on a 2-cycle: ``(N,)``.

    Parameters of the map may have one value per state, ``(N,)``. Where the momentum is 0 the velocity has no effect.
    ``number`` is that of the next step, which a map needs whose rule repeats after several steps; then what counts are
    all steps of a period as one.
    """
    if map_.base is None and torch.is_tensor(map_.momentum) and len(state) > 1 and not map_.momentum.all():
        rests = torch.zeros_like(state[0][0], dtype=torch.bool)
        for with_velocity in (False, True):
            which = ((map_.momentum != 0) == with_velocity).nonzero().squeeze(1).to(rests.device)
            if not len(which):
                continue
            parts = state if with_velocity else (state[0], *state[2:])
            rests[which] = at_rest(select(map_, which), tuple(part[:, which] for part in parts), number)
        return rests
    d, z = map_.landscape.dim, _lengths(map_, state)
    number = number if map_.period > 1 else None
    rests = _settled_map(map_, z, d, 1, torch.arange(z.shape[1], device=z.device), number)
    moving = (~rests).nonzero().squeeze(1)
    rests[moving] = _settled_map(map_, z, d, 2, moving, number)
    return rests


def _settled_map(
    map_: Map, z: torch.Tensor, d: int, period: int, states: torch.Tensor, number: int | None
) -> torch.Tensor:
    """Say which of the states with some indices rest on a cycle of a period, in periods of the map's rule."""

    def residual_of(some: torch.Tensor) -> Function:
        return _several_steps(select(map_, states[some]), period * map_.period, number)

    tolerance, unit = torch.finfo(z.dtype).eps ** 0.5, unit_of(map_.landscape.box)
    residual = residual_of(torch.arange(len(states), device=z.device))
    own_residuals = residual_of if per_run(map_) else None
    return settled(residual, z[:, states], d, tolerance, discrete=True, unit=unit, residual_of=own_residuals)


def _several_steps(map_: Map, steps: int, number: int | None) -> Function:
    """Return the change of states in some steps, for states that are arrays of lengths."""
    increments = [_increment_of_lengths(map_, number if number is None else number + k) for k in range(steps)]

    def change(z: torch.Tensor) -> torch.Tensor:
        total = increments[0](z)
        for increment in increments[1:]:
            total = total + increment(z + total)
        return total

    return change


def _lengths(map_: Map, state: State) -> torch.Tensor:
    """Return a state as one array of lengths, ``(D, N)``."""
    factors = select(map_, torch.arange(state[0].shape[1], device=state[0].device)).lengths()
    memory = zip(factors, state[1:], strict=True)
    return torch.cat([state[0], *((factor * array).to(array.dtype) for factor, array in memory)])


def _increment_of_lengths(map_: Map, number: int | None) -> Function:
    """Return the change of states in one step, for states that are arrays of lengths."""
    d, factors = map_.landscape.dim, map_.lengths()

    def increment(z: torch.Tensor) -> torch.Tensor:
        w, *lengths = z.split(d)
        memory = [length / factor for length, factor in zip(lengths, factors, strict=True)]
        change, *rest = map_.increment((w, *memory), number)
        return torch.cat([change, *(factor * array for factor, array in zip(factors, rest, strict=True))])

    return increment
