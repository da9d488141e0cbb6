"""Surfaces across which a field jumps: the point where a run meets one, the normal, and the field on both sides.

The functions use only values of the field. Lengths are relative to max(1, ‖w‖∞).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch

from ...ops import dot, norm

Function = Callable[[torch.Tensor], torch.Tensor]  # (d, …) -> (d, …), point by point
Test = Callable[[torch.Tensor], torch.Tensor]  # (d, …) -> (…) bool, the side of a surface that a point is on

LOCATION_ERROR = 4e-16  # distance of a located point from its surface, due to rounding
SIDE_DISTANCE = 1e-7  # distance from a surface at which the field on its sides is evaluated
TANGENT_DISTANCE = 2e-5  # distance along a surface to the neighbours that determine its normal
MIN_JUMP = 1e-6  # |difference of the field across a surface| over the speed there
MIN_JUMP_RATIO = 0.5  # difference across a short distance over that across a longer one, at a jump; less if smooth
MAX_LIMIT_ERROR = 0.1  # |field near a surface − its limit there| over the jump
MIN_CHANGE = 0.3  # change of the field along a path, over its greatest change, at which the jump lies
FIRST_REACH = 1e-9  # distance that the first search for a surface covers
SPREAD = 32  # distance that the next search covers, over that of the one before
CUTS = 3, 255  # least and greatest number of points that cut an interval at once
POINTS = 2**12  # total number of points that cut all intervals at once; so many take twice the time of a few


class Search(Protocol):
    """What finds the distances to surfaces."""

    def __call__(
        self, w: torch.Tensor, way: torch.Tensor, reach: torch.Tensor, attempts: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the distances from w (d, m, n) to surfaces along ``way`` (d, n), and whether they exist: (m, n)."""


@dataclass
class Surface:
    """The surfaces that n runs are on.

    Attributes:
        w: (d, n), on the surface.
        normal: (d, n), from the side of ``before`` to that of ``after``.
        before, after: (d, n), the limits of the field from the two sides.
        exists: (n,), whether there is a surface. Without one the other attributes have no meaning.
    """

    w: torch.Tensor
    normal: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor
    exists: torch.Tensor

    @property
    def speeds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The normal components of ``before`` and ``after``; both point to the surface where > 0 and < 0."""
        return dot(self.normal, self.before), dot(self.normal, self.after)

    @property
    def sliding_velocity(self) -> torch.Tensor:
        """The velocity ``(d, n)`` of runs on the surface, NaN where the field does not point to it from both sides.

        It is the convex combination of the two limits that is tangent to the surface [A.F. Filippov, *Differential
        Equations with Discontinuous Righthand Sides*, Kluwer 1988, section 4].
        """
        towards, away = self.speeds
        velocity = (towards * self.after - away * self.before) / (towards - away)
        return torch.where(self.exists & (towards > 0) & (away < 0), velocity, torch.nan)


def size(w: torch.Tensor) -> torch.Tensor:
    """Return max(1, ‖w‖∞): ``(d, …) -> (…)``."""
    return w.abs().amax(0).clamp(min=1)


def meet(field: Function, w: torch.Tensor, h: torch.Tensor) -> tuple[Surface, torch.Tensor]:
    """Find the jump that lies on the paths of runs about h ahead, and the time to it.

    The path is w + sẇ + s²ẅ/2, with ẅ from this side of the jump.

    Args:
        field: the velocity.
        w: (d, n), the positions of the runs.
        h: (n,), the time ahead.

    Returns:
        The surfaces, ``before`` on this side, and the times ``(n,)``.
    """
    f = field(w)
    scale, speed = size(w), norm(f)
    back = 10 * SIDE_DISTANCE * scale / speed
    bend = (f - field(w - back * f)) / back
    bend = torch.where(norm(bend) * h < speed, bend, 0)  # else the point behind is on another side

    def path(s: torch.Tensor) -> torch.Tensor:
        return _spread(w, s) + s * _spread(f, s) + s**2 / 2 * _spread(bend, s)

    # Find the two times between which the field changes.
    times = torch.cat([0 * h[None], h * 2.0 ** torch.arange(-5, 2, device=h.device)[:, None]])
    change = norm(field(path(times)) - f[:, None])
    first = (change > MIN_CHANGE * change.amax(0)).long().argmax(0, keepdim=True)
    low, high = times.gather(0, (first - 1).clamp(min=0))[0], times.gather(0, first)[0]
    near, far = field(path(low)), field(path(high))
    beyond = _nearer(field, near, far)
    low, high = _narrow(lambda s: beyond(path(s)), low, high, LOCATION_ERROR * scale / speed)
    slightly = 10 * LOCATION_ERROR * scale / speed  # on the surface the value of the field is a convention
    before, after = field(path(low - slightly)), field(path(high + slightly))
    jump = norm(after - before)

    surface = locate(field, _nearer(field, before, after), path(high), f / speed)
    # If the field only turns fast, the difference vanishes at short distances, or the limits depend on the distance.
    surface.exists &= (jump > MIN_JUMP_RATIO * norm(far - near)) & (jump > MIN_JUMP * speed)
    surface.exists &= norm(surface.after - after) + norm(surface.before - before) < MAX_LIMIT_ERROR * jump
    return surface, high


def passing(field: Function, w: torch.Tensor) -> Surface:
    """Describe the surfaces that points w (d, n) lie on, within SIDE_DISTANCE/100.

    On a surface the limits of the field from the two sides differ. An isolated point without limit, such as a critical
    point for normalised SAM, lies on none: beside it the limits are others.
    """
    scale = size(w)
    way = torch.randn(len(w), 1, generator=torch.Generator().manual_seed(0), dtype=w.dtype).to(w.device)
    way = (way / norm(way)).expand_as(w)
    wide, narrow = ([field(w + sign * part * SIDE_DISTANCE * scale * way) for sign in (-1, 1)] for part in (1.0, 0.01))
    change, persists = (norm(ahead - behind) for behind, ahead in (wide, narrow))
    speed = torch.maximum(norm(narrow[0]), norm(narrow[1]))
    jumps = (persists > MIN_JUMP_RATIO * change) & (persists > MIN_JUMP * speed)
    surface = Surface(w, way, narrow[0], narrow[1], jumps)
    some = jumps.nonzero().squeeze(1)
    if not len(some):
        return surface
    at = w[:, some]
    before, after = (side[:, some] for side in narrow)
    # The random way may be tangent to the surface. Gradients jump in the direction of the normal.
    beyond, across = _nearer(field, before, after), (after - before) / persists[some]
    across = torch.where(beyond(at + SIDE_DISTANCE * scale[some] * across), across, -across)
    there = locate(field, beyond, at, across)
    exists = there.exists & (norm(there.w - at) <= 0.01 * SIDE_DISTANCE * scale[some])
    if len(w) > 1:
        jump, offset = norm(there.after - there.before), SIDE_DISTANCE * scale[some] * there.normal
        beside = TANGENT_DISTANCE * scale[some] * complement(there.normal)
        for tangent in (*beside.unbind(1), *(-beside).unbind(1)):
            exists &= norm(field(there.w + tangent - offset) - there.before) < MAX_LIMIT_ERROR * jump
            exists &= norm(field(there.w + tangent + offset) - there.after) < MAX_LIMIT_ERROR * jump
    surface.exists[some] = exists
    for part, values in (("w", there.w), ("normal", there.normal), ("before", there.before), ("after", there.after)):
        whole = getattr(surface, part).clone()
        whole[:, some] = values
        setattr(surface, part, whole)
    return surface


def locate(
    field: Function, beyond: Test, w: torch.Tensor, way: torch.Tensor, search: "Search | None" = None
) -> Surface:
    """Describe the surfaces on which ``beyond`` changes from false to true, near w in the directions ±way.

    Secants to two neighbours in each tangent direction give the normal, with an error near 1e-9. The limits are
    extrapolations along the normal, of second order.

    Args:
        field: the velocity.
        beyond: test of the side that points are on.
        w: (d, n), near the surfaces.
        way: (d, n), unit vectors that cross them.
        search: does what ``distance_along`` does with this test, faster.
    """
    scale, along = size(w), search or partial(distance_along, beyond)
    s, exists = along(w[:, None], way, FIRST_REACH * scale[None], attempts=6)
    w = w + s[0] * way
    normal = way
    if len(w) > 1:
        tangents = complement(way)
        h = TANGENT_DISTANCE * scale
        around = torch.cat([w[:, None] + h * tangents, w[:, None] - h * tangents], 1)
        s, exists_around = along(around, way, h.expand(around.shape[1:]), attempts=3)
        exists = torch.cat([exists, exists_around])
        ahead, behind = s.chunk(2)
        normal = way - ((ahead - behind) / (2 * h) * tangents).sum(1)
        normal = normal / norm(normal)
    offset = SIDE_DISTANCE * scale * normal
    sides = torch.stack([-offset, -2 * offset, offset, 2 * offset], 1)
    near_before, far_before, near_after, far_after = field(w[:, None] + sides).unbind(1)
    before, after = 2 * near_before - far_before, 2 * near_after - far_after
    finite = torch.isfinite(before + after).all(0)
    return Surface(w, normal, before, after, exists.all(0) & finite)


def _spread(a: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """View ``(d, n)`` as ``(d, 1, …, 1, n)``, to broadcast with points at ``like`` (…, n)."""
    return a.reshape(len(a), *[1] * (like.ndim - 1), a.shape[-1])


def _nearer(field: Function, near: torch.Tensor, far: torch.Tensor) -> Test:
    """Return the test whether the field at a point is closer to ``far`` (d, n) than to ``near``."""

    def beyond(x: torch.Tensor) -> torch.Tensor:
        step = _spread(far - near, x[0])
        return dot(field(x) - _spread(near, x[0]), step) > dot(step, step) / 2

    return beyond


def distance_along(
    beyond: Test, w: torch.Tensor, way: torch.Tensor, reach: torch.Tensor, attempts: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the distances from w (d, m, n) to the surfaces along ``way`` (d, n), and whether surfaces exist: (m, n).

    The search covers ±reach (m, n), then SPREAD times that, and so on.
    """

    def side(s: torch.Tensor) -> torch.Tensor:
        return beyond(w.reshape(len(w), *[1] * (s.ndim - 2), *w.shape[1:]) + s * _spread(way, s))

    exists = torch.zeros_like(reach, dtype=torch.bool)
    for attempt in range(attempts):
        reach = torch.where(exists, reach, reach * SPREAD ** (attempt > 0))
        ahead, behind = side(torch.stack([reach, -reach]))
        exists = ahead & ~behind
        if exists.all():
            break
    low, high = _narrow(side, -reach, reach, LOCATION_ERROR * size(w))
    return (low + high) / 2, exists


def _narrow(
    beyond: Test, low: torch.Tensor, high: torch.Tensor, width: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Narrow intervals, each with ``beyond`` false at low and true at high, down to ``width``."""
    number = min(max(POINTS // max(low.numel(), 1), CUTS[0]), CUTS[1])
    cuts = torch.arange(1, number + 1, device=low.device, dtype=low.dtype).reshape(-1, *[1] * low.ndim) / (number + 1)
    for _ in range(40):  # enough to narrow an interval from 1e9 to 1e-15
        if not (high - low > width).any():
            break
        inner = low + cuts * (high - low)
        last = (~beyond(inner)).long().cumprod(0).sum(0, keepdim=True)
        ends = torch.cat([low[None], inner, high[None]])
        low, high = ends.gather(0, last)[0], ends.gather(0, last + 1)[0]
    return low, high


def complement(unit: torch.Tensor) -> torch.Tensor:
    """Return d − 1 unit vectors orthogonal to ``unit`` (d, n) and to each other: ``(d, d − 1, n)``."""
    first = torch.zeros_like(unit)
    first[0] = torch.where(unit[0] < 0, 1.0, -1.0)
    mirror = unit - first  # Householder's reflection maps the first axis to ±unit, and the other axes to its complement
    axes = torch.eye(len(unit), dtype=unit.dtype, device=unit.device)[:, 1:, None]
    return axes - 2 * mirror[:, None] * mirror[None, 1:] / dot(mirror, mirror)
