"""Certificates that a run rests where the field jumps; those of ``settling`` are for smooth fields."""

from functools import cache

import torch

from ...dynamics import Flow
from ...ops import dot, norm
from ..flows.velocity import CompiledFlow
from ..units import unit_of
from .jumps import complement, size
from .sliding import Sliding

SPHERES = (1.0, 0.1, 0.01)  # radii of the spheres around a point, over that of the largest
ELLIPSOIDS = (1.0, 0.1, 0.01, 1e-3)  # longest half-axes of ellipsoids around a point, over the radius of the search
DIRECTIONS = 32  # directions sampled around a point of the plane; as many per coordinate in higher dimension
ROUNDS = 30  # rounds of the search for the direction with the least inward speed
ROUND_SPREAD = 0.6  # spread of the directions of a round, over that of the round before
HULL_ITERATIONS = 20  # iterations of the search for the point nearest to 0 in the convex hull of velocities
# Inward speed at r, r/10 and r/100 over that at r. A jump keeps its speed. Where several singularities of a multi-step
# method meet, it falls as √r, and runs arrive in finite time too. That of a smooth field falls as r.
MIN_RATIOS = (0.0, 0.25, 0.06)
TURN = 2e-7  # angle beside the direction with the least inward speed; the search finds it to 5e-8
MIN_TURN_SPEED = 0.01  # speed across that direction, over the greatest speed
MIN_FIELD_RATIO_AT_JUMP = 0.05  # greatest speed at r/100 over that at r; that of a smooth field is 0.01
MIN_INWARD_SPEED = 1e-6  # inward speed at a trap, over the greatest speed around it
MAX_OUTWARD_SPEED = 1e-3  # outward speed, over the greatest speed around a point, above which runs surely leave it
ROUNDING_SPEED = 1e-7  # outward speed that counts as none, over the greatest speed around the point
DIFFERENCE_DISTANCE = 1e-3  # distance over which sliding velocities are differentiated, relative to max(1, ‖w‖∞)
NEUTRAL_RATE = 1e-6  # rate of change that counts as none, over ‖ẇ‖ beside the surface or over the greatest rate
MAX_NONLINEARITY = 0.05  # second difference of a sliding velocity, over its greatest first difference

Field = Flow | CompiledFlow


def traps(flow: Field, w: torch.Tensor, radius: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Say which runs are trapped from all sides by a point within ``radius`` where the field jumps; return the points.

    Such a point is an equilibrium in Filippov's sense that runs reach in finite time. On spheres of ``radius``, a tenth
    and a hundredth of it, the field points inward, and its speed does not fall with the distance, as that of a smooth
    field would; or it falls only in directions that runs leave at once, as where the singularities of a multi-step
    method meet. Around critical points ellipsoids, on which vᵀ|H|v is constant, serve as well as spheres. The field is
    sampled in 32 directions in the plane, in d dimensions along the Hessian's eigenvectors and in 32 d random
    directions, and then around the worst of them. The condition is sufficient: a point that attracts in another way
    gets no certificate.

    Args:
        flow: the field.
        w: (d, n), the positions of the runs.
        radius: (n,), the radius of the largest sphere, or the longest half-axis of the ellipsoid.

    Returns:
        Truth values ``(n,)``, and the points ``(d, n)``.
    """
    if isinstance(flow, Flow):
        unit = unit_of(flow.landscape.box)
        holds, centre = traps(CompiledFlow(flow, unit, "auto"), w / unit, radius / unit)
        return holds, unit * centre
    return certify(flow, w, radius)[:2]


def certify(
    flow: CompiledFlow, w: torch.Tensor, radius: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Do what ``traps`` does, and return the regions too: ``(n,), (d, n), (d, d, n)``.

    A region is the ball or ellipsoid in which the field points inward: all points with ‖shape · (w − centre)‖ ≤ 1.
    Where a run is not trapped its shape has no meaning.
    """
    holds, centre = torch.zeros_like(radius, dtype=torch.bool), w.clone()
    critical, near = _critical(flow, w, radius)
    unit_axes = torch.eye(len(w), dtype=w.dtype, device=w.device)[..., None]
    shapes = unit_axes / radius
    # One or two of the axes rule out most runs.
    some = _along_axes(flow, w, radius, unit_axes.expand(-1, -1, w.shape[1])).nonzero().squeeze(1)
    if len(some):
        here, others = critical[:, some], some[~near[some]]
        if len(others):
            here[:, ~near[some]] = _limit_along_field(flow, w[:, others], radius[others])
        sure = _inward(flow, here, radius[some], unit_axes.expand(-1, -1, len(some)))
        holds[some], centre[:, some] = sure, torch.where(sure, here, w[:, some])
    some = (near & ~holds).nonzero().squeeze(1)
    here = critical[:, some]
    if not len(some):
        return holds, centre, shapes
    # Take the largest ellipsoid that holds and the run lies in: in large ones the curvature of the valley matters more.
    half_axes = _half_axes(flow, here)
    lengths = norm(half_axes)
    inverse = (half_axes / lengths**2).movedim(0, 1)  # (d, d, n), from displacements to units of the half-axes
    distance = norm((inverse * (w[:, some] - here)).sum(1))
    for part in ELLIPSOIDS:
        extent = part * radius[some]
        at = ((distance <= extent) & ~holds[some] & _along_axes(flow, here, extent, half_axes)).nonzero().squeeze(1)
        if len(at):
            sure = _inward(flow, here[:, at], extent[at], half_axes[:, :, at])
            ids, at = some[at[sure]], at[sure]
            holds[ids], centre[:, ids], shapes[..., ids] = True, here[:, at], inverse[..., at] / extent[at]
    return holds, centre, shapes


def resting_edges(flow: CompiledFlow, w: torch.Tensor, radius: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Say which runs rest at a zero of the field within ``radius`` that no run leaves; return the zeros.

    An example is the edge of a plateau, where the field has no Jacobian. Newton's method, with the Jacobian of this
    side, finds the zero. On spheres of ``radius``, a tenth and a hundredth of it, the field has no outward component,
    so that the distance to the zero does not grow.

    Args:
        flow: the field.
        w: (d, n), the positions of the runs.
        radius: (n,), the radius of the largest sphere.

    Returns:
        Truth values ``(n,)``, and the points ``(d, n)``.
    """
    centre = w
    for _ in range(4):
        inverse = torch.linalg.pinv(flow.jacobian_at(centre).movedim(-1, 0).nan_to_num(0, 0, 0), rtol=NEUTRAL_RATE)
        centre = centre - (inverse @ flow(centre).T[..., None])[..., 0].T
    rests = torch.isfinite(centre).all(0) & (norm(centre - w) <= radius)
    # Most zeros of a smooth field are left in many directions, and need no search for the direction with the least
    # inward speed.
    ways = _directions(w)
    velocity = flow(centre[:, None] + radius * ways)
    rests &= dot(velocity, ways).amax(0) <= MAX_OUTWARD_SPEED * norm(velocity).amax(0)
    unit_axes = torch.eye(len(w), dtype=w.dtype, device=w.device)[..., None].expand(-1, -1, w.shape[1])
    for part in SPHERES:
        if not rests.any():
            break
        some = rests.nonzero().squeeze(1)
        axes = unit_axes[:, :, some]
        inward, fastest, _ = _slowest(flow, centre[:, some], part * radius[some], axes, norm(axes))
        rests[some] = inward >= -ROUNDING_SPEED * fastest
    return rests, torch.where(rests, centre, w)


def _along_axes(
    flow: CompiledFlow, centre: torch.Tensor, radius: torch.Tensor, half_axes: torch.Tensor
) -> torch.Tensor:
    """Say around which points the field points inward at the ends of all half-axes ``(d, d, n)``, in columns: (n,)."""
    # The normal v|H| at the end of an axis is parallel to the axis.
    offset = radius * half_axes
    ends = torch.stack([s * (flow(centre[:, None] + s * offset) * half_axes).sum(0) for s in (1, -1)])
    return (ends < 0).all(0).all(0)


def _inward(flow: CompiledFlow, centre: torch.Tensor, radius: torch.Tensor, half_axes: torch.Tensor) -> torch.Tensor:
    """Say around which points the field points inward on three ellipsoids, without slowing down: (n,)."""
    lengths = norm(half_axes)
    # Around most points the field is smooth and nearly vanishes near them; they need no search.
    offset = radius * _product(half_axes, _directions(centre))
    wide, narrow = (flow(centre[:, None] + part * offset) for part in (1.0, 0.01))
    sure = norm(narrow).amax(0) > MIN_FIELD_RATIO_AT_JUMP * norm(wide).amax(0)
    # Around most of the others runs slide on, which one direction shows.
    axes = half_axes / lengths**2  # in units of the half-axes
    drift = _drift(_product(axes.movedim(1, 0), narrow))
    ahead = flow(centre + 0.01 * radius * (half_axes * drift).sum(1))
    sure &= ((axes * ahead[:, None]).sum(0) * drift).sum(0) < 0
    if not sure.any():
        return sure
    some = sure.nonzero().squeeze(1)
    # The spheres of all sizes together, since the search takes many short operations.
    sizes = torch.cat([part * radius[some] for part in SPHERES])
    centres, axes, lengths = (
        part[..., some].repeat(*[1] * (part.ndim - 1), len(SPHERES)) for part in (centre, half_axes / lengths, lengths)
    )
    inward, fastest, worst = _slowest(flow, centres, sizes, axes, lengths)
    inward, fastest = inward.reshape(len(SPHERES), -1), fastest.reshape(len(SPHERES), -1)
    parts, least = (torch.tensor(of, dtype=radius.dtype, device=radius.device)[:, None] for of in (SPHERES, MIN_RATIOS))
    keeps = ((inward > MIN_INWARD_SPEED * fastest) & (inward > least * inward[0])).all(0)
    # Runs may leave the worst direction at once, for another in which they do not slow down.
    slows = (inward > MIN_INWARD_SPEED * parts * fastest).all(0)
    largest = slice(0, len(some))
    leaves = _turns_away(flow, centres[:, largest], sizes[largest] * worst[:, largest], sizes[largest], fastest[0])
    sure[some] = keeps | (slows & leaves)
    return sure


def _turns_away(
    flow: CompiledFlow, centre: torch.Tensor, offset: torch.Tensor, radius: torch.Tensor, fastest: torch.Tensor
) -> torch.Tensor:
    """Say which runs at offsets ``(d, n)`` from points move across the direction of the offset: (n,).

    On a surface that holds runs the field points to the direction from both sides.
    """
    way = offset / norm(offset)
    velocity = flow(centre + offset)
    tangent = velocity - (velocity * way).sum(0) * way
    tangent = tangent / norm(tangent).clamp(min=torch.finfo(offset.dtype).tiny)
    beside = [flow(centre + offset + s * TURN * radius * tangent) for s in (1, -1)]
    return torch.stack([(v * tangent).sum(0) > MIN_TURN_SPEED * fastest for v in beside]).all(0)


def _slowest(
    flow: CompiledFlow, centre: torch.Tensor, radius: torch.Tensor, axes: torch.Tensor, lengths: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the least inward speed on ellipsoids, and the greatest speed, in units of the half-axes: (n,).

    The third result is the offset with the least inward speed, over the radius: (d, n).

    The search samples directions ever nearer to the worst one so far: on a sliding surface the field points inward in
    all directions but two. In more than two dimensions chance may not find them: the first round also passes on the
    direction in which runs slide (``_drift``).
    """
    d, directions, spread = len(centre), _directions(centre), 2 * torch.pi / DIRECTIONS
    half_axes = radius * (axes * lengths)  # in columns: (d, d, n)
    back = (axes / lengths).movedim(1, 0)  # (d, d, n), from displacements to units of the half-axes
    fastest = torch.zeros_like(radius)
    for number, noise in enumerate(_noise(d)):
        velocity = flow(centre[:, None] + _product(half_axes, directions))
        if number == 0:  # later speeds are in units of these, so that their squares are in range
            scale = velocity.abs().amax((0, 1)).clamp(min=torch.finfo(centre.dtype).tiny)
            back = back / scale
        velocity = _product(back, velocity)
        fastest = torch.maximum(fastest, dot(velocity, velocity).amax(0).sqrt())
        outward, worst = dot(velocity, directions).max(0)
        worst = directions.gather(1, worst.expand(d, 1, -1))
        around = worst + spread * noise.to(centre.device)
        slide = [_drift(velocity)[:, None]] if number == 0 else []
        around = around / dot(around, around).sqrt()
        directions, spread = torch.cat([worst, *slide, around], 1), ROUND_SPREAD * spread
    return -scale * outward, scale * fastest, _product(axes * lengths, worst)[:, 0]


@cache
def _noise(d: int) -> list[torch.Tensor]:
    """Return the random vectors of all rounds of the search, ``(d, 8d, 1)`` each."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(d, 8 * d, 1, generator=generator, dtype=torch.float64) for _ in range(ROUNDS)]


def _product(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return matrices times vectors: ``(d, d, n), (d, m, n) -> (d, m, n)``.

    Torch's products of many small matrices take several times as long.
    """
    total = matrix[:, 0, None] * vectors[0]
    for column in range(1, len(vectors)):
        total = torch.addcmul(total, matrix[:, column, None], vectors[column])
    return total


def _drift(velocity: torch.Tensor) -> torch.Tensor:
    """Return the direction of the point nearest to 0 in the convex hull of velocities: ``(d, m, n) -> (d, n)``.

    Filippov's velocities at a point are the hull of the limits of the field there, and a run can rest if 0 is one of
    them. If not, no field of the hull has a component against this direction, and the run moves along it. Frank and
    Wolfe's method finds the point, on a segment between the fields of two sides in two iterations. If the point is 0
    any direction does, and the first axis is returned.
    """
    point = velocity[:, 0]
    for _ in range(HULL_ITERATIONS):
        lowest = (velocity * point[:, None]).sum(0).argmin(0)
        away = point - velocity.gather(1, lowest.expand(len(velocity), 1, -1))[:, 0]
        share = (point * away).sum(0) / (away * away).sum(0).clamp(min=torch.finfo(point.dtype).tiny)
        point = point - share.clamp(0, 1) * away
    point[0] += norm(point) == 0
    return point / norm(point)


def _critical(flow: CompiledFlow, w: torch.Tensor, radius: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the limit (d, n) of Newton's method from w, and whether it is a critical point within ``radius``: (n,)."""
    newton = w
    for _ in range(6):
        hessian = flow.hessian(newton).movedim(-1, 0).nan_to_num(0, 0, 0)
        inverse = torch.linalg.pinv(hessian, hermitian=True)
        change = -(inverse @ flow.grad(newton).T.nan_to_num(0, 0, 0)[..., None])[..., 0].T
        newton = newton + change
    # Where the Hessian vanishes Newton's method stands still; such a point is not accepted.
    strength = torch.linalg.matrix_norm(hessian, 2)
    critical = norm(flow.grad(newton)) <= 1e-11 * strength * size(w)
    return newton, critical & (strength > 0) & (norm(change) <= 1e-12 * size(w)) & (norm(newton - w) <= radius)


def _limit_along_field(flow: CompiledFlow, w: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Return the limit of following the field in ever shorter steps."""
    step, field = radius, flow.repeated(w.shape[1])
    for _ in range(120):  # a step's 120th power of 0.8 is 2e-12
        velocity = field(w)
        way = velocity / velocity.abs().amax(0).clamp(min=1e-300)  # its square is in range
        w = w + step / dot(way, way).sqrt().clamp(min=1e-300) * way
        step = 0.8 * step
    return w


def _half_axes(flow: CompiledFlow, w: torch.Tensor) -> torch.Tensor:
    """Return the half-axes of the ellipsoids vᵀ|H|v = const, in columns, the longest of length 1: ``(d, d, n)``."""
    hessian = flow.hessian(w).movedim(-1, 0).nan_to_num(0, 0, 0)
    eigenvalues, vectors = torch.linalg.eigh(hessian)
    strength = eigenvalues.abs().clamp(min=torch.finfo(w.dtype).tiny)
    return (vectors * (strength.amin(1, keepdim=True) / strength).sqrt()[:, None]).movedim(0, -1)


def _directions(w: torch.Tensor) -> torch.Tensor:
    """Return unit vectors to probe in, the axes among them: ``(d, n) -> (d, m, n)``."""
    d = len(w)
    if d == 1:
        return torch.tensor([[[1.0], [-1.0]]], dtype=w.dtype, device=w.device).expand(1, 2, w.shape[1])
    if d == 2:
        angle = torch.arange(DIRECTIONS, dtype=w.dtype, device=w.device) * (2 * torch.pi / DIRECTIONS)
        return torch.stack([angle.cos(), angle.sin()])[..., None].expand(2, DIRECTIONS, w.shape[1])
    random = torch.randn(d, DIRECTIONS * d, generator=torch.Generator().manual_seed(0), dtype=w.dtype).to(w.device)
    axes = torch.eye(d, dtype=w.dtype, device=w.device)
    return torch.cat([random / norm(random), axes, -axes], 1)[..., None].expand(-1, -1, w.shape[1])


def sliding_rests(
    sliding: Sliding, w: torch.Tensor, normals: torch.Tensor, tolerance: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Say which runs rest on a surface across which the field jumps.

    Returns whether a run rests, (n,); the point of the surface, (d, n); and whether the resting point is isolated,
    (n,), and not on a curve of such points. It is isolated if the motion along the surface is not neutral.

    The surface holds a resting run from both sides, the sliding motion has a resting point within ``tolerance``, and it
    is stable there, or neutral: ``settling.settled`` for the d − 1 coordinates along the surface, by differences. Rates
    below NEUTRAL_RATE · ‖ẇ‖ beside the surface, per unit of max(1, ‖w‖∞), count as neutral.
    """
    surface = sliding.surface(w, normals)
    velocity = surface.sliding_velocity
    rests = torch.isfinite(velocity).all(0)
    where = torch.where(surface.exists, surface.w, w)
    if len(w) == 1 or not rests.any():
        return rests, where, rests.clone()
    scale = size(w)
    strength = torch.maximum(norm(surface.before), norm(surface.after)) / scale
    tangents, h = complement(surface.normal), DIFFERENCE_DISTANCE * scale
    ahead, behind = (
        torch.stack(
            [sliding.surface(surface.w + s * h * t, surface.normal).sliding_velocity for t in tangents.unbind(1)], 1
        )
        for s in (1, -1)
    )
    a = ((tangents[:, :, None] * (ahead - behind)[:, None]).sum(0) / (2 * h)).movedim(-1, 0)  # (n, d − 1, d − 1)
    here = (tangents * velocity[:, None]).sum(0)  # (d − 1, n)
    curvature = norm(ahead + behind - 2 * velocity[:, None]).amax(0) / h
    rests &= torch.isfinite(a).flatten(1).all(1) & torch.isfinite(here).all(0)
    a, here = a[rests], here[:, rests]
    u, singular, _ = torch.linalg.svd(a)
    parts = (u.mT @ here.T[:, :, None]).squeeze(2)
    newton = norm((parts / torch.maximum(singular, NEUTRAL_RATE * strength[rests, None])).T)
    growth = torch.linalg.eigvals(a).real.amax(1)
    strongest = torch.maximum(singular.amax(1), NEUTRAL_RATE * strength[rests])
    sure = (newton <= tolerance * scale[rests]) & (growth <= NEUTRAL_RATE * torch.maximum(strongest, strength[rests]))
    alone = rests.clone()
    alone[rests] = growth < -NEUTRAL_RATE * torch.maximum(strongest, strength[rests])
    rests[rests.clone()] = sure & (curvature[rests] <= MAX_NONLINEARITY * strongest)
    return rests, where, alone & rests
