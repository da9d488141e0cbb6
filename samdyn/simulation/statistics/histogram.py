"""Histograms of the coordinates of the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from ... import checks
from ...landscapes import Landscape
from ..results import OF_W, meaning
from .statistic import Accumulator, Setting, Snapshot, Statistic, Variable


@dataclass(frozen=True)
class Histogram(Statistic):
    """The number of runs in each bin of a coordinate x: histogram_x (step, bin_x), with x_left and x_right (bin_x).

    Bins are closed on the left, the last one on both sides, as in ``numpy.histogram``.

    Attributes:
        edges: the edges of the bins, by the name of the coordinate: at least two, ascending, in the units of w. The
            outermost may be infinite.

    Raises:
        InputError: there is no coordinate, or the edges are not ascending numbers; in a simulation, the landscape has
            no such coordinate.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.Landscape("(x**2 - y**2)/2", "x y"), sd.GD(), lr=0.5)
    >>> histogram = sd.Histogram({"x": [-1, 0, 1, float("inf")]})
    >>> runs = sd.simulate(map_, [(1, 0), (3, 0), (4, 0)], 1, statistics=[histogram])
    >>> runs.histogram_x.values.tolist()
    [[0, 1, 2]]
    """

    edges: Mapping[str, Sequence[float] | np.ndarray]
    name = "histogram"

    def __post_init__(self) -> None:
        fix = 'Use e.g. Histogram({"x": [-1, 0, 1]})'
        if not isinstance(self.edges, Mapping) or not self.edges:
            checks.reject("edges", self.edges, "must give edges for at least one coordinate", fix)
        edges_by_name = {}
        for name, numbers in self.edges.items():
            try:
                edges = np.asarray(numbers, dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                checks.reject(f"edges of {name}", numbers, "cannot be read as numbers", fix)
            if edges.ndim != 1 or len(edges) < 2:
                checks.reject(f"edges of {name}", numbers, "one bin has two edges, n bins have n + 1", fix)
            if not (edges[1:] > edges[:-1]).all():
                checks.reject(f"edges of {name}", numbers, "must ascend, each above the one before, without nan", fix)
            edges_by_name[name] = tuple(edges.tolist())
        object.__setattr__(self, "edges", edges_by_name)

    @classmethod
    def by_name(cls, landscape: Landscape) -> Self:
        """Refuse the name alone, which has no edges."""
        fix = f'Use Histogram({{"{landscape.symbols[0]}": [-1, 0, 1]}}) instead of its name'
        checks.reject("statistic", cls.name, "a histogram needs the edges of its bins", fix)

    def accumulator(self, setting: Setting) -> Accumulator:
        """Return an accumulator of counts.

        Raises:
            InputError: the landscape has no such coordinate, or the same one comes twice, in different case.
        """
        names, axes = setting.coordinates, dict[str, Sequence[float] | np.ndarray]()
        for key, edges in self.edges.items():
            # Coordinates may differ only in case, so that an exact name comes first.
            name = key if key in names else checks.known("coordinate", key, names)
            if name in axes:
                checks.reject("statistics", f"histogram of {name}", "is asked for twice", "Ask for it once")
            axes[name] = edges
        return HistogramAccumulator({name: Bins(names.index(name), e, setting.saves) for name, e in axes.items()})


class HistogramAccumulator(Accumulator):
    """Counts for every coordinate."""

    def __init__(self, bins: dict[str, "Bins"]) -> None:
        self.bins = bins

    def observe(self, snapshot: Snapshot) -> None:
        """Count the runs in every bin."""
        for bins in self.bins.values():
            bins.add(snapshot.slot, snapshot.w, snapshot.counts)

    def variables(self) -> dict[str, Variable]:
        """Return the counts."""
        about = meaning("runs in the bin", "runs")
        return {f"histogram_{name}": (("step", f"bin_{name}"), bins.counts, about) for name, bins in self.bins.items()}

    def coords(self) -> dict[str, Any]:
        """Return both edges of every bin."""
        labels: dict[str, Any] = {}
        for name, bins in self.bins.items():
            edges = bins.edges.numpy()
            labels[f"{name}_left"] = (f"bin_{name}", edges[:-1], meaning("lower edge of the bin", OF_W))
            labels[f"{name}_right"] = (f"bin_{name}", edges[1:], meaning("upper edge of the bin", OF_W))
        return labels


class Bins:
    """Counts of one coordinate between edges, at every save."""

    def __init__(self, axis: int, edges: Sequence[float] | np.ndarray, saves: int) -> None:
        self.axis = axis
        self.edges = torch.tensor(edges, dtype=torch.float64)
        self.counts = np.zeros((saves, len(edges) - 1), dtype=np.int64)

    def add(self, slot: int, w: torch.Tensor, mask: torch.Tensor) -> None:
        """Count points ``(d, n)``, float64, of those runs ``(n,)`` that count."""
        x, edges = w[self.axis].contiguous(), self.edges.to(w.device)
        last = len(edges)
        # The number of edges at or below x: 0 below the first edge.
        below = torch.bucketize(x, edges, right=True)
        below = torch.where(x == edges[-1], last - 1, below)
        below = torch.where(mask, below, 0)
        self.counts[slot] += torch.bincount(below, minlength=last + 1)[1:last].cpu().numpy()
