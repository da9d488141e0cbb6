"""Do SAM and its variants help SGD and AdamW alike? MLPs on digits and MNIST-1D, at equal steps and equal gradients.

The script trains with SGD with momentum 0.9 and with AdamW, along the gradient and along the directions of SAM, ASAM,
GSAM and Friendly SAM, from the same weights and with the same batches. These four take two gradients a step, so that
the plain base counts twice: after as many steps, and after twice as many. Every method may have its own η and ρ: for
each seed those with the highest mean accuracy of the other seeds on samples for validation, which serve nothing else.
What is reported is the accuracy on further samples. The defaults were fixed before any network was trained;
docs/networks.md has the numbers of --seeds 20.
"""

from functools import partial
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks
from samdyn.statistics import best_by_others

DATA = {"digits": partial(networks.digits, test=0.4), "MNIST-1D": partial(networks.mnist1d, samples=10_000)}
BASES = {"SGD": sd.bases.SGD(momentum=0.9), "AdamW": sd.bases.AdamW()}
FASTER, WIDER = {"SGD": 10, "AdamW": 1}, 10  # factors on η, and on the radius of ASAM, which are those of [A21]
PLAIN, TWICE = "plain", "plain, 2 × steps"
METHODS: dict[str, Any] = {  # as functions of ρ
    PLAIN: lambda rho: sd.GD(),
    TWICE: lambda rho: sd.GD(),
    "SAM": sd.SAM,
    "ASAM": lambda rho: sd.ASAM(WIDER * rho),
    "GSAM": sd.methods.GSAM,
    "FriendlySAM": sd.methods.FriendlySAM,
}
RADIUS = 0.5  # of adaptive sharpness, for all methods
LEGEND = (
    "Medians over seeds with 95 % intervals; gains in points of test accuracy and losses in testing seed by seed. "
    f"adaptive sharpness: the rise of the training loss by one step of ASAM with ρ = {RADIUS:g}. η and ρ: medians of "
    "the choices."
)


@lab.one_thread()
def main(
    report: lab.Report,
    lr: Annotated[lab.LearningRates, "η of AdamW; those of SGD are ten times as large."] = (0.001, 0.003, 0.01),
    rho: Annotated[lab.PositiveRadii, "Radii ρ > 0; those of ASAM are ten times as large."] = (0.1, 0.2, 0.4),
    samples: Annotated[lab.Samples, "Number of samples to train on."] = 1000,
    batch_size: Annotated[lab.BatchSize, "B, drawn with replacement."] = 32,
    steps: Annotated[lab.Steps, "Equally many for all methods, and twice as many once for the plain bases."] = 600,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 32,
    training: lab.Training = lab.Training(seeds=6),
) -> None:
    grid = {"base": [*BASES], "direction": [*METHODS], "lr": lr, "rho": rho, "seed": range(training.seeds)}
    results = []
    for read in DATA.values():
        halves = split(read(), samples)
        task = networks.Task(halves[0], (width, width), training.seeds, training.seed)
        how = {"seed": training.seed, "device": training.device}
        function = partial(measure, task, halves, steps, how, noise=sd.noise.FiniteSum(batch_size))
        runs = sd.sweep(function, grid, batch=("lr", "rho", "seed"), processes=training.processes)
        report.data(runs, f"networks_{task.data.name}")
        best = runs.isel(best_by_others(-runs.validation_accuracy, ["lr", "rho"], "seed")).reset_coords(["lr", "rho"])
        w = torch.as_tensor(best.w.stack(net=["base", "direction", "seed"]).transpose("weight", "net").values)
        lam = networks.largest_eigenvalue(task.network, w.float(), tolerance=1e-2)
        best["eigenvalue"] = best.test_loss.transpose("base", "direction", "seed").copy(
            data=lam.reshape(2, len(METHODS), -1)
        )
        results.append(best.drop_vars(["w", "cell_status", "cell_error"]))
    ends = xr.concat(results, xr.Variable("data", [*DATA]))

    ends["lr"] = ends.lr * xr.DataArray([FASTER[base] for base in BASES], dims="base")
    ends["rho"] = (ends.rho * xr.where(ends.direction == "ASAM", WIDER, 1)).where(~ends.direction.isin([PLAIN, TWICE]))
    plain = ends.sel(direction=PLAIN, drop=True)
    ends["gain"] = ends.test_accuracy - plain.test_accuracy
    ends["gain_by_gradients"] = ends.test_accuracy - ends.test_accuracy.sel(direction=TWICE, drop=True)
    ends["loss_change"] = ends.test_loss - plain.test_loss
    ends["flatness"] = ends.eigenvalue / plain.eigenvalue
    medians = lab.medians(ends, "seed")
    columns: dict[str, Any] = {"data": "{data}", "base": "{base}", "direction": "{direction}"}
    columns |= {"accuracy [%]": lab.interval("test_accuracy", ".1f"), "gain": lab.interval("gain", "+.1f")}
    columns |= {"over 2 × steps": lab.interval("gain_by_gradients", "+.1f")}
    columns |= {"loss minus plain": lab.interval("loss_change", "+.3f"), "λ_max": lab.interval("eigenvalue", ".2g")}
    columns |= {"adaptive sharpness": lab.interval("sharpness", ".2g"), "η": "{lr:g}", "ρ": "{rho:g}"}
    report.print(lab.table(medians, columns, ("data", "base", "direction"), keys=3, left=3, once=2), LEGEND)
    report.data(ends, "chosen")
    report.figure(draw(medians, training.seeds), "base_optimizers")
    sams = ends.sel(direction=[*METHODS][2:])
    for base in BASES:
        for name, over in {"gain": "as many steps", "gain_by_gradients": "as many gradients"}.items():
            text = lab.effect(sams[name].sel(base=base), "seed")
            report.print(f"SAM and its variants with {base}, over plain {base} of {over}, in points: {text}.")


def split(data: networks.Data, samples: int) -> list[networks.Data]:
    """Return the first samples for training, with half of those for testing for validation, and with the other half."""
    train = data.train_inputs[:samples], data.train_targets[:samples]
    test = [(data.test_inputs[half::2], data.test_targets[half::2]) for half in range(2)]
    return [networks.Data(data.name, *train, *half, data.classes) for half in test]


def measure(
    task: networks.Task, halves: list[networks.Data], steps: int, training: dict[str, Any],
    base: str, direction: str, lr: Any, rho: Any, seed: Any, **noise: Any,
) -> dict[str, Any]:  # fmt: skip
    """Train networks by one base and method. Return how good and how sharp they are at the end, and their weights."""
    map_ = sd.Map(task.network, METHODS[direction](rho), lr=FASTER[base] * lr, base=BASES[base], **noise)
    number = 2 * steps if direction == TWICE else steps
    ((_, w),) = networks.train(map_, task.starts[seed], number, runs=seed, **training)
    validation, test = (networks.performance(task.network, w, half) for half in halves)
    return {
        "validation_accuracy": 100 * validation["test_accuracy"],
        "test_accuracy": 100 * test["test_accuracy"],
        "test_loss": test["test_loss"],
        "train_loss": test["train_loss"],
        "sharpness": networks.rise(task.network, w, sd.ASAM(RADIUS)),
        "w": xr.DataArray(w.T.cpu().numpy(), dims=("cell", "weight")),
    }


def draw(medians: xr.Dataset, seeds: int) -> Figure:
    """Draw how much better and flatter than by the plain base the networks of each method are."""
    others = [name for name in METHODS if name != PLAIN]
    shown = medians.sel(direction=others).assign_coords(direction=range(len(others)))
    rows = [(shown, "gain", "test accuracy\nminus plain [points]"), (shown, "loss_change", "test loss minus plain")]
    rows += [(shown, "flatness", r"$\lambda_{\max}$ over that of plain")]
    heading = f"Do SAM and its variants help SGD and AdamW alike? (medians of {seeds}, bars: 95 %)"
    look: dict[str, Any] = {"x": "direction", "hue": "base", "aside": 0.15}
    figure, axes = lab.facets(rows, heading, column="data", size=(4.4, 2.6), ls="none", **look)
    for row, level in zip(axes, (0, 0, 1), strict=True):
        for ax in row:
            ax.axhline(level, color="0.6", lw=1, zorder=0)
    ticks = ["\n".join(name.replace("FriendlySAM", "Friendly SAM").split(maxsplit=1)) for name in others]
    axes[0, 0].set(xticks=range(len(others)), xticklabels=ticks)
    return figure


if __name__ == "__main__":
    lab.run(main)
