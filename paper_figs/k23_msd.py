"""How far noise carries SGD and SAM from a saddle: the mean squared displacement over time, γ and B.

Runs start at rest at a saddle with λ = −1, with gradient noise of variance |λ|/B that both gradients of a step share;
η = 0.01, ρ = 0.5. Points: 50,000 simulated runs with 95 % bars, most smaller than the points. Lines: exact values, from
the recursion of the covariance; normalised SAM has none. Thick lines: Theorem 2 of the paper, 3 with momentum.

Source: [K23], the MSD of SGD and SAM, Theorems 2 and 3.

Differs: USAM spreads less than SGD, and momentum (at equal η) and small batches raise the MSD, as the paper says. Its
formulas have other values. The MSD of Theorem 2 is that of no method: its drift λ(1+ρλ)² is exact SAM's, its noise is
SGD's, and at t = 1 it is three times USAM's. Theorem 3 builds on it, and is too large at every γ shown. Normalised SAM
first spreads further than SGD: its ascent adds steps of size ηρ|λ| for any batch, so its MSD is not ∝ 1/B.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, theory
from samdyn.output.terminal import Console

LAM, RHO, LR, STEPS, EVERY, RUNS = -1.0, 0.5, 0.01, 100, 10, 50_000
MOMENTA, SIZES, SIZE = [0.0, 0.5, 0.9], [4, 16, 64, 256], 16
METHODS = {"SGD": sd.GD(), "USAM": sd.USAM(RHO), "SAM": sd.SAM(RHO)}
STYLES = {name: plot.line("GD" if name == "SGD" else name) for name in METHODS}
THICK: dict[str, Any] = {"color": "#777777", "lw": 5, "alpha": 0.4, "zorder": 0}


def draw() -> Figure:
    """Return the figure."""
    data = sd.sweep(msds, {"iterates": [*METHODS], "batch_size": SIZES, "momentum": MOMENTA})
    at = {"lam": LAM, "lr": LR, "batch_size": data.batch_size, "t": data.time, "rho": RHO}
    theorem_2 = theory.labelled(theory.theorem_2_msd, **at)
    theorem_3 = theory.labelled(theory.theorem_3_msd, **at, momentum=data.momentum[1:])
    end = data.sel(batch_size=SIZE).isel(time=-1)
    columns: dict[str, lab.Column] = {"": "{iterates}", "γ": "{momentum:g}", "exact": "{exact:.3g}"}
    columns["simulated"] = "{msd:.4g} ± {msd_error:.1g}"
    Console().print(lab.table(end, columns, ("iterates", "momentum"), title=f"MSD at t = 1, B = {SIZE}"))
    last = {"batch_size": SIZE, "time": data.time[-1]}
    print(f"Theorem 2: {theorem_2.sel(last):.3g}; Theorem 3: {theorem_3.sel(last).values.round(5)}")

    figure, (first, second, third) = plt.subplots(1, 3, figsize=(13, 4.2))
    plain = data.sel(momentum=0)
    plot.sampled(plain.sel(batch_size=SIZE), "msd", first, exact="exact", x="time", hue="iterates", styles=STYLES)
    first.plot(data.time, theorem_2.sel(batch_size=SIZE), **THICK, label="Theorem 2")
    first.set(title=f"Without momentum, $B = {SIZE}$: USAM spreads least", xlabel=r"time $t = k\eta$", ylim=(0, None))
    of_usam = data.sel(iterates="USAM", batch_size=SIZE).assign_coords(momentum=[f"USAM, γ = {g:g}" for g in MOMENTA])
    looks = dict(zip(of_usam.momentum.values.tolist(), plot.CYCLE[1:], strict=False))
    plot.sampled(of_usam, "msd", second, exact="exact", x="time", hue="momentum", styles=looks)
    for gamma, look in zip(MOMENTA[1:], plot.CYCLE[2:], strict=False):
        line = theorem_3.sel(batch_size=SIZE, momentum=gamma)
        second.plot(data.time, line, **{**THICK, "color": look["color"]}, label=f"Theorem 3, γ = {gamma:g}")
    second.set(title=f"With momentum, $B = {SIZE}$: Theorem 3 is too large", xlabel=r"time $t = k\eta$", yscale="log")
    plot.sampled(plain.isel(time=-1), "msd", third, exact="exact", x="batch_size", hue="iterates", styles=STYLES)
    third.plot(SIZES, theorem_2.isel(time=-1), **THICK, label="Theorem 2")
    third.set(title=r"At $t = 1$: SAM's is not $\propto 1/B$", xlabel="batch size $B$", yscale="log")
    third.set_xscale("log", base=2)
    third.set_xticks(SIZES, SIZES)
    first.set_ylabel("mean squared displacement")
    for ax in figure.axes:
        ax.legend(fontsize="small")
    return figure


def msds(iterates: str, batch_size: int, momentum: float) -> xr.Dataset:
    """Return the MSD over time, simulated and exact; the exact one of SAM is nan."""
    noise = sd.noise.Fisher((0.0,), batch_size)
    map_ = sd.Map(sd.landscapes.quadratic([LAM]), METHODS[iterates], LR, momentum, noise=noise)
    runs = sd.simulate(map_, np.zeros((RUNS, 1)), STEPS, save_every=EVERY, statistics=[sd.MSD()])
    data = runs[["msd", "msd_error"]].isel(step=slice(1, None), coord=0, drop=True).swap_dims(step="time")
    exact = analysis.exact_msds(map_, [0.0], [1.0], data.time.values, ()).exact
    return data.drop_vars("step").assign(exact=("time", exact.values))


if __name__ == "__main__":
    lab.draw_figure(draw)
