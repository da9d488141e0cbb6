"""How far does noise carry SGD and SAM from a saddle? The script compares iterates, diffusions and the theorem.

It computes mean squared displacements (MSD) along an eigenvector from rest at the critical point, with gradient noise
|H|/B: the exact and the simulated one of the iterates, the exact one of each diffusion, and that of Theorem 2 of [K23]
(Theorem 3 with momentum).
"""

import functools
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import samdyn as sd
from samdyn import analysis, checks, lab, plot, theory

MOMENTS = 20  # least count of times at which the script saves displacements
MODELS = ("moments", "taylor", "fisher")
LEGEND = """\
s.e.: simulated minus exact MSD, in standard errors. moments, taylor, fisher: exact MSD of this diffusion. η → 0: MSD \
for small steps at equal t. theorem: {}, of drift λ(1+ρλ)² and noise |H|/B. No number: there is no diffusion or form.
"""
COUPLINGS = {f"USAM, {coupling}": coupling for coupling in ("shared", "independent", "clean")}
STYLES = dict(zip(("SGD", *COUPLINGS, "SAM"), plot.CYCLE, strict=False))


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
    grid = {"iterates": [*STYLES], **at, "steps": steps, "runs": runs, "seed": seed, "device": device}
    data = with_closed_forms(sd.sweep(msds, grid))
    theorem = f"Theorem {3 if momentum else 2}"
    shown = f"λ = {eigenvalue:g}, ρ = {rho:g}, η = {lr:g}, γ = {momentum:g}, B = {batch_size}"
    report.print(f"{shown}: MSD after {steps} steps, t = {steps * lr:g}, {runs} runs")
    columns = {"": "{iterates}", "exact": "{exact:.3g}", "simulated": "{simulated:.4g} ± {simulated_error:.0e}"}
    columns |= {"s.e.": "{off:+.1f}", **{model: f"{{{model}:.3g}}" for model in MODELS}}
    columns |= {"η → 0": "{small_steps:.3g}", "theorem": "{theorem:.3g}"}
    report.print(lab.table(data.isel(time=-1), columns, "iterates"), LEGEND.format(theorem))
    ends = data.isel(time=[int(np.argmin(abs(data.time.values - data.time.values[-1] / 10))), -1])
    columns = {"SGD's MSD minus that of": "{iterates}", "t": "{time:.2g}", "gap": "{gap:.3g}"}
    columns |= {"leading order": "{leading:.3g}", "theorem": "{theorem_gap:.3g}"}
    columns |= {"its leading order": "{theorem_leading:.3g}"}
    report.print(lab.table(ends.sel(iterates=[*COUPLINGS]), columns, ("iterates", "time")))
    report.data(data, "displacements")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    draw_spread(left, data, theorem)
    draw_gaps(right, data, theorem)
    figure.suptitle(shown)
    report.figure(figure, "diffusion_msd")


def msds(iterates: str, rho: float, steps: int, runs: int, seed: int, device: str, **at: Any) -> xr.Dataset:
    """Return MSDs of iterates, simulated and exact, and of their diffusions; nan where there is none."""
    method = {"SGD": sd.GD(), "SAM": sd.SAM(rho)}.get(iterates, sd.USAM(rho))
    noise = sd.noise.Fisher((0.0,), at["batch_size"], coupling=COUPLINGS.get(iterates, "shared"))
    map_ = sd.Map(sd.landscapes.quadratic([at["eigenvalue"]]), method, at["lr"], at["momentum"], noise=noise)
    every, starts = steps // MOMENTS, np.zeros((runs, 1))
    results = sd.simulate(map_, starts, steps, save_every=every, statistics=[sd.MSD()], seed=seed, device=device)
    results = results.isel(step=slice(1, None), coord=0)

    def exact(model: str) -> Any:
        try:
            system = sd.Diffusion.of(map_, model) if model in MODELS else map_
            return analysis.exact_msd(system, [0.0], [1.0], results.time.values)
        except sd.InputError:  # it is not linear, or there is no such diffusion for this method, coupling or radius
            return results.time.values * np.nan

    curves = {name: exact(name) for name in ("exact", *MODELS)}
    # After a run diverged there is no mean.
    curves |= {"simulated": results.msd.where(results.runs == runs).values, "simulated_error": results.msd_error.values}
    return xr.Dataset({name: ("time", values) for name, values in curves.items()}, coords={"time": results.time.values})


def with_closed_forms(data: xr.Dataset) -> xr.Dataset:
    """Return the data with closed forms, nan for SAM, which has none, and with SGD's MSD minus the others'."""
    at: dict[str, Any] = {"lam": float(data.eigenvalue), "lr": float(data.lr), "batch_size": float(data.batch_size)}
    at["t"], rho, gamma = data.time.values, float(data.rho), float(data.momentum)
    small, theorem, leading = np.full((3, *data.exact.shape), np.nan)
    msd = functools.partial(theory.theorem_3_msd, momentum=gamma) if gamma else theory.theorem_2_msd
    small[0], theorem[0] = theory.usam_msd(**at, rho=0.0, momentum=gamma), msd(**at, rho=0.0)
    for i, coupling in enumerate(COUPLINGS.values(), 1):
        small[i] = theory.usam_msd(**at, rho=rho, coupling=coupling, momentum=gamma)
        theorem[i], leading[i] = msd(**at, rho=rho), theory.usam_gap(**at, rho=rho, coupling=coupling)
    forms = {"small_steps": small, "theorem": theorem, "leading": leading}
    data = data.assign({name: (("iterates", "time"), values) for name, values in forms.items()})
    return data.assign(
        off=(data.simulated - data.exact) / data.simulated_error,
        gap=data.exact[0] - data.exact,
        theorem_gap=data.exact[0] - data.theorem,
        theorem_leading=("time", theory.theorem_2_gap(**at, rho=rho)),
    )


def draw_spread(ax: Axes, data: xr.Dataset, theorem: str) -> None:
    """Draw simulated MSDs as points, exact ones as lines, the theorem and the first-order diffusion beside them."""
    for name, style in STYLES.items():
        one = data.sel(iterates=name)
        line = one.exact if np.isfinite(one.exact).any() else one.simulated
        ax.plot(one.time, line, color=style["color"], linestyle=style["linestyle"])
        points = {**style, "linestyle": "none", "ms": 4, "label": name}
        ax.errorbar(one.time, one.simulated, yerr=1.96 * one.simulated_error, **points)
    shared = data.sel(iterates="USAM, shared")
    ax.plot(data.time, shared.theorem, color="#999999", lw=4, alpha=0.7, zorder=0, label=theorem)
    if np.isfinite(shared.taylor).all():
        ax.plot(data.time, shared.taylor, color="#56B4E9", lw=3, ls=(0, (1, 1)), zorder=0, label='SDE "taylor", shared')
    ax.set(xlabel=r"time $t = k\eta$", ylabel="mean squared displacement")
    ax.set_title("How far noise carries depends on where it enters\n(points: simulated, lines: exact)")
    ax.legend(fontsize="small")


def draw_gaps(ax: Axes, data: xr.Dataset, theorem: str) -> None:
    """Draw the MSD of SGD minus that of USAM, exact and to leading order."""
    shared = data.sel(iterates="USAM, shared")
    curves = {name: (data.gap.sel(iterates=name), data.leading.sel(iterates=name), STYLES[name]) for name in COUPLINGS}
    curves[theorem] = (shared.theorem_gap, shared.theorem_leading, {"color": "#999999", "marker": ""})
    for name, (gap, leading, style) in curves.items():
        plot.magnitude(gap, ax, x="time", label=name, **{**style, "linestyle": "-"})
        ax.plot(data.time, abs(leading), color=style["color"], lw=1, ls=":")
    ax.plot([], [], color="0.3", lw=1, ls=":", label=r"leading order in $\rho$ and $t$")
    ax.set(xlabel=r"time $t = k\eta$", ylabel="size of SGD's MSD minus USAM's")
    ax.set_title("SGD's MSD minus USAM's: of order $t$ with a\nshared batch, of order $t^2$ by the theorem")
    ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


if __name__ == "__main__":
    lab.run(main)
