"""What do momentum and the batch size do to how SGD and SAM leave a saddle, and how far is Theorem 3 of [K23] right?

Runs start at rest at a quadratic saddle with gradient noise |H|/B. The script measures mean squared displacements
(MSD), escape times, the momentum that makes up for a radius, and the settings in which the theorem holds. Momentum γ
also multiplies the step by 1/(1−γ), so that every comparison is at equal η and at equal η/(1−γ).
"""

from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, checks, lab, plot, statistics, theory

FEWEST = 8  # fewest steps of a displacement
OBSERVED = 10  # length of the simulations of escapes, in units of --time
WIDE = 1e6  # distance of the box's walls in the stable direction, in half-widths
CELLS = 21  # values along each axis of the map of validity
LARGEST = 0.98  # largest γ
RADIUS = 2.0  # largest ρ, in units of 1/|λ|
COUPLINGS = ["shared", "independent", "clean"]
THEOREM = "Theorem 3"
EQUAL_LR, EQUAL_T, EQUAL_K = analysis.COMPARISONS
LEGEND = """\
k: steps. ratio: MSD of Theorem 3 over the exact one. ×γ=0: exact MSD over that at γ = 0. slope: of simulated log MSD \
against log B; the exact one is -1.
"""
NEEDED = """\
γ at which USAM's exact MSD is that of SGD at γ = 0; for Theorem 3 both are its own. ∞: up to γ = 0.98 USAM's is \
smaller. -∞: at γ = 0 it is larger. rises to: up to this ρ, γ does not fall.
"""


def main(
    eigenvalue: Annotated[
        float, "Eigenvalue λ < 0 of the way out, −λ of the other.", lab.where(lambda v: v < 0, "must be a finite number < 0")
    ] = -1.0,
    rho: Annotated[lab.Radii, "Radii ρ > 0, beside SGD.", lab.each(lambda v: v > 0, "must be finite numbers > 0")] = (0.1, 0.3),
    momentum: Annotated[lab.Momenta, lab.each(lambda v: v <= LARGEST, f"must lie in [0, {LARGEST}]")] = (0.5, 0.9),
    batch_sizes: Annotated[lab.BatchSizes, lab.several(2, "a slope needs two or more")] = (4, 16, 64),
    lr: Annotated[lab.LearningRate, "Learning rate η at γ = 0."] = 0.01,
    time: Annotated[lab.Time | None, "Time t = kη at γ = 0 of displacements. Default: 1/|λ|."] = None,
    half_width: Annotated[lab.Positive, "Distance along the escape direction at which a run has left."] = 1.0,
    coupling: Annotated[str, "How gradients share noise: shared, independent, clean.", lab.choice("coupling", COUPLINGS)] = "shared",
    runs: lab.Runs = 1000,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """What do momentum and the batch size do to how SGD and SAM leave a saddle?"""
    steps = round((1 / abs(eigenvalue) if time is None else time) / lr)
    if steps < FEWEST:
        fix = f"Use at least {FEWEST * lr:g}, or a smaller --lr"
        checks.reject("--time", time, f"is {steps} steps of η = {lr:g}", fix)
    usual: dict[Any, Any] = {"lam": eigenvalue, "lr": lr, "coupling": coupling, "steps": steps}
    noisy = {"batch_size": batch_sizes, "runs": runs, "seed": seed, "device": device}
    pairs = [(0.0, EQUAL_LR), *((g, how) for g in momentum if g for how in analysis.COMPARISONS)]
    keys = {"ρ": "{rho:g}", "γ": "{momentum:g}", "compared at": "{comparison}"}

    spread = sd.sweep(displacement, {"rho": [0.0, *rho], ("momentum", "comparison"): pairs, **noisy, **usual})
    slope, slope_error = statistics.exponent(spread.msd, "batch_size", spread.msd_error)
    spread = spread.assign(theorem=theorem(spread), slope=slope, slope_error=slope_error)
    spread = spread.assign(ratio=spread.theorem / spread.exact, gain=spread.exact / spread.exact[:, 0])
    columns = {**keys, "k": "{k:.0f}", "exact": "{exact:.3g}", "simulated": "{msd:.3g} ± {msd_error:.1g}"}
    columns |= {"ratio": "{ratio:.3g}", "×γ=0": "{gain:.3g}", "slope in B": lab.plus_minus("slope", ".2f")}
    title = f"mean squared displacement (MSD), B = {batch_sizes[0]}, noise |H|/B {coupling}, {runs} runs"
    first = spread.isel(batch_size=0)
    report.print(lab.table(first, columns, first.exact.dims, title=title, keys=3, left=3), LEGEND)
    report.data(spread, "displacements")

    methods = [("SGD", 0.0), *(("USAM", r) for r in rho), *(("SAM", r) for r in rho)]
    axes = {("algorithm", "rho"): methods, ("momentum", "comparison"): [p for p in pairs if p[1] != EQUAL_T]}
    escapes = sd.sweep(escape, {**axes, **noisy, **usual, "half_width": half_width})
    columns = {"": "{algorithm}", **keys}
    columns |= lab.across(escapes.batch_size, "B = {:g}", lab.interval("k", ".0f") + ", {left:.1f} %")
    title = f"\\nmedian steps to leave; the share that left within {OBSERVED * steps}, the rest is censored"
    report.print(lab.table(escapes, columns, escapes.k.dims[:2], title=title, keys=4, left=4))
    report.data(escapes, "escapes")

    radii = np.linspace(0, RADIUS / abs(eigenvalue), CELLS)
    apart = [r for r in radii[1:] if not np.isclose(r, rho).any()]
    axes = {"form": [*COUPLINGS, THEOREM], "comparison": [*analysis.COMPARISONS], "rho": sorted([*rho, *apart])}
    needed = sd.sweep(momentum_needed, {**axes, "lam": eigenvalue, "lr": lr, "steps": steps})
    falls = needed.gamma.diff("rho") < 0
    rises = needed.rho.where((falls.cumsum("rho") > 0) ...)
