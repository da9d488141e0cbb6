"""Statistics over the runs of an ensemble, gathered while it runs: no trajectory is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .. import checks
from ..landscapes import Landscape
from ..ops import halves
from .results import DIVERGED, LEFT, SETTLED, UNDECIDED
from .threads import one_thread

NAMES = ("mean", "covariance", "msd", "exit_times", "status", "histogram")  # the last only with its edges
STATUSES = (SETTLED, DIVERGED, LEFT, UNDECIDED)
FAR = 1e70  # units of w: a run farther out along any coordinate is about to diverge; its fourth power is still a number
PIECE = {"cpu": 2**18, "cuda": 2**24}  # numbers reduced at once: what a cache holds, what makes a kernel worth starting


@dataclass(frozen=True)
class Histogram:
    """Counts of runs by where a coordinate is, for ``simulate(…, statistics=[…])``.

    Bins are closed on the left, the last one on both sides, as those of ``numpy.histogram``.

    Attributes:
        edges: of every coordinate to count, by its name: at least two, ascending, in the units of w; the outermost may
            be infinite.

    Raises:
        InputError: no coordinate, or edges that are none.

    >>> Histogram({"x": [-1, 0, float("inf")]})
    Histogram(edges={'x': (-1.0, 0.0, inf)})
    """

    edges: Mapping[str, Sequence[float] | np.ndarray]

    def __post_init__(self) -> None:
        fix = 'Use e.g. Histogram({"x": [-1, 0, 1]})'
        if not isinstance(self.edges, Mapping) or not self.edges:
            checks.reject("edges", self.edges, "must give edges for at least one coordinate", fix)
        read = {}
        for name, given in self.edges.items():
            try:
                edges = np.asarray(given, dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                checks.reject(f"edges of {name}", given, "cannot be read as numbers", fix)
            if edges.ndim != 1 or len(edges) < 2:
                checks.reject(f"edges of {name}", given, "one bin has two edges, n bins have n + 1", fix)
            if not (edges[1:] > edges[:-1]).all():
                checks.reject(f"edges of {name}", given, "must ascend, each above the one before, without nan", fix)
            read[name] = tuple(edges.tolist())
        object.__setattr__(self, "edges", read)


Statistic = str | Histogram


def choose(statistics: Any, landscape: Landscape) -> tuple[Statistic, ...]:
    """Return the statistics that were asked for, spelled as ``Book`` knows them.

    Args:
        statistics: names, in any case, and at most one ``Histogram`` per coordinate; one alone needs no list.
        landscape: whose coordinates histograms name.

    Raises:
        InputError: none, an unknown name or coordinate, a histogram without edges, the same statistic twice.
    """
    fix = 'Use e.g. statistics=["mean", "covariance"]'
    if isinstance(statistics, Statistic):
        statistics = [statistics]
    try:
        wanted = list(statistics)
    except TypeError:
        checks.reject("statistics", statistics, "is no list of statistics", fix)
    if not wanted:
        checks.reject("statistics", statistics, "names no statistic", fix)
    names, found = [str(s) for s in landscape.symbols], []
    once: set[str] = set()
    for one in wanted:
        if isinstance(one, Histogram):
            # Coordinates may differ in case alone: what is spelled exactly is meant.
            named = [n if n in names else checks.known("coordinate", n, names) for n in one.edges]
            one = Histogram(dict(zip(named, one.edges.values(), strict=True)))
            keys = [f"histogram of {name}" for name in named]
        else:
            one = checks.known("statistic", one, NAMES)
            if one == "histogram":
                rule = "a histogram needs the edges of its bins"
                checks.reject(
                    "statistic", one, rule, f'Use Histogram({{"{names[0]}": [-1, 0, 1]}}) instead of its name'
                )
            keys = [one]
        for key in keys:
            if key in once:
                checks.reject("statistics", key, "is asked for twice", "Ask for it once")
            once.add(key)
        found.append(one)
    return tuple(found)


def block(d: int) -> int:
    """Return how many runs are reduced together, and what chunks are made of, in d dimensions: a power of two."""
    return 1 << max(6, min(13, (2**16 // d).bit_length() - 1))


class Book:
    """What is known of the runs so far. Its size depends on what was chosen and how often it is saved, not on the runs.

    ====================  ================================  ==========================================================
    chosen                gives                             which is
    ====================  ================================  ==========================================================
    always                runs (step)                       how many had not diverged by then: who counts below
                          largest (step)                    the largest |coordinate| of those, nan if there are none
    ``"mean"``            mean, mean_error (step, coord)    E w, and its standard error
    ``"covariance"``      covariance (step, coord,          unbiased, over n − 1
                          coord_2)
    ``"msd"``             msd, msd_error (step, coord)      E (w(t) − w(0))² along each coordinate, standard error
    ``Histogram``         histogram_x (step, bin_x)         how many had x in [x_left, x_right), the last bin closed
    ``"exit_times"``      exited (step)                     how many had left the box or diverged by then
                          exposure ()                       time that all spent inside, in t = kη: if exit is memoryless
                                                            its likeliest rate is exited[-1]/exposure
                          exit_time ()                      mean exit time of those that left, nan if none did
    ``"status"``          status_count (status)             how many ended "settled", "diverged", …, all four
    ====================  ================================  ==========================================================

    Runs that left the box count where they are held; runs that diverged count in exits and status alone. What too few
    runs cannot tell is nan: means of none, errors and covariances of one. A run farther out than FAR is about to
    diverge and is left out where it is, as one that has diverged; of one that is nearer nobody knows yet. ``largest``
    says whether the means are those of a few such runs.

    Sums are taken in float64, by halves within blocks of ``block(d)`` runs, and blocks are merged in order, so that on
    a CPU the bits do not depend on how whole blocks are chunked. Moments are of distances from the first run that
    counts, centred at a block's mean and merged by the formulas of Chan, Golub, LeVeque, Updating formulae and a
    pairwise algorithm for computing sample variances (1979): they are good where the spread is tiny beside the mean.
    """

    def __init__(self, chosen: tuple[Statistic, ...], landscape: Landscape, saves: int) -> None:
        """Open an empty book for what ``choose`` returned, of as many saved steps."""
        self.chosen = chosen
        self.coordinates = [str(s) for s in landscape.symbols]
        d = landscape.dim
        self.runs, self.exited = np.zeros((2, saves), dtype=np.int64)
        self.largest = np.full(saves, np.nan)
        place = "mean" in chosen or "covariance" in chosen
        self.place = Moments(saves, d, "covariance" in chosen) if place else None
        self.displacement = Moments(saves, d, False) if "msd" in chosen else None
        self.bins = [
            Bins(self.coordinates.index(name), edges, saves)
            for one in chosen
            if isinstance(one, Histogram)
            for name, edges in one.edges.items()
        ]
        self.ended = dict.fromkeys(STATUSES, 0)
        self.left, self.steps_of_left, self.steps_of_all = 0, 0, 0

    def chunk(self, w0: torch.Tensor) -> "Chunk":
        """Open the next chunk of runs, which start at w0 ``(d, n)``: whole blocks, but for the last chunk."""
        return Chunk(self, w0)

    def variables(self, dt: float) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Return dims and values of what was chosen, by name; dt is the time of a step."""
        found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "runs": (("step",), self.runs),
            "largest": (("step",), self.largest),
        }
        if self.place and "mean" in self.chosen:
            found["mean"] = (("step", "coord"), self.place.mean())
            found["mean_error"] = (("step", "coord"), self.place.error())
        if self.place and "covariance" in self.chosen:
            found["covariance"] = (("step", "coord", "coord_2"), self.place.covariance())
        if self.displacement:
            found["msd"] = (("step", "coord"), self.displacement.mean())
            found["msd_error"] = (("step", "coord"), self.displacement.error())
        for bins in self.bins:
            name = self.coordinates[bins.axis]
            found[f"histogram_{name}"] = (("step", f"bin_{name}"), bins.counts)
        if "exit_times" in self.chosen:
            mean = dt * self.steps_of_left / self.left if self.left else np.nan
            found["exited"] = (("step",), self.exited)
            found["exposure"] = ((), np.array(dt * self.steps_of_all))
            found["exit_time"] = ((), np.array(mean))
        if "status" in self.chosen:
            found["status_count"] = (("status",), np.array(list(self.ended.values())))
        return found

    def coords(self) -> dict[str, Any]:
        """Return the labels of all dims but step."""
        found: dict[str, Any] = {}
        if self.place or self.displacement:
            found["coord"] = self.coordinates
        if "covariance" in self.chosen:
            found["coord_2"] = self.coordinates
        for bins in self.bins:
            name, edges = self.coordinates[bins.axis], bins.edges.numpy()
            found[f"{name}_left"] = (f"bin_{name}", edges[:-1])
            found[f"{name}_right"] = (f"bin_{name}", edges[1:])
        if "status" in self.chosen:
            found["status"] = list(STATUSES)
        return found


class Chunk:
    """Runs on their way through all steps; what is seen of them goes into the book."""

    def __init__(self, book: Book, w0: torch.Tensor) -> None:
        self.book = book
        # A copy: whoever steps may write over the starts.
        self.start = w0.clone() if book.displacement else None

    def observe(self, slot: int, w: torch.Tensor, diverged: torch.Tensor, outside: torch.Tensor) -> None:
        """Take in where the runs are at a save.

        Args:
            slot: which save, from 0.
            w: ``(d, n)``, float64 or float32, on any device; runs that are out are held where they were last.
            diverged, outside: ``(n,)`` bool, whether a run left the floating-point range, or the box, by then.
        """
        book, (d, n) = self.book, w.shape
        # Not "farther than", which nan is not.
        distance = w.abs().amax(0)
        counts = ~diverged & (distance <= FAR)
        book.runs[slot] += int(counts.sum())
        if n:
            largest = float(torch.where(counts, distance, -1).max())
            book.largest[slot] = np.fmax(book.largest[slot], largest if largest >= 0 else np.nan)
        book.exited[slot] += int((diverged | outside).sum())
        if not (book.place or book.displacement or book.bins):
            return
        size = block(d)
        length = size * max(1, PIECE[w.device.type] // (size * d))
        with one_thread():
            for first in range(0, n, length):
                piece = slice(first, first + length)
                here, who = _blocks(w[:, piece], size).double(), _blocks(counts[piece], size)
                if book.place:
                    book.place.add(slot, here, who)
                if book.displacement and self.start is not None:
                    moved = here - _blocks(self.start[:, piece], size)  # in float64, as here is
                    book.displacement.add(slot, moved.square(), who)
                for bins in book.bins:
                    bins.add(slot, here, who)

    def finish(self, status: np.ndarray, end: Any) -> None:
        """Take in what became of the runs.

        Args:
            status: ``(n,)`` of str.
            end: ``(n,)`` of int, array or tensor: how many steps a run took, or for one that is out, after how many it
                left.
        """
        book, steps = self.book, torch.as_tensor(end).cpu()
        for name in STATUSES:
            book.ended[name] += int((status == name).sum())
        left = np.isin(status, (DIVERGED, LEFT))
        book.left += int(left.sum())
        # Integers: exact, in any order.
        book.steps_of_left += int(steps[torch.as_tensor(left)].sum())
        book.steps_of_all += int(steps.sum())


class Moments:
    """Means and second moments of values over runs, at every save; ``full`` with those of pairs of coordinates."""

    def __init__(self, saves: int, d: int, full: bool) -> None:
        self.full = full
        self.count = [0] * saves
        # Near the values, so that nothing is lost where they are far from 0 and close together.
        self.origin = torch.zeros(saves, d, dtype=torch.float64)
        self.offset = torch.zeros(saves, d, dtype=torch.float64)  # of the mean from the origin
        self.spread = torch.zeros(saves, d, *[d] * full, dtype=torch.float64)  # Σ of squares or products, centred

    def add(self, slot: int, values: torch.Tensor, who: torch.Tensor) -> None:
        """Merge values ``(d, blocks, size)``, float64, of those runs ``(blocks, size)`` that count."""
        numbers = who.sum(1)
        if not self.count[slot]:
            first = who.flatten().nonzero()[:1, 0]
            if not len(first):
                return
            self.origin[slot] = values.flatten(1)[:, first[0]]
        near = torch.where(who, values - self.origin[slot].to(values.device)[:, None, None], 0)
        means = halves(near, 2) / numbers.clamp(min=1)
        off = torch.where(who, near - means[..., None], 0)
        if self.full:
            spreads = off.new_empty(off.shape[1], len(off), len(off))
            for i in range(len(off)):
                row = halves(off[i:] * off[i], 2).T
                spreads[:, i, i:] = spreads[:, i:, i] = row
        else:
            spreads = halves(off * off, 2).T
        self._merge(slot, numbers.tolist(), means.T.cpu(), spreads.cpu())

    def _merge(self, slot: int, numbers: list[int], means: torch.Tensor, spreads: torch.Tensor) -> None:
        """Merge blocks in order: how many, their means ``(blocks, d)`` and spreads ``(blocks, d[, d])``."""
        n, offset, spread = self.count[slot], self.offset[slot], self.spread[slot]
        for more, mean, around in zip(numbers, means, spreads, strict=True):
            if not more:
                continue
            if not n:  # by itself, as a difference that overflows, times 0, would be nan
                n, offset, spread = more, mean, around
                continue
            total, apart = n + more, mean - offset
            products = apart[:, None] * apart if self.full else apart * apart
            spread = spread + around + products * (n * more / total)
            offset = offset + apart * (more / total)
            n = total
        self.count[slot], self.offset[slot], self.spread[slot] = n, offset, spread

    def mean(self) -> np.ndarray:
        """Return the means ``(saves, d)``."""
        n = self._number(1)
        return torch.where(n > 0, self.origin + self.offset, torch.nan).numpy()

    def error(self) -> np.ndarray:
        """Return the standard errors of the means ``(saves, d)``."""
        n = self._number(1)
        squares = self.spread.diagonal(dim1=1, dim2=2) if self.full else self.spread
        return torch.where(n > 1, squares / (n - 1) / n, torch.nan).sqrt().numpy()

    def covariance(self) -> np.ndarray:
        """Return the covariances ``(saves, d, d)``."""
        n = self._number(2)
        return torch.where(n > 1, self.spread / (n - 1), torch.nan).numpy()

    def _number(self, axes: int) -> torch.Tensor:
        return torch.tensor(self.count, dtype=torch.float64).reshape(-1, *[1] * axes)


class Bins:
    """Counts of one coordinate between edges, at every save."""

    def __init__(self, axis: int, edges: Sequence[float] | np.ndarray, saves: int) -> None:
        self.axis = axis
        self.edges = torch.tensor(edges, dtype=torch.float64)
        self.counts = np.zeros((saves, len(edges) - 1), dtype=np.int64)

    def add(self, slot: int, values: torch.Tensor, who: torch.Tensor) -> None:
        """Count values ``(d, blocks, size)``, float64, of those runs ``(blocks, size)`` that count."""
        x, edges = values[self.axis].contiguous(), self.edges.to(values.device)
        last = len(edges)
        # How many edges are at or below x: 0 below the first, the last at and above it.
        passed = torch.bucketize(x, edges, right=True)
        passed = torch.where(x == edges[-1], last - 1, passed)
        passed = torch.where(who, passed, 0)
        self.counts[slot] += torch.bincount(passed.flatten(), minlength=last + 1)[1:last].cpu().numpy()


def _blocks(a: torch.Tensor, size: int) -> torch.Tensor:
    """Cut the last axis into blocks, the last filled up with zeros: ``(…, n) -> (…, blocks, size)``."""
    short = -a.shape[-1] % size
    if short:
        a = torch.cat([a, a.new_zeros(*a.shape[:-1], short)], -1)
    return a.reshape(*a.shape[:-1], -1, size)
