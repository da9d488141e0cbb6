"""The basin map of USAM's flow on Beale: samdyn beside SciPy point by point and diffrax.

200 × 200 starts in [0, 4] × [−1, 1.2], ρ = 0.002, t = 2, rtol 1e-6: gradients reach 10⁴ here, and a fixed step fails.
Prints points per second, medians of alternating rounds, and the largest error of end points against a reference at
rtol 1e-12. samdyn is timed through ``integrate``, verdicts and labelled results included; SciPy on every 40th start, in
one process; diffrax in one batch, without its compilation. Run it on a machine that does nothing else:
``.venv/bin/python benchmarks/basin_map.py``.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import sympy
import torch
from scipy.integrate import solve_ivp

import samdyn as sd

RHO, TIME, RTOL, ATOL, SIDE, EVERY, ROUNDS = 0.002, 2.0, 1e-6, 1e-8, 200, 40, 5
FIRST = 1e-6  # diffrax's first step; with its own choice one start in 30 never gets anywhere
FLOW = sd.Flow(sd.landscapes.beale(), sd.USAM(RHO))
FIELD = sympy.lambdify(FLOW.landscape.symbols, FLOW.landscape.gradient, "numpy", cse=True)


def velocity(_: float, w: np.ndarray) -> np.ndarray:
    """Return −∇L(w + ρ∇L(w)), in NumPy."""
    return -np.array(FIELD(*(w + RHO * np.array(FIELD(*w)))))


def one_by_one(starts: np.ndarray, method: str, rtol: float, atol: float) -> np.ndarray:
    """Integrate each start with SciPy."""
    with np.errstate(all="ignore"):  # trial steps overflow, and are rejected
        return np.array([solve_ivp(velocity, (0, TIME), w, method, rtol=rtol, atol=atol).y[:, -1] for w in starts])


def with_samdyn(starts: np.ndarray) -> np.ndarray:
    """Integrate all starts."""
    return sd.integrate(FLOW, starts, TIME, rtol=RTOL, atol=ATOL, device="cpu", progress=False).w.values[:, -1]


def with_diffrax() -> Callable[[np.ndarray], np.ndarray] | None:
    """Return a function that integrates all starts with diffrax, or None if it is not installed."""
    try:
        import diffrax
        import jax
    except ImportError:
        print("diffrax is not installed: .venv/bin/pip install -c constraints.txt -e '.[dev]'")
        return None
    jax.config.update("jax_enable_x64", True)
    field = sympy.lambdify(FLOW.landscape.symbols, FLOW.landscape.gradient, "jax", cse=True)

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


def main() -> None:
    """Alternate the solvers and print the medians."""
    x, y = np.meshgrid(np.linspace(0, 4, SIDE), np.linspace(-1, 1.2, SIDE))
    starts = np.stack([x.ravel(), y.ravel()], axis=1)
    few = starts[::EVERY]
    reference = one_by_one(few, "DOP853", 1e-12, 1e-12)
    works: dict[str, tuple[Callable[[], np.ndarray], int, int]] = {
        "samdyn": (lambda: with_samdyn(starts), len(starts), EVERY),
        "SciPy RK45": (lambda: one_by_one(few, "RK45", RTOL, ATOL), len(few), 1),
    }
    rival = with_diffrax()
    if rival is not None:
        rival(starts)  # compiles
        works["diffrax Dopri5"] = (lambda: rival(starts), len(starts), EVERY)
    with_samdyn(few)
    rates: dict[str, list[float]] = {name: [] for name in works}
    errors: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, (work, points, every) in works.items():
            began = time.perf_counter()
            ends = work()
            rates[name].append(points / (time.perf_counter() - began))
            errors[name] = float(np.abs(ends[::every] - reference).max())
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, float64, {len(starts):,} starts, rtol {RTOL:g}"
    )
    for name in works:
        ratio = statistics.median(a / b for a, b in zip(rates["samdyn"], rates[name], strict=True))
        rate = statistics.median(rates[name])
        print(f"{name:15} {rate:10,.0f} points/s   samdyn is {ratio:7.1f} ×   largest error {errors[name]:.1e}")


if __name__ == "__main__":
    main()
