"""Does mini-batch SAM stall beside a saddle of a network at the radii that the noise predicts?

The script trains networks on digits from small weights, which are next to the saddle where all weights are 0. The
defaults were fixed before any network was trained; docs/networks.md has the numbers of --seeds 30 and B = 8 to 512.
"""

from functools import partial
from typing import Annotated, Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import checks, lab, plot, theory
from samdyn.networks import saddle_dynamics, saddles
from samdyn.networks.saddle_dynamics import ZeroWeights

RADII = np.geomspace(0.06, 3, 12)  # ρ at which networks are trained
LOOKED = 10  # largest number of networks of a setting whose eigenvalues are computed
COUPLINGS = ("shared", "independent")
MARKS: dict[str, dict[str, Any]] = {"escaped": {"marker": "o", "facecolor": "white", "edgecolor": "#0072B2"}}
MARKS |= {"held": {"marker": "s", "color": "#D55E00"}, "stalled": {"marker": "x", "color": "#000000"}}
LINES = {"at_lowest": ("#666666", "--", r"$s\sqrt{d}\,/\,|\lambda_{\min}|$")}
LINES |= {"at_nearest": ("#666666", ":", r"$s\sqrt{d}\,/\,|\lambda_*|$, $\lambda_*$ the negative one nearest 0")}
LINES |= {"additive": ("#56B4E9", "-.", "mean step with noise added to $H$")}
LINES |= {"mean_step": ("#009E73", "-", "mean step with the batches' own $H$")}
ABOUT_RADII = """
The smallest radius tried at which SAM stalls, losing at most --tolerance of its loss, and the next smaller one \
(medians, 95 %). Predicted: s√d over |λ_min| and |λ*|; and the ρ from which the linear mean step does not lower the \
loss by that much, with the noise only added to H, or with the batches' own H (median and 95 % of parts)."""
ABOUT_LOOKS = """
Where networks stalled with shared batches, at the smallest ρ at which all are held and at the largest (medians, \
95 %). cosine: of the full-batch gradients at w and wᵖ in the saddle's escape directions, and in all. distance: from \
the saddle in these directions, end over start."""


@lab.one_thread()
def main(
    report: lab.Report,
    hidden: Annotated[lab.Count, "Hidden tanh units of the networks on digits."] = 8,
    batch_sizes: Annotated[lab.BatchSizes, "Batch sizes B to train with, beside the full batch."] = (8, 128),
    scale: Annotated[lab.Positive, "Factor on torch's initial weights."] = 0.01,
    lr: lab.LearningRate = 0.2,
    steps: Annotated[lab.Steps, lab.at_least(2)] = 600,
    tolerance: Annotated[float, "Share of the loss that a stalled network has not lost.", lab.inside(0, 1)] = 0.01,
    batches: Annotated[lab.Count, "Number of batches that measure the noise.", lab.at_least(16)] = 4000,
    training: lab.Training = lab.Training(seeds=3),
) -> None:
    place = ZeroWeights(hidden)
    full = place.network.samples
    if batch_sizes[-1] >= full:
        rule = f"must be below the full batch, {full}, which is always added"
        checks.reject("--batch-sizes", batch_sizes[-1], rule, "Use e.g. --batch-sizes 8,32")
    starts = place.starts(training.seeds, scale, training.seed)
    # The full batch takes longest and starts first, so that no process ends with it alone. It has no coupling.
    settings = [("shared", full), *((coupling, size) for size in batch_sizes[::-1] for coupling in COUPLINGS)]
    how: dict[Any, Any] = {"steps": steps, "lr": lr, "seed": training.seed}
    grid = {("coupling", "batch_size"): settings, "rho": RADII, "start": range(training.seeds), **how}
    follow = partial(place.follow, starts, device=training.device)
    stalls = sd.sweep(follow, grid, batch=("rho", "start"), processes=training.processes)
    stalls = stalls.set_index(coupling_batch_size=["coupling", "batch_size"]).unstack().sel(coupling=[*COUPLINGS])
    stalls = stalls.fillna(stalls.sel(coupling="shared", drop=True))
    stalls["outcome"] = saddle_dynamics.outcomes(stalls, tolerance)
    how |= {"batch_size": batch_sizes, "batches": batches, "drop": tolerance * float(stalls.start_loss.mean())}
    predicted = sd.sweep(partial(place.predicted_stalls, starts), how)
    radii = saddle_dynamics.stall_radii(stalls.outcome.sel(batch_size=[*batch_sizes]))
    radii = lab.medians(radii, "start").assign(lab.medians(predicted, "part"))
    noise: dict[str, Any] = {"noise": radii.noise_norm / np.sqrt(place.exact.dim), "dim": place.exact.dim}
    lams = saddles.ways_out(place.point)[0]
    for name, lam in {"at_lowest": lams[0], "at_nearest": lams[-1]}.items():
        radii[name] = theory.labelled(theory.noise_threshold, **noise, lam=lam)
    columns = {"batches": "{coupling}", "B": "{batch_size}", "before": "{before:.2f}"}
    columns |= {"stalls from ρ": lab.interval("radius", ".2f"), "s√d": "{noise_norm:.3f}"}
    columns |= {"d_eff": "{effective_dim:.1f}", "/|λ_min|": "{at_lowest:.2f}", "/|λ*|": "{at_nearest:.2f}"}
    columns |= {"added": "{additive:.2f}", "batches' H": lab.interval("mean_step", ".2f")}
    report.print(ABOUT_RADII, lab.table(radii, columns, ("coupling", "batch_size"), keys=2))

    shared = stalls.sel(coupling="shared")
    grid = {("batch_size", "rho"): saddle_dynamics.held_settings(shared.outcome), "seed": training.seed}
    looks = sd.sweep(partial(place.look_again, shared.w), {**grid, "start": range(min(training.seeds, LOOKED))})
    there = shared.sel(batch_size=looks.batch_size, rho=looks.rho, start=looks.start)
    distance = there.distance.sel(moment="end", drop=True) / there.distance.sel(moment="start", drop=True)
    looks = looks.assign(loss=there.loss, distance=distance)
    columns = {"B": "{batch_size}", "ρ": "{rho:.3f}", "loss": "{loss:.3f}", "λ_min": "{lam_min:.3f}"}
    columns |= {"λ_max": "{lam_max:.3f}", "‖g‖": "{gradient_norm:.0e}", "s√d": "{noise_norm:.3f}"}
    columns |= {
        "distance": "{distance:.2g}",
        "in all": "{cosine:+.2f}",
        "cosine": lab.interval("escape_cosine", "+.2f"),
    }
    report.print(ABOUT_LOOKS, lab.table(lab.medians(looks, "start"), columns, "batch_size_rho", keys=2))
    report.datasets(stalls=stalls, thresholds=radii, looks=looks)
    report.figure(draw(stalls.outcome, radii), "stalls")
    held = (stalls.outcome == "held").sel(batch_size=[*batch_sizes])
    number, back = int(held.sum()), int((held & (stalls.cosine < 0)).sum())
    report.print(f"Held mini-batch runs with the gradient reversed in escape directions: {lab.share(back, number)} %")


def draw(outcome: xr.DataArray, radii: xr.Dataset) -> Figure:
    """Draw the outcome of most networks over ρ × B, and the predicted lines."""
    figure, panels = plot.panels(outcome, column="coupling", title="{coupling} batches", size=(5.1, 4.2))
    for ax, one in panels:
        plot.majority(one, ax, x="rho", y="batch_size", marks=MARKS, s=44, zorder=3)
        lines = radii.sel(coupling=one.coupling)
        for name, (color, style, label) in LINES.items():
            ax.plot(lines[name].broadcast_like(lines.batch_size), lines.batch_size, color=color, ls=style, label=label)
        ax.set(yscale="log", xlim=(RADII[0] / 1.3, 1.3 * RADII[-1]))
        plot.log_axis(ax, "x")
    ax.set_yticks(outcome.batch_size.values, [*map(str, outcome.batch_size.values[:-1]), "full"])
    ax.tick_params(axis="y", which="minor", left=False, labelleft=False)
    heading = "Where SAM stalls beside the saddle at zero weights"
    return plot.frame(figure, heading, xlabel=r"radius $\rho$", ylabel="batch size $B$")


if __name__ == "__main__":
    lab.run(main)
