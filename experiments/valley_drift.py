"""How fast does SAM drift along a valley of minima for each batch size, and is it at its edge of stability there?

Four samples have one direction each across the valley. The script measures the iterates' drift beside that of the flow,
at the learning rate and in its limit. Along a second valley it follows λ_max and the effective curvature of methods
that start above their edge.
"""

from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import lab, minima, plot, statistics, symbolic

CURVATURES, SLOPES = (
    (1.6, 1.3, 1.1, 1.0),
    (1.0, -0.5, 0.6, 0.3),
)  # F and F′ at z = 0; sample k has the loss 4 F_k(z) x_k²
TERMS = [f"a{k}*({f} + {s}*z)*x{k}**2" for k, (f, s) in enumerate(zip(CURVATURES, SLOPES, strict=True))]
SAMPLES = {f"a{k}": np.eye(4)[k].tolist() for k in range(4)}
VALLEY = sd.SampleLandscape(f"4*({' + '.join(TERMS)})", "x0 x1 x2 x3 z", SAMPLES)
SETTLING, STEPS = 800, 400  # steps before the drift is measured, and of the measurement
SLOPE = sd.Landscape("(1 + z**2)*y**2/2", "y z", name="½(1 + z²)y²")
ABOVE, LR, FOLLOWED, EVERY = (
    1.05,
    0.5,
    4000,
    25,
)  # λ at the start over the edge, η, steps of the runs, and between looks
METHODS = {"GD": sd.GD(), "USAM": sd.USAM(0.1), "exact SAM": sd.ExactSAM(0.1), "SAM": sd.SAM(0.02)}
METHODS |= {"SAM, mean of 3 steps": sd.SAM(0.02, ascent_steps=3, average=True)}
DRIFT = {"B": "{batch}", "η": "{lr:g}", "iterates": lab.interval("drift", ".4f"), "flow": "{flow:.4f}"}
DRIFT |= {"off": "{off:+.2%}", "flow, η → 0": "{limit:.4f}", "off ": "{limit_off:+.2%}", "−∇tr H/2B": "{isotropic:.3f}"}
EDGES = {
    "method": "{setting}",
    "λ at first": "{start:.3f}",
    "at the end": "{end:.3f}",
    "λₑ/limit at the end": "{at:.4f}",
}


@lab.one_thread()
def main(
    report: lab.Report,
    lrs: Annotated[lab.LearningRates, "Learning rates η.", lab.several(2, "an order needs two or more")] = (
        *(0.003, 0.006, 0.012, 0.024),
    ),
    rho: Annotated[lab.Positive, "SAM's radius ρ."] = 0.01,
    runs: lab.Runs = 20_000,
    seed: lab.Seed = 0,
) -> None:
    grid: dict[str, Any] = {"batch": [1, 2, 3, 4], "lr": lrs, "rho": rho, "runs": runs, "seed": seed}
    data = sd.sweep(drift, grid)
    data = data.assign(off=data.drift / data.flow - 1, limit_off=data.drift / data.limit - 1)
    report.print(
        lab.table(data, DRIFT, ("batch", "lr"), title="Drift dz/ds along the valley, s = ηρ²k; 95 % intervals")
    )
    order = statistics.exponent(abs(data.limit_off), "lr")
    for batch, power, error in zip(data.batch.values, *order, strict=True):
        report.print(f"B = {batch}: the error of the limit η → 0 is ∝ η^({float(power):.2f} ± {float(error):.2f})")
    edges = sd.sweep(along, {"setting": [*METHODS], "lr": LR})
    edges = edges.assign(start=edges.eigenvalue[:, 0], end=edges.eigenvalue[:, -1], at=edges.ratio[:, -1])
    report.print(lab.table(edges, EDGES, "setting", title=f"\nRuns on {SLOPE.name}, η = {LR:g}, 2/η = {2 / LR:g}"))
    report.datasets(drift=data, edges=edges)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.2, 4))
    plot.intervals(data, "drift", left, x="batch", hue="lr", label="iterates, η = {:g}", linestyle="none")
    for i in range(len(lrs)):
        left.plot(data.batch, data.flow.isel(lr=i), color=plot.CYCLE[i % len(plot.CYCLE)]["color"], lw=0.8, zorder=0)
    left.plot(data.batch, data.limit.isel(lr=-1), color="0.3", lw=2, zorder=0, label="flow, η → 0; thin: at η")
    left.plot(data.batch, data.isotropic.isel(lr=-1), color="0.6", ls=":", label=r"$-\nabla\mathrm{tr}H/2B$")
    left.set(xlabel="batch size $B$", ylabel=r"$dz/ds$", title="Drift along a valley", xticks=data.batch.values)
    for i, name in enumerate(METHODS):
        look = {**plot.CYCLE[i], "marker": "", "label": name}
        middle.plot(edges.step, edges.eigenvalue.sel(setting=name), **look)
        right.plot(edges.step, edges.ratio.sel(setting=name), **look)
    middle.set(title=r"Curvature $\lambda_{\max}$", xlabel="step", ylabel=r"$\lambda_{\max}$")
    middle.set_xscale("symlog", linthresh=EVERY)
    right.set_xscale("symlog", linthresh=EVERY)
    right.set(title="Effective curvature over its limit", xlabel="step", ylabel=r"$\lambda_e\,\eta/2$", ylim=(0.8, 1.2))
    right.axhline(1, color="0.6", lw=0.8, zorder=0)
    for ax in (left, right):
        ax.legend(fontsize=8)
    report.figure(figure, "valley_drift")


def drift(batch: int, lr: float, rho: float, runs: int, seed: int) -> dict[str, float]:
    """Measure the drift of z after the bounce has settled, beside the flow's velocity."""
    noise = sd.noise.FiniteSum(batch, replacement=False) if batch < VALLEY.samples else None
    map_ = sd.Map(VALLEY, sd.SAM(rho), lr=lr, noise=noise)
    starts = np.tile([lr * rho, -lr * rho / 2, lr * rho / 3, lr * rho / 4, 0.0], (runs if noise else 1, 1))
    settled = sd.simulate(map_, starts, SETTLING, seed=seed, progress=False).w[:, -1].values * [1, 1, 1, 1, 0]
    ends = sd.simulate(map_, settled, STEPS, seed=seed, first_step=SETTLING, progress=False).w[:, -1, 4].values
    each = ends / (STEPS * lr * rho**2)
    half = 1.96 * each.std(ddof=1) / runs**0.5 if noise else 0.0
    at, limit = (
        sd.ManifoldFlow(VALLEY, sd.SAM(rho), lr=rate, noise=noise, runs=min(runs, 8192)).velocity(np.zeros(5))[-1]
        for rate in (lr, None)
    )
    found = lab.estimate("drift", each.mean(), each.mean() - half, each.mean() + half)
    return {**found, "flow": at, "limit": limit, "isotropic": -sum(SLOPES) / batch}


def along(setting: str, lr: float) -> xr.Dataset:
    """Follow a run that starts a little above its edge, or above GD's if its method has none without a gradient."""
    map_ = sd.Map(SLOPE, METHODS[setting], lr=lr)
    edge = symbolic.edge_of_stability(map_) or 2 / lr
    runs = sd.simulate(map_, (1e-3, (ABOVE * edge - 1) ** 0.5), FOLLOWED, save_every=EVERY, progress=False)
    return minima.edge_along(map_, runs).isel(run=0, drop=True)


if __name__ == "__main__":
    lab.run(main)
