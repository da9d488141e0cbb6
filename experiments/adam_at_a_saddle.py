"""Does a saddle hold SAM with Adam, from which radius, and does β₂ move it?

The script starts runs at random within η of a saddle and counts those that stay near it, over a grid that was fixed
before anything was measured. β₁ = β₂ = 0 is the sign of SAM's gradient, for which the share held is known exactly.
"""

from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, plot, statistics, theory
from samdyn.bases import Adam

RATIOS = (2 ** (np.arange(-5, 17) / 4)).round(3)  # ρ/η of the grid
FINE = np.arange(0.1, 2.2, 0.02).round(2)  # ρ/η where one threshold is measured closely
SIZES = (0.0, 0.25, 0.5, 0.75)  # ε/(η|λ₋|) of that measurement
FLAT = 0.01  # λ₊/|λ₋| of that measurement
TICKS = (0.5, 1, 2, 5, 10)  # labels of the horizontal axis
FAR = 60  # distance at which a run is lost, in units of η, beyond twice the radius
LEGEND = """\
Half: the least ρ/η from which on at least half of the runs are held; in brackets the last with none and the first \
with all. κ = λ₊/|λ₋|. sign: the threshold of β₁ = β₂ = 0 along the axes, derived, from which on all are held."""
NEGATIVE = lab.each(lambda value: value < 0, "must be finite numbers < 0")
TURN = lab.each(lambda value: 0 <= value <= 90, "must lie in [0, 90]")
INTERVAL = np.vectorize(statistics.wilson, excluded=[1])


@lab.one_thread()
def main(
    report: lab.Report,
    eigenvalues: Annotated[lab.Numbers, "λ₋ of the way out.", NEGATIVE] = (-20.0, -2.0, -0.2),
    across: Annotated[lab.Positive, "λ₊ of the other direction."] = 2.0,
    angles: Annotated[lab.Numbers, "Angles in degrees by which the saddle is turned.", TURN] = (0.0, 22.5, 45.0),
    beta1: Annotated[lab.Momenta, "β₁ of Adam."] = (0.0, 0.5, 0.9),
    beta2: Annotated[lab.Momenta, "β₂ of Adam."] = (0.0, 0.9, 0.999),
    lr: lab.LearningRate = 0.01,
    starts: Annotated[lab.Starts, lab.at_least(30)] = 32,
    steps: lab.Steps = 2000,
    seed: lab.Seed = 0,
) -> None:
    usual = {"across": across, "lr": lr, "starts": starts, "steps": steps, "seed": seed}
    axes: dict[Any, Any] = {"angle": angles, "lam": eigenvalues, "beta1": beta1, "beta2": beta2, "ratio": RATIOS}
    batch = ("beta1", "beta2", "ratio")
    data = sd.sweep(held, {**axes, **usual, "eps": 0.0, "within": 1.0}, batch=batch)
    data = data.assign(
        kappa=across / abs(data.lam),
        sign=theory.labelled(theory.sign_sam_threshold, lam=data.lam, across=across, lr=1.0),
    )
    shown: dict[str, Any] = {
        "angle": "{angle:g}",
        "λ₋": "{lam:g}",
        "κ": "{kappa:g}",
        "sign": "{sign:.3g}",
        "β₁": "{beta1:g}",
    }
    shown |= lab.across(data.beta2, "half, β₂ = {:g}", "{half:.3g} [{none:.3g}, {full:.3g}]")
    rows = xr.merge([data, ends(data.held)])
    report.print(f"ρ/η from which on a saddle holds SAM with Adam, ε = 0, {starts} runs of {steps} steps", LEGEND)
    report.print(lab.table(rows, shown, ("angle", "lam", "beta1"), keys=5, left=0, once=4))
    report.data(rows, "held")

    fine = {"lam": eigenvalues[:2], "size": SIZES, "ratio": FINE, "beta2": [b for b in beta2 if b] or [0.99]}
    close = sd.sweep(flat, {**fine, **usual}, batch=("size", "ratio", "beta2"))
    close = xr.merge([close, ends(close.held)])
    close["theory"] = theory.labelled(theory.adam_sam_threshold, lam=-1.0, lr=1.0, eps=close["size"])
    columns: dict[str, Any] = {"ε/(η|λ₋|)": "{size:g}", "√3(1 − ε/(η|λ₋|))": "{theory:.3f}", "λ₋": "{lam:g}"}
    columns |= lab.across(close.beta2, "half, β₂ = {:g}", "{half:.3g} [{none:.3g}, {full:.3g}]")
    title = f"\nthe same for β₁ = 0, κ = {FLAT:g}, along the axes"
    report.print(lab.table(close, columns, ("size", "lam"), title=title, left=0, once=2))
    report.data(close, "epsilon")

    radii: dict[str, Any] = {"ratio": [0.9, 1.1], "beta1": beta1, "lam": eigenvalues, "angle": 0.0}
    check = sd.sweep(partial(held, method=sd.USAM), {**radii, **usual, "beta2": beta2[-1], "eps": 0.0, "within": 1.0})
    low, high = (check.held.sel(ratio=ratio) for ratio in radii["ratio"])
    text = "USAM with Adam, in % held: at most {:.0f} at ρ = 0.9/|λ₋|, at least {:.0f} at ρ = 1.1/|λ₋|"
    report.print("\n" + text.format(100 * low.max().item(), 100 * high.min().item()))
    report.figure(draw(data, across), "adam_at_a_saddle")


def held(
    ratio: Any, beta1: Any, beta2: Any, eps: Any, lam: float, across: float, angle: float, lr: float, within: float,
    starts: int, steps: int, seed: int, method: type[sd.SAM] | type[sd.USAM] = sd.SAM,
) -> dict[str, Any]:  # fmt: skip
    """Return the share of runs that stay near the saddle. SAM's ρ is a multiple of η, USAM's one of 1/|λ₋|."""
    unit = lr if method is sd.SAM else 1 / abs(lam)
    settings = np.stack(np.broadcast_arrays(np.atleast_1d(ratio) * unit, beta1, beta2, eps))
    rho, *numbers = torch.as_tensor(np.repeat(settings, starts, axis=1))
    landscape = sd.landscapes.quadratic([across, lam], rotation=np.radians(angle))
    w0 = np.random.default_rng(seed).uniform(-within * lr, within * lr, (starts, 2))
    size = FAR * lr + 2 * float(rho.max()) * (method is sd.SAM)
    map_ = sd.Map(landscape, method(rho), lr=lr, base=Adam(*numbers))
    runs = sd.simulate(map_, np.tile(w0, (settings.shape[1], 1)), steps, box=[(-size, size)] * 2, progress=False)
    stay = ~np.isin(runs.status.values, [sd.Status.LEFT, sd.Status.DIVERGED]).reshape(-1, starts)
    shares = lab.estimate("held", stay.mean(1), *INTERVAL(stay.sum(1), starts))
    return shares if np.ndim(ratio) else {name: float(value[0]) for name, value in shares.items()}


def flat(size: Any, lam: float, across: float, lr: float, ratio: Any, beta2: Any, **usual: Any) -> dict[str, Any]:
    """Return ``held`` from starts much nearer than any radius, where the other curvature plays no part; no β₁."""
    setting = {"eps": size * lr * abs(lam), "across": FLAT * abs(lam), "angle": 0.0, "within": FINE[0] / 5}
    return held(ratio, 0 * ratio, beta2, lam=lam, lr=lr, **setting, **usual)


def ends(shares: xr.DataArray) -> xr.Dataset:
    """Return the last ratio at which no run is held, and the first ones from which on half and all of the runs are."""
    below = {name: (shares < least) * shares.ratio for name, least in (("half", 0.5), ("full", 1.0))}
    after = dict(zip(shares.ratio.values, [*shares.ratio.values[1:], np.inf], strict=True)) | {
        0.0: shares.ratio.values[0]
    }
    first = {name: xr.apply_ufunc(np.vectorize(after.get), last.max("ratio")) for name, last in below.items()}
    return xr.Dataset({**first, "none": ((shares == 0) * shares.ratio).max("ratio")})


def draw(data: xr.Dataset, across: float) -> Figure:
    """Draw the share held against ρ/η, with the derived threshold and share of the sign along the axes."""
    shown = data.isel(beta2=-1)
    figure, panels = plot.panels(shown, row="angle", column="lam", title=r"$\lambda_-$ = {lam:g}, turned by {angle:g}°")
    for ax, one in panels:
        plot.intervals(one, "held", ax, x="ratio", hue="beta1", label=r"Adam, $\beta_1$ = {:g}")
        if one.angle == 0:
            sign = theory.labelled(theory.sign_sam_held_share, lam=one.lam, across=across, rho=one.ratio, lr=1.0)
            ax.plot(one.ratio, sign, color="black", lw=1, label="sign (derived)")
        ax.axvline(np.sqrt(3), color="#999999", ls=":", label=r"$\sqrt{3}$, derived for $\beta_1 = 0$, $\kappa \to 0$")
        ax.set(xscale="log")
        ax.set_xticks(TICKS, map(str, TICKS))
        ax.xaxis.set_minor_formatter("")
    heading = rf"From which $\rho/\eta$ on does a saddle hold SAM with Adam ($\beta_2$ = {shown.beta2:g})?"
    return plot.frame(figure, heading, xlabel=r"radius in steps, $\rho/\eta$", ylabel="share held")


if __name__ == "__main__":
    lab.run(main)
