"""Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it? [M23]

The script trains MLPs on a fifth of scikit-learn's digits by SGD and by SAM with n ascent steps of radius ρ/n, which
follows the gradient at the last point or the mean of the gradients at all n. All start from the same weights and have
the same batches. The n points are at a mean distance of ρ(n+1)/2n, so that the mean of gradients is compared with a
single step of that length.

The grid and the seeds are the defaults below. They were fixed before any network was trained. docs/networks.md has the
numbers of --seeds 30 --ascent-steps 2,5,10, with all other options at their defaults.
"""

from functools import partial
from itertools import product
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import lab, networks, plot
from samdyn.statistics import count_resolved

TEST = 0.8  # fraction of the digits that are for testing; few training samples leave a generalisation gap
RADIUS = 0.1  # r in the sharpness L(w + r g/‖g‖) − L(w), in the units of w, for all methods
SAVES = 10  # count of measurements of accuracy in training
METHODS: dict[str, Any] = {  # by the gradient that they follow, as functions of ρ and n
    "SGD": lambda rho, n: sd.GD(),
    "one step": lambda rho, n: sd.SAM(rho),
    "last of n": lambda rho, n: sd.SAM(rho, ascent_steps=n),
    "mean of n": lambda rho, n: sd.SAM(rho, ascent_steps=n, average=True),
    "one of ρ(n+1)/2n": lambda rho, n: sd.SAM(rho * (n + 1) / (2 * n)),
}
SGD, ONE, LAST, MEAN, SHORTER = METHODS
LEGEND = (
    "Medians over {} networks with 95 % bootstrap intervals. Differences and ratios are taken seed by seed. The loss is "
    f"that of the full training set, the sharpness L(w + {RADIUS:g} g/‖g‖) − L(w), λ_max the largest eigenvalue of H, "
    "and the climb the height L(wᵖ) − L(w) of n ascent steps on the networks of one step, over that of one."
)


def main(
    rho: Annotated[lab.Radii, "Radii ρ > 0, of all n steps together.", lab.each(lambda r: r > 0, "must be > 0")] = (
        *(0.1, 0.2, 0.4),
    ),
    ascent_steps: Annotated[
        lab.AscentStepCounts, "Ascent steps n >= 2. SGD and 1 are always there.", lab.each(lambda n: n > 1, "must be >= 2")
    ] = (2, 10),
    lr: lab.LearningRate = 0.2,
    batch_size: Annotated[lab.BatchSize, "B, drawn with replacement."] = 32,
    steps: Annotated[lab.Steps, "Equally many for all n.", lab.at_least(SAVES)] = 700,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 24,
    seeds: lab.Seeds = 4,
    seed: Annotated[lab.Seed, "Seed of initial weights and batches."] = 0,
    processes: lab.Processes = 2,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """Does SAM generalise better with n ascent steps than with one, and does averaging their gradients repair it?"""
    settings = [(SGD, 0), (ONE, 1), *product((LAST, MEAN, SHORTER), ascent_steps)]
    numbers = {"lr": lr, "batch_size": batch_size, "steps": steps, "width": width, "entropy": seed, "device": device}
    grid = {("form", "n"): settings, "rho": rho, "seed": range(seeds), **numbers}
    runs = sd.sweep(partial(measure, climbs=(1, *ascent_steps)), grid, batch=("rho", "seed"), processes=processes)
    report.data(runs.drop_vars("w"), "networks")
    runs = runs.set_index(form_n=["form", "n"])
    runs["gain"] = runs.accuracy - runs.accuracy.sel(form=ONE, n=1)
    climb = runs.climb.sel(form=ONE, n=1, drop=True).rename(climb_n="n")
    mean, many = runs.accuracy.sel(form=MEAN, drop=True), [*ascent_steps]
    effects = {f"mean of n − {form}": mean - runs.accuracy.sel(form=form, drop=True) for form in (LAST, SHORTER)}
    effects["climb"] = (climb / climb.sel(n=1)).sel(n=many)
    effect = lab.medians(xr.concat(effects.values(), xr.Variable("of", [*effects])).to_dataset(name="effect"), "seed")

    ends = lab.medians(runs.drop_vars(["w", "climb"]), "seed")
    named = {"gradient": "{form}", "n": "{n}", "ρ": lambda row: f"{row.rho:g}" if row.n else ""}
    rows = [ends.sel(form=form, n=n, rho=r) for form, n in settings for r in (rho if n else rho[:1])]
    for title, columns in TABLES.items():
        report.print(lab.table(rows, named | columns, title=title, left=1))
    across = lab.across(effect.rho, "ρ = {:g}", lab.interval("effect", "+.2f"))
    title = "Test accuracy by the mean of n gradients minus that by another, in points; climb"
    report.print(lab.table(effect, {"": "{of}", "n": "{n}", **across}, ("of", "n"), title=title), LEGEND.format(seeds))
    report.figure(draw(ends, seeds), "multistep")
    report.figure(draw_cost(ends, seeds), "cost")
    planes = planes_of(runs, width)
    report.data(planes, "planes")
    report.figure(draw_planes(planes), "planes")
    report.print(
        "Test accuracy in points: ranges of the medians of all settings, and of their 95 % intervals in brackets. SGD "
        f"minus one ascent step: {span(runs.gain.sel(form=SGD))}. Several steps minus one: last gradient "
        f"{span(runs.gain.sel(form=LAST))}; mean gradient {span(runs.gain.sel(form=MEAN))}. The mean minus one "
        f"shorter step: {span(effects[f'mean of n − {SHORTER}'])}."
    )


def problem(width: int) -> tuple[networks.Network, networks.Data]:
    """Return the loss of MLPs on the digits, and the digits."""
    data = networks.digits(test=TEST)
    model = networks.models.mlp((64, width, width, data.classes))
    return networks.Network(model, cross_entropy, data.train_inputs, data.train_targets), data


def measure(
    form: str, n: int, rho: np.ndarray, seed: np.ndarray, *, climbs: tuple[int, ...], width: int, entropy: int, **training: Any
) -> dict[str, Any]:
    pass
