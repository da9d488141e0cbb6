"""The central flow: the motion of the averaged iterates of a method."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...dynamics.parts import check_memoryless, check_parts
from ...landscapes import Landscape
from ...methods import Method
from ...simulation.results import OF_LOSS, OF_W, TIME, meaning
from .bounce import Bounce
from .field import Field
from .smooth import SmoothOscillation

if TYPE_CHECKING:
    import xarray

SUBSTEPS = 2  # substeps per step η; at 2 an error along a direction at the edge is gone after one
MAX_ENTRIES = 2**27  # numbers of a result, or of the products at once: 1 GB in float64


@dataclass(frozen=True)
class CentralFlow:
    """The flow of the time-averaged iterates w̄ of a method, with their oscillation about it.

    The iterates are split as w = w̄ ± d, the sign alternating from step to step. With A = ½(F(w̄+d) + F(w̄−d)) and
    B = ½(F(w̄+d) − F(w̄−d)), exactly dw̄/dt = −A and dd/dt = B − 2d/η over a step; see theory 29. The flow closes
    these equations:

    - F smooth, as of GD and USAM: d is small, has the covariance Σ in the directions in which DF has the eigenvalue
      2/η, and dw̄/dt = −F − ½D²F[Σ], where Σ ⪰ 0 is what keeps DF at or below this edge [CF24, for GD].
    - F jumping where the gradient vanishes, as of SAM: d is that of the 2-cycle on which the method bounces,
      B(w̄, d) = 2d/η, and dw̄/dt = −A(w̄, d).

    With momentum γ the edge is 2(1+γ)/η, and w̄ follows −A/(1−γ) with the inertia of the velocity.

    Attributes:
        landscape: the loss L, also a network: products alone are used, in the dtype of the start.
        method: the method F, without memory and random numbers.
        lr: the learning rate η > 0 of the iterates, in units of w, squared, per unit of L.
        momentum: heavy-ball momentum γ in [0, 1).

    Raises:
        InputError: lr or momentum is out of its range or not one number; a method with memory or random numbers.

    >>> import samdyn as sd
    >>> valley = sd.Landscape("(1 + z**2) * y**2 / 2", "y z")
    >>> runs = sd.CentralFlow(valley, sd.SAM(0.02), lr=0.4).run((0.0, 0.5), steps=100, save_every=50)
    >>> runs.w.sel(coord="z").values.round(4).tolist()
    [0.5, 0.493, 0.486]
    """

    landscape: Landscape
    method: Method
    lr: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
        check_memoryless(self.method)
        object.__setattr__(self, "lr", checks.positive("lr", self.lr, "Use one number, e.g. lr=0.01"))
        rule, fix = "must be one number in [0, 1)", "Use e.g. momentum=0.9"
        value = checks.number("momentum", self.momentum, rule, fix, lambda gamma: 0 <= gamma < 1)
        object.__setattr__(self, "momentum", value)
        checks.numeric(self)

    @property
    def edge(self) -> float:
        """The eigenvalue 2(1+γ)/η of DF above which steps in its direction grow, from side to side."""
        return 2 * (1 + self.momentum) / self.lr

    def run(self, start: Any, steps: int, *, save_every: int = 1, directions: int = 5) -> "xarray.Dataset":
        """Follow the flow from a point, over as many steps of the iterates.

        Args:
            start: the point w̄, ``(d,)``, at or below the edge.
            steps: the number of steps of the iterates; t = kη.
            save_every: the number of steps between two saved points.
            directions: the largest number of directions at the edge at once, for a smooth F.

        Returns:
            Over "time" (with "step"): "w", the point w̄; "loss", L(w̄); "mean_loss", the predicted mean loss of the
            iterates, L(w̄) + ½ tr(HΣ); "sigma" (direction, coord), the columns of a root of Σ, nan where there are
            fewer; "eigenvalue" (direction), the largest eigenvalues of DF, for a bounce ‖B‖/‖d‖; "active", the number
            of directions at the edge. Over "event": "event_time" and "event_active", when and to what that number
            changed. The attributes hold lr, momentum, the edge, and the "closure", which is smooth or bounce.

        Raises:
            InputError: a start that is not one finite point or is above the edge; a number that is no count; a result
                too large for memory; a method without second derivatives at the edge; more directions at the edge than
                asked for; an edge at which the method is unstable.
        """
        steps = checks.count("steps", steps, "Use e.g. steps=1000")
        save_every = checks.count("save_every", save_every, "Use e.g. save_every=10")
        directions = checks.count("directions", directions, "Use e.g. directions=5")
        w = self._start(start)
        f = Field(self.landscape, self.method)
        wide = min(directions, 1 if f.jumps else len(w))
        self._check_size(1 + steps // save_every, wide)
        oscillation: Bounce | SmoothOscillation = (
            Bounce.at(f, w, self.edge) if f.jumps else SmoothOscillation.at(f, w, self.edge, wide)
        )
        # Over a substep the velocity falls by γ^(1/SUBSTEPS), and in the long run w moves by −A/(1−γ) in unit time.
        kept = self.momentum ** (1 / SUBSTEPS)
        factor = self.lr / SUBSTEPS * (1 - kept) / (1 - self.momentum)
        move, active, saved, events = torch.zeros_like(w), 0, [], []
        for number in range(steps * SUBSTEPS + 1):
            force = oscillation.force(w, kept * move, factor)
            count = oscillation.sigma.shape[1]
            if count != active:
                events.append(((number + oscillation.entry) * self.lr / SUBSTEPS, count))
                active = count
            if number % (SUBSTEPS * save_every) == 0:
                saved.append(_saved(oscillation, w, wide))
            move = kept * move - factor * force
            w = w + move
            if not bool(torch.isfinite(w).all()):
                checks.reject("lr", self.lr, f"the flow diverged at step {number // SUBSTEPS}", "Use a smaller one")
        return self._dataset(saved, events, save_every, "bounce" if f.jumps else "smooth")

    def _start(self, start: Any) -> torch.Tensor:
        fix = f"Give {self.landscape.dim} finite numbers"
        try:
            w = start.detach() if torch.is_tensor(start) else torch.as_tensor(np.asarray(start, dtype=np.float64))
        except (TypeError, ValueError):
            checks.reject("start", start, "cannot be read as a point", fix)
        if w.shape != (self.landscape.dim,):
            checks.reject(
                "start", tuple(w.shape), "must be one point", f"Give an array of shape ({self.landscape.dim},)"
            )
        if not bool(torch.isfinite(w).all()):
            checks.reject("start", "nan or inf", "must be finite", fix)
        return w.double()  # second derivatives are differences, which float32 has no digits for

    def _check_size(self, saved: int, directions: int) -> None:
        dim = self.landscape.dim
        entries = dim * max(saved * (1 + directions), 2 * directions**2 + 4 * directions)
        if entries > MAX_ENTRIES:
            rule = f"with {directions} directions and {saved} saved points needs {entries:.3g} numbers at once"
            fix = f"At most {MAX_ENTRIES:.3g}: save less often, or ask for fewer directions"
            checks.reject("landscape", f"{dim} parameters", rule, fix)

    def _dataset(self, saved: list[dict[str, Any]], events: list[Any], every: int, closure: str) -> "xarray.Dataset":
        import xarray

        dims: dict[str, tuple[str, ...]] = {
            "w": ("coord",),
            "sigma": ("direction", "coord"),
            "eigenvalue": ("direction",),
        }
        meanings = {
            "w": ("mean w̄ of the iterates", OF_W),
            "sigma": ("columns of a root of the covariance Σ of the oscillation", OF_W),
            "eigenvalue": ("largest eigenvalues of DF", "units of L per w²"),
            "loss": ("loss at the mean, L(w̄)", OF_LOSS),
            "mean_loss": ("predicted mean loss of the iterates", OF_LOSS),
            "active": ("directions at the edge", "1"),
        }
        variables: dict[str, Any] = {
            name: (("time", *dims.get(name, ())), np.stack([one[name] for one in saved]), meaning(*meanings[name]))
            for name in meanings
        }
        variables["event_time"] = ("event", np.array([time for time, _ in events]), meaning("time of the event", TIME))
        about = meaning("directions at the edge from then on", "1")
        variables["event_active"] = ("event", np.array([count for _, count in events], dtype=int), about)
        step = np.arange(len(saved)) * every
        coords: dict[str, Any] = {"time": ("time", step * self.lr, meaning("time t", TIME)), "step": ("time", step)}
        if self.landscape.has_formula:
            coords["coord"] = [str(s) for s in self.landscape.symbols]
        attrs = {"lr": self.lr, "momentum": self.momentum, "edge": self.edge, "closure": closure}
        return xarray.Dataset(
            variables, coords, {"method": str(self.method), "landscape": self.landscape.name, **attrs}
        )


def _saved(oscillation: Bounce | SmoothOscillation, w: torch.Tensor, directions: int) -> dict[str, Any]:
    """Return what is saved of one point."""
    sigma, eigenvalue = np.full((directions, len(w)), np.nan), np.full(directions, np.nan)
    columns = oscillation.sigma.T.cpu().numpy()
    sigma[: len(columns)] = columns
    values = oscillation.eigenvalues(w)
    eigenvalue[: len(values)] = values
    return {
        "w": w.cpu().numpy(),
        "sigma": sigma,
        "eigenvalue": eigenvalue,
        "loss": float(oscillation.field.landscape.value(w)),
        "mean_loss": oscillation.loss(w),
        "active": len(columns),
    }
