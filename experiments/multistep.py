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

import samdyn as sd
from samdyn import lab, networks, plot

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
    "Medians over networks with 95 % intervals, differences and ratios seed by seed. The sharpness is "
    f"L(w + {RADIUS:g} g/‖g‖) − L(w), the climb L(wᵖ) − L(w) of n steps over that of one, on the networks of one."
)


@lab.one_thread()
def main(
    report: lab.Report,
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0, of all n steps together."] = (0.1, 0.2, 0.4),
    ascent_steps: Annotated[tuple[int, ...], "n >= 2; SGD and n = 1 are always there.", lab.integers(2)] = (2, 10),
    lr: lab.LearningRate = 0.2,
    batch_size: Annotated[lab.BatchSize, "B, drawn with replacement."] = 32,
    steps: Annotated[lab.Steps, "Equally many for all n.", lab.at_least(SAVES)] = 700,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 24,
    seeds: lab.Seeds = 4,
    seed: Annotated[lab.Seed, "Seed of initial weights and batches."] = 0,
    processes: lab.Processes = 2,
    device: lab.Device = "auto",
) -> None:
    task = networks.Task(networks.digits(test=TEST), (width, width), seeds, seed)
    settings = [(SGD, 0), (ONE, 1), *((form, n) for form in (LAST, MEAN, SHORTER) for n in ascent_steps)]
    training = {"steps": steps, "save_every": steps // SAVES, "seed": seed, "device": device}
    function = partial(measure, task, training, [1, *ascent_steps], lr=lr, noise=sd.noise.FiniteSum(batch_size))
    grid = {("form", "n"): settings, "rho": rho, "seed": range(seeds)}
    runs = sd.sweep(function, grid, batch=("rho", "seed"), processes=processes)
    report.data(runs.drop_vars("w"), "networks")

    ends = runs.drop_vars("w").isel(step=-1).set_index(form_n=["form", "n"]).unstack().sel(form=[*METHODS])
    gain = ends.accuracy - ends.accuracy.sel(form=ONE, n=1)
    averaging = (ends.accuracy.sel(form=MEAN) - ends.accuracy).sel(form=[LAST, SHORTER])
    climb = ends.climb.sel(form=[ONE], n=1, drop=True).rename(climb_n="n").assign_coords(form=[LAST])
    medians = lab.medians(ends.assign(gain=gain, averaging=averaging, climb=climb / climb.sel(n=1)), "seed")
    rows = [medians.sel(form=form, n=n, rho=r) for form, n in settings for r in (rho if n else rho[:1])]
    columns: dict[str, Any] = {"gradient": "{form}", "n": "{n:g}"}
    columns["ρ"] = lambda row: f"{row.rho:g}" if row.n else ""  # SGD has none
    columns |= {"test accuracy [%]": lab.interval("accuracy", ".1f"), "minus one step": lab.interval("gain", "+.1f")}
    columns["mean minus this"] = lab.interval("averaging", "+.1f")
    columns |= {"train loss × 1000": lab.interval("train_loss", ".2g")}
    columns |= {"sharpness × 1000": lab.interval("sharpness", ".3g")}
    columns |= {"λ_max of H": lab.interval("eigenvalue", ".3g"), "climb": lab.interval("climb", ".2f")}
    report.print(lab.table(rows, columns, keys=3), LEGEND)

    middle, most = len(rho) // 2, ascent_steps[-1]
    planes = {}
    for form, n in ((ONE, 1), (LAST, most), (MEAN, most)):
        w = torch.as_tensor(runs.w.values[settings.index((form, n)), middle, 0])
        planes[form] = networks.ascent_plane(task.network, w, sd.SAM(rho[middle], ascent_steps=n))
    shown = xr.concat(planes.values(), xr.Variable("form", [*planes]), join="outer")
    report.data(shown, "planes")
    report.figures(**draw(medians, runs, shown))
    effects = {f"{form} minus one step": gain.sel(form=form) for form in (SGD, LAST, MEAN)}
    effects[f"{MEAN} minus {SHORTER}"] = averaging.sel(form=SHORTER)
    report.print("Test accuracy in points, ranges of the medians of all settings [and of their intervals]:")
    report.print(*(f"{name}: {lab.effect(values.dropna('n', how='all'), 'seed')}" for name, values in effects.items()))


def measure(
    task: networks.Task, training: dict[str, Any], climbs: list[int], form: str, n: int, rho: Any, seed: Any, **how: Any
) -> dict[str, Any]:
    """Train networks by one method. Return their accuracy in training, and what and where they are at the end."""
    rho, network = torch.as_tensor(rho), task.network
    map_ = sd.Map(network, METHODS[form](rho, n), **how)
    saves = networks.train(map_, task.starts[seed], runs=seed, **training)
    w, accuracy = networks.accuracy_at_saves(network, saves, task.data)
    w = w.double()
    rises = [networks.rise(network, w, sd.SAM(rho, ascent_steps=k)).cpu() for k in climbs]
    return {
        "accuracy": 100 * accuracy,
        "train_loss": 1000 * networks.performance(network, w, task.data)["train_loss"],
        "sharpness": 1000 * networks.rise(network, w, sd.SAM(RADIUS)),
        "eigenvalue": networks.largest_eigenvalue(network, w.float()),  # three digits, which float32 has
        "climb": xr.DataArray(torch.stack(rises, 1), {"climb_n": climbs}, ("cell", "climb_n")),
        "w": xr.DataArray(w.T.cpu(), dims=("cell", "weight")),
    }


def draw(medians: xr.Dataset, runs: xr.Dataset, planes: xr.Dataset) -> dict[str, Any]:
    """Draw what networks are at the end, what accuracy costs, and the loss along planes."""
    of = f"(medians of {runs.sizes['seed']}, bars: 95 %)"
    placed = medians.assign_coords(n=range(medians.sizes["n"]))
    rows = [(placed, "gain", "test accuracy minus that\nof one step [points]")]
    rows += [(placed, "sharpness", "sharpness × 1000"), (placed, "eigenvalue", r"$\lambda_{\max}$ of the Hessian")]
    by_rho: Any = partial(lab.facets, column="rho", title=r"$\rho = {:g}$")
    end, axes = by_rho(rows, f"Are n ascent steps better? {of}", x="n", xlabel="$n$", hue="form", aside=0.07)
    axes[0, 0].set(xticks=placed.n, xticklabels=["SGD", *medians.n.values[1:]])
    for ax in axes[1:, 0]:
        plot.log_axis(ax, "y")

    runs = runs[["accuracy"]].isel(form_n=runs.form.values != SHORTER, step=slice(1, None))
    settings, numbers = [*zip(runs.form.values, runs.n.values, strict=True)], [*medians.n.values]
    labels = [f"{form}, n = {n}" if n > 1 else form for form, n in settings]
    styles = [{"color": f"C{numbers.index(n)}", "ls": "--" if form == MEAN else "-", "ms": 3} for form, n in settings]
    accuracy = lab.medians(runs.assign_coords(form_n=labels, cost=(runs.n + 1) * runs.step), "seed")
    look = {"x": "cost", "hue": "form_n", "styles": styles, "size": (3.4, 4), "xlabel": "gradients", "marker": "o"}
    cost, axes = by_rho([(accuracy, "accuracy", "test accuracy [%]")], f"What accuracy costs {of}", **look)
    axes[0, 0].set(xscale="log")
    return {"multistep": end, "cost": cost, "planes": plot.planes(planes)}


if __name__ == "__main__":
    lab.run(main)
