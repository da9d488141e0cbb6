"""How far is Theorem 3 of [K23] right about how momentum spreads runs at a saddle?

The script compares the theorem with exact mean squared displacements (MSD) along the escape direction, from rest, with
gradient noise |H|/B: of its own model, the diffusion of [K23], and of USAM. It then solves for the momentum with which
USAM spreads as far as SGD does without, at equal η and at equal η/(1−γ).
"""

from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr

import samdyn as sd
from samdyn import analysis, lab, plot, statistics, theory

CELLS = 21  # values along each axis of the map
LARGEST = 0.98  # largest γ
RADIUS = 2.0  # largest ρ, in units of 1/|λ|
HOW = [*analysis.COMPARISONS]  # equal η; equal η/(1−γ) and t; equal η/(1−γ) and k
EDGES = np.log(np.log([1.1, 2]))  # log of the excess at which the theorem is 10 % and a factor of 2 too large
CLASSES = {"within 10 %": (1 / 1.1, 1.1), "within ×2": (0.5, 2.0), "too large": (2.0, np.inf), "too small": (0.0, 0.5)}


def main(
    report: lab.Report,
    eigenvalue: lab.Eigenvalue = -1.0,
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0 in the table."] = (0.1, 0.3),
    lr: Annotated[lab.LearningRate, "Learning rate η at γ = 0."] = 0.01,
    time: Annotated[lab.Time | None, "Time t = kη at γ = 0. Default: 1/|λ|."] = None,
    coupling: lab.Coupling = "shared",
) -> None:
    steps = lab.steps_in(1 / abs(eigenvalue) if time is None else time, lr)
    usual = {"lam": eigenvalue, "lr": lr, "steps": steps}
    radii = np.linspace(0, RADIUS / abs(eigenvalue), CELLS)
    axes: dict[Any, Any] = {"momentum": np.linspace(0, LARGEST, CELLS), "rho": radii, "comparison": HOW}
    valid = with_ratios(sd.sweep(exact_msds, {**axes, **usual, "coupling": coupling}))
    right = {name: (valid.ratio > low) & (valid.ratio <= high) for name, (low, high) in CLASSES.items()}
    shares = xr.Dataset(right).mean(("momentum", "rho")) * 100
    columns: dict[str, Any] = {"exact MSD of": "{against}", "compared at": "{comparison}"}
    columns |= {name: f"{{{name}:.1f}}" for name in CLASSES}
    title = f"share in % of settings γ <= {LARGEST} and ρ <= {RADIUS:g}/|λ|, after {steps} steps at γ = 0"
    report.print(lab.table(shares, columns, ("against", "comparison"), title=title, keys=2, left=2, once=1))
    report.data(valid, "validity")
    shown = valid.isel(against=[0, 2]).assign_coords(rho=valid.rho * abs(valid.lam)).transpose("rho", "momentum", ...)
    title = "exact MSD of {against}\n{comparison}"
    figure, panels = plot.panels(shown, row="against", column="comparison", title=title)
    for ax, one in panels:
        plot.ratio_map(one.ratio, ax, x="momentum", y="rho")
        if one.against == "its model" and one.comparison != HOW[2]:  # the estimate is for long times, |a|t ≫ 1−γ
            ax.contour(one.momentum, one.rho, one.log_excess, EDGES, colors="black", linestyles="--")
    heading = "Where is Theorem 3 right about the mean squared displacement? (dashed: estimate of both edges)"
    plot.frame(figure, heading, xlabel=r"momentum $\gamma$", ylabel=r"radius $\rho\,|\lambda|$")
    report.figure(figure, "validity")

    others = [r for r in radii[1:] if not np.isclose(r, rho).any()]
    axes = {"form": [*sd.noise.COUPLINGS, "Theorem 3"], "comparison": HOW, "rho": sorted([*rho, *others])}
    needed = sd.sweep(momentum_needed, {**axes, **usual})
    shown = needed.assign(rises=statistics.rises_up_to(needed.value, "rho")).sel(rho=[*rho])
    columns = {"USAM": "{form}", "compared at": "{comparison}"}
    columns |= lab.across(shown.rho, "ρ = {:g}", "{value:.3f}") | {"rises to ρ =": "{rises:.3g}"}
    title = "\nγ with which USAM has SGD's MSD at γ = 0; ∞: none is enough"
    report.print(lab.table(shown, columns, ("form", "comparison"), title=title, left=2, once=1))
    report.data(needed, "momentum_needed")
    figure, curves = plot.panels(needed.value, column="comparison", size=(3.2, 3.4))
    styles = [*plot.CYCLE[:3], {"color": "#999999", "linestyle": "-", "marker": "", "lw": 4, "zorder": 1}]
    for ax, curve in curves:
        plot.with_outside(curve, ax, x="rho", hue="form", limits=(0.0, 1.0), styles=styles)
    heading = "The momentum with which USAM spreads as far as SGD does without (▲: none is enough)"
    plot.frame(figure, heading, xlabel=r"radius $\rho$", ylabel=r"momentum $\gamma$ needed")
    report.figure(figure, "momentum_needed")


def exact_msds(lam: float, rho: float, **setting: Any) -> dict[str, float]:
    """Return the exact MSDs of USAM and of the theorem's model: SGD on another curvature, with the same noise."""
    map_, unrounded = analysis.compared_on_quadratic([lam], sd.USAM(rho), **setting)
    drift, variance = map(float, sd.Diffusion.of(map_, "fisher").law(torch.ones(1, 1)))  # at w = 1
    landscape, noise = sd.landscapes.quadratic([drift]), sd.noise.Gaussian(variance)
    model = sd.Map(landscape, sd.GD(), lr=map_.lr, momentum=map_.momentum, noise=noise)
    t = round(unrounded) * map_.lr
    usam, own = (analysis.exact_msd(one, [0.0], [1.0], [t]).item() for one in (map_, model))
    return {"usam": usam, "model": own, "eta": map_.lr, "t": t}


def with_ratios(valid: xr.Dataset) -> xr.Dataset:
    """Return the data with the theorem over exact MSDs, and the excess over its own model that is expected."""
    at = {"lam": valid.lam, "lr": valid.eta, "t": valid.t, "momentum": valid.momentum, "rho": valid.rho}
    theorem, other = theory.theorem_3_msd, theory.theorem_3_other_reading
    forms = {"its model": (theorem, valid.model), "its model, C₂ = η/t": (other, valid.model)}
    forms[f"USAM, {valid.coupling.values}"] = theorem, valid.usam
    with np.errstate(divide="ignore"):  # shared noise vanishes at ρ = 1/|λ|, and USAM's MSD with it
        ratios = [theory.labelled(form, **at, batch_size=1) / exact for form, exact in forms.values()]
        log_excess = np.log(theory.labelled(theory.theorem_3_excess, **at))
    return valid.assign(ratio=xr.concat(ratios, xr.Variable("against", [*forms])), log_excess=log_excess)


def momentum_needed(form: str, lam: float, rho: float, **setting: Any) -> float:
    """Return the least momentum with which USAM's MSD is SGD's without: exact for a coupling, or by the theorem."""
    is_exact = form in sd.noise.COUPLINGS

    def spread(rho: float, gamma: float) -> float:
        how = {**setting, "momentum": gamma, "coupling": form if is_exact else "shared"}
        map_, steps = analysis.compared_on_quadratic([lam], sd.USAM(rho), **how)
        t = steps * map_.lr
        if is_exact:
            return analysis.exact_msd(map_, [0.0], [1.0], [t]).item()
        return float(theory.theorem_3_msd(lam=lam, lr=map_.lr, batch_size=1, t=t, momentum=gamma, rho=rho))

    goal = spread(0.0, 0.0)
    return analysis.least_momentum(lambda gamma: spread(rho, gamma) / goal - 1, largest=LARGEST)


if __name__ == "__main__":
    lab.run(main)
