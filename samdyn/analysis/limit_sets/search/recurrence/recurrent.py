"""Finds the tori and the strange attractors on which runs of a flow move, and assigns the runs to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..... import checks
from .....dynamics import Flow
from .....landscapes import Box
from .....statistics import batch_means
from ....orbits.cycle import Cycle, search
from ....orbits.lyapunov import TURN, growth_of_flow
from .wandering import E_FOLDS, MAX_RUNS, NOTHING, Exponent

Follow = Callable[[torch.Tensor, np.ndarray], np.ndarray]  # from (d, n) over times (k,) to positions (k, d, n)

MIN_DIM = 3  # in the plane a smooth flow's run that recurs is on a cycle (Poincaré and Bendixson)
STEPS = 2**18  # number of steps of the tangent vectors, each a twentieth of the time in which they may turn
TRANSIENT = 0.25  # share of the steps before the measurement
ATTEMPTS, FAILURES = 3, 2  # numbers of rounds in which sets are searched, and of boxes in a round on which nothing is
WINDOW, SAVES = 20.0, 257  # duration, in units of that of the first round, over which a box is measured; its positions
CHUNK = 2**12  # number of runs whose positions are in memory at once
SAME_BOX = 0.25  # in units of the box's size; difference of the boxes of one set
DRIFT = 0.02  # in units of the box's size; change of a torus's box during the measurement
SMALLEST = 1e-6  # in units of the box of the starts; a smaller motion may be that about an equilibrium
APART = 1e-5  # in units of the box of the starts; distance by which runs are moved off sets that repel
NEWTON_STEPS = 20  # number of steps from the middle of a set to an equilibrium


@dataclass(frozen=True)
class Recurrent:
    """A set on which runs of a flow recur without a period.

    Attributes:
        kind: "quasi-periodic" on a torus, or "chaotic" on a strange attractor.
        w: a sample of the set, ``(m, d)``.
        exponents: the d Lyapunov exponents, per unit of t, the largest first.
    """

    kind: str
    w: np.ndarray
    exponents: tuple[Exponent, ...]


class RecurrentSets:
    """The tori and strange attractors of a flow that runs have reached.

    Attributes:
        found: the sets.
    """

    def __init__(self, flow: Flow, extent: np.ndarray, far: Box, window: float) -> None:
        """Start without sets.

        Args:
            flow: the flow.
            extent: the size of the box of the starts, ``(d,)``.
            far: the box that no run on a set leaves.
            window: the duration of the first round, in units of t.
        """
        self._flow, self._extent = flow, extent
        self._far = torch.tensor(far, dtype=torch.float64).T[..., None]
        self._times = WINDOW * window * np.linspace(0, 1, SAVES)
        self._boxes: list[np.ndarray] = []  # those of the sets, (2, d) each
        self._attempts = 0
        self.found: list[Recurrent] = []

    def assign(self, ends: torch.Tensor, follow: Follow) -> np.ndarray:
        """Return the index of the set on which each run is, or −1, after a search.

        Two windows of a run's future must fill the same box, to a quarter of its size. Runs with the same box are on
        one set, whose Lyapunov exponents say which kind it is. The others stay −1.

        Args:
            ends: positions of runs that did not rest, ``(d, n)``.
            follow: a function that follows runs over times.
        """
        on = np.full(ends.shape[1], -1)
        if len(self._extent) < MIN_DIM or not len(on) or self._attempts >= ATTEMPTS:
            return on
        self._attempts += 1
        boxes, later = self._windows(ends, follow)
        recurs = _same(*boxes) & (np.ptp(boxes[1], axis=0) / self._extent[:, None] > SMALLEST).any(0)
        failures = 0
        for run in np.flatnonzero(recurs):
            box = boxes[1][..., run]
            if any(_same(box, known) for known in self._boxes) or failures == FAILURES:
                continue
            group = np.flatnonzero(recurs & _same(box[..., None], boxes[1]))
            new = self._motion(later[:, torch.as_tensor(group[:MAX_RUNS])], box, follow)
            if new is None:
                failures += 1
            else:
                self.found.append(new)
                self._boxes.append(box)
        for number, known in enumerate(self._boxes):
            on[(on < 0) & recurs & _same(known[..., None], boxes[1])] = number
        return on

    def _windows(self, w: torch.Tensor, follow: Follow) -> tuple[tuple[np.ndarray, np.ndarray], torch.Tensor]:
        """Return the boxes ``(2, d, n)`` that runs fill in two windows, and where they are after these."""
        boxes: list[tuple[np.ndarray, np.ndarray]] = []
        ends = []
        for some in w.split(CHUNK, 1):
            pair, here = [], some
            for _ in range(2):
                path = follow(here, self._times)
                pair.append(np.stack([path.min(0), path.max(0)]))
                here = torch.as_tensor(path[-1])
            boxes.append((pair[0], pair[1]))
            ends.append(here)
        first, second = (np.concatenate(part, 2) for part in zip(*boxes, strict=True))
        return (first, second), torch.cat(ends, 1)

    def _motion(self, w: torch.Tensor, box: np.ndarray, follow: Follow) -> Recurrent | None:
        """Return the set on which runs ``(d, n)`` that fill a box ``(2, d)`` move; None if nothing is sure.

        The runs are moved by a small distance, which takes them off a saddle or a saddle cycle, and off no attractor.
        At the end of the measurement they must fill the box still.
        """
        w = w.repeat(1, -(-MAX_RUNS // w.shape[1]))[:, :MAX_RUNS]
        generator = torch.Generator().manual_seed(0)
        noise = torch.rand(w.shape, generator=generator, dtype=w.dtype) * 2 - 1
        w = w + APART * torch.as_tensor(self._extent)[:, None] * noise
        with torch.no_grad():
            rate = torch.linalg.matrix_norm(self._flow.jacobian_at(w).movedim(-1, 0), 2).max()
        if not rate > 0:
            return None
        time, (low, high) = STEPS * TURN / float(rate), self._far
        try:
            growth, runs, _ = growth_of_flow(self._flow, w, len(w), low, high, time, TRANSIENT, lambda share: None)
        except checks.InputError:
            return None  # the field is not smooth along a run, or too fast
        if not (runs.running.all() and torch.isfinite(growth).all()):
            return None
        measured = (1 - TRANSIENT) * time
        kind, exponents = kind_of_flow(growth.numpy(), measured)
        if kind is None:
            return None
        path = follow(runs.z, self._times)
        end = np.stack([path.min(0), path.max(0)])
        if not _same(end, box[..., None]).all():
            return None
        if kind == "quasi-periodic":
            start = follow(w, self._times)
            drift = np.abs(end - np.stack([start.min(0), start.max(0)])).max((0, 1)) / np.ptp(end, axis=0).max(0)
            if (drift > DRIFT).any() or self._amid_weak(path, measured):
                return None
        return Recurrent(kind, path[:, :, 0], exponents)

    def _amid_weak(self, path: np.ndarray, time: float) -> bool:
        """Return whether a slow spiral into an equilibrium or a cycle amid a set would look like the torus.

        That is so if distances from the equilibrium or cycle change in some direction by less than E_FOLDS e-folds
        during the measurement.

        Args:
            path: positions on the set, ``(k, d, n)``.
            time: the duration of the measurement.
        """
        return any(abs(rate) * time <= E_FOLDS for rate in self._rates_amid(path))

    def _rates_amid(self, path: np.ndarray) -> Iterator[float]:
        """Yield the rates, in 1/t, at which runs leave or approach an equilibrium and a cycle amid a set."""
        middle = torch.as_tensor((path.min((0, 2)) + path.max((0, 2))) / 2)[:, None]
        w = middle
        for _ in range(NEWTON_STEPS):
            matrix = self._flow.jacobian_at(w)[:, :, 0]
            w = w - torch.linalg.lstsq(matrix, self._flow(w)).solution
        rates = torch.linalg.eigvals(self._flow.jacobian_at(w)[:, :, 0]).real if torch.isfinite(w).all() else w[:0, 0]
        yield from rates.tolist()
        found = search(self._flow, path[-1, :, 0], float(self._times[-1]), max_returns=1, max_restarts=1)
        if isinstance(found, Cycle):
            yield from np.log(np.maximum(np.abs(found.others), 1e-300)) / found.period


def kind_of_flow(growth: np.ndarray, time: float) -> tuple[str | None, tuple[Exponent, ...]]:
    """Return the kind of a set on which a flow recurs, None if it is not sure, and its exponents.

    Volumes must shrink. The kind is "chaotic" if the interval of the largest exponent lies above 0, and distances grew
    by more than ten e-folds, along every run in the last quarter of the time by a quarter of that. It is
    "quasi-periodic" if two exponents are 0 and the others negative. An exponent is 0 if its interval contains 0 and
    distances changed by less than ten e-folds, and negative if its interval lies below 0.

    Args:
        growth: the mean rates of growth in 1/t in parts of the runs, ``(B, d, n)``.
        time: the duration of the runs, in units of t.
    """
    parts = growth.mean(2)
    mean, half = batch_means(parts)
    order = np.argsort(-mean, kind="stable")
    exponents = tuple(Exponent(float(mean[i]), float(mean[i] - half[i]), float(mean[i] + half[i])) for i in order)
    total, total_half = batch_means(parts.sum(1))
    if total + total_half >= 0:
        return None, exponents
    first = exponents[0]
    late = growth[-len(growth) // 4 :, order[0]].mean(0) * time
    if first.low > 0 and first.value * time > E_FOLDS and (late > E_FOLDS / 4).all():
        return "chaotic", exponents
    slack = max(NOTHING * float(np.abs(mean).max()), NOTHING / time)
    zero = [
        e.low <= slack and e.high >= -slack and (abs(e.value) + (e.high - e.low) / 2) * time <= E_FOLDS
        for e in exponents
    ]
    negative = [e.high < 0 for e in exponents]
    if zero[:2] == [True, True] and all(negative[2:]):
        return "quasi-periodic", exponents
    return None, exponents


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return whether boxes ``(2, d, …)`` agree, to a quarter of the size of the larger one: ``(…)``."""
    size = np.maximum(np.ptp(a, axis=0).max(0), np.ptp(b, axis=0).max(0))
    return np.asarray(np.abs(a - b).max((0, 1)) <= SAME_BOX * size)
