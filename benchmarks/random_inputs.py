"""Random inputs: nothing but a result or a clear refusal may come of them, and no NaN where a number belongs.

    python benchmarks/random_inputs.py --count 10000 --seed 0

A quarter are formulas: built from the grammar, or damaged; value and gradient are held against SymPy's own arithmetic.
The others are constructors, public functions, and methods of systems and of results, with arguments from a pool of good
and bad ones. A fault is an exception that is no InputError, a NaN that is not documented, or a call that takes longer
than the limit. Faults are printed, each with the code that repeats it. It ends with status 1 if there is one.
"""

import dataclasses
import enum
import inspect
import math
import random
import re
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import matplotlib
import numpy as np
import sympy
import torch
import xarray
from matplotlib import pyplot as plt
from rich.console import Console
from typer import Exit, Option

import samdyn as sd
import samdyn.networks
from samdyn import checks, cli

POINT_RANGE = 3.0
DIGITS = 30  # of SymPy's arithmetic
TINY, HUGE = 1e-100, 1e100  # beyond, floating-point numbers may underflow or overflow on the way
# Where nan says that there is nothing to measure, by the documentation of these.
NAN_IS_DOCUMENTED = {"analysis.orbit_diagram", "analysis.msd", "analysis.cosine"}
NAN_IS_DOCUMENTED |= {"networks.track_curvature", "analysis.exact_msds", "symbolic.edge_at_gradient"}
NAN_IS_DOCUMENTED |= {"theory.compared_chart"}
LONG_BY_DEFAULT = {"resolution", "starts", "runs", "transient"}  # minutes of CPU time for flows and hard landscapes
FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "relu", "sinh", "cosh", "atan", "sign")
NUMBERS = ("0", "1", "2", "-1", "1/3", "0.1", "1e-9", "1e9", "pi", "E", "3.7", "1e-200", "1e200", "10**40")
NAMES = (("x", "y"), ("w1", "w2"), ("x", "X"), ("µ", "ρ"), ("η", "y"), ("x", "y", "z"), ("x",))


class TooLong(Exception):
    """A call took longer than the limit."""


@dataclasses.dataclass
class Outcome:
    """What came of one input: how it is repeated, "result", "refused" or "fault", and what went wrong."""

    code: str
    kind: str
    fault: str = ""


def main(
    count: Annotated[int, Option(help="How many inputs.")] = 10_000,
    seed: Annotated[int, Option(help="Of the inputs.")] = 0,
    limit: Annotated[int, Option(help="Seconds that a call may take.")] = 30,
) -> None:
    """Try random inputs."""
    matplotlib.use("Agg")
    torch.set_num_threads(1)
    count = checks.count("--count", count, "Use e.g. --count 1000")
    console, outcomes = Console(highlight=False, markup=False), Counter[str]()
    faults = []
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        kind = list(TRY)[number % len(TRY)]
        outcome = TRY[kind](chance, limit)
        outcomes[f"{kind}: {outcome.kind}"] += 1
        if outcome.kind == "fault":
            faults.append(outcome)
            console.print(f"{number}: {outcome.code}\n    {outcome.fault}")
    for name, times in sorted(outcomes.items()):
        console.print(f"{name:24} {times}")
    if faults:
        raise Exit(1)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def interrupt(*_: object) -> None:
        raise TooLong(f"takes more than {seconds} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(code: str, call: Callable[[], Any], limit: int, look: Callable[[Any], str] = lambda _: "") -> Outcome:
    """Return what comes of a call; ``look`` says what is wrong with its result."""
    try:
        with at_most(limit), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrong = look(call())
    except checks.InputError:
        return Outcome(code, "refused")
    except (Exception, RecursionError) as error:
        places = traceback.extract_tb(error.__traceback__)
        place = next((p for p in reversed(places) if "samdyn/" in p.filename), places[-1])
        where = f"{place.filename.rpartition('samdyn/')[2]}:{place.lineno}"
        return Outcome(code, "fault", f"{type(error).__name__}: {str(error)[:200]} ({where})")
    finally:
        plt.close("all")
    return Outcome(code, "fault" if wrong else "result", wrong)


# Formulas


def formula(chance: random.Random, names: tuple[str, ...], depth: int = 3) -> str:
    """Return a random formula."""
    if depth == 0 or chance.random() < 0.15:
        return chance.choice([*names, *names, chance.choice(NUMBERS)])
    part = lambda: formula(chance, names, depth - 1)  # noqa: E731 (drawn anew at each call)
    form = chance.randrange(7)
    if form < 2:
        return f"({part()} + {part()})"
    if form == 2:
        return f"({part()} - {part()})"
    if form == 3:
        return f"{part()}*{part()}"
    if form == 4:
        return f"({part()})**{chance.choice(['2', '3', '(1/2)', '(-1)', '1.5', '4'])}"
    if form == 5:
        return f"{chance.choice(['Max', 'Min'])}({part()}, {part()})"
    return f"{chance.choice(FUNCTIONS)}({part()})"


def damaged(chance: random.Random, text: str) -> str:
    """Return a text with a few characters changed."""
    letters = list(text)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(letters) + 1)
        letters[place : place + chance.randrange(2)] = chance.choice("()+*/-.,x[]{}'\"\\ \n_=eλé0:;@#$%^&|~`!")
    return "".join(letters)


def try_formula(chance: random.Random, limit: int) -> Outcome:
    """Make a landscape of a formula, and hold its value and gradient at a point against SymPy's."""
    names = chance.choice(NAMES)
    text = formula(chance, names)
    broken = chance.random() < 0.25
    text = damaged(chance, text) if broken else text
    point = [chance.choice([0.0, 1.0, chance.uniform(-POINT_RANGE, POINT_RANGE)]) for _ in names]
    code = f"sd.Landscape({text!r}, {' '.join(names)!r}) at {point}"

    def call() -> tuple[sd.Landscape, float, np.ndarray]:
        landscape = sd.Landscape(text, " ".join(names))
        return landscape, float(landscape.value(point)), landscape.grad(point).numpy()

    def look(found: tuple[sd.Landscape, float, np.ndarray]) -> str:
        landscape, value, gradient = found
        at = dict(zip(landscape.symbols, map(sympy.Rational, point), strict=True))
        expected = exact(landscape.expr, at)
        if expected is not None and math.isnan(value):
            return f"the value is nan, and {expected:.6g} by SymPy"
        slopes = [exact(sympy.diff(landscape.expr, s), at) for s in landscape.symbols]
        if any(e is not None and math.isnan(g) for e, g in zip(slopes, gradient, strict=True)):
            return f"the gradient is {gradient}, and {slopes} by SymPy"
        return ""

    return attempt(code, call, limit, look)


def exact(expr: sympy.Expr, at: dict[sympy.Symbol, sympy.Rational]) -> float | None:
    """Return an expression's value by SymPy's arithmetic; None where a part of it is no number of a usual size."""
    for part in sympy.preorder_traversal(expr):
        try:
            value = sympy.N(part.xreplace(at), DIGITS)
            real = float(value) if value.is_Float or value.is_Integer or value.is_Rational else math.nan
        except (TypeError, ValueError, OverflowError, AttributeError, ZeroDivisionError):
            return None
        if not math.isfinite(real) or abs(real) > HUGE or 0 < abs(real) < TINY:
            return None
    return float(sympy.N(expr.xreplace(at), DIGITS))


# Constructors, functions and methods

SADDLE, WELL = sd.landscapes.saddle(), sd.landscapes.double_well()
SAMPLES = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1.0, 2.0, -1.0], "y": [0.5, -1.0, 2.0]})
SPACE = sd.Landscape("x**2 - y**2 + z**2", "x y z")
BAD: list[Any] = [
    None,
    "text",
    -1,
    0,
    3,
    2.5,
    math.nan,
    math.inf,
    10**400,
    [],
    [1, 2],
    (),
    {},
    {"rho": [0.1]},
    object(),
]
BAD += [True, 1j, np.array([1.0, math.nan]), np.zeros((0, 2)), torch.zeros(2), sympy.Symbol("x"), sd.SAM, sd, len, b"x"]
BAD += [np.array([1j, 0]), -math.inf, 1e300, 1e-320, [[1, 2], [3]], np.array(0.5), SPACE, SAMPLES, ["text"]]
NUMBERS_OF_ALL_SIZES = (0.1, 0.5, 1.0, 2.0, 0.1, 0.5, 1.0, 2.0, 0, -1.0, 1e-9, 1e9, 1e-300, 1e300, math.inf)


@cache
def results() -> dict[str, list[Any]]:
    """Return results of a few analyses, by the name of their class."""
    a, saddle = sd.analysis, sd.critical_points(SADDLE).points[0]
    usam, flow = sd.Map(WELL, sd.USAM(0.1), lr=0.1), sd.Flow(WELL, sd.SAM(0.2))
    noisy = sd.Map(SADDLE, sd.USAM(0.1), lr=0.1, noise=sd.noise.Gaussian(0.1))
    sde = sd.Diffusion(SADDLE, sd.USAM(0.1), sd.noise.Gaussian(0.1), lr=0.1)
    starts = [(0.3, 0.1), (1.0, 2.0)]
    runs = sd.simulate(usam, starts, 20, save_every=5, progress=False)
    gone = sd.simulate(sd.Map(SADDLE, sd.GD(), lr=3.0), starts, 2000, save_every=400, progress=False)
    exits = a.exit_times(noisy, starts, SADDLE.box, 50)
    escapes = [a.escape(sd.Map(SADDLE, sd.USAM(rho), lr=0.1), saddle, np.eye(2) / 10, 1.0, 50) for rho in (0.1, 2.0)]
    grid = ("rho", np.array([0.1, 0.6])), ("lr", np.array([0.1, 0.6]))
    return {
        "Dataset": [
            runs, gone, sd.integrate(flow, starts, [0.0, 1.0], progress=False),
            sd.simulate(usam, starts, 20, progress=False), a.msd(runs, np.eye(2)),
            sd.simulate(usam, starts, 20, statistics="mean", progress=False),
        ],
        "DataArray": [a.cosine(usam, runs)], "Attractor": a.attractors(usam, starts=20),
        "Basins": [a.basins(usam, resolution=5)], "Branch": [a.branch(usam, (1, 0), "rho", (0.0, 1.0))],
        "BifurcationDiagram": [a.bifurcation_diagram(usam, "rho", (0.0, 1.0), period=1)], "Exits": [exits],
        "Equilibrium": list(a.equilibria(flow).points), "Equilibria": [a.equilibria(flow)], "Escape": escapes,
        "ExactCriticalPoints": [a.exact_critical_points(WELL)], "LinearDiffusion": [a.linear_diffusion(sde)],
        "LinearStep": [a.linear_step(noisy)], "Manifolds": [a.manifolds(sd.Flow(SADDLE, sd.GD()), (0, 0))],
        "OrbitDiagram": [a.orbit_diagram(usam, "rho", [0.1, 0.2], np.eye(2), transient=50, keep=4)],
        "StabilityChart": [a.stability_chart(sd.Map(SADDLE, sd.USAM(0.1), lr=0.1), saddle, *grid)],
        "Survival": [exits.survival()], "CriticalPoints": [sd.critical_points(WELL)],
        "Stability": [sd.stability(flow, (1, 0)), sd.stability(usam, (0, 0))],
    }  # fmt: skip


def pool(chance: random.Random) -> dict[str, Callable[[], Any]]:
    """Return how to make a good argument, by the name of a class or parameter."""
    rho, lr = chance.choice([0, 0.05, 0.5, 2.0, 1e-12]), chance.choice([0.01, 0.1, 0.7])
    method = lambda: chance.choice([sd.GD(), sd.SAM(rho), sd.USAM(rho), sd.ASAM(rho), sd.DNSAM(rho), sd.ExactSAM(rho)])  # noqa: E731
    landscape = lambda: chance.choice([SADDLE, WELL, SADDLE, WELL, SAMPLES, SPACE])  # noqa: E731
    noise = lambda: sd.noise.Gaussian(chance.choice([0, 0.01, 1e-9]), coupling=chance.choice(["shared", "Clean"]))  # noqa: E731
    map_ = lambda: sd.Map(landscape(), method(), lr=lr, momentum=chance.choice([0, 0.5, 0.9]))  # noqa: E731
    noisy = lambda: sd.Map(landscape(), chance.choice([sd.GD(), sd.USAM(rho)]), lr=lr, noise=noise())  # noqa: E731
    flow = lambda: sd.Flow(landscape(), method())  # noqa: E731
    sde = lambda: sd.Diffusion(landscape(), sd.USAM(rho), noise(), lr=lr)  # noqa: E731
    point = lambda: chance.choice(sd.critical_points(chance.choice([SADDLE, WELL])).points)  # noqa: E731
    axes = lambda: plt.subplots()[1]  # noqa: E731
    solid = lambda: plt.subplots(subplot_kw={"projection": "3d"})[1]  # noqa: E731
    number = lambda: chance.choice(NUMBERS_OF_ALL_SIZES)  # noqa: E731
    coupling = lambda: chance.choice(["shared", "independent", "clean"])  # noqa: E731
    good = {name: lambda those=those: chance.choice(those) for name, those in results().items()}
    return good | {
        "Axes3D": solid, "Landscape": landscape, "Method": method, "Map": lambda: chance.choice([map_, noisy])(),
        "Flow": flow, "Diffusion": sde, "Noise": noise, "Scheme": lambda: sd.EulerMaruyama(sde()),
        "CriticalPoint": point, "Axes": axes, "Module": lambda: sd.networks.models.mlp((4, 3, 2)),
        "Tensor": lambda: chance.choice([torch.eye(2, dtype=torch.float64), torch.tensor([1.0, -2.0])]),
        "int": lambda: chance.choice([1, 2, 5, 20]), "float": number,
        "str": lambda: chance.choice(["rho", "lr", "x", "auto"]), "bool": lambda: chance.random() < 0.5,
        "ndarray": lambda: chance.choice([np.array([[0.1, 0.2], [1.0, -0.5]]), np.array([0.5, 2.0])]),
        "box": lambda: ((-1.0, 1.0), (-2.0, 2.0)), "limits": lambda: chance.choice([(0.0, 1.0), (0.2, 2.0)]),
        "values": lambda: chance.choice([[0.1, 0.5], {"rho": 0.1}, {"lr": 0.3}]), "starts": lambda: np.eye(2),
        "w0": lambda: [(0.3, 0.1), (1.0, 2.0)], "point": lambda: chance.choice([(0, 0), (1, 0), point()]),
        "rho": lambda: chance.choice([rho, number()]), "lr": lambda: chance.choice([lr, lr, number()]),
        "momentum": lambda: chance.choice([0, 0.9]), "axes": lambda: {"rho": [0.1, 0.2]},
        "measure": lambda: lambda system: {"rho": system.method.rho}, "tests": lambda: [lambda w: w[0] ** 2],
        "drift": lambda: lambda x: x, "diffusion": lambda: lambda x: np.full_like(x, 0.1), "low": lambda: -1.0,
        "high": lambda: 1.0, "x0": lambda: 0.1, "x": lambda: ("rho", np.array([0.1, 0.6])),
        "y": lambda: ("lr", np.array([0.1, 0.6])), "resolution": lambda: 5, "runs": lambda: 200,
        "steps": lambda: chance.choice([10, 300]), "largest": number, "distribution": lambda: "gaussian",
        "t": lambda: chance.choice([np.array([1.0, 2.0]), 3.0]), "escaped": lambda: np.array([True, False]),
        "covariance": lambda: chance.choice([0.1, np.eye(2), number()]), "hessian": lambda: np.diag([1.0, -2.0]),
        "at": lambda: (0, 0), "batch_size": lambda: chance.choice([1, 2]), "dt": lambda: 0.1, "time": lambda: 0.5,
        "times": lambda: [0.5, 1.0], "period": lambda: 2, "directions": lambda: np.eye(2), "w": lambda: (0.1, 0.2),
        "loss": lambda: "(a*x - b)**2", "coordinates": lambda: "a b", "data": lambda: {"x": [1.0, 2.0]},
        "formula": lambda: "x**2 - y**2", "edges": lambda: {"x": [-1, 0, 1]}, "parameter": lambda: "rho",
        "statistics": lambda: chance.choice([None, "mean", ["msd", "status"]]), "save_every": lambda: 5,
        "device": lambda: "cpu", "backend": lambda: "eager", "dtype": lambda: "float64", "path": lambda: "x.png",
        "eigenvalues": lambda: chance.choice([[2.0, -2.0], [number(), number()]]), "coupling": coupling,
        "map_": lambda: chance.choice([map_, noisy])(), "flow": flow, "sde": sde,
        "order": lambda: chance.choice([1, 2]), "model": lambda: chance.choice(["taylor", "moments"]),
        "weights": lambda: [True, False], "parameters": list, "lam": number, "noise": noise, "dim": lambda: 2,
        "covering": list, "results": lambda: results()["Escape"], "points": lambda: results()["Equilibrium"],
        "radius": number, "width": number, "distance": number, "g": lambda: torch.eye(2, dtype=torch.float64),
        "widths": lambda: (4, 3, 2), "blocks": lambda: (1,), "criterion": lambda: torch.nn.functional.cross_entropy,
        "fixed": lambda: {"x": 0.5}, "inputs": lambda: torch.zeros(3, 4), "targets": lambda: torch.tensor([0, 1, 0]),
        "params": lambda: list(torch.nn.Linear(2, 1).parameters()), "train_inputs": lambda: torch.zeros(3, 4),
        "name": lambda: "text", "label": lambda: "y", "std": number, "draw": lambda: 0, "count": lambda: 2,
        "transient": lambda: 300,
    }  # fmt: skip


def argument(chance: random.Random, parameter: inspect.Parameter, good: dict[str, Callable[[], Any]]) -> Any:
    """Return a value for a parameter: in most cases one that suits it, if the pool has one."""
    if chance.random() < chance.choice([0.0, 0.05, 0.3]):
        return chance.choice(BAD)
    spelled = str(parameter.annotation)
    if parameter.name == "starts" and parameter.annotation is int:
        return 20
    suited = [name for name in good if name[0].isupper() and re.search(rf"\b{name}\b", spelled)]
    if suited and "Sequence" not in spelled:
        return good[chance.choice(suited)]()
    if parameter.name in good:
        return good[parameter.name]()
    suited += [name for name in ("ndarray", "float", "int", "str", "bool") if name in spelled]
    return good[suited[0]]() if suited else chance.choice(BAD)


def called(
    chance: random.Random, function: Callable[..., Any], limit: int, look: Callable[[Any], str], title: str = ""
) -> Outcome:
    """Call a function with random arguments: those it needs, and some of the others."""
    good, given = pool(chance), {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty or name in LONG_BY_DEFAULT or chance.random() < 0.3:
            try:
                given[name] = argument(chance, parameter, good)
            except checks.InputError:
                return Outcome("an argument", "refused")
    title = title or getattr(function, "__name__", type(function).__name__)
    code = f"{title}({', '.join(f'{name}={value!r}'[:160] for name, value in given.items())})"
    return attempt(code, lambda: function(**given), limit, look)


def public(*modules: Any) -> list[tuple[str, Any]]:
    """Return what modules offer, by name."""
    return [(f"{m.__name__.rpartition('.')[2]}.{n}", getattr(m, n)) for m in modules for n in m.__all__]


def constructed(value: Any) -> bool:
    """Whether something is a class that users construct."""
    if not inspect.isclass(value) or inspect.isabstract(value) or issubclass(value, Exception | enum.Enum):
        return False
    return not getattr(value, "_is_protocol", False)


WRITE_OR_READ_FILES = (sd.plot.animate, sd.plot.animate_basins, sd.networks.cifar, sd.networks.mnist1d)
OFFERED = public(sd, sd.noise, sd.statistics, sd.analysis, sd.symbolic, sd.theory, sd.plot, sd.networks)
CONSTRUCTORS = [one for one in public(sd, sd.noise) if constructed(one[1]) and one[1] is not sd.noise.Draws]
CONSTRUCTORS += [("networks.Network", sd.networks.Network), ("networks.Optimizer", sd.networks.Optimizer)]
CALLS = [(n, v) for n, v in OFFERED if inspect.isfunction(v)]
CALLS += [(f"models.{n}", getattr(sd.networks.models, n)) for n in ("mlp", "deep_linear", "one_neuron", "small_cnn")]
CALLS = [(n, v) for n, v in CALLS if v not in WRITE_OR_READ_FILES]


def try_constructor(chance: random.Random, limit: int) -> Outcome:
    """Construct something."""
    title, made = chance.choice(CONSTRUCTORS)
    return called(chance, made, limit, lambda _: "", title)


def try_function(chance: random.Random, limit: int) -> Outcome:
    """Call a public function."""
    title, function = chance.choice(CALLS)
    documented = title in NAN_IS_DOCUMENTED
    return called(chance, function, limit, lambda found: "" if documented else nan_in(found), title)


def try_method(chance: random.Random, limit: int) -> Outcome:
    """Call a method of a result, of a landscape or of a system, or look up a property."""
    good = pool(chance)
    kind = chance.choice([*results(), "Landscape", "Map", "Flow", "Diffusion"])
    try:
        one = good[kind]()
    except checks.InputError:
        return Outcome("an argument", "refused")
    if kind in ("Map", "Flow", "Diffusion", "Landscape"):  # others of their methods are for batches of tensors
        names = ["restrict", "value", "grad", "hessian", "formula", "attributes", "jacobian", "is_quadratic"]
        names = [n for n in names if hasattr(type(one), n)]
    else:
        names = [n for n in dir(type(one)) if not n.startswith("_") and n not in ("count", "index")]  # of sequences
    if not names or isinstance(one, xarray.Dataset | xarray.DataArray):
        return try_function(chance, limit)
    name = chance.choice(names)
    title = f"{one!r}.{name}"[:300]
    look: Callable[[Any], str] = lambda found: "" if f"{kind}.{name}" in NAN_IS_DOCUMENTED else nan_in(found)  # noqa: E731
    if inspect.isfunction(getattr(type(one), name)):
        return called(chance, getattr(one, name), limit, look, title)
    return attempt(title, lambda: getattr(one, name), limit, look)


def nan_in(found: Any, where: str = "result") -> str:
    """Say where a result holds NaN; nothing where it does not."""
    if isinstance(found, xarray.Dataset) and "largest" in found:
        return ""  # statistics: NaN is documented for what too few runs cannot tell
    if isinstance(found, xarray.Dataset):
        # Diverged runs hold their last finite point; their loss may be beyond the floating-point range.
        return next(filter(None, (nan_in(found[name].values, name) for name in found.data_vars)), "")
    if isinstance(found, float | np.ndarray | torch.Tensor):
        array = np.asarray(found)
        return f"nan in {where}" if array.dtype.kind == "f" and np.isnan(array).any() else ""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        fields = ((getattr(found, f.name, None), f"{where}.{f.name}") for f in dataclasses.fields(found))
        return next(filter(None, (nan_in(value, name) for value, name in fields)), "")
    if isinstance(found, list | tuple):
        return next(filter(None, (nan_in(one, f"{where}[{i}]") for i, one in enumerate(found))), "")
    return ""


TRY = {"formula": try_formula, "constructor": try_constructor, "function": try_function, "method": try_method}

if __name__ == "__main__":
    cli.run(main)
