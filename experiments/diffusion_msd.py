"""How far does noise carry SGD and SAM from a saddle? The script compares iterates, diffusions and the theorem.

It computes mean squared displacements (MSD) along an eigenvector from rest at the critical point, with gradient noise
|H|/B: the exact and the simulated one of the iterates, the exact one of each diffusion, and that of Theorem 2 of [K23]
(Theorem 3 with momentum).
"""

from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, theory

MOMENTS = 20  # least count of times at which the script saves displacements
MODELS = ("moments", "taylor", "fisher")
COUPLINGS = {f"USAM, {coupling}": coupling for coupling in ("shared", "independent", "clean")}
STYLES = dict(zip(("SGD", *COUPLINGS, "SAM"), plot.CYCLE, strict=False))
GREY = "#999999"  # the colour of the theorem
LEGEND = """\
s.e., η → 0 and the diffusions moments, taylor, fisher: docs/glossary.md. theorem: {}, of drift λ(1+ρλ)² and noise \
|H|/B. No number: there is no diffusion or form."""
NOT_ZERO = lab.where(lambda lam: lam != 0, "must be a finite number, not 0")


def main(
    report: lab.Report,
    eigenvalue: Annotated[float, "Eigenvalue λ along the eigenvector; runs escape if λ < 0.", NOT_ZERO] = -1.0,
    rho: Annotated[lab.Positive, "Radius ρ of USAM and SAM."] = 0.5,
    lr: lab.LearningRate = 0.01,
    batch_size: lab.BatchSize = 16,
    momentum: lab.Momentum = 0.0,
    time: lab.Time = 1.0,
    runs: lab.Runs = 1_000_000,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
) -> None:
    steps = lab.steps_in(time, lr, fewest=MOMENTS)
    at = {"eigenvalue": eigenvalue, "rho": rho, "lr": lr, "batch_size": batch_size, "momentum": momentum}
    grid = {"iterates": [*STYLES], **at, "steps": steps, "runs": runs, "seed": seed, "device": device}
    data = with_closed_forms(sd.sweep(msds, grid))
    theorem = f"Theorem {3 if momentum else 2}"
    shown = f"λ = {eigenvalue:g}, ρ = {rho:g}, η = {lr:g}, γ = {momentum:g}, B = {batch_size}"
    report.print(f"{shown}: MSD after {steps} steps, t = {steps * lr:g}, {runs} runs")
    columns = {"": "{iterates}", "exact": "{exact:.3g}", "simulated": "{simulated:.4g} ± {simulated_error:.0e}"}
    columns |= {"s.e.": "{off:+.1f}", **{model: f"{{{model}:.3g}}" for model in MODELS}}
    columns |= {"η → 0": "{small_steps:.3g}", "theorem": "{theorem:.3g}"}
    report.print(lab.table(data.isel(time=-1), columns, "iterates"), LEGEND.format(theorem))
    report.data(data, "displacements")
    report.figure(draw(data, shown, theorem), "diffusion_msd")


def msds(iterates: str, rho: float, steps: int, runs: int, seed: int, device: str, **at: Any) -> xr.Dataset:
    """Return MSDs of iterates, simulated and exact, and of their diffusions; nan where there is none."""
    method = {"SGD": sd.GD(), "SAM": sd.SAM(rho)}.get(iterates, sd.USAM(rho))
    noise = sd.noise.Fisher((0.0,), at["batch_size"], coupling=COUPLINGS.get(iterates, "shared"))
    map_ = sd.Map(sd.landscapes.quadratic([at["eigenvalue"]]), method, at["lr"], at["momentum"], noise=noise)
    every, starts = steps // MOMENTS, np.zeros((runs, 1))
    results = sd.simulate(map_, starts, steps, save_every=every, statistics=[sd.MSD()], seed=seed, device=device)
    results = results.isel(step=slice(1, None), coord=0)
    mean = results.msd.where(results.runs == runs)  # after a run diverged there is none
    data = analysis.exact_msds(map_, [0.0], [1.0], results.time.values, MODELS)
    return data.assign(simulated=("time", mean.values), simulated_error=("time", results.msd_error.values))


def with_closed_forms(data: xr.Dataset) -> xr.Dataset:
    """Return the data with closed forms, nan for SAM, which has none, and with SGD's MSD minus the others'."""
    linear = data.iterates[:-1]
    coupling = linear.copy(data=["shared", *COUPLINGS.values()])
    at = {"lam": data.eigenvalue, "lr": data.lr, "batch_size": data.batch_size, "t": data.time}
    at["rho"], gamma = data.rho.where(linear != "SGD", 0.0), {"momentum": data.momentum}
    limit = theory.labelled(theory.usam_msd, **at, **gamma, coupling=coupling)
    msd, own = (theory.theorem_3_msd, gamma) if data.momentum else (theory.theorem_2_msd, {})
    theorem = theory.labelled(msd, **at, **own)
    first = data.exact.sel(iterates="SGD", drop=True)
    off = (data.simulated - data.exact) / data.simulated_error
    gaps = {"gap": first - data.exact, "theorem_gap": first - theorem}
    return data.assign(small_steps=limit, theorem=theorem, off=off, **gaps)


def draw(data: xr.Dataset, heading: str, theorem: str) -> Figure:
    """Draw MSDs, simulated ones as points, exact ones as lines, and SGD's MSD minus USAM's."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    figure.suptitle(heading)
    shared = data.sel(iterates="USAM, shared")
    plot.sampled(data, "simulated", left, exact="exact", x="time", hue="iterates", styles=STYLES)
    left.plot(data.time, shared.theorem, color=GREY, lw=4, alpha=0.7, zorder=0, label=theorem)
    if shared.taylor.notnull().all():
        left.plot(data.time, shared.taylor, color="#56B4E9", lw=3, ls=":", zorder=0, label='SDE "taylor", shared')
    left.set(xlabel=r"time $t = k\eta$", ylabel="mean squared displacement")
    left.set_title("How far noise carries depends on where it enters\n(points: simulated, lines: exact)")
    left.legend(fontsize="small")

    for name in COUPLINGS:
        plot.magnitude(data.gap.sel(iterates=name), right, x="time", label=name, **{**STYLES[name], "linestyle": "-"})
    plot.magnitude(shared.theorem_gap, right, x="time", label=theorem, color=GREY, marker="")
    right.set(xlabel=r"time $t = k\eta$", ylabel="size of SGD's MSD minus USAM's")
    right.set_title("SGD's MSD minus USAM's: of order $t$ with a\nshared batch, of order $t^2$ by the theorem")
    right.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    return figure


if __name__ == "__main__":
    lab.run(main)
