"""If noise is only added to the gradient, a saddle holds normalised SAM from a radius ρ* on, which falls as 1/√B.

Without noise, normalised SAM has no threshold in ρ. Gradient noise N(0, s²/B) of s = 0.25 in d dimensions gives it one.
Left: ρ* over the batch size, measured as the radius at which the growth rate of the mean of 1000 pairs of runs changes
its sign, with 95 % intervals; lines: theory, ρ* = s/(c_d |λ| √B). Right: measured over theory, for d = 1, 2 and 10.
λ = −1 along the way out and 1 in the other directions, η = 0.01, the same batch for both gradients of a step.

Source: ours (theory 20 in docs/theory.md). [K23] gives no threshold of normalised SAM.

Ours: measurement and theory agree to one per cent. Smaller batches move the threshold out, so
that they free SAM from a saddle; the factor c_d, close to 1/√d, makes it grow with the dimension of the noise. Noise
is additive here. In networks the Hessian of a batch fluctuates too, and with a shared batch ρ* does not fall with B.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, theory

LAM, NOISE, LR, RUNS = -1.0, 0.25, 0.01, 1000
DIMS, SIZES = [1, 2, 10], [1, 4, 16, 64]


def draw() -> Figure:
    """Return the figure."""
    data = sd.sweep(threshold, {"dim": DIMS, "batch_size": SIZES})
    predicted = theory.labelled(theory.noise_threshold, lam=LAM, dim=data.dim, noise=NOISE / data.batch_size**0.5)
    ratio = xr.Dataset({name: data[name] / predicted for name in ("rho", "rho_low", "rho_high")})
    for dim in DIMS:
        at = {"dim": dim}
        print(f"d = {dim}: ρ* = {data.rho.sel(at).values.round(4)}, theory {predicted.sel(at).values.round(4)}")

    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2))
    plot.intervals(data, "rho", left, x="batch_size", hue="dim", label="d = {:g}", linestyle="none")
    left.plot(SIZES, predicted.transpose("batch_size", "dim"), color="#666666", lw=1, zorder=0)
    left.annotate("the saddle holds SAM", (0.55, 0.92), xycoords="axes fraction")
    left.annotate("SAM leaves", (0.05, 0.05), xycoords="axes fraction")
    left.set(yscale="log", ylabel=r"threshold $\rho^*$", title=r"$\rho^*$ falls as $1/\sqrt{B}$ (lines: theory)")
    plot.log_axis(left, "y")
    ratio = ratio.assign_coords(at=ratio.batch_size * xr.DataArray([0.9, 1.0, 1.1], dims="dim"))  # side by side
    plot.intervals(ratio, "rho", right, x="at", hue="dim", label="d = {:g}", linestyle="none")
    right.axhline(1, color="#666666", lw=1, zorder=0)
    right.set(ylabel="measured over theory", title="Measured over theory, with 95 % intervals")
    for ax in (left, right):
        ax.set_xscale("log", base=2)
        ax.set_xticks(SIZES, SIZES)
        ax.set_xlabel("batch size $B$")
        ax.legend()
    return figure


def threshold(dim: int, batch_size: int) -> dict[str, float]:
    """Measure ρ* and its interval. Every setting has its own noise."""
    landscape = sd.landscapes.quadratic([LAM, *[1.0] * (dim - 1)])
    point = analysis.CriticalPoint(np.zeros(dim), 0.0, *np.linalg.eigh(landscape.hessian([0.0] * dim).numpy()))
    noise = sd.noise.Gaussian(NOISE**2 / batch_size * np.eye(dim))
    result = analysis.noise_threshold(
        sd.Map(landscape, sd.SAM(0.0), lr=LR, noise=noise), point, runs=RUNS, seed=batch_size
    )
    return lab.estimate("rho", result.rho, *result.interval)


if __name__ == "__main__":
    lab.draw_figure(draw)
