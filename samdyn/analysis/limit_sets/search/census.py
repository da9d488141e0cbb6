"""Collects the attractors on which runs rest, and tells which runs rest on the same one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ....dynamics import Flow, Map
from ....simulation.settling import Function
from ...orbits.cycle import Cycle
from ...points.critical_points import CriticalPoint, CriticalPoints
from ...points.degenerate import CriticalSet
from ...trees import tree
from .attractor import Attractor
from .families import families
from .labels import FIRST_MEMBER

NO_SET = -1  # index of the set of critical points of a resting point that lies on none
SAME_POINT = 1e-4  # in units of the box; resting points closer than this are one
CURVE_DISTANCE = 0.02  # in units of the box; distance of a resting point on a curve from the curve's points
SET_DISTANCE = 0.15  # in units of the box; distance of a resting point on a set of higher dimension from its sample
MAX_GAP = 1.5  # the same, over the largest distance between neighbours of the sample, if that is more
SAME_LOSS = (
    1e-9  # relative to the variation of the loss in the box; loss of a resting point on such a set, less the set's
)


@dataclass(frozen=True)
class Member:
    """A resting point or cycle that may belong to a continuum.

    Attributes:
        residual: the function that vanishes on the continuum, of states in units of length.
        orbit: the points of the cycle in order, in units of length, ``(p, D)``.
        multipliers: the multipliers, as those of an ``Attractor``.
    """

    residual: Function
    orbit: torch.Tensor
    multipliers: np.ndarray


class Census:
    """Collects the attractors, and assigns resting points to them."""

    def __init__(
        self, system: Map | Flow, extent: np.ndarray, points: CriticalPoints, unit: float, starts: np.ndarray
    ) -> None:
        self.system, self.extent, self.points = system, extent, points
        self.unit = unit
        losses = system.landscape.value(torch.as_tensor(starts.T.copy()))
        self.losses = float((losses - losses.nanmedian()).abs().nanmedian())  # variation of the loss in the box
        self.attractors: list[Attractor] = []
        self.continua: list[Member] = []

    def index(self, kind: str, orbit: np.ndarray, multipliers: np.ndarray | None, on: int = NO_SET) -> int:
        """Return the index of the attractor at an orbit ``(p, d)``, or of the critical set that a fixed point is on.

        If it is new it is entered first. ``on`` is the set's index, as ``sets_of`` returns it.
        """
        if on != NO_SET:
            return self._index_of_set(self.points.sets[on])
        for i, attractor in enumerate(self.attractors):
            if (
                attractor.kind == kind
                and len(attractor.w) == len(orbit)
                and self._near(attractor.w, orbit[0]) < SAME_POINT
            ):
                return i
        return self.enter(kind, orbit, multipliers)

    def _index_of_set(self, on: CriticalSet) -> int:
        for i, attractor in enumerate(self.attractors):
            if attractor.kind in ("curve", "set") and attractor.critical_set is on:
                return i
        return self.enter("curve" if on.dimension == 1 else "set", on.w, None, critical_set=on)

    def enter(self, kind: str, w: np.ndarray, multipliers: np.ndarray | None, repeats: int = 1, **more: Any) -> int:
        """Enter an attractor, with ``more`` of its attributes, and return its index."""
        loss = float(self.system.landscape.value(w.T).mean())
        self.attractors.append(Attractor(kind, w, loss, multipliers, self._critical(w), repeats=repeats, **more))
        return len(self.attractors) - 1

    def enter_cycle(self, cycle: Cycle) -> int:
        """Enter the limit cycle of a flow and return its index."""
        return self.enter("cycle", cycle.w, cycle.multipliers, cycle=cycle)

    def sets_of(self, w: np.ndarray) -> np.ndarray:
        """Return the indices of the sets of critical points on which resting points ``(n, d)`` lie: ``(n,)``.

        A point belongs to the set whose sample is nearest, if that is near. NO_SET stands for none.
        """
        found, nearest = np.full(len(w), NO_SET), np.full(len(w), np.inf)
        loss = self.system.landscape.value(w.T).numpy()
        for number, s in enumerate(self.points.sets):
            reach = CURVE_DISTANCE
            near = np.ones(len(w), dtype=bool)
            if s.dimension > 1:
                apart = tree(s.w / self.extent).query(s.w / self.extent, 2, p=np.inf)[0][:, -1]
                reach = max(SET_DISTANCE, MAX_GAP * float(apart[np.isfinite(apart)].max(initial=0)))
                across = float(np.abs(s.eigenvalues).max() * self.extent.min() ** 2)  # change of the loss in the box
                near = np.abs(loss - s.loss) <= SAME_LOSS * np.maximum(max(self.losses, across), np.abs(loss))
            distance = tree(s.w / self.extent).query(w / self.extent, p=np.inf)[0]
            on = near & (distance < np.minimum(reach, nearest))
            found[on], nearest[on] = number, distance[on]
        return found

    def enter_continua(self, labels: np.ndarray) -> None:
        """Enter each family of the members in ``continua`` once, and replace the labels of its runs by its index."""
        continua = self.continua
        periods = np.array([len(member.orbit) for member in continua])
        index = np.empty(len(continua), dtype=int)
        for p in np.unique(periods):
            some = np.flatnonzero(periods == p)
            orbits = torch.stack([continua[i].orbit for i in some], 2)
            scale = np.tile(self.extent, orbits.shape[1] // len(self.extent))
            family = families(continua[some[0]].residual, orbits, scale, SAME_POINT)
            for f in np.unique(family):
                members = some[family == f]
                w = np.concatenate([continua[i].orbit[:, : len(self.extent)].numpy() for i in members])
                if np.ptp(w[::p], axis=0).max() > SAME_POINT * self.extent.max() and len(members) > 1:
                    index[members] = self.enter("curve", w, None, int(p))
                else:
                    kind = "fixed point" if p == 1 else "cycle"
                    index[members] = self.enter(kind, w[:p], continua[members[0]].multipliers)
        waits = labels <= FIRST_MEMBER
        labels[waits] = index[FIRST_MEMBER - labels[waits]]

    def _near(self, w: np.ndarray, to: np.ndarray) -> float:
        """Return the distance of the nearest of points ``(m, d)`` to another ``(d,)``, in units of the box."""
        return float(np.abs((w - to) / self.extent).max(axis=1).min())

    def _critical(self, w: np.ndarray) -> CriticalPoint | None:
        """Return the critical point at w, or amid a set w ``(m, d)`` of at most a tenth of the box; else None."""
        size = max(SAME_POINT, float((np.ptp(w, axis=0) / self.extent).max()))
        for point in self.points:
            if size <= 0.1 and np.abs((w.mean(0) - point.w) / self.extent).max() <= size:
                return point
        return None
