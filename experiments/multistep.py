"""Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it? [M23]

The script trains MLPs on a fifth of scikit-learn's digits by SGD and by SAM with n ascent steps of radius ρ/n, which
follows the gradient at the last of the n points or the mean of those at all, from the same weights and with the same
batches. The points are at a mean distance of ρ(n+1)/2n, so that the mean is compared with one step of that length. The
defaults were fixed before any network was trained; docs/networks.md has the numbers of --seeds 30 and n = 2, 5, 10.
"""

from functools import partial
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot

TEST = 0.8  # fraction of the digits that are for testing; few training samples leave a generalisation gap
RADIUS = 0.1  # r in the sharpness L(w + r g/‖g‖) − L(w), in the units of w, for all methods
METHODS: dict[str, Any] = {  # by the gradient that they follow, as functions of ρ and n
    "SGD": lambda rho, n: sd.GD(),
    "one step": lambda rho, n: sd.SAM(rho),
    "last of n": lambda rho, n: sd.SAM(rho, ascent_steps=n),
    "mean of n": lambda rho, n: sd.SAM(rho, ascent_steps=n, average=True),
    "one of ρ(n+1)/2n": lambda rho, n: sd.SAM(rho * (n + 1) / (2 * n)),
}
SGD, ONE, LAST, MEAN, SHORTER = METHODS
LEGEND = (
    "Medians over networks with 95 % intervals, differences and ratios seed by seed. loss: in training. sharpness: "
    f"L(w + {RADIUS:g} g/‖g‖) − L(w). climb: L(wᵖ) − L(w) of n steps over that of one, on the networks of one."
)


@lab.one_thread()
def main(
    report: lab.Report,
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0, of all n steps together."] = (0.1, 0.2, 0.4),
    ascent_steps: Annotated[tuple[int, ...], "n >= 2; SGD and n = 1 are always there.", lab.integers(2)] = (2, 10),
    lr: lab.LearningRate = 0.2,
    batch_size: Annotated[lab.BatchSize, "B, drawn with replacement."] = 32,
    steps: Annotated[lab.Steps, "Equally many for all n."] = 700,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 24,
    training: lab.Training = lab.Training(seeds=4),
) -> None:
    task = networks.Task(networks.digits(test=TEST), (width, width), training.seeds, training.seed)
    settings = [(SGD, 0), (ONE, 1), *((form, n) for form in (LAST, MEAN, SHORTER) for n in ascent_steps)]
    how = {"steps": steps, "seed": training.seed, "device": training.device}
    function = partial(measure, task, how, [1, *ascent_steps], lr=lr, noise=sd.noise.FiniteSum(batch_size))
    grid = {("form", "n"): settings, "rho": rho, "seed": range(training.seeds)}
    runs = sd.sweep(function, grid, batch=("rho", "seed"), processes=training.processes)
    report.data(runs, "networks")

    ends = runs.set_index(form_n=["form", "n"]).unstack().sel(form=[*METHODS])
    gain = ends.accuracy - ends.accuracy.sel(form=ONE, n=1)
    averaging = (ends.accuracy.sel(form=MEAN) - ends.accuracy).sel(form=[LAST, SHORTER])
    climb = ends.climb.sel(form=[ONE], n=1, drop=True).rename(climb_n="n").assign_coords(form=[LAST])
    medians = lab.medians(ends.assign(gain=gain, averaging=averaging, climb=climb / climb.sel(n=1)), "seed")
    rows = [medians.sel(form=form, n=n, rho=r) for form, n in settings for r in (rho if n else rho[:1])]
    columns: dict[str, Any] = {"gradient": "{form}", "n": "{n:g}"}
    columns["ρ"] = lambda row: f"{row.rho:g}" if row.n else ""  # SGD has none
    columns |= {"test accuracy [%]": lab.interval("accuracy", ".1f"), "minus one step": lab.interval("gain", "+.1f")}
    columns |= {"mean minus this": lab.interval("averaging", "+.1f"), "10³ loss": lab.interval("train_loss", ".2g")}
    columns |= {"10³ sharpness": lab.interval("sharpness", ".3g"), "λ_max": lab.interval("eigenvalue", ".3g")}
    columns["climb"] = lab.interval("climb", ".2f")
    report.print(lab.table(rows, columns, keys=3), LEGEND)

    report.figure(draw(medians, training.seeds), "multistep")
    effects = {f"{form} minus one step": gain.sel(form=form) for form in (SGD, LAST, MEAN)}
    effects[f"{MEAN} minus {SHORTER}"] = averaging.sel(form=SHORTER)
    report.print("Test accuracy in points, ranges of the medians of all settings [and of their intervals]:")
    report.print(*(f"{name}: {lab.effect(values.dropna('n', how='all'), 'seed')}" for name, values in effects.items()))


def measure(
    task: networks.Task, training: dict[str, Any], climbs: list[int], form: str, n: int, rho: Any, seed: Any, **how: Any
) -> dict[str, Any]:
    """Train networks by one method. Return how good and how sharp they are at the end."""
    rho, network = torch.as_tensor(rho), task.network
    map_ = sd.Map(network, METHODS[form](rho, n), **how)
    ((_, w),) = networks.train(map_, task.starts[seed], runs=seed, **training)
    w = w.double()
    measured = networks.performance(network, w, task.data)
    rises = [networks.rise(network, w, sd.SAM(rho, ascent_steps=k)).cpu() for k in climbs]
    return {
        "accuracy": 100 * measured["test_accuracy"],
        "train_loss": 1000 * measured["train_loss"],
        "sharpness": 1000 * networks.rise(network, w, sd.SAM(RADIUS)),
        "eigenvalue": networks.largest_eigenvalue(network, w.float()),  # three digits, which float32 has
        "climb": xr.DataArray(torch.stack(rises, 1), {"climb_n": climbs}, ("cell", "climb_n")),
    }


def draw(medians: xr.Dataset, seeds: int) -> Figure:
    """Draw accuracy, sharpness and curvature at the end against the number of ascent steps."""
    placed = medians.assign_coords(n=range(medians.sizes["n"]))
    rows = [(placed, "gain", "test accuracy minus that\nof one step [points]")]
    rows += [(placed, "sharpness", "sharpness × 1000"), (placed, "eigenvalue", r"$\lambda_{\max}$ of the Hessian")]
    heading = f"Are n ascent steps better? (medians of {seeds}, bars: 95 %)"
    look: dict[str, Any] = {"x": "n", "hue": "form", "aside": 0.07}
    figure, axes = lab.facets(rows, heading, column="rho", title=r"$\rho = {:g}$", xlabel="$n$", **look)
    axes[0, 0].set(xticks=placed.n, xticklabels=["SGD", *medians.n.values[1:]])
    for ax in axes[1:, 0]:
        plot.log_axis(ax, "y")
    return figure


if __name__ == "__main__":
    lab.run(main)
