"""How far does noise carry SGD and SAM from a saddle? The script compares iterates, diffusions and the theorem.

It computes mean squared displacements (MSD) along an eigenvector from rest at the critical point, with gradient noise
|H|/B: the exact and the simulated one of the iterates, the exact one of each diffusion, and that of Theorem 2 of [K23]
(Theorem 3 with momentum).
"""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, checks, lab, theory

MOMENTS = 20  # least count of times at which the script saves displacements
COUPLINGS = ("shared", "independent", "clean")
MODELS = ("moments", "taylor", "fisher")
LEGEND = """\
s.e.: simulated minus exact MSD, in standard errors. moments, taylor, fisher: exact MSD of this diffusion. η → 0: exact \
MSD of the iterates for small steps at equal t. {}: its closed form, with drift λ(1+ρλ)² and noise |H|/B. No number: \
there is no such diffusion, or no closed form.
"""
STYLES = {
    "SGD": {"color": "#000000", "marker": "o", "linestyle": "-"},
    "USAM, shared": {"color": "#0072B2", "marker": "s", "linestyle": "-"},
    "USAM, independent": {"color": "#D55E00", "marker": "^", "linestyle": "--"},
    "USAM, clean": {"color": "#009E73", "marker": "D", "linestyle": "-."},
    "SAM": {"color": "#CC79A7", "marker": "v", "linestyle": ":"},
}
THEOREM_STYLE = {"color": "#999999", "marker": ""}


def main(
    eigenvalue: Annotated[
        float,
        "Eigenvalue λ along the eigenvector; runs escape if λ < 0.",
        lab.where(lambda lam: lam != 0, "must be a finite number, not 0"),
    ] = -1.0,
    rho: Annotated[lab.Positive, "Radius ρ of USAM and SAM."] = 0.5,
    lr: lab.LearningRate = 0.01,
    batch_size: lab.BatchSize = 16,
    momentum: lab.Momentum = 0.0,
    time: lab.Time = 1.0,
    runs: lab.Runs = 1_000_000,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """How far does noise carry SGD and SAM from a saddle?"""
    steps = round(time / lr)
    if steps < MOMENTS:
        fix = f"Use at least --time {MOMENTS * lr:g}, or a smaller --lr"
        checks.reject("--time", time, f"is {steps} steps of η = {lr:g}", fix)
    at = {"eigenvalue": eigenvalue, "rho": rho, "lr": lr, "batch_size": batch_size, "momentum": momentum}
    measured = sd.sweep(msds, {"iterates": [*STYLES], **at, "steps": steps, "runs": runs, "seed": seed, "device": device})
    data = with_closed_forms(measured)
    theorem = f"Theorem {3 if momentum else 2}"
    shown = f"λ = {eigenvalue:g}, ρ = {rho:g}, η = {lr:g}, γ = {momentum:g}, B = {batch_size}"
    report.print(f"{shown}: MSD after {steps} steps, t = {steps * lr:g}, {runs} runs")
    columns = {"": "{iterates}", "exact": "{exact:.3g}", "simulated": "{simulated:.4g} ± {simulated_error:.0e}"}
    columns |= {"s.e.": "{off:+.1f}", **{model: f"{{{model}:.3g}}" for model in MODELS}}
    columns |= {"η → 0": "{small_steps:.3g}", theorem: "{theorem:.3g}"}
    report.print(lab.table(data.isel(time=-1), columns, "iterates"), LEGEND.format(theorem))
    gaps = with_gaps(data, theorem)
    ends = gaps.isel(time=[int(abs(data.time - data.time[-1] / 10).argmin()), -1])
    columns = {"SGD's MSD minus that of": "{of}"}
    for i, t in enumerate(ends.time.values):
        for name, variable in (("gap", "gap"), ("leading order", "leading")):
            columns[f"{name}, t = {t:.2g}"] = lambda row, i=i, v=variable: f"{float(row[v][i]):.3g}"
    report.print(lab.table(ends, columns, "of"))
    report.data(data, "displacements")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    draw_spread(left, data, theorem)
    draw_gaps(right, gaps)
    figure.suptitle(shown)
    report.figure(figure, "diffusion_msd")


def msds(
    iterates: str, eigenvalue: float, rho: float, lr: float, batch_size: int, momentum: float, steps: int, runs: int,
    seed: int, device: str,
) -> xr.Dataset:  # fmt: skip
    """Return MSDs of iterates, simulated and exact, and of their diffusions; nan where there is none."""
    method = {"SGD": sd.GD(), "SAM": sd.SAM(rho)}.get(iterates, sd.USAM(rho))
    noise = sd.noise.Fisher((0.0,), batch_size, coupling=coupling(iterates))
    map_ = sd.Map(sd.landscapes.quadratic([eigenvalue]), method, lr=lr, momentum=momentum, noise=noise)
    simulated = sd.simulate(
        map_, np.zeros((runs, 1)), steps, save_every=steps // MOMENTS, statistics=[sd.MSD()], seed=seed, device=device
    ).isel(step=slice(1, None), coord=0)
    times = simulated.time.values

    def exact(system: Callable[[], sd.Map | sd.Diffusion]) -> Any:
        try:
            return analysis.exact_msd(system(), [0.0], [1.0], times)
        except sd.InputError:  # it is not linear, or there is no such diffusion for this method, coupling or radius
            return times * np.nan

    curves = {model: exact(lambda m=model: diffusion(map_, m)) for model in MODELS} | {"exact": exact(lambda: map_)}
    # After a run diverged there is no mean.
    curves |= {"simulated": simulated.msd.where(simulated.runs == runs), "simulated_error": simulated.msd_error}
    return xr.Dataset({name: ("time", np.asarray(values)) for name, values in curves.items()}, coords={"time": times})


def coupling(iterates: str) -> str:
    """Return how gradients of a step share noise."""
    return iterates.removeprefix("USAM, ") if "," in iterates else "shared"


def diffusion(map_: sd.Map, model: str) -> sd.Diffusion:
    """Return the diffusion of a map by a model."""
    assert map_.noise is not None
    return sd.Diffusion(map_.landscape, map_.method, map_.noise, map_.lr, map_.momentum, model)
