"""The search for surfaces along given directions, compiled: sliding runs repeat it at every stage of every step."""

import torch

from ...compiler import LANES, STATIC, VARYING, Input, Kernel, NotCompilable
from ..backends import MIN_AGREEMENT, Compiled, warn_once
from .compiled import built, is_built
from .jumps import LOCATION_ERROR, SPREAD, Function, Test, distance_along, size

EAGER_CALLS = 64  # number of searches at few points in torch that take about as long as compiling
FEW = 5000  # number of points at which a search in torch takes twice the time of one at a single point
MAX_STEPS = 48  # number of steps that find an interval and narrow it from 1e9 to 1e-15, to a quarter in each
SAME_DISTANCE = 1e-12  # relative to max(1, ‖w‖∞); distances of both backends closer than this are the same


class SurfaceSearch:
    """Finds the surfaces that a field points to from both sides, along a direction, as ``jumps.distance_along`` does.

    The first calls are in torch. Compiled code serves the others on the CPU, if the field can be compiled. Both agree
    to rounding.
    """

    def __init__(self, field: Function, backend: str) -> None:
        """Take the backend as ``integrate`` does."""
        self._field, self._backend = field, backend
        self._calls, self._is_over = 0.0, backend == "eager"
        self._kernel: Kernel | None = None

    def test(self, way: torch.Tensor) -> Test:
        """Return the test whether the field at a point has a component against ``way`` (d, n)."""

        def beyond(x: torch.Tensor) -> torch.Tensor:
            return (self._field(x) * way.reshape(len(x), *[1] * (x.ndim - 2), -1)).sum(0) < 0

        return beyond

    def __call__(
        self, w: torch.Tensor, way: torch.Tensor, reach: torch.Tensor, attempts: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the distances from w (d, m, n) to surfaces along ``way`` (d, n), and whether they exist: (m, n)."""
        self._calls += 1 + reach.numel() / FEW
        due = self._backend == "compiled" or self._calls > EAGER_CALLS or is_built("search", self._field, len(w))
        if self._kernel is None and not self._is_over and due and w.device.type == "cpu":
            self._compile(w, way, reach, attempts)
        if self._kernel is None:
            return distance_along(self.test(way), w, way, reach, attempts)
        return _run(self._kernel, w, way, reach, attempts)

    def _compile(self, w: torch.Tensor, way: torch.Tensor, reach: torch.Tensor, attempts: int) -> None:
        """Compile the search, unless that is impossible or its results for these arguments differ from torch's."""
        self._is_over = True
        try:
            kernel = built("search", self._field, len(w), _traced)
        except NotCompilable as error:
            if self._backend == "compiled":
                warn_once(str(error))
            return
        s, exists = _run(kernel, w, way, reach, attempts)
        true_s, true_exists = distance_along(self.test(way), w, way, reach, attempts)
        same = (exists == true_exists) & (~true_exists | ((s - true_s).abs() <= SAME_DISTANCE * size(w)))
        if same.double().mean() >= MIN_AGREEMENT:
            self._kernel = kernel


def _traced(field: Function, d: int) -> Kernel:
    """Trace a step of the search.

    Raises:
        NotCompilable: the field cannot be traced.
    """

    def step(
        low: torch.Tensor,
        high: torch.Tensor,
        tries: torch.Tensor,
        found: torch.Tensor,
        active: torch.Tensor,
        w: torch.Tensor,
        way: torch.Tensor,
        width: torch.Tensor,
        attempts: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Widen the interval if its ends are not on both sides of the surface; else halve it twice."""

        def beyond(s: torch.Tensor) -> torch.Tensor:
            return (field(w + s * way) * way).sum(0) < 0

        first = torch.where(found, (low + high) / 2, high)
        first_beyond = beyond(first)
        half_low = torch.where(found & ~first_beyond, first, low)
        half_high = torch.where(found & first_beyond, first, high)
        second = torch.where(found, (half_low + half_high) / 2, low)
        second_beyond = beyond(second)
        misses = ~found & ~(first_beyond & ~second_beyond)
        tries = tries + misses
        wider = torch.where(misses & (tries < attempts), SPREAD, 1.0)
        low = torch.where(found, torch.where(second_beyond, half_low, second), wider * low)
        high = torch.where(found, torch.where(second_beyond, second, half_high), wider * high)
        found = found | ~misses
        active = active & ((found & (high - low > width)) | (~found & (tries < attempts)))
        return low, high, tries, found, active

    number, truth = torch.float64, torch.bool
    state = [Input(name, (), number, VARYING) for name in ("low", "high")]
    state += [
        Input("tries", (), torch.int64, VARYING),
        *(Input(name, (), truth, VARYING) for name in ("found", "active")),
    ]
    others = [Input(name, (d,), number, STATIC) for name in ("w", "way")]
    others += [Input("width", (), number, STATIC), Input("attempts", (), torch.int64, STATIC)]
    return Kernel(step, state, others, "active", None)


def _run(
    kernel: Kernel, w: torch.Tensor, way: torch.Tensor, reach: torch.Tensor, attempts: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Search with compiled code, as ``SurfaceSearch`` does."""
    d, n = len(w), reach.numel()
    columns = torch.arange(n + -n % LANES) % n  # copies fill the last block

    def spread(values: torch.Tensor) -> torch.Tensor:
        return values.reshape(-1, n)[:, columns].contiguous()

    width = spread(LOCATION_ERROR * size(w))[0]
    high, tries = spread(reach)[0], torch.zeros(len(columns), dtype=torch.int64)
    state = [-high, high, tries, tries > 0, tries == 0]
    others = [spread(w), spread(way[:, None].expand(d, *reach.shape)), width, tries + attempts]
    low, high, _, found, _ = Compiled(kernel).advance(state, others, MAX_STEPS)
    return ((low + high) / 2)[:n].reshape(reach.shape), found[:n].reshape(reach.shape)
