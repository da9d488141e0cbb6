"""The basins along a parameter, and the attractors that continue along it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .... import checks, html
from ....statistics import wilson
from ..search.attractor import Attractor
from ..search.labels import NAMES

if TYPE_CHECKING:
    import xarray

COLUMNS = (
    *("attractor", "kind", "first value", "last value"),
    *("at the first", "at the last", "share at the first", "share at the last"),
)


@dataclass(frozen=True, eq=False)
class ContinuedAttractor:
    """One attractor along a parameter.

    Attributes:
        parameter: the values of the parameter, ``(m,)``.
        sets: the attractor at each value, None where it was not found: a tuple of length m. It may change its kind, as
            a fixed point does that becomes a cycle.
        share: the fraction of the starts that end on it at each value, ``(m,)``. It is 0 where its basin is too small
            for the starts, and where it was not found.

    >>> import samdyn as sd
    >>> well = sd.Landscape("x**4/4 - x**2/2 + a*x + y**2/2", "x y", parameters={"a": 0}, box=[(-2, 2), (-1, 1)])
    >>> along = sd.analysis.basins_along(sd.Map(well, sd.GD(), lr=0.1), "a", [0.2, 0.3, 0.4], resolution=10)
    >>> shallow = along.attractors[1]
    >>> shallow.birth, shallow.end, shallow.kinds, shallow.w[:, 0].round(3)
    (0.2, 0.3, ['fixed point', 'fixed point', ''], array([0.879, 0.786,   nan]))
    """

    parameter: np.ndarray
    sets: tuple[Attractor | None, ...]
    share: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Whether it was found at each value, ``(m,)``."""
        return np.array([one is not None for one in self.sets])

    @property
    def birth(self) -> float:
        """The first value at which it was found. It emerged between the value before and this one."""
        return float(self.parameter[self.present][0])

    @property
    def end(self) -> float:
        """The last value at which it was found. It ended between this one and the next."""
        return float(self.parameter[self.present][-1])

    @property
    def kinds(self) -> list[str]:
        """The kind at each value, as of an ``Attractor``; empty where it was not found."""
        return ["" if one is None else one.kind for one in self.sets]

    @property
    def w(self) -> np.ndarray:
        """The fixed point, or the centre of another set, at each value, ``(m, d)``; NaN where it was not found."""
        dim = next(one.w.shape[1] for one in self.sets if one is not None)
        return np.array([np.full(dim, np.nan) if one is None else one.centre for one in self.sets])

    @property
    def ends(self) -> tuple[Attractor, Attractor]:
        """The attractor where it was first found, and where it was last found."""
        known = [one for one in self.sets if one is not None]
        return known[0], known[-1]

    def __str__(self) -> str:
        first, last = self.ends
        kind = first.kind if first.kind == last.kind else f"{first.kind}, then {last.kind}"
        shares = " to ".join(f"{100 * share:.1f} %" for share in self.share[self.present][[0, -1]])
        return f"{kind}, {self.birth:.5g} to {self.end:.5g}: at {_point(first)} to {_point(last)}, {shares}"

    def _repr_html_(self) -> str:
        return html.block(html.table(COLUMNS[1:], [self._cells()]))

    def _cells(self) -> tuple[object, ...]:
        first, last = self.ends
        kind = first.kind if first.kind == last.kind else f"{first.kind}, then {last.kind}"
        places = (np.round(one.centre, 12) for one in self.ends)
        return kind, self.birth, self.end, *places, *(f"{100 * s:.1f} %" for s in self.share[self.present][[0, -1]])


def _point(attractor: Attractor) -> str:
    return "(" + ", ".join(f"{c:.5g}" for c in np.round(attractor.centre, 12) + 0.0) + ")"


@dataclass(frozen=True, eq=False)
class BasinsAlong:
    """The attractor of the run from each start at each value of a parameter, which ``plot.basins_along`` draws.

    Attributes:
        name: the name of the parameter.
        parameter: its values, ``(m,)``.
        label: the index of the attractor in ``attractors``, DIVERGED (-1), UNDECIDED (-2) or UNBOUNDED (-3): for starts
            on a plane ``(m, ny, nx)``, for random starts ``(m, n)``.
        attractors: the attractors, in the order in which they emerge.
        symbols: the names of the coordinates.
        plane: the names of the two coordinates of the plane of the starts; None for random starts.
        x, y: the starts' values along them, ``(nx,)`` and ``(ny,)``; None for random starts.
        starts: the random starts, ``(n, d)``; None for those on a plane.

    >>> import samdyn as sd
    >>> well = sd.Landscape("x**4/4 - x**2/2 + a*x + y**2/2", "x y", parameters={"a": 0}, box=[(-2, 2), (-1, 1)])
    >>> along = sd.analysis.basins_along(sd.Map(well, sd.GD(), lr=0.1), "a", [0.2, 0.3, 0.4], resolution=10)
    >>> along.label[:, 0, -1], along.share(0)
    (array([1, 1, 0]), array([0.6, 0.6, 1. ]))
    """

    name: str
    parameter: np.ndarray
    label: np.ndarray
    attractors: tuple[ContinuedAttractor, ...]
    symbols: tuple[str, ...]
    plane: tuple[str, str] | None = None
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    starts: np.ndarray | None = None

    def share(self, label: int) -> np.ndarray:
        """Return the fraction of the starts with this label at each value, ``(m,)``.

        Raises:
            InputError: the label is not DIVERGED, UNDECIDED, UNBOUNDED or the index of an attractor.
        """
        labels = [*NAMES, *range(len(self.attractors))]
        if label not in labels:
            checks.reject("label", label, f"the labels are {', '.join(map(str, labels))}", "Use e.g. DIVERGED")
        return np.asarray((self._flat == label).mean(1))

    def standard_error(self, label: int) -> np.ndarray:
        """Return the standard error of ``share(label)`` as that of independent starts, ``(m,)``.

        It is √(p(1−p)/n), which is 0 at the shares 0 and 1; ``interval`` is not. The error of a grid is smaller.

        Raises:
            InputError: as ``share``.
        """
        share = self.share(label)
        return np.sqrt(share * (1 - share) / self._flat.shape[1])

    def interval(self, label: int) -> np.ndarray:
        """Return Wilson's 95 % interval of ``share(label)`` for independent starts, ``(m, 2)``.

        Raises:
            InputError: as ``share``.
        """
        size = self._flat.shape[1]
        return np.array([wilson(round(share * size), size) for share in self.share(label)])

    def to_dataset(self) -> "xarray.Dataset":
        """Return everything but the sets' points as data.

        Returns:
            Over the parameter: ``label``, with the plane's coordinates or ``run``; the fractions ``diverged``,
            ``undecided`` and ``unbounded``. Over the parameter and ``attractor``: ``share``, its ``standard_error``,
            ``share_low`` and ``share_high`` (95 %), ``kind``, ``period``, and ``w`` (also over ``coord``). Over
            ``attractor``: ``birth`` and ``end``. For random starts also ``start`` (run, coord).

        >>> import samdyn as sd
        >>> map_ = sd.Map(sd.landscapes.double_well(), sd.GD(), lr=0.1)
        >>> data = sd.analysis.basins_along(map_, "lr", [0.1, 0.2], resolution=4).to_dataset()
        >>> data.share.sel(lr=0.2).values, data.birth.values, data.label.dims
        (array([0.5, 0.5]), array([0.1, 0.1]), ('lr', 'y', 'x'))
        """
        import xarray as xr

        count = len(self.attractors)
        each = self.name, "attractor"

        def stack(arrays: Sequence[np.ndarray], *rest: int) -> np.ndarray:
            """Return arrays of the attractors with the parameter as the first axis, also if there are none."""
            return np.moveaxis(np.array(arrays).reshape(count, len(self.parameter), *rest), 0, 1)

        intervals = stack([self.interval(i) for i in range(count)], 2)
        periods = [np.array([np.nan if s is None else s.period for s in one.sets]) for one in self.attractors]
        data: dict[str, tuple[object, np.ndarray]] = {
            "share": (each, stack([one.share for one in self.attractors])),
            "standard_error": (each, stack([self.standard_error(i) for i in range(count)])),
            "share_low": (each, intervals[..., 0]),
            "share_high": (each, intervals[..., 1]),
            "kind": (each, stack([np.array(one.kinds) for one in self.attractors])),
            "period": (each, stack(periods)),
            "w": ((*each, "coord"), stack([one.w for one in self.attractors], len(self.symbols))),
            "birth": ("attractor", np.array([one.birth for one in self.attractors])),
            "end": ("attractor", np.array([one.end for one in self.attractors])),
            **{name: (self.name, self.share(label)) for label, name in NAMES.items()},
        }
        coords: dict[str, object] = {self.name: self.parameter, "attractor": range(count), "coord": list(self.symbols)}
        if self.plane is None:
            data |= {"label": ((self.name, "run"), self.label)}
            if self.starts is not None:
                data |= {"start": (("run", "coord"), self.starts)}
        else:
            data |= {"label": ((self.name, *self.plane[::-1]), self.label)}
            coords |= dict(zip(self.plane, (self.x, self.y), strict=True))
        return xr.Dataset(data, coords=coords)

    @property
    def _flat(self) -> np.ndarray:
        return self.label.reshape(len(self.parameter), -1)

    def __str__(self) -> str:
        lines = [f"{number}: {one}" for number, one in enumerate(self.attractors, 1)]
        for label, name in NAMES.items():
            share = 100 * self.share(label)
            if share.any():
                lines.append(f"{name}: {share.min():.1f} % to {share.max():.1f} %")
        return "\n".join([f"{self.name} from {self.parameter[0]:.5g} to {self.parameter[-1]:.5g}", *lines])

    def _repr_html_(self) -> str:
        rows = [(number, *one._cells()) for number, one in enumerate(self.attractors, 1)]
        over = f"{self.name} from {self.parameter[0]:.5g} to {self.parameter[-1]:.5g}"
        return html.block(f"attractors over {over}", html.table(COLUMNS, rows) if rows else "no attractors")
