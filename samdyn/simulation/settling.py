"""Has a run come to rest? A certificate, so that slow passage near a saddle is not taken for capture.

It sees escape whose rate, e-folds per step or per unit of time, is above UNSTABLE = 1e-6 of ‖A‖, the fastest rate at
which a displacement changes the motion there: on x² − c y² down to c = 1e-6. Slower escape counts as neutral, as motion
along a valley of minima does.
"""

from collections.abc import Callable
from typing import Any

import torch

from ..dynamics import Map, State
from ..dynamics.settings import filled, per_run
from ..ops import dot, jacobian, norm
from .units import in_unit, unit_of

Function = Callable[[torch.Tensor], torch.Tensor]  # (D, N) -> (D, N), point by point

FLAT = 1e-6  # directions in which the residual varies less than this, relative to ‖A‖, count as neutral
UNSTABLE = 1e-6  # growth faster than this, relative to ‖A‖, is instability
LINEAR = 0.05  # how well the linear part must predict differences, relative to ‖A‖
PROBES = 4  # random directions that bound the Jacobian's norm in high dimension
BLOCK = 2**21  # entries of the Jacobians held at once


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
    """Say which of the states z rest, within ``tolerance``, at a point where ``residual`` vanishes and that holds them.

    Let A be the Jacobian of the residual at z, and ‖A‖ the norm of its first d columns: how fast things happen when w
    is displaced, whatever the learning rate and the momentum. A state is settled if all of these hold:

    - the resting point is near: the Newton step from z to it, ‖A⁻¹ residual(z)‖, is at most
      tolerance · max(unit, ‖z‖∞). Singular values below FLAT · ‖A‖ (along curves of resting points they are 0) count as
      that bound;
    - it is stable: no eigenvalue of A outside the circle |1 + a| ≤ 1 (discrete: the residual is map(z) − z), or right
      of Re a ≤ 0 (the residual is a velocity), by more than UNSTABLE · ‖A‖;
    - A means something there: it predicts residual(z ± h e) along every axis e, h the tolerance, to LINEAR · ‖A‖. This
      fails where the field has no Jacobian, as normalised SAM's at a critical point.

    Args:
        residual: map(z) − z, computed without cancellation, or a velocity.
        z: states ``(D, N)``, finite, all components lengths; the certificate is computed in float64.
        d: how many of the components are w.
        tolerance: a distance, relative to max(unit, ‖z‖∞).
        discrete: whether the residual is that of a map.
        unit: of length, as ``units.unit_of`` has it.
        residual_of: returns the residual of some of the states, by their indices, if it differs from state to state.

    Returns:
        Truth values ``(N,)``.
    """
    z, residual = z.double() / unit, in_unit(residual, unit)
    near = tolerance * z.abs().amax(0).clamp(min=1)
    rests = torch.zeros_like(near, dtype=torch.bool)
    candidates = torch.arange(z.shape[1], device=z.device)
    if len(z) > PROBES:
        candidates = candidates[_slow(residual, z, near)]

    def of(states: torch.Tensor) -> Function:
        return residual if residual_of is None else in_unit(residual_of(states), unit)

    for block in candidates.split(max(1, BLOCK // len(z) ** 2)):
        here, a = _linearised(of(block), z[:, block])
        # ‖A⁻¹ r‖ ≥ ‖r‖/‖A‖: most moving runs are ruled out before anything is decomposed.
        slow = here.norm(dim=0) <= near[block] * a.flatten(1).norm(dim=1)
        slow &= torch.isfinite(a).flatten(1).all(1)
        at = block[slow]
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

    # Small dense problems are a CPU's work.
    a, here, near, deviation = (part.cpu() for part in (a, here, near, deviation))
    strength = torch.linalg.matrix_norm(a[:, :, :d], 2)
    u, singular, _ = torch.linalg.svd(a)
    components = (u.mT @ here.T[:, :, None]).squeeze(2)
    newton = (components / singular.clamp(min=FLAT * strength[:, None])).norm(dim=1)
    eigenvalues = torch.linalg.eigvals(a)
    growth = ((1 + eigenvalues).abs() - 1 if discrete else eigenvalues.real).amax(1)

    holds = (newton <= near) & (growth <= UNSTABLE * strength)
    plateau = (strength == 0) & (here.norm(dim=0) == 0)  # nothing moves, and nearby neither
    rounding = 8 * torch.finfo(a.dtype).eps * torch.linalg.matrix_norm(a, 2)
    return ((holds | plateau) & (deviation <= LINEAR * strength + rounding)).to(z.device)


def at_rest(map_: Map, state: State) -> torch.Tensor:
    """Say which states of a map, ``(d, N)`` each, rest at a fixed point or, failing that, on a 2-cycle: ``(N,)``.

    Parameters of the map may be one per state, ``(N,)``. Where its momentum is 0, a state's velocity is not looked at.
    """
    if torch.is_tensor(map_.momentum) and len(state) > 1 and not map_.momentum.all():
        rests = torch.zeros_like(state[0][0], dtype=torch.bool)
        for with_velocity in (False, True):
            some = ((map_.momentum != 0) == with_velocity).nonzero().squeeze(1).to(rests.device)
            parts = state if with_velocity else state[:1]
            rests[some] = at_rest(_of_states(map_, some), tuple(part[:, some] for part in parts))
        return rests
    d, z = map_.landscape.dim, _lengths(map_, state)
    everyone = torch.arange(z.shape[1], device=z.device)
    rests = _settled_map(map_, z, d, 1, everyone)
    moving = (~rests).nonzero().squeeze(1)
    rests[moving] = _settled_map(map_, z, d, 2, moving)
    return rests


def _settled_map(map_: Map, z: torch.Tensor, d: int, period: int, states: torch.Tensor) -> torch.Tensor:
    """Say which of some states, by their indices, rest on a cycle of a period."""

    def residual_of(some: torch.Tensor) -> Function:
        increment = _increment_of_lengths(_of_states(map_, states[some]))
        return increment if period == 1 else lambda z: _two_steps(increment, z)

    tolerance, unit = torch.finfo(z.dtype).eps ** 0.5, unit_of(map_.landscape.box)
    everyone = torch.arange(len(states), device=z.device)
    residual = residual_of(everyone)
    several = residual_of if per_run(map_) else None
    return settled(residual, z[:, states], d, tolerance, discrete=True, unit=unit, residual_of=several)


def _two_steps(increment: Function, z: torch.Tensor) -> torch.Tensor:
    first = increment(z)
    return first + increment(z + first)


def _of_states(map_: Map, states: torch.Tensor) -> Map:
    """Return the map with the parameters of some states, on their device."""
    return filled(map_, {path: values.to(states.device)[states] for path, values in per_run(map_).items()})


def _coasting(map_: Map) -> Any:
    """Return how far a unit of velocity still goes; it makes v a length, like w."""
    return map_.lr / (1 - map_.momentum)


def _lengths(map_: Map, state: State) -> torch.Tensor:
    """Return a state as one array of lengths, ``(D, N)``."""
    coasting = _coasting(_of_states(map_, torch.arange(state[0].shape[1], device=state[0].device)))
    return torch.cat([state[0], *((coasting * v).to(v.dtype) for v in state[1:])])


def _increment_of_lengths(map_: Map) -> Function:
    """Return the difference to the next state of states that are arrays of lengths."""
    d, coasting = map_.landscape.dim, _coasting(map_)

    def increment(z: torch.Tensor) -> torch.Tensor:
        w, *lengths = z.split(d)
        change, *rest = map_.increment((w, *(u / coasting for u in lengths)))
        return torch.cat([change, *(coasting * v for v in rest)])

    return increment
