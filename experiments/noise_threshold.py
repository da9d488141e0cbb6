"""From which radius on does a saddle hold normalised SAM under mini-batch noise, and for how long?

Without noise a saddle holds normalised SAM at every radius, if a run comes within ρ. With noise there is a threshold
ρ* ∝ 1/√B. The script measures it, and then rates and exit times at multiples of the ρ* that it measured.
"""

from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, statistics, theory

GROWTH_RATIOS = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]  # ρ/ρ* at which rates are measured
EXITS = [0.8, 0.9, 1.0, 1.05, 1.1]  # ρ/ρ* at which exits are timed
OBSERVED = 50  # length of the simulations of exits, in units of 1/|λ|
SYMBOLS = {"dim": "d", "batch_size": "B", "momentum": "γ", "lr": "η", "angle": "angle/°"}
SEVERAL = lab.several(2, "a slope needs two or more")
UNEQUAL = np.diag([1.8, 0.2])  # covariance of anisotropic noise in the plane, in units of s²


@lab.one_thread()
def main(
    report: lab.Report,
    eigenvalue: lab.Eigenvalue = -1.0,
    noise: Annotated[lab.Positive, "Standard deviation s of a sample's gradient, per coordinate."] = 0.25,
    dims: Annotated[lab.BatchSizes, "Dimensions d."] = (1, 2, 10),
    batch_sizes: Annotated[lab.BatchSizes, "B, for noise s/√B; most tables use the first.", SEVERAL] = (1, 4, 16, 64),
    lr: lab.LearningRate = 0.01,
    momenta: lab.Momenta = (0.0, 0.5, 0.9),
    runs: Annotated[lab.Runs, "Pairs of runs for a rate, runs for exit times.", lab.at_least(200)] = 1500,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
) -> None:
    usual = {"noise": noise, "lam": eigenvalue, "runs": runs, "seed": seed, "device": device}
    report.print(f"noise s = {noise:g}/√B, η = {lr:g}, {runs} pairs of runs a radius; 95 % intervals")
    first = study(report, "thresholds", {"dim": dims, "batch_size": batch_sizes, "lr": lr, **usual})
    power, error = statistics.exponent(first.rho, "batch_size", first.rho_error)
    report.print(*(f"d = {n}: ρ* ∝ B^({power[i]:.3f} ± {error[i]:.3f})" for i, n in enumerate(dims)))
    usual["batch_size"] = batch_sizes[0]
    equal = [*dict.fromkeys((g, lr * (1 - other)) for g in momenta for other in (g, momenta[-1]))]
    study(report, "momentum", {("momentum", "lr"): equal, "dim": dims[0], **usual})
    study(report, "unequal_noise", {"angle": [0, 45, 90], "dim": 2, "lr": lr, **usual}, "isotropic")
    own = [*zip(dims, first.rho[:, 0].values.tolist(), strict=True)]  # measured; from here on the units of radii
    kinds = [(n, 0.0, lr, rho) for n, rho in own] + [(dims[0], *pair, own[0][1]) for pair in equal if pair != (0, lr)]
    growth = sd.sweep(growth_rate, {("dim", "momentum", "lr", "own"): kinds, "ratio": GROWTH_RATIOS, **usual})
    exits = sd.sweep(exit_time, {("dim", "own"): own[:2], "ratio": EXITS, "lr": lr, **usual}).swap_dims(dim_own="dim")
    shown = {"ρ/ρ*": "{ratio:g}", **lab.across(exits.dim, "d = {:g}", lab.interval("mean", ".3g") + " ({left:g})")}
    shown |= lab.across(exits.dim[:1], "diffusion, d = {:g}", "{diffusion:.3g}")
    report.print(lab.table(exits, shown, "ratio", title=f"\nmean time to 2ρ (runs left by t = {exits.t.max():g})"))
    report.datasets(growth=growth, exits=exits)
    report.figure(draw(first, growth, exits), "noise_threshold")


def sam(
    lam: float, dim: int, batch_size: int, noise: float, rho: float = 0.0, angle: float | None = None, **steps: Any
) -> tuple[sd.Map, analysis.CriticalPoint]:
    """Return normalised SAM, with one batch for both gradients of a step, at a saddle with one direction out."""
    rotation = None if angle is None else np.radians(angle)
    landscape = sd.landscapes.quadratic([lam, *[1.0] * (dim - 1)], rotation=rotation)
    point = analysis.CriticalPoint(np.zeros(dim), 0.0, *np.linalg.eigh(landscape.hessian([0.0] * dim).numpy()))
    covariance = noise**2 / batch_size * (np.eye(dim) if angle is None else UNEQUAL)
    return sd.Map(landscape, sd.SAM(rho), noise=sd.noise.Gaussian(covariance), **steps), point


def threshold(runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Measure ρ*. Every B has its own noise: with the same noise, runs on a quadratic would differ in scale only."""
    seed = (seed + setting["batch_size"]) % 2**32
    result = analysis.noise_threshold(*sam(**setting), runs=runs, seed=seed, device=device)
    return {**lab.estimate("rho", result.rho, *result.interval), "rho_error": result.error}


def growth_rate(own: float, ratio: float, runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Measure the growth rate at a multiple of the threshold. Every radius has its own noise."""
    system, seed = sam(**setting, rho=ratio * own), (seed + round(100 * ratio)) % 2**32
    growth = analysis.noisy_growth(*system, runs=runs, seed=seed, first_run=2**31, device=device)
    return lab.estimate("rate", growth.rate, *growth.interval)


def exit_time(own: float, ratio: float, runs: int, seed: int, device: str, **setting: Any) -> xr.Dataset:
    """Measure when runs from the saddle first are 2ρ away along the escape direction."""
    (map_, point), seed = sam(**setting, rho=ratio * own), (seed + round(100 * ratio)) % 2**32
    edge, steps = 2 * ratio * own, int(np.ceil(OBSERVED / abs(setting["lam"]) / map_.lr))
    exits = analysis.exits_along(map_, point.w, 0, edge, steps, runs=runs, seed=seed, device=device)
    diffusion = analysis.mean_exit_time(sd.Diffusion.of(map_), 0, -edge, edge) if len(point.w) == 1 else np.nan
    numbers = {**lab.estimate("mean", *exits.mean()), "left": exits.exited.sum(), "diffusion": diffusion}
    return xr.Dataset({"t": ("run", exits.t), "exited": ("run", exits.exited), **numbers})


def study(report: lab.Report, name: str, grid: dict[Any, Any], other: str = "E‖ξ‖/|λ|") -> xr.Dataset:
    """Measure thresholds, and report them beside those in theory and a rival."""
    data = sd.sweep(threshold, grid)
    at = {"lam": data.lam, "dim": data.dim, "noise": data.noise / data.batch_size**0.5}
    predicted = theory.labelled(theory.noise_threshold, **at)
    rival = theory.labelled(theory.about(theory.noise_threshold).rival, **at)
    if "angle" in data:
        predicted, rival = theory.labelled(unequal_threshold, angle=data.angle, **at), predicted
    data = data.assign(theory=0 * data.rho + predicted, rival=rival, off=100 * (data.rho / predicted - 1))
    shown = {SYMBOLS[name]: f"{{{name}:.3g}}" for name in SYMBOLS if name in data and data[name].dims}
    shown |= {"ρ* measured": lab.interval("rho", ".4f"), "theory": "{theory:.4f}", "difference": "{off:+.1f} %"}
    report.print(lab.table(data, shown | {other: "{rival:.4f}"}, data.rho.dims, title=f"\n{name}"))
    report.data(data, name)
    return data


def unequal_threshold(angle: float, lam: float, dim: int, noise: float) -> float:
    """Return the threshold in theory under anisotropic noise, at a saddle that is turned by an angle in degrees."""
    hessian = sd.landscapes.quadratic([lam, 1.0], np.radians(angle)).hessian([0, 0]).numpy()
    return theory.gaussian_noise_threshold(hessian=hessian, covariance=noise**2 * UNEQUAL)


def draw(first: xr.Dataset, growth: xr.Dataset, exits: xr.Dataset) -> Figure:
    """Draw thresholds over B, and rates and mean exit times over ρ/ρ*."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.2, 4.2))
    plot.intervals(first, "rho", left, x="batch_size", hue="dim", label="d = {:g}", linestyle="none")
    left.plot(first.batch_size, first.theory.T, color="#666666", lw=1, zorder=0)
    left.set(xlabel="batch size $B$", ylabel=r"$\rho^*$", title=r"Measured $\rho^*$ (lines: theory)")
    plot.log_axis(left, "xy")
    lines = growth[["rate", "rate_low", "rate_high"]] * (1 - growth.momentum) / abs(growth.lam)
    rings = [{**style, "ms": 15 - 2 * i, "mfc": "none", "linestyle": "none"} for i, style in enumerate(plot.CYCLE)]
    label = "d = {dim}, γ = {momentum:g}, η = {lr:.3g}"
    plot.intervals(lines, "rate", middle, x="ratio", hue="dim_momentum_lr_own", label=label, styles=rings)
    middle.axline((0, 1), slope=-1, color="#666666", lw=1, label=r"$1-\rho/\rho^*$")
    middle.set(ylabel=r"growth rate $\times\,(1-\gamma)/|\lambda|$", title="Rates fall on one line")
    plot.intervals(exits, "mean", right, x="ratio", hue="dim", label="d = {:g}", aside=0.004, linestyle="none")
    plot.lower_bounds(exits, "mean", right, x="ratio", hue="dim", aside=0.004)
    right.plot(exits.ratio, exits.diffusion[0], color="black", lw=1, label=f"diffusion, d = {exits.dim[0].item()}")
    right.set(yscale="log", ylabel=r"mean exit time $t = k\eta$", title="Staying is metastable (arrow: no run left)")
    for ax in figure.axes:
        ax.set_xlabel(ax.get_xlabel() or r"$\rho/\rho^*$")
        ax.legend(fontsize="small")
    return figure


if __name__ == "__main__":
    lab.run(main)
