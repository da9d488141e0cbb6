"""Does ASAM, with Adam, help a transformer more than SAM does [A21]? A small one, on text that every Python has.

The script trains causal transformers on windows of Python's reference, one token a character, with AdamW, with AdamW
and SAM, and with AdamW and ASAM, from the same weights and with the same batches. SAM takes two gradients a step, so
that AdamW counts twice: after as many epochs, and after twice as many. Validation stops all: what counts is the loss on
the text for testing at the epoch with the lowest loss on that for validation. For each seed SAM and ASAM have the ρ
with the lowest mean validation loss of the other seeds. η, the length of the text and the epochs were fixed by four
runs of AdamW alone, and the radii of docs/networks.md, --rho 0.03,0.1,0.3, before any of SAM; the default is the best.
"""

from functools import partial
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot
from samdyn.networks import models
from samdyn.statistics import best_by_others

PLAIN, TWICE, WIDER = "AdamW", "AdamW, 2 × epochs", 10  # the factor on the radius of ASAM
METHODS: dict[str, Any] = {PLAIN: lambda rho: sd.GD(), "SAM": sd.SAM, "ASAM": lambda rho: sd.ASAM(WIDER * rho)}
COLORS = ("0.4", "#0072B2", "#D55E00")  # of AdamW, SAM and ASAM
SHARE = 0.04  # of the text for validation, and of that for testing
LOOK, RADIUS = 16, 0.5  # windows on which curvature is measured, and the radius of adaptive sharpness there
LEGEND = (
    "Medians over seeds with 95 % intervals, in nats per character; differences seed by seed. epoch: where validation "
    "stopped. At the end of training: end, the test loss; the train loss, a mean over the last epoch; and, on "
    f"{LOOK} windows, λ_max and the rise of the loss by one step of ASAM with ρ = {RADIUS:g}."
)


@lab.one_thread()
def main(
    report: lab.Report,
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0 of SAM; those of ASAM are ten times as large."] = (0.1,),
    lr: Annotated[lab.LearningRate, "Learning rate η of AdamW."] = 0.002,
    epochs: Annotated[lab.Epochs, "Number of epochs, and twice as many for AdamW alone."] = 12,
    batch_size: Annotated[lab.BatchSize, "B, the number of windows."] = 8,
    samples: Annotated[lab.Samples, "Number of windows to train on."] = 320,
    context: Annotated[lab.Count, "Characters of a window."] = 64,
    width: Annotated[lab.Width, "Features of a token."] = 64,
    depth: Annotated[lab.Count, "Number of blocks."] = 3,
    training: lab.Training = lab.Training(seeds=6),
) -> None:
    text = networks.python_reference(context, train=samples, validation=SHARE, test=SHARE)
    report.about["text"], report.about["sha256 of the text"] = text.name, text.sha256
    how = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "first": training.seed}
    function = partial(measure, text, (context, width, depth), how, report.about["device"])
    settings = [(PLAIN, 0.0), *((name, r) for name in ("SAM", "ASAM") for r in rho)]
    grid = {"seed": range(training.seeds), ("direction", "rho"): settings}
    runs = sd.sweep(function, grid, processes=training.processes).assign_attrs(text=text.name, sha256=text.sha256)
    report.data(runs, "networks")
    report.print(f"{text.name}: {samples} windows of {context} characters, {len(text.test.inputs)} to test on")
    runs = runs.drop_vars(["cell_status", "cell_error"]).set_index(direction_rho=["direction", "rho"]).unstack()
    twice = stopped(runs.sel(direction=[PLAIN]), 2 * epochs).assign_coords(direction=[TWICE])
    ends = xr.concat([stopped(runs, epochs), twice], "direction").sel(direction=[PLAIN, TWICE, "SAM", "ASAM"])
    plain, longer = (ends.sel(direction=one, rho=0.0, drop=True).test_loss for one in (PLAIN, TWICE))
    ends["over_plain"], ends["over_longer"] = ends.test_loss - plain, ends.test_loss - longer
    medians = lab.medians(ends, "seed")
    rows = [medians.sel(direction=one, rho=0.0) for one in (PLAIN, TWICE)]
    rows += [medians.sel(direction=one, rho=r) for one in ("SAM", "ASAM") for r in rho]
    columns: dict[str, Any] = {"": "{direction}", "ρ": lambda row: radius(row.direction.item(), row.rho.item())}
    columns |= {"test loss": lab.interval("test_loss", ".3f"), "minus AdamW": lab.interval("over_plain", "+.3f")}
    columns |= {"minus 2 × epochs": lab.interval("over_longer", "+.3f"), "epoch": "{epoch:g}"}
    columns |= {"end": lab.interval("end_loss", ".3f"), "train loss": lab.interval("train_loss", ".2f")}
    columns |= {"λ_max": lab.interval("eigenvalue", ".3g"), "adaptive sharpness": lab.interval("sharpness", ".2g")}
    report.print(lab.table(rows, columns, keys=2), LEGEND)

    best = ends.isel(best_by_others(ends.validation_loss, ["rho"], "seed"))
    sam, asam = (best.sel(direction=one).drop_vars(["direction", "rho"]) for one in ("SAM", "ASAM"))
    gains = {f"SAM minus {PLAIN}": sam.over_plain, f"SAM minus {TWICE}": sam.over_longer}
    gains |= {f"ASAM minus {PLAIN}": asam.over_plain, f"ASAM minus {TWICE}": asam.over_longer}
    gains |= {"ASAM minus SAM": asam.test_loss - sam.test_loss, "– at the end": asam.end_loss - sam.end_loss}
    answers = lab.medians(xr.concat(gains.values(), xr.Variable("pair", [*gains])).to_dataset(name="loss"), "seed")
    columns = {"ρ by the validation loss of the other seeds": "{pair}", "test loss": lab.interval("loss", "+.3f")}
    report.print(lab.table(answers, columns, "pair"))
    report.figure(draw(medians, lab.medians(runs, "seed"), rho, training.seeds), "transformer")


def measure(
    text: networks.Text, sizes: tuple[int, int, int], how: dict[str, Any], device: str,
    direction: str, rho: float, seed: int,
) -> xr.Dataset:  # fmt: skip
    """Train one transformer. Return its losses after every epoch, and its curvature after the epochs, and twice."""
    model = models.gpt(len(text.alphabet), *sizes, seed=how["first"] + seed).to(device)
    train, validation, test = ([one.to(device) for one in part] for part in (text.train, text.validation, text.test))
    parts = {"validation_loss": validation, "test_loss": test}
    landscape = networks.Network(model, models.next_token_loss, *(one[:LOOK] for one in train))
    optimizer = networks.Optimizer(model.parameters(), METHODS[direction](rho), how["lr"], base=torch.optim.AdamW)
    generator = torch.Generator().manual_seed(how["first"] + seed)
    names = ("train_loss", *parts, "eigenvalue", "sharpness")
    result = {name: torch.full((2 * how["epochs"],), torch.nan) for name in names}
    for epoch in range((2 if direction == PLAIN else 1) * how["epochs"]):
        drawn = networks.batches(train[0], train[1], how["batch_size"], generator)
        result["train_loss"][epoch] = networks.train_epoch(model, optimizer, drawn, criterion=models.next_token_loss)
        for name, (inputs, targets) in parts.items():
            with torch.no_grad():
                result[name][epoch] = models.next_token_loss(model(inputs), targets)
        if not (epoch + 1) % how["epochs"]:
            w = landscape.vector(model).float()[:, None]
            result["eigenvalue"][epoch] = float(networks.largest_eigenvalue(landscape, w, tolerance=1e-2)[0])
            result["sharpness"][epoch] = networks.rise(landscape, w, sd.ASAM(RADIUS))[0]
    values = {name: ("epoch", one.numpy()) for name, one in result.items()}
    return xr.Dataset(values, {"epoch": range(1, 2 * how["epochs"] + 1)})


def radius(direction: str, rho: float) -> str:
    """Return a method's own radius, as a text."""
    return f"{rho * (WIDER if direction == 'ASAM' else 1):g}"


def stopped(runs: xr.Dataset, epochs: int) -> xr.Dataset:
    """Return the losses where that in validation is lowest, and the other measures after the epochs."""
    until = runs.sel(epoch=slice(1, epochs))
    at = until[["validation_loss", "test_loss"]].isel(epoch=until.validation_loss.fillna(torch.inf).argmin("epoch"))
    at["epoch"] = at.epoch.where(at.test_loss.notnull())
    ends = until.drop_vars("validation_loss").rename(test_loss="end_loss").isel(epoch=-1, drop=True)
    return at.reset_coords("epoch").merge(ends)


def draw(ends: xr.Dataset, course: xr.Dataset, rho: tuple[float, ...], seeds: int) -> Figure:
    """Draw the difference of test losses over the radius, the curvature, and the losses in the course of training."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4))
    shown = ends.sel(direction=["SAM", "ASAM"], rho=list(rho))
    styles = [{"color": color, "marker": "o"} for color in COLORS[1:]]
    labels = {"over_plain": "test loss minus AdamW\n[nats per character]", "eigenvalue": r"$\lambda_{\max}$ at the end"}
    for ax, (name, label) in zip(axes, labels.items(), strict=False):
        plot.intervals(shown, name, ax, x="rho", hue="direction", styles=styles)
        for one, style in ((PLAIN, "-"), (TWICE, ":")):
            ax.axhline(float(ends[name].sel(direction=one, rho=0.0)), color=COLORS[0], ls=style, lw=1, label=one)
        ax.set(xlabel=f"ρ of SAM; that of ASAM is {WIDER} ρ", ylabel=label)
        plot.log_axis(ax, "x" if name == "over_plain" else "xy")
    axes[0].legend()
    for color, one, r in zip(COLORS, (PLAIN, "SAM", "ASAM"), (0.0, *2 * [rho[len(rho) // 2]]), strict=True):
        line = course.sel(direction=one, rho=r)
        label = f"{one}, ρ = {radius(one, r)}" if r else one
        axes[2].plot(line.epoch, line.test_loss, color=color, label=label)
        axes[2].plot(line.epoch, line.train_loss, color=color, ls=":")
    axes[2].set(xlabel="epoch", ylabel="loss: test solid, training dotted")
    axes[2].legend()
    figure.suptitle(f"Do SAM and ASAM help AdamW on a transformer? (medians of {seeds}, bars: 95 %)")
    return figure


if __name__ == "__main__":
    lab.run(main)
