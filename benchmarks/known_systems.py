"""Results of samdyn on systems whose answers are known: a table of system, quantity, known value, result and error.

Run ``python benchmarks/known_systems.py``, for less than a minute of a processor. ``docs/beside.md`` has the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import samdyn as sd
from samdyn.analysis import bifurcation_diagram, branch, cycle

MULLER_BROWN = " + ".join(
    f"({a})*exp({b}*(x - ({x}))**2 + ({c})*(x - ({x}))*(y - ({y})) + ({d})*(y - ({y}))**2)"
    for a, b, c, d, x, y in (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    )
)
CAMEL = "(4 - 2.1*x**2 + x**4/3)*x**2 + x*y + (4*y**2 - 4)*y**2"
# The published coordinates and values, to the digits in which they are published.
MULLER_BROWN_POINTS = {
    "minimum": [
        (-0.558224, 1.441726, -146.699517),
        (0.623499, 0.028038, -108.166724),
        (-0.050011, 0.466694, -80.767818),
    ],
    "saddle": [(-0.822002, 0.624313, -40.664844), (0.212487, 0.292988, -72.248940)],
}
CAMEL_MINIMA = [(0.08984201, -0.71265640, -1.03162845), (1.70360671, -0.79608357, -0.21546382)]
CAMEL_MINIMA += [(1.60710475, 0.56865145, 2.10425031)]
FLIPS = (2.0, 6**0.5, 2.5440904, 2.5644073)  # of the logistic map, less 1
ACCUMULATION = 2.5699457


@dataclass(frozen=True)
class Row:
    """One line of the table: a known number and ours."""

    system: str
    quantity: str
    known: float
    found: float

    @property
    def error(self) -> float:
        """The absolute error."""
        return abs(self.found - self.known)


@dataclass(frozen=True)
class Field(sd.Method):
    """A method that ignores the loss: the flow is a vector field of one's own. Fields are −ẇ."""

    mu: float = 0.0


class Hopf(Field):
    """r′ = r(μ − r²), θ′ = 1."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        growth = self.mu - x * x - y * y
        return torch.stack([y - x * growth, -x - y * growth])


class VanDerPol(Field):
    """x″ = μ(1 − x²)x′ − x."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return torch.stack([-y, x - self.mu * (1 - x * x) * y])


class Lorenz(Field):
    """σ = 10, b = 8/3, r = μ."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return torch.stack([10 * (x - y), y - x * (self.mu - z), 8 / 3 * z - x * y])


class Rossler(Field):
    """a = b = 0.2, c = μ."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y, z = w
        return torch.stack([y + z, -x - 0.2 * y, -0.2 - z * (x - self.mu)])


class Rotation(Field):
    """The gradient, and a rotation of frequency μ about the origin."""

    def __call__(self, w: Any, grad: Any) -> Any:
        x, y = w
        return grad(w) + self.mu * torch.stack([y, -x])


def flat(coordinates: str, *box: tuple[float, float]) -> sd.Landscape:
    """Return a loss that is 0 everywhere."""
    return sd.Landscape(" + ".join(f"0*{c}" for c in coordinates.split()), coordinates, box=list(box))


def landscapes() -> Iterator[Row]:
    """Yield the critical points of two potentials."""
    found = sd.critical_points(sd.Landscape(MULLER_BROWN, "x y", box=[(-1.5, 1.2), (-0.2, 2.0)]))
    for kind, points in MULLER_BROWN_POINTS.items():
        yield Row("Müller–Brown", f"number of points: {kind}", len(points), sum(p.kind == kind for p in found))
        for x, y, loss in points:
            near = min((p for p in found if p.kind == kind), key=lambda p: float(np.hypot(*(p.w - (x, y)))))
            name = f"{kind} at ({x}, {y})"
            yield Row("Müller–Brown", f"{name}: distance", 0.0, float(np.abs(near.w - (x, y)).max()))
            yield Row("Müller–Brown", f"{name}: energy", loss, near.loss)
    found = sd.critical_points(sd.Landscape(CAMEL, "x y", box=[(-3, 3), (-2, 2)]))
    kinds = [p.kind for p in found]
    for kind, count in {"minimum": 6, "saddle": 7, "maximum": 2}.items():
        yield Row("six-hump camel", f"number of points: {kind}", count, kinds.count(kind))
    yield Row("six-hump camel", "unproved parts", 0, len(found.unproved))
    for x, y, loss in CAMEL_MINIMA:
        near = min(found, key=lambda p: float(np.hypot(*(p.w - (x, y)))))
        yield Row("six-hump camel", f"minimum at ({x}, {y}): distance", 0.0, float(np.abs(near.w - (x, y)).max()))
        yield Row("six-hump camel", f"minimum at ({x}, {y}): value", loss, near.loss)


def normal_forms() -> Iterator[Row]:
    """Yield the parameters of bifurcations, each shifted to 0.3."""
    cases = {
        "fold": ("x**3/3 - (a - 0.3)*x", "fold"),
        "transcritical": ("x**3/3 - (a - 0.3)*x**2/2", "branch point"),
        "pitchfork": ("x**4/4 - (a - 0.3)*x**2/2", "branch point"),
    }
    for name, (formula, kind) in cases.items():
        loss = sd.Landscape(formula, "x", parameters={"a": 0.7}, box=[(-2, 2)])
        diagram = bifurcation_diagram(sd.Flow(loss, sd.GD()), "a", (0.0, 1.0))
        yield Row("normal form", name, 0.3, located(diagram.bifurcations, kind))
    plane = flat("x y", (-2, 2), (-2, 2))
    yield Row(
        "normal form",
        "Hopf",
        0.0,
        located(branch(sd.Flow(plane, Hopf(-0.5)), (0, 0), "mu", (-0.7, 0.6)).bifurcations, "Hopf"),
    )
    turning = branch(sd.Map(plane, Hopf(-0.5), lr=0.1), (0, 0), "mu", (-0.7, 0.6)).bifurcations
    yield Row("normal form", "Neimark–Sacker", ((1 - 0.01) ** 0.5 - 1) / 0.1, located(turning, "Neimark–Sacker"))
    bowl = sd.Map(sd.Landscape("1.6*x**2 + x**4/4", "x"), sd.GD(), lr=0.1)
    yield Row("normal form", "flip", 2 / 3.2, located(branch(bowl, (0,), "lr", (0.1, 0.9)).bifurcations, "flip"))


def located(bifurcations: Any, kind: str) -> float:
    """Return the parameter of the bifurcations of a kind, of which two branches have one each; NaN if they differ."""
    at = [b.parameter for b in bifurcations if b.kind == kind]
    return float(at[0]) if at and np.ptp(at) < 1e-9 else float("nan")


def cycles() -> Iterator[Row]:
    """Yield the cycles of two flows."""
    hump = sd.Landscape("(x**2 + y**2)**2/4 - a*(x**2 + y**2)/2", "x y", parameters={"a": 0.5}, box=[(-2, 2)] * 2)
    (ring,) = sd.attractors(sd.Flow(hump, Rotation(3.0)), starts=16, progress=False)
    yield Row("gradient with rotation", "period of the cycle, 2π/3", 2 * np.pi / 3, ring.period)
    radius = float(np.hypot(*ring.w.T).mean())
    yield Row("gradient with rotation", "radius, √½", 0.5**0.5, radius)
    yield Row(
        "gradient with rotation", "multiplier, exp(−2π/3)", np.exp(-2 * np.pi / 3), float(abs(ring.multipliers[1]))
    )
    points = branch(sd.Flow(hump, Rotation(3.0)), (0, 0), "a", (-0.3, 0.6)).bifurcations
    yield Row("gradient with rotation", "Hopf point", 0.0, located(points, "Hopf"))
    oscillator = cycle(sd.Flow(flat("x y", (-2, 2), (-2, 2)), VanDerPol(1.0)), (0.1, 0))
    yield Row("Van der Pol, μ = 1", "period", 6.6632868593, oscillator.period)


def logistic() -> Iterator[Row]:
    """Yield the period doublings of GD on x³/3 − x²/2, which is the logistic map of r = 1 + η, and its chaos."""
    map_ = sd.Map(sd.Landscape("x**3/3 - x**2/2", "x", box=[(-0.5, 1.6)]), sd.GD(), lr=2.2)
    diagram = bifurcation_diagram(map_, "lr", (1.5, 2.567), period=8)
    flips = [b.parameter for b in diagram.bifurcations if b.kind == "flip" and b.parameter > 1.9]
    for number, known in enumerate(FLIPS):
        found = flips[number] if number < len(flips) else float("nan")
        yield Row("logistic map", f"η of the doubling to period {2 ** (number + 1)}", known, found)
    a, b, c = flips[1:4] if len(flips) >= 4 else (np.nan,) * 3
    yield Row("logistic map", "η of the accumulation, by Aitken", ACCUMULATION, c - (c - b) ** 2 / (c - 2 * b + a))
    exponent = sd.lyapunov(sd.Map(map_.landscape, sd.GD(), lr=3.0), (0.4,), steps=40_000, progress=False)
    yield Row("logistic map", "exponent at η = 3, ln 2", float(np.log(2)), float(exponent.per_step[0, 0]))


def chaos() -> Iterator[Row]:
    """Yield the Lyapunov exponents of two strange attractors."""
    for name, method, box, known in (
        ("Lorenz", Lorenz(28.0), [(-20, 20), (-25, 25), (0, 50)], (0.9056, 0.0, -14.572)),
        ("Rössler", Rossler(5.7), [(-10, 10), (-10, 10), (0, 20)], (0.0714, 0.0, -5.394)),
    ):
        (found,) = sd.attractors(sd.Flow(flat("x y z", *box), method), starts=8, progress=False)
        for number, value in enumerate(known, 1):
            exponent = found.exponents[number - 1]
            half = (exponent.high - exponent.low) / 2
            yield Row(name, f"exponent {number} (± {half:.2g})", value, exponent.value)


def rows() -> Iterator[Row]:
    """Yield all rows."""
    for part in (landscapes, normal_forms, cycles, logistic, chaos):
        yield from part()


def main() -> None:
    """Print the table, as Markdown."""
    print("| system | quantity | known | found | error |\n|---|---|---|---|---|")
    for row in rows():
        print(f"| {row.system} | {row.quantity} | {row.known:.9g} | {row.found:.9g} | {row.error:.1g} |", flush=True)


if __name__ == "__main__":
    main()
