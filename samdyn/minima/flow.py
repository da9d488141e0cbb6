"""The slow flow of a method along a manifold of minima."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..arguments import array
from ..dynamics import Map
from ..landscapes import Landscape
from ..methods import Method
from ..noise import Noise
from .bounce import Drift, check_map, drift
from .manifold import nearest_minimum

if TYPE_CHECKING:
    import xarray

ON_MANIFOLD = 1e-4  # distance from the manifold, relative to 1 + ‖w‖, within which a start must lie
MAX_DENSE_DIM = 256  # number of coordinates up to which the trace is exact
PROBES = 100  # count of random vectors for the trace of larger Hessians
TURNED = 0.5  # |u·u'| of the top eigenvectors of two successive points below which two eigenvalues have met


@dataclass(frozen=True)
class ManifoldFlow:
    """The flow of a method's iterates along a manifold of minima, in the time s = ηρ²k.

    Near a manifold of minima a normalised method does not rest: it bounces across the manifold with a length of the
    order of ηρ, and each step takes the gradient a distance ρ away. Its part along the manifold has a mean of the order
    of ρ². This object measures that mean from short runs of the method itself, at a radius so small that its square is
    negligible, and integrates it [EE03]. [W22] have two cases of SAM in the limit η → 0: the full batch descends half
    the largest eigenvalue of the Hessian, dz/ds = −½∇λ_max, and batches of one sample half the trace, −½∇tr H. Between
    them the mean over the batches' own bounces is the rule. At a learning rate η SAM's full-batch drift is
    −½∇λ_max·(2/(2 − ηλ_max))² [theory 8, 9].

    The manifold needs products with the Hessian alone: its minima are found by Newton's steps across it, and its
    tangent directions are those that the Hessian sends to 0.

    >>> import samdyn as sd
    >>> valley = sd.Landscape("(1 + z**2/2)*y**2/2", "y z")
    >>> flow = sd.ManifoldFlow(valley, sd.SAM(0.05))
    >>> flow.velocity([0.0, 0.8]).round(3).tolist()  # −½λ′
    [0.0, -0.4]
    >>> float(flow.path([0.0, 0.8], time=1.0, steps=4).w[-1, 1].round(3))  # 0.8 exp(−½)
    0.485

    Attributes:
        landscape: the loss, a formula, a mean over samples, or a network.
        method: the method, which has a radius ρ > 0.
        lr: the learning rate η of the iterates; None for the limit η → 0.
        momentum: γ of heavy ball, as of ``Map``.
        noise: the noise of the gradients, e.g. ``noise.FiniteSum(4, replacement=False)`` for batches of four samples,
            all of which must have their minimum on the manifold. None for the full batch.
        runs: the number of bounces over which a mean is taken if steps draw random numbers.
        seed: the seed of the starts of bounces, and of the noise.

    Raises:
        InputError: what ``Map`` refuses; a method without a radius; noise other than that of batches of samples; a
            number that is a schedule, a symbol or one per run; too few runs.
    """

    landscape: Landscape
    method: Method
    lr: float | None = None
    momentum: float = 0.0
    noise: Noise | None = None
    runs: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        checks.count("runs", self.runs, "Use e.g. runs=1024")
        if self.runs < 32:
            checks.reject("runs", self.runs, "must be 32 or more, for a standard error", "Use e.g. runs=1024")
        checks.word("seed", self.seed, "Use e.g. seed=0")
        check_map(self._map)

    @cached_property
    def _map(self) -> Map:
        lr = 1.0 if self.lr is None else self.lr  # the limit chooses its own
        return Map(self.landscape, self.method, lr=lr, momentum=self.momentum, noise=self.noise)

    def project(self, w: Any) -> np.ndarray:
        """Return the minimum of the manifold near a point w ``(d,)``, such as the end of a run.

        Raises:
            InputError: w is no finite point, or Newton's steps reach no minimum from it.
        """
        return nearest_minimum(self.landscape, self._point(w))

    def velocity(self, w: Any) -> np.ndarray:
        """Return dz/ds at a point of the manifold, ``(d,)``, in the units of the loss per w³.

        Raises:
            InputError: w is not on a manifold of minima; with batches, a sample has a gradient there; the method comes
                to rest, as GD and unnormalised methods do; its bounce grows or does not settle; the largest eigenvalue
                is not simple.
        """
        return self._drift(self._start(w)).velocity

    def path(self, start: Any, time: float, steps: int = 20) -> "xarray.Dataset":
        """Follow the flow from a point of the manifold.

        The classical Runge-Kutta method of order 4 takes steps of equal length. After each step the path returns to the
        manifold. It ends early where the flow does: if the two largest eigenvalues meet, the bounce grows, or the
        method comes to rest. Steps that are too long for the drift may end it, too: halve them to see.

        Args:
            start: a point of the manifold, ``(d,)``.
            time: the time s = ηρ²k to integrate to, > 0.
            steps: the number of Runge-Kutta steps, ≥ 1. The path is saved after each.

        Returns:
            Over "time" (s) and "coord": "w"; "velocity", dz/ds, and "velocity_error", the length of its standard error;
            "loss"; "eigenvalue", λ_max, and "second", the next; "trace", tr H, with "trace_error", its standard error
            (0 up to 256 coordinates; larger traces are estimated from 100 random vectors [H90]);
            "distance", by which the step had left the manifold. With a learning rate, the coordinate "step" is
            k = s/(ηρ²). The attribute "end" says why the path ends.

        Raises:
            InputError: a time or a number of steps that is not positive; what ``velocity`` refuses, at the start.
        """
        import xarray

        time = checks.positive("time", time, "Use e.g. time=1.0")
        steps = checks.count("steps", steps, "Use e.g. steps=20")
        w, distance, h, end = self._start(start), 0.0, time / steps, "the time is over"
        here = self._drift(w)
        points = [self._look(w, here, distance)]
        for _ in range(steps):
            try:
                moved = self._runge_kutta(w, here, h)
                new = nearest_minimum(self.landscape, moved)
                there = self._drift(new)
            except checks.InputError as error:
                end = str(error)
                break
            if not self._map.is_random and abs(there.vector @ here.vector) < TURNED:
                end = f"the two largest eigenvalues meet: {here.eigenvalues.round(6).tolist()} before"
                break
            w, distance, here = new, float(np.linalg.norm(new - moved)), there
            points.append(self._look(w, here, distance))
        times = h * np.arange(len(points))
        dims = {name: ("time", "coord")[: 1 + np.ndim(value)] for name, value in points[0].items()}
        coords: dict[str, Any] = {"time": times, "coord": [str(s) for s in self.landscape.symbols]}
        if self.lr is not None:
            coords["step"] = ("time", times / (self.lr * self.method.radius**2))
        data = {name: (dims[name], np.stack([point[name] for point in points])) for name in points[0]}
        attributes = {name: repr(getattr(self, name)) for name in ("method", "lr", "momentum", "noise")}
        return xarray.Dataset(data, coords=coords, attrs={**attributes, "end": end})

    def _runge_kutta(self, w: np.ndarray, here: Drift, h: float) -> np.ndarray:
        """Return the end of a step of the classical method, whose stages return to the manifold."""
        stages = [here.velocity]
        for share in (0.5, 0.5, 1.0):
            stage = nearest_minimum(self.landscape, w + share * h * stages[-1])
            stages.append(self._drift(stage).velocity)
        return w + h / 6 * (stages[0] + 2 * stages[1] + 2 * stages[2] + stages[3])

    def _drift(self, w: np.ndarray) -> Drift:
        return drift(self._map, w, limit=self.lr is None, runs=self.runs, seed=self.seed)

    def _start(self, w: Any) -> np.ndarray:
        """Return the point of the manifold at which a caller's point is."""
        w = self._point(w)
        on = nearest_minimum(self.landscape, w)
        distance = float(np.linalg.norm(on - w))
        if distance > ON_MANIFOLD * (1 + np.linalg.norm(w)):
            rule = f"is not on the manifold of minima, but at the distance {distance:.3g} from it"
            checks.reject("start", w[:6].tolist(), rule, "Start at flow.project(start)")
        return on

    def _point(self, w: Any) -> np.ndarray:
        w = array("start", w).astype(float)
        if w.shape != (self.landscape.dim,) or not np.isfinite(w).all():
            fix = f"Give {self.landscape.dim} finite numbers"
            checks.reject("start", w.shape, f"must be one finite point of shape ({self.landscape.dim},)", fix)
        return w

    def _look(self, w: np.ndarray, here: Drift, distance: float) -> dict[str, Any]:
        """Return the values of the path at a point."""
        point = torch.as_tensor(w)
        trace, error = _trace(self.landscape, point)
        return {
            "w": w,
            "velocity": here.velocity,
            "velocity_error": here.error,
            "loss": float(self.landscape.value(point)),
            "eigenvalue": here.eigenvalues[0],
            "second": here.eigenvalues[1] if len(here.eigenvalues) > 1 else 0.0,
            "trace": trace,
            "trace_error": error,
            "distance": distance,
        }


def _trace(landscape: Landscape, point: torch.Tensor) -> tuple[float, float]:
    """Return tr H, and its standard error."""
    if landscape.dim <= MAX_DENSE_DIM:
        return float(landscape.hessian(point).trace()), 0.0
    times, random = landscape.hvp_at(point), np.random.default_rng(0)
    signs = (torch.as_tensor(random.choice([-1.0, 1.0], landscape.dim)) for _ in range(PROBES))
    forms = np.array([float(v @ times(v)) for v in signs])
    return float(forms.mean()), float(forms.std(ddof=1) / np.sqrt(PROBES))
