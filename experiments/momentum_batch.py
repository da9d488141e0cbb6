"""What do momentum and the batch size do to how SGD and SAM leave a saddle?

Runs start at rest at a quadratic saddle with gradient noise |H|/B. The script measures mean squared displacements (MSD)
and escape times. Momentum γ also multiplies the step by 1/(1−γ), so that every comparison is at equal η and at equal
η/(1−γ). ``theorem_3.py`` asks where Theorem 3 of [K23] holds.
"""

from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, checks, lab, plot, statistics

FEWEST = 8  # fewest steps of a displacement
OBSERVED = 10  # length of the simulations of escapes, in units of --time
LARGEST = 0.98  # largest γ
HOW = [*analysis.COMPARISONS]  # equal η; equal η/(1−γ) and t; equal η/(1−γ) and k
KEYS = {"": "{algorithm}", "ρ": "{rho:g}", "γ": "{momentum:g}", "η": "{eta:.3g}"}


def main(
    report: lab.Report,
    eigenvalue: Annotated[lab.Eigenvalue, "Eigenvalue λ < 0 of the way out; −λ of the other."] = -1.0,
    rho: lab.PositiveRadii = (0.1, 0.3),
    momentum: Annotated[lab.Momenta, lab.each(lambda v: v <= LARGEST, f"must lie in [0, {LARGEST}]")] = (0.5, 0.9),
    batch_sizes: Annotated[lab.BatchSizes, lab.several(2, "a slope needs two or more")] = (4, 16, 64),
    lr: Annotated[lab.LearningRate, "Learning rate η at γ = 0."] = 0.01,
    time: Annotated[lab.Time | None, "Time t = kη at γ = 0 of displacements. Default: 1/|λ|."] = None,
    half_width: Annotated[lab.Positive, "Distance along the escape direction at which a run has left."] = 1.0,
    coupling: lab.Coupling = "shared",
    runs: lab.Runs = 1000,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
) -> None:
    time = 1 / abs(eigenvalue) if time is None else time
    steps = round(time / lr)
    if steps < FEWEST:
        fix = f"Use at least {FEWEST * lr:g}, or a smaller --lr"
        checks.reject("--time", time, f"is {steps} steps of η = {lr:g}", fix)
    usual: dict[Any, Any] = {"lam": eigenvalue, "lr": lr, "coupling": coupling, "batch_size": batch_sizes}
    usual |= {"runs": runs, "seed": seed, "device": device}
    methods = [("SGD", 0.0), *(("USAM", r) for r in rho), *(("SAM", r) for r in rho)]
    pairs = [(0.0, HOW[0]), *((gamma, how) for gamma in momentum if gamma for how in HOW)]

    axes: dict[Any, Any] = {("algorithm", "rho"): methods[: 1 + len(rho)], ("momentum", "comparison"): pairs}
    spread = sd.sweep(displacement, {**axes, **usual, "steps": steps})
    slope, slope_error = statistics.exponent(spread.msd, "batch_size", spread.msd_error)
    gain = spread.exact / spread.exact.isel(momentum_comparison=0)
    spread = spread.assign(slope=slope, slope_error=slope_error, gain=gain)
    columns: dict[str, Any] = {**KEYS, "k": "{k:.0f}", "exact": "{exact:.3g}", "×γ=0": "{gain:.3g}"}
    columns |= {"simulated": "{msd:.3g} ± {msd_error:.1g}", "slope in B": lab.plus_minus("slope", ".2f")}
    title = f"MSD after k steps, B = {batch_sizes[0]}, noise |H|/B {coupling}"
    first = spread.isel(batch_size=0)
    report.print(lab.table(first, columns, first.exact.dims, title=title, keys=4, left=4))
    report.data(spread, "displacements")

    axes = {("algorithm", "rho"): methods, ("momentum", "comparison"): [pair for pair in pairs if pair[1] != HOW[1]]}
    escapes = sd.sweep(escape, {**axes, **usual, "steps": OBSERVED * steps, "half_width": half_width})
    median = lab.censored("k", ".0f", "steps")
    columns = KEYS | lab.across(escapes.batch_size, "B = {:g}", lambda row: f"{median(row)}, {100 * row.left:.3g} %")
    title = f"\nmedian steps to leave, and the share that left within {OBSERVED * steps}; the others are censored"
    shown = escapes.assign(eta=escapes.eta[..., 0])
    report.print(lab.table(shown, columns, escapes.k.dims[:2], title=title, keys=4, left=4))
    report.data(escapes, "escapes")
    report.figure(draw(escapes), "escape_times")


def system(
    lam: float, algorithm: str, rho: float, batch_size: int, coupling: str, comparison: str, steps: int, **how: Any
) -> tuple[sd.Map, int]:
    """Return a map with momentum, and its number of steps, as they are compared with those without."""
    method = sd.SAM(rho) if algorithm == "SAM" else sd.USAM(rho)
    noise = sd.noise.Fisher((0.0, 0.0), batch_size, coupling=coupling)
    map_ = sd.Map(sd.landscapes.quadratic((-lam, lam)), method, noise=noise, **how)
    map_, unrounded = analysis.comparable(map_, steps, comparison)
    return map_, round(unrounded)


def displacement(runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Return the MSD at the end, simulated and exact. Every B has its own noise, or runs would be multiples."""
    (map_, steps), seed = system(**setting), (seed + setting["batch_size"]) % 2**32
    results = sd.simulate(map_, np.zeros((runs, 2)), steps, statistics=[sd.MSD()], seed=seed, device=device)
    last, exact = results.isel(step=-1, coord=1), analysis.exact_msd(map_, (0, 0), (0, 1), [steps * map_.lr])[0]
    return {"msd": float(last.msd), "msd_error": float(last.msd_error), "exact": exact, "k": steps, "eta": map_.lr}


def escape(half_width: float, runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Return the median number of steps to leave along the escape direction, and the share that left in %."""
    (map_, _), seed = system(**setting), (seed + setting["batch_size"]) % 2**32
    how: dict[str, Any] = {"runs": runs, "seed": seed, "device": device}
    exits = analysis.exits_along(map_, (0.0, 0.0), 1, half_width, setting["steps"], **how)
    k, low, high = (t / map_.lr for t in exits.survival().median())
    return {**lab.estimate("k", k, low, high), "left": float(exits.exited.mean()), "eta": map_.lr}


def draw(escapes: xr.Dataset) -> Figure:
    """Draw the median escape time against γ, a column per batch size, a row per comparison."""
    methods = zip(escapes.algorithm.values, escapes.rho.values / escapes.rho.values.max(), strict=True)
    styles = [plot.line("GD" if name == "SGD" else name) | {"alpha": 1 - 0.4 * rho} for name, rho in methods]
    # No lower end of an interval lies beyond the end of the observation.
    escapes = escapes.assign(k_low=escapes.k_low.clip(max=float(escapes.steps)))
    escapes = escapes.swap_dims(momentum_comparison="momentum")
    chosen = {how: ((escapes.comparison == how) | (escapes.momentum == 0)).values for how in (HOW[0], HOW[2])}
    parts = [escapes.isel(momentum=at).drop_vars("comparison") for at in chosen.values()]
    compared = xr.concat(parts, xr.Variable("compared", [*chosen]))
    figure, panels = plot.panels(compared, row="compared", column="batch_size", title="B = {batch_size}, {compared}")
    for ax, one in panels:
        look: dict[str, Any] = {"x": "momentum", "hue": "algorithm_rho", "styles": styles}
        plot.intervals(one, "k", ax, label="{algorithm}, ρ = {rho:g}", **look)
        plot.lower_bounds(one, "k", ax, **look)
        ax.set_yscale("log")
    heading = "Steps to leave the saddle (arrows: most runs had not left by the last step)"
    return plot.frame(figure, heading, xlabel=r"momentum $\gamma$", ylabel="median steps $k$ to leave")


if __name__ == "__main__":
    lab.run(main)
