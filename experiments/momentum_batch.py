"""What do momentum and the batch size do to how SGD and SAM leave a saddle?

Runs start at rest at a quadratic saddle with gradient noise |H|/B. The script computes mean squared displacements (MSD)
and measures escape times. Momentum γ also multiplies the step by 1/(1−γ), so that every comparison is at equal η and at
equal η/(1−γ). ``theorem_3.py`` asks where Theorem 3 of [K23] holds.
"""

from typing import Annotated, Any

import samdyn as sd
from samdyn import analysis, lab, plot

FEWEST = 8  # fewest steps of a displacement
OBSERVED = 10  # length of the simulations of escapes, in units of --time
LARGEST = 0.98  # largest γ
METHODS = {"SGD": sd.USAM, "USAM": sd.USAM, "SAM": sd.SAM}  # USAM with the radius 0 is SGD
EQUAL, EQUAL_K = "equal η", "equal η/(1−γ), equal k"  # the comparisons of escapes; their steps have no other number
KEYS: dict[str, lab.Column] = {"": "{algorithm}", "ρ": "{rho:g}", "γ": "{momentum:g}"}


def main(
    report: lab.Report,
    eigenvalue: Annotated[lab.Eigenvalue, "Eigenvalue λ < 0 of the way out; −λ of the other."] = -1.0,
    rho: lab.PositiveRadii = (0.1, 0.3),
    momentum: Annotated[lab.Momenta, lab.each(lambda v: v <= LARGEST, f"must lie in [0, {LARGEST}]")] = (0.5, 0.9),
    batch_sizes: lab.BatchSizes = (4, 16, 64),
    lr: Annotated[lab.LearningRate, "Learning rate η at γ = 0."] = 0.01,
    time: Annotated[lab.Time | None, "Time t = kη at γ = 0 of displacements. Default: 1/|λ|."] = None,
    half_width: Annotated[lab.Positive, "Distance along the escape direction at which a run has left."] = 1.0,
    coupling: lab.Coupling = "shared",
    runs: lab.Runs = 1000,
    seed: lab.Seed = 0,
    device: lab.Device = "auto",
) -> None:
    steps = lab.steps_in(1 / abs(eigenvalue) if time is None else time, lr, fewest=FEWEST)
    usual = {"lam": eigenvalue, "lr": lr, "coupling": coupling, "momentum": sorted({0.0, *momentum})}
    methods = [("SGD", 0.0), *(("USAM", r) for r in rho), *(("SAM", r) for r in rho)]
    linear = {"comparison": [*analysis.COMPARISONS], ("algorithm", "rho"): methods[: 1 + len(rho)]}
    spread = sd.sweep(displacement, {**linear, **usual, "batch_size": batch_sizes[0], "steps": steps})
    spread["gain"] = spread.msd / spread.msd.sel(momentum=0)
    columns = {"compared at": "{comparison}", **KEYS, "η": "{eta:.3g}", "k": "{k:.0f}"}
    columns |= {"exact": "{msd:.3g}", "×γ=0": "{gain:.3g}"}
    title = f"MSD after k steps, B = {batch_sizes[0]} (MSD ∝ 1/B), noise |H|/B {coupling}"
    report.print(lab.table(spread, columns, spread.msd.dims, title=title, left=2, once=2))
    report.data(spread, "displacements")

    how = {"runs": runs, "seed": seed, "device": device, "steps": OBSERVED * steps, "half_width": half_width}
    axes = {"comparison": [EQUAL, EQUAL_K], ("algorithm", "rho"): methods, "batch_size": batch_sizes}
    escapes = sd.sweep(escape, {**axes, **usual, **how})
    median = lab.censored("k", ".0f", "steps")
    columns = KEYS | lab.across(escapes.batch_size, "B = {:g}", lambda row: f"{median(row)}, {100 * row.left:.3g} %")
    report.print(f"\nmedian steps to leave, and the share that left within {OBSERVED * steps}; the others are censored")
    for name in (EQUAL, EQUAL_K):
        one = escapes.sel(comparison=name)
        report.print(lab.table(one, columns, ("algorithm_rho", "momentum"), title=f"\n{name}", keys=3))
    report.data(escapes, "escapes")

    strengths = zip(escapes.algorithm.values, escapes.rho.values / max(rho), strict=True)  # a larger ρ is paler
    styles = [plot.line("GD" if name == "SGD" else name) | {"alpha": 1 - 0.4 * part} for name, part in strengths]
    look: dict[str, Any] = {"x": "momentum", "hue": "algorithm_rho", "styles": styles}
    # No lower end of an interval lies beyond the end of the observation.
    shown = escapes.assign(k_low=escapes.k_low.clip(max=OBSERVED * steps))
    figure, panels = plot.panels(shown, row="comparison", column="batch_size", title="B = {batch_size}, {comparison}")
    for ax, one in panels:
        plot.intervals(one, "k", ax, label="{algorithm}, ρ = {rho:g}", **look)
        plot.lower_bounds(one, "k", ax, **look)
        ax.set_yscale("log")
    heading = "Steps to leave the saddle (arrows: most runs had not left by the last step)"
    plot.frame(figure, heading, xlabel=r"momentum $\gamma$", ylabel="median steps $k$ to leave")
    report.figure(figure, "escape_times")


def displacement(lam: float, algorithm: str, rho: float, **setting: Any) -> dict[str, float]:
    """Return the exact MSD along the escape direction at the end."""
    map_, unrounded = analysis.compared_on_quadratic((-lam, lam), METHODS[algorithm](rho), **setting)
    steps = round(unrounded)
    (msd,) = analysis.exact_msd(map_, (0, 0), (0, 1), [steps * map_.lr])
    return {"msd": msd, "k": steps, "eta": map_.lr}


def escape(
    lam: float, algorithm: str, rho: float, half_width: float, runs: int, seed: int, device: str, **setting: Any
) -> dict[str, float]:
    """Return the median number of steps to leave, and the share that left. Every B has its own noise."""
    map_, _ = analysis.compared_on_quadratic((-lam, lam), METHODS[algorithm](rho), **setting)
    how: dict[str, Any] = {"runs": runs, "seed": (seed + setting["batch_size"]) % 2**32, "device": device}
    exits = analysis.exits_along(map_, (0.0, 0.0), 1, half_width, setting["steps"], **how)
    k, low, high = (t / map_.lr for t in exits.survival().median())
    return {**lab.estimate("k", k, low, high), "left": float(exits.exited.mean())}


if __name__ == "__main__":
    lab.run(main)
