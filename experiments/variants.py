"""Which variants of SAM does a saddle hold, from which radius, how wide is the trap, and what do they do at minima?

The script derives five numbers of every variant from its formula, at λ = ±2, and measures them.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot, symbolic

LAM = 2.0
SLOPE = 0.02  # λ′ along the valley; small, since the formula is that for λ′ → 0
LARGEST, BETWEEN = 4.0, (1.0, 2.0)  # distances: the largest of a start; those between which a rate is measured
NEAR = 0.01  # distance of starts where the least radius is looked for
ZERO = 1e-4  # number up to which a measurement counts as 0
AGREE = 0.01  # largest relative difference of a measurement from what is derived
NAMES = (
    "GD GaussianSmoothing TiltedSAM StochasticSAM ExactSAM UASAM MomentumSAM FriendlySAM USAM ASAM SAM DNSAM LinfSAM"
)
NAMES += " FisherSAM GSAM WSAM StableSAM PolyakSAM LookSAM SometimesSAM"
VARIANTS: dict[str, Callable[[float], sd.Method]] = {name: sd.methods.named(name) for name in NAMES.split()}
VARIANTS |= {
    "GD": lambda rho: sd.GD(),
    "USAM, 3 steps": lambda rho: sd.USAM(rho, ascent_steps=3),
    "SAM, 2 steps averaged": lambda rho: sd.SAM(rho, ascent_steps=2, average=True),
    "ASAM, shift 0.1": lambda rho: sd.ASAM(rho, shift=0.1),
    "LayerSAM": lambda rho: sd.methods.LayerSAM(rho, layers=(1, 1)),
    "FullFriendlySAM, σ = ½": lambda rho: sd.methods.FullFriendlySAM(rho, sigma=0.5),
}
QUANTITIES = {
    "threshold": "threshold in ρ",
    "width": "half-width / ρ",
    "rate": "rate of leaving",
    "distance": "distance / ρ",
    "drift": "drift / ηρ²λ′",
}
LEGEND = f"""\
Measured, and in brackets derived from the method's own formula, λ = ±{LAM:g}. threshold: the least ρ that holds runs \
near the saddle, 0: every ρ. half-width: of the trap at this ρ. rate: ln 2 over the time from {BETWEEN[0]:g} to \
{BETWEEN[1]:g} away; 0: held there. distance: at which runs end at a minimum. drift: in a step along ½λ(z)y². \
✓ and ✗: within {100 * AGREE:g} % of what is derived, or not. No bracket: the derivation has no formula."""
KINDS = {"at every ρ": "#f6cfc0", "from a ρ on": "#fbeec2", "never": "#dcebf7", "at random": "#eeeeee"}
SCALES = {"width": 1.0, "rate": 2.0, "distance": 0.05, "drift": 0.5}  # numbers up to which the axes are linear


@lab.one_thread()
def main(
    report: lab.Report,
    rho: Annotated[lab.Radius, lab.inside(0, LARGEST / 2)] = 0.1,
    lr: Annotated[lab.LearningRate, lab.inside(0, 0.5, "steps at λ = 2 must be stable")] = 0.05,
    steps: Annotated[lab.Steps, lab.at_least(300)] = 1200,
) -> None:
    data = sd.sweep(compared, {"variant": [*VARIANTS], "rho": rho, "lr": lr, "steps": steps})
    which = xr.where(np.isnan(data.threshold), 3, xr.where(data.threshold == 0, 0, 1 + np.isinf(data.threshold)))
    data["holds"] = "variant", [[*KINDS][kind] for kind in which.values]
    data = data.isel(variant=np.argsort(which.values, kind="stable"))
    columns: dict[str, Any] = {"held": "{holds}", "variant": "{variant}"}
    columns |= {header: partial(cell, name) for name, header in QUANTITIES.items()}
    report.print(lab.table(data, columns, "variant", title=f"ρ = {rho:g}, η = {lr:g}", keys=2, left=2, once=1), LEGEND)
    report.data(data, "variants")
    report.figure(draw(data), "variants")


def compared(variant: str, rho: float, lr: float, steps: int) -> dict[str, float]:
    """Measure and derive the numbers of a variant."""
    map_ = sd.Map(sd.landscapes.saddle(), VARIANTS[variant](rho), lr=lr)
    found, expected = measured(map_, steps), derived(map_)
    return found | {f"{name}_derived": value for name, value in expected.items()}


def measured(map_: sd.Map, steps: int) -> dict[str, float]:
    """Measure the five numbers of a map; those of a trap are nan where steps are random."""
    (origin,), rho = sd.critical_points(map_.landscape), float(map_.radius) or 1.0
    width = threshold = np.nan
    if not map_.is_random:
        held = analysis.held_set(map_, origin, LARGEST, steps, starts=64, rtol=1e-3)
        is_there = np.linalg.norm(held.rests, axis=1).max(initial=0) < 2 * rho  # and not at another rest
        width = (held.inner if np.isfinite(held.outer) else np.inf) if is_there else 0.0
        threshold = 0.0 if width else np.inf
        if not width and map_.radius:
            threshold = analysis.least_radius(map_, origin, (rho, LARGEST), near=NEAR, steps=steps)
    took = analysis.passage_time(map_, origin, *BETWEEN, steps)
    valley = replace(map_, landscape=sd.landscapes.ravine(f"{LAM} + {SLOPE}*z"))
    starts = np.column_stack([np.linspace(0.5, 1.5, 8) * rho, np.zeros(8)])
    motion = analysis.late_motion(valley, starts, steps, steps // 3)
    distance, drift = np.median(motion.reach[:, 0]), np.mean(motion.drift[:, 1]) / SLOPE
    return numbers(map_, threshold, width, took, distance, drift)


def derived(map_: sd.Map) -> dict[str, float]:
    """Derive the five numbers from the formula of the method; nan where it has none."""
    if map_.is_random or map_.method.memory:
        return dict.fromkeys(QUANTITIES, np.nan)
    end = symbolic.at_minimum(map_, LAM) or symbolic.AtMinimum(np.nan, False, np.nan)
    threshold, time = symbolic.holding_radius(map_, -LAM, LARGEST), symbolic.passage_time(map_, -LAM, *BETWEEN)
    return numbers(map_, threshold, symbolic.trap_edge(map_, -LAM), time, end.distance, end.drift)


def numbers(map_: sd.Map, threshold: Any, width: Any, time: Any, distance: float, drift: float) -> dict[str, float]:
    """Return the five numbers in their units; nan for None."""
    rho = float(map_.radius) or 1.0
    rate = None if time is None else np.log(BETWEEN[1] / BETWEEN[0]) / time
    values = (threshold, width and width / rho, rate, distance / rho, drift / (map_.lr * rho**2))
    return {name: np.nan if v is None else float(v) for name, v in zip(QUANTITIES, values, strict=True)}


def cell(name: str, row: xr.Dataset) -> str:
    """Return the text of a number, with what is derived and whether they agree: to a share, or as both 0 or inf."""
    found, expected = float(row[name]), float(row[f"{name}_derived"])
    if np.isnan(found):
        return "–"
    text = f"{found:.3g}" if abs(found) > ZERO else "0"
    agree = found == expected or (np.isfinite(expected) and abs(found - expected) <= AGREE * abs(expected) + ZERO)
    return text if np.isnan(expected) else f"{text} ({expected:.3g}) {'✓' if agree else '✗'}"


def draw(data: xr.Dataset) -> Figure:
    """Draw a panel for each number, with a band of rows for each kind. Filled dots are measured, rings derived."""
    figure, axes = plt.subplots(1, len(SCALES), figsize=(12, 7.4), sharey=True)
    places = np.arange(data.sizes["variant"])[::-1]
    for ax, (name, scale) in zip(axes, SCALES.items(), strict=True):
        for kind, color in KINDS.items():
            rows = places[data.holds.values == kind]
            ax.axhspan(min(rows, default=0) - 0.5, max(rows, default=0) + 0.5, color=color, lw=0, label=f"held {kind}")
        ax.scatter(abs(data[f"{name}_derived"]), places, s=90, facecolors="none", edgecolors="black", label="derived")
        ax.scatter(abs(data[name]), places, s=26, color="black", label="measured")
        ax.set(xlabel=QUANTITIES[name].replace("drift", "− drift"), ylim=(-0.5, len(places) - 0.5))
        ax.set_xscale("symlog", linthresh=scale, subs=[2, 5])
        ax.set_xticks([0, *(t for t in (0.1, 1, 10) if t >= scale)])
        ax.xaxis.set_major_formatter("{x:g}")
        largest = max(scale, float(abs(data[name]).where(np.isfinite(data[name])).max()))
        ax.set_xlim(-0.08 * scale, 1.3 * largest)
    for place, (rho, width) in zip(places, zip(data.threshold.values, data.width.values, strict=True), strict=True):
        text = "all" if np.isinf(width) else "" if not rho > 0 else "never" if np.isinf(rho) else f"from ρ = {rho:.2g}"
        axes[0].annotate(text, (0.2, place), va="center", fontsize="small")
    axes[0].set_yticks(places, data.variant.values)
    return plot.frame(figure, "Which variants of SAM does a saddle hold, and what do they do at a minimum?")


if __name__ == "__main__":
    lab.run(main)
