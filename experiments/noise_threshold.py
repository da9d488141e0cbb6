"""From which radius on does a saddle hold normalised SAM under mini-batch noise, and for how long?

Without noise a saddle holds normalised SAM at every radius, if a run comes within ρ. With noise there is a threshold
ρ* ∝ 1/√B. The script measures it, and then rates and exit times at multiples of the ρ* that it measured.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, statistics, theory

GROWTH_RATIOS = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]  # ρ/ρ* at which rates are measured
EXIT_RATIOS = [0.8, 0.9, 1.0, 1.05, 1.1]  # ρ/ρ* at which exits are timed
OBSERVED = 50  # length of the simulations of exits, in units of 1/|λ|
UNEQUAL = np.diag([1.8, 0.2])  # covariance of anisotropic noise in the plane, in units of s²


def main(
    eigenvalue: Annotated[
        tuple[float, ...],
        "Eigenvalues λ < 0 of the escape direction; the others are +1. Most tables use the first.",
        lab.numbers(lambda lam: -math.inf < lam < 0, "must be finite numbers < 0", ascending=False),
    ] = (-1.0, -2.0, -0.5),
    noise: Annotated[lab.Positive, "Standard deviation s of a sample's gradient, per coordinate."] = 0.25,
    dims: Annotated[lab.BatchSizes, "Dimensions d."] = (1, 2, 10),
    batch_sizes: Annotated[lab.BatchSizes, "Batch sizes B: noise s/√B. Most tables use the first."] = (1, 4, 16, 64),
    lr: lab.LearningRate = 0.01,
    momenta: lab.Momenta = (0.0, 0.5, 0.9),
    runs: Annotated[
        lab.Runs, "Pairs of runs for a rate, runs for exit times.", lab.at_least(200, "fewer do not tell rates from 0")
    ] = 1500,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """From which radius on does mini-batch noise let a saddle hold normalised SAM, and for how long?"""
    lam, d, size = eigenvalue[0], dims[0], batch_sizes[0]
    usual = {"lam": lam, "dim": d, "batch_size": size, "noise": noise, "lr": lr}
    usual |= {"runs": runs, "seed": seed, "device": device}

    def sweep(function: Callable[..., Any], axes: dict[Any, Any]) -> xr.Dataset:
        varied = [name for axis in axes for name in (axis if isinstance(axis, tuple) else [axis])]
        return sd.sweep(function, axes | {name: value for name, value in usual.items() if name not in varied})

    def thresholds(name: str, title: str, columns: dict[str, Any], axes: dict[Any, Any]) -> xr.Dataset:
        data = with_predictions(sweep(threshold, axes))
        shown = {**columns, "ρ* measured": lab.interval("rho", ".4f"), "theory": "{theory:.4f}"}
        shown |= {"difference": "{off:+.1f} %", "rival": "{rival:.4f}"}
        report.print(lab.table(data, shown, data.rho.dims, title=f"\n{title}", keys=len(columns)))
        report.data(data, name)
        return data

    report.print(f"noise s = {noise:g}/√B, η = {lr:g}, {runs} pairs of runs a radius; 95 % intervals")
    columns = {"d": "{dim:.0f}", "B": "{batch_size:.0f}"}
    title = f"ρ*, above which the saddle holds the runs, at λ = {lam:g}; theory: s/(c_d|λ|); rival: E‖ξ‖/|λ|"
    first = thresholds("batch_sizes", title, columns, {"dim": dims, "batch_size": batch_sizes})
    if len(batch_sizes) > 1:
        power, error = statistics.exponent(first.rho, "batch_size", first.rho_error)
        report.print(*(f"d = {n}: ρ* ∝ B^({power[i]:.3f} ± {error[i]:.3f})" for i, n in enumerate(dims)))
    columns = {"λ": "{lam:g}", "d": "{dim:.0f}"}
    thresholds("eigenvalues", f"the same at B = {size}", columns, {"lam": eigenvalue, "dim": dims})
    title = "d = 2, noise with 9 times the variance along one direction, same mean variance; rival: isotropic"
    thresholds("unequal_noise", title, {"angle to escape": "{angle:g}°"}, {"angle": [0.0, 45.0, 90.0], "dim": 2})
    columns = {"γ": "{momentum:g}", "η": "{lr:.3g}"}
    equal = [*dict.fromkeys((g, lr * (1 - other)) for g in momenta for other in (g, momenta[-1]))]
    thresholds("momentum", f"with momentum, d = {d}", columns, {("momentum", "lr"): equal})

    rho = dict(zip(dims, first.rho[:, 0].values.tolist(), strict=True))  # measured: the units of radii from here on
    kinds = [(n, 0.0, lr, rho[n]) for n in dims] + [(d, g, rate, rho[d]) for g, rate in equal if (g, rate) != (0, lr)]
    growth = sweep(growth_rate, {("dim", "momentum", "lr", "own"): kinds, "ratio": GROWTH_RATIOS})
    at = {name: growth[name] for name in ("lam", "dim", "lr", "momentum")}
    at |= {"rho": growth.own * growth.ratio, "noise": growth.noise / growth.batch_size**0.5}
    growth["theory"] = theory.labelled(theory.noisy_escape_rate, **at)
    columns = {"d": "{dim:.0f}", **columns, "rate": lab.interval("rate", ".3f"), "theory": "{theory:.3f}"}
    half = growth.sel(ratio=0.5)
    report.print(lab.table(half, columns, half.rate.dims, title="\ngrowth rates per t at half of the measured ρ*"))
    report.data(growth, "growth")
    exits = sweep(exit_time, {("dim", "own"): [(n, rho[n]) for n in dims[:2]], "ratio": EXIT_RATIOS})
    columns = {"ρ/ρ*": "{ratio:g}", "d": "{dim:.0f}", "mean time": lab.interval("mean", ".3g"), "left": "{left:.0f}"}
    columns["diffusion"] = "{diffusion:.3g}"
    title = f"\nmean time until |w| = 2ρ along the escape direction; {runs} runs, until t = {OBSERVED / abs(lam):g}"
    report.print(lab.table(exits, columns, ("ratio", "dim_own"), title=title))
    report.data(exits, "exits")
    report.figure(draw(first, growth, exits.swap_dims(dim_own="dim")), "noise_threshold")


def sam(
    lam: float, dim: int, batch_size: int, noise: float, lr: float, momentum: float = 0.0, rho: float = 0.0,
    angle: float | None = None,
) -> tuple[sd.Map, analysis.CriticalPoint]:  # fmt: skip
    """Return normalised SAM, with one batch for both gradients of a step, at a saddle with one direction out."""
    rotation = None if angle is None else math.radians(angle)
    landscape = sd.landscapes.quadratic([lam, *[1.0] * (dim - 1)], rotation=rotation)
    point = analysis.CriticalPoint(np.zeros(dim), 0.0, *np.linalg.eigh(landscape.matrix))
    covariance = noise**2 / batch_size * (np.eye(dim) if angle is None else UNEQUAL)
    return sd.Map(landscape, sd.SAM(rho), lr=lr, momentum=momentum, noise=sd.noise.Gaussian(covariance)), point


def threshold(runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Measure ρ*. Every B has its own noise: with the same noise, runs on a quadratic would differ in scale only."""
    seed = (seed + setting["batch_size"]) % 2**32
    result = analysis.noise_threshold(*sam(**setting), runs=runs, seed=seed, device=device)
    return {**lab.estimate("rho", result.rho, *result.interval), "rho_error": result.error}


def growth_rate(own: float, ratio: float, runs: int, seed: int, device: str, **setting: Any) -> dict[str, float]:
    """Measure the growth rate at a multiple of the threshold. Every radius has its own noise."""
    seed = (seed + round(100 * ratio)) % 2**32
    system = sam(**setting, rho=ratio * own)
    growth = analysis.noisy_growth(*system, runs=runs, seed=seed, first_run=2**31, device=device)
    return lab.estimate("rate", growth.rate, *growth.interval)


def exit_time(own: float, ratio: float, runs: int, seed: int, device: str, **setting: Any) -> xr.Dataset:
    """Measure when runs from the saddle first are 2ρ away along the escape direction."""
    map_, _ = sam(**setting, rho=ratio * own)
    edge, dim, steps = 2 * ratio * own, map_.landscape.dim, math.ceil(OBSERVED / abs(setting["lam"]) / map_.lr)
    box, seed = [(-edge, edge), *[(-1e9, 1e9)] * (dim - 1)], (seed + round(100 * ratio)) % 2**32
    exits = analysis.exit_times(map_, np.zeros((runs, dim)), box, steps, seed=seed, device=device)
    sde = sd.Diffusion(map_.landscape, map_.method, map_.noise, map_.lr) if dim == 1 and map_.noise else None
    diffusion = analysis.mean_exit_time(sde, 0.0, -edge, edge) if sde else math.nan
    numbers = {**lab.estimate("mean", *exits.mean()), "left": exits.exited.sum(), "diffusion": diffusion}
    return xr.Dataset({"t": ("run", exits.t), "exited": ("run", exits.exited), **numbers})


def with_predictions(data: xr.Dataset) -> xr.Dataset:
    """Return the data with the threshold in theory, a rival, and how far the measured one is off, in %."""
    at = {"lam": data.lam, "noise": data.noise / data.batch_size**0.5, "dim": data.dim}
    predicted = theory.labelled(theory.noise_threshold, **at)
    rival = theory.labelled(theory.about(theory.noise_threshold).rival, **at)
    if "angle" in data:
        hessians = [sam(float(data.lam), 2, 1, 1.0, 1.0, angle=a)[0].landscape.matrix for a in data.angle.values]
        covariance, rival = float(at["noise"]) ** 2 * UNEQUAL, predicted
        predicted = [theory.gaussian_noise_threshold(hessian=h, covariance=covariance) for h in hessians]
    return data.assign(theory=0 * data.rho + predicted, rival=rival, off=100 * (data.rho / predicted - 1))


def draw(first: xr.Dataset, growth: xr.Dataset, exits: xr.Dataset) -> Figure:
    """Draw thresholds over B, rates and mean exit times over ρ/ρ*, and survival."""
    figure, ((left, right), (below, survivors)) = plt.subplots(2, 2, figsize=(9.2, 7.4))
    plot.intervals(first, "rho", left, x="batch_size", hue="dim", label="d = {:g}", linestyle="none")
    for d, style in zip(first.dim.values, plot.CYCLE, strict=False):
        left.plot(first.batch_size, first.theory.sel(dim=d), color=style["color"], ls=style["linestyle"])
    left.set(xscale="log", yscale="log", xlabel="batch size $B$", ylabel=r"threshold $\rho^*$")
    left.set_title("Measured threshold of the trap\n" r"(lines: $s\,/\,(c_d\,|\lambda|)$, $s \propto 1/\sqrt{B}$)")
    kinds = zip(*(growth[name].values.tolist() for name in ("dim", "momentum", "lr")), strict=True)
    names = [f"d = {d}, γ = {g:g}, η = {lr:.3g}" for d, g, lr in kinds]
    lines = growth[["rate", "rate_low", "rate_high"]] * (1 - growth.momentum) / abs(growth.lam)
    lines = lines.assign_coords(dim_momentum_lr_own=names)
    plot.intervals(lines, "rate", right, x="ratio", hue="dim_momentum_lr_own", aside=0.03, linestyle="none")
    right.axline((0, 1), slope=-1, color="#666666", lw=1, label=r"$1-\rho/\rho^*$")
    right.set(xlabel=r"$\rho/\rho^*$", ylabel=r"growth rate $\times\,(1-\gamma)/|\lambda|$")
    right.set_title("Rates fall on one line")
    plot.intervals(exits, "mean", below, x="ratio", hue="dim", label="d = {:g}", aside=0.004, linestyle="none")
    plot.lower_bounds(exits, "mean", below, x="ratio", hue="dim", aside=0.004)
    below.plot(exits.ratio, exits.diffusion[0], color="black", lw=1, label="diffusion, d = 1")
    below.set(yscale="log", xlabel=r"$\rho/\rho^*$", ylabel=r"mean exit time $t = k\eta$")
    below.set_title("Above the threshold, staying is metastable\n(arrows: no run left; 95 % lower bound)")
    for ratio, style in zip(exits.ratio.values, plot.CYCLE, strict=False):
        one = exits.isel(dim=0).sel(ratio=ratio)
        plot.survival(statistics.survival(one.t.values, one.exited.values), survivors, label=f"{ratio:g}", **style)
    survivors.set_title(f"Runs within $2\\rho$ of the saddle, d = {exits.dim.values[0]}\n(bands 95 %)")
    for ax in (left, right, below, survivors):
        ax.legend(fontsize="small", title=r"$\rho/\rho^*$" if ax is survivors else None)
    return figure


if __name__ == "__main__":
    lab.run(main)
