"""The basin map of USAM's flow on Beale: a grid of starts, integrated to a tolerance.

200 × 200 starts in [0, 4] × [−1, 1.2], ρ = 0.002, t = 2, rtol 1e-6: gradients reach 10⁴ here, and a fixed step fails.
SciPy takes every 40th start, one after the other.
"""

from collections.abc import Callable, Iterator

import numpy as np
import sympy
from harness import Case, Check, Contender, Effort, Missing, gather
from scipy.integrate import solve_ivp

import samdyn as sd

RHO, TIME, RTOL, ATOL = 0.002, 2.0, 1e-6, 1e-8
FIRST = 1e-6  # diffrax's first step; with its own choice one start in 30 never gets anywhere
# What is allowed: errors of steps add up along the way, and the flow, which starts at rates of 10⁴, draws most of them
# in again. 100 rtol of coordinates of size 1 to 4 is what one digit lost in each of two stages would be.
LARGEST = 100 * RTOL

Solve = Callable[[np.ndarray], np.ndarray]  # starts (N, 2) to ends (N, 2)


def cases(effort: Effort) -> Iterator[Case]:
    """Yield the one map."""
    side, every = (20, 40) if effort.quick else (200, 40)
    x, y = np.meshgrid(np.linspace(0, 4, side), np.linspace(-1, 1.2, side))
    starts = np.stack([x.ravel(), y.ravel()], axis=1)
    few = starts[::every]
    reference = one_by_one(few, "DOP853", 1e-12, 1e-12)
    solvers, missing = gather({"samdyn": lambda: with_samdyn, "SciPy": lambda: with_scipy, "diffrax": with_diffrax})
    taken = {name: few if name == "SciPy" else starts for name in solvers}
    checks = [
        Check(name, "largest error of an end point", float(np.abs(solve(few) - reference).max()), LARGEST)
        for name, solve in solvers.items()
    ]
    contenders = [
        Contender(name, lambda _, name=name: solvers[name](taken[name]), len(taken[name]), amount=1) for name in solvers
    ]
    setting = {"workload": "basin_map", "N": len(starts), "dtype": "float64", "d": 2, "rtol": RTOL}
    yield Case(setting, "points", contenders, checks, missing)


def flow() -> sd.Flow:
    """Return the flow."""
    return sd.Flow(sd.landscapes.beale(), sd.USAM(RHO))


def with_samdyn(starts: np.ndarray) -> np.ndarray:
    """Integrate all starts. Verdicts and labelled results included."""
    return sd.integrate(flow(), starts, TIME, rtol=RTOL, atol=ATOL, device="cpu", progress=False).w.values[:, -1]


def with_scipy(starts: np.ndarray) -> np.ndarray:
    """Integrate one start after the other, by the same method."""
    return one_by_one(starts, "RK45", RTOL, ATOL)


def one_by_one(starts: np.ndarray, method: str, rtol: float, atol: float) -> np.ndarray:
    """Integrate each start with SciPy."""
    landscape = flow().landscape
    field = sympy.lambdify(landscape.symbols, landscape.gradient, "numpy", cse=True)

    def velocity(_: float, w: np.ndarray) -> np.ndarray:
        return -np.array(field(*(w + RHO * np.array(field(*w)))))

    with np.errstate(all="ignore"):  # trial steps overflow, and are rejected
        return np.array([solve_ivp(velocity, (0, TIME), w, method, rtol=rtol, atol=atol).y[:, -1] for w in starts])


def with_diffrax() -> Solve:
    """Return a function that integrates all starts with diffrax, in one batch."""
    try:
        import diffrax
        import jax
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from error
    jax.config.update("jax_enable_x64", True)
    landscape = flow().landscape
    field = sympy.lambdify(landscape.symbols, landscape.gradient, "jax", cse=True)

    def slope(_t, w, _arguments):  # type: ignore[no-untyped-def]
        return -jax.numpy.stack(field(*(w + RHO * jax.numpy.stack(field(*w)))))

    def one(w):  # type: ignore[no-untyped-def]
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(slope), diffrax.Dopri5(), 0.0, TIME, FIRST, w,
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL), max_steps=4096,
        )  # fmt: skip
        return solution.ys[-1]

    batched = jax.jit(jax.vmap(one))
    return lambda starts: np.asarray(batched(starts))
