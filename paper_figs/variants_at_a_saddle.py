"""Which relatives of SAM does a saddle hold, from which radius, and how wide is the trap?

Every method of the catalogue, and several ascent steps, on x² − y² (λ = ±2), η = 0.01. A number is the distance from
the saddle, along the direction that leads away, up to which runs are held; 0: none, all: all up to the distance 4;
rests elsewhere: none escapes, but they end at another point. At the right are the ρ for which the saddle attracts by
the formula that samdyn derives, or that the method has no Jacobian there.

Source: ours; the methods are those of [K23], [C23], [M23], [A21], [KL22], [F20], [ZG22], [YJ23] and [TZ24].

Ours: three kinds of methods. Unnormalised ones have a threshold: USAM holds from ρ = 1/|λ| on, with three steps from
3/|λ|, exact SAM never, as its curvature is λ(1+ρλ)². Normalised ones hold within a distance ∝ ρ at every ρ: SAM and
DNSAM within ρ, also with several steps, and with averaged gradients within ¾ρ. Adaptive ones scale with the weights,
which vanish at this saddle: ASAM has a threshold, ρ = 1 (on x = 0 its ascent ends at (1−ρ)y), and below it a trap if
its scale has a shift. Variants that are normalised hold as SAM does, within ρ. Fisher SAM holds less, as its step is
shorter in steep directions; WSAM, which adds nine times the difference of the gradients, holds nine times as far.
UASAM leaves the saddle, but rests at y = ±1/√(2ρ), which is no critical point of the loss.
"""

from typing import Any

import numpy as np
import sympy
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import analysis, lab, plot

RADII, LR, STEPS, FAR, START = (0.1, 0.25, 0.4, 0.6, 0.9, 1.2, 2.0), 0.01, 2000, 4.0, 0.05
NEAR = 0.3  # distance within which a run that a saddle holds ends; where F does not shrink, as of WSAM, it bounces
# From above: without a norm, with a norm, variants of SAM, adaptive. The other methods without memory are GD or SAM
# here, or have no radius.
ORDER = ["GD", "USAM", "USAM, 3 steps", "ExactSAM", "SAM", "DNSAM", "SAM, 3 steps", "SAM, 2 steps averaged"]
ORDER += ["FisherSAM", "LinfSAM", "GSAM", "WSAM", "StableSAM", "ASAM", "ASAM, shift 0.1", "UASAM"]
OPTIONS: dict[str, dict[str, Any]] = {"3 steps": {"ascent_steps": 3}, "shift 0.1": {"shift": 0.1}}
OPTIONS |= {"2 steps averaged": {"ascent_steps": 2, "average": True}}


def method(name: str, rho: float) -> sd.Method:
    """Return the method of a row at a radius."""
    kind, _, options = name.partition(", ")
    return sd.GD() if kind == "GD" else sd.methods.named(kind)(rho, **OPTIONS.get(options, {}))  # type: ignore[call-arg]


def draw() -> Figure:
    """Return the figure."""
    saddle = sd.landscapes.saddle()
    (origin,) = sd.critical_points(saddle)
    width = xr.DataArray(np.zeros((len(ORDER), len(RADII))), coords={"iterates": ORDER[::-1], "rho": list(RADII)})
    verdicts = {}
    for name in ORDER:
        maps = [sd.Map(saddle, method(name, rho), lr=LR) for rho in RADII]
        traps = analysis.held_sets(maps, origin, FAR, STEPS, rtol=0.01)
        width.loc[name] = [np.inf if trap.outer == np.inf else (trap.inner + trap.outer) / 2 for trap in traps]
        condition = sd.stability(sd.Flow(saddle, maps[0].method), (0, 0)).condition
        verdicts[name] = "no Jacobian" if condition is None else "never"
        if isinstance(condition, sympy.Interval):
            verdicts[name] = f"ρ > {condition.start}"
        print(f"{name}: {width.loc[name].values.round(3)}, attracts for {verdicts[name]}")

    figure, ax = plt.subplots(figsize=(8.6, 6.8))
    plot.heat_map(width.clip(max=FAR), ax, x="rho", y="iterates", format="{:.2g}", vmin=0, vmax=2.2, cmap="cividis")
    for text in ax.texts:
        column, row = map(int, text.get_position())
        if np.isinf(width[row, column]):
            map_ = sd.Map(saddle, method(ORDER[-1 - row], RADII[column]), lr=LR)
            end = np.linalg.norm(sd.simulate(map_, (1e-3, START), STEPS).w.values[0, -1])
            text.set_text("all" if end < NEAR else "rests\nelsewhere")
    right = ax.secondary_yaxis("right")
    right.set_yticks(range(len(ORDER)), [verdicts[name] for name in ORDER[::-1]])
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
    right.set_ylabel("attracts for (derived)")
    ax.set(xlabel=r"radius $\rho$", title="Distance up to which the saddle of $x^2 - y^2$ holds runs (measured)")
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
