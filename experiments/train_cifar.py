"""Train a ResNet-18 on CIFAR, as in the papers.

The methods are SGD, SAM, ASAM and n-step SAM, with or without batch norm and augmentation. The script needs the data
and a GPU. [K23] trains without batch norm and augmentation, and reports that SAM with large batches and no momentum
fails. [A21] and [M23] train with both.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated

import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

import samdyn as sd
from samdyn import checks, lab, networks
from samdyn.networks.data.archives import ARCHIVES
from samdyn.simulation.starts import choose_device

METHODS: dict[str, Callable[[nn.Module, float, int, bool], sd.Method]] = {
    "SGD": lambda model, rho, steps, average: sd.GD(),
    "SAM": lambda model, rho, steps, average: sd.SAM(rho, ascent_steps=steps, average=average),
    # This is the form of ASAM's authors: T scales weights by |w| + 0.01 and leaves biases.
    "ASAM": lambda model, rho, steps, average: sd.ASAM(
        rho, shift=0.01, weights=networks.weights(model), ascent_steps=steps, average=average
    ),
}


def main(
    data_dir: Annotated[Path, "Folder with the archive, as published in the binary version."],
    dataset: Annotated[str, "cifar10 or cifar100.", lab.choice("data set", ARCHIVES)] = "cifar10",
    method: Annotated[str, "SGD, SAM or ASAM.", lab.choice("method", METHODS)] = "SAM",
    rho: Annotated[lab.Radius, "Radius ρ: about 0.1 for SAM, 0.5 for ASAM."] = 0.1,
    ascent_steps: lab.AscentSteps = 1,
    average: Annotated[bool, "Average the gradients of the n points."] = False,
    lr: Annotated[lab.LearningRate, "Learning rate η at the start; it falls to 0 as half a cosine."] = 0.1,
    momentum: lab.Momentum = 0.9,
    weight_decay: Annotated[float, "Weight decay of all parameters."] = 5e-4,
    batch_size: lab.BatchSize = 128,
    epochs: lab.Epochs = 200,
    batch_norm: Annotated[bool, "With or without batch norm."] = True,
    augment: Annotated[bool, "With or without random shifts and reflections."] = True,
    width: Annotated[lab.Width, "Channels of the first stage; 64 makes a ResNet-18."] = 64,
    precision: Annotated[
        str, "float32, or bfloat16 by autocast.", lab.choice("precision", ["float32", "bfloat16"])
    ] = "float32",
    seed: Annotated[lab.Seed, "Seed of initial weights, batches and augmentation."] = 0,
    device: lab.Device = "auto",
    *,
    report: lab.Report,
) -> None:
    """Train a ResNet-18 on CIFAR, as in the papers."""
    where = choose_device(device)
    model = networks.models.resnet18(ARCHIVES[dataset].classes, batch_norm=batch_norm, width=width, seed=seed).to(where)
    update = METHODS[method](model, rho, ascent_steps, average)
    optimizer = networks.Optimizer(model.parameters(), update, lr, momentum, weight_decay)
    data = networks.cifar(data_dir, dataset)
    if batch_size > len(data.train_inputs):
        rule = f"is more than the {len(data.train_inputs)} samples"
        checks.reject("--batch-size", batch_size, rule, "Use e.g. --batch-size 128")
    report.print(f"{data.name}, ResNet-18 of {sum(p.numel() for p in model.parameters()):,} parameters, {where}")

    rows: list[dict[str, float]] = []
    reason = ""
    try:
        with report.stoppable(rows, epochs, "epochs"):
            for row in train(model, optimizer, data, batch_size, epochs, augment, getattr(torch, precision), seed):
                rows.append(row)
                numbers = "train loss {train_loss:.4f}  test loss {test_loss:.4f}  accuracy {test_accuracy:.2%}"
                report.print(f"epoch {len(rows):3}/{epochs}  {numbers.format(**row)}  {row['seconds']:.1f} s")
    except networks.NotFinite as error:
        reason = f". Stopped: {error}"
    ending = f"{len(rows)} of {epochs} epochs done{reason}"
    report.print(ending)
    names = ("epoch", "train_loss", "test_loss", "test_accuracy", "lr", "seconds")
    runs = xr.Dataset({name: ("epoch", [row[name] for row in rows]) for name in names})
    report.data(runs.assign_attrs(ending=ending, network="ResNet-18", data=data.name), "training")
    with report.file("network.pt") as path:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    report.figure(draw(runs, f"{data.name}, {method} B = {batch_size} γ = {momentum:g}"), "training")
    report.print(answer(runs))


def train(
    model: nn.Module,
    optimizer: networks.Optimizer,
    data: networks.Data,
    batch_size: int,
    epochs: int,
    augment: bool,
    dtype: torch.dtype,
    seed: int,
) -> Iterator[dict[str, float]]:
    """Train a network on the device of its parameters. Yield the measurements of every epoch."""
    samples = data.train_inputs, data.train_targets, data.test_inputs, data.test_targets
    inputs, targets, *test = (part.to(next(model.parameters()).device) for part in samples)
    schedule = CosineAnnealingLR(optimizer, epochs)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(1, epochs + 1):
        began, rate = perf_counter(), float(schedule.get_last_lr()[0])
        batches = networks.batches(inputs, targets, batch_size, generator, is_augmented=augment)
        train_loss = networks.train_epoch(model, optimizer, batches, dtype=dtype)
        schedule.step()
        test_loss, accuracy = networks.evaluate(model, *test)
        row = {"train_loss": train_loss, "test_loss": test_loss, "test_accuracy": accuracy, "lr": rate}
        yield {"epoch": epoch, **row, "seconds": perf_counter() - began}


def answer(runs: xr.Dataset) -> str:
    """Say in numbers how well the network of the last epoch classifies."""
    if not runs.sizes["epoch"]:
        return "No epoch was finished."
    last = runs.isel(epoch=-1)
    return (
        f"After {int(last.epoch)} epochs the network classifies {float(last.test_accuracy):.2%} of the test set, with "
        f"a training loss of {float(last.train_loss):.3g}: one network, and so without an interval."
    )


def draw(runs: xr.Dataset, title: str) -> Figure:
    """Draw losses and accuracy by epoch."""
    figure, (above, below) = plt.subplots(2, sharex=True)
    above.plot(runs.epoch, runs.train_loss, label="training, mean over the epoch")
    above.plot(runs.epoch, runs.test_loss, label="test")
    above.set(ylabel="loss", yscale="log", title=title)
    above.legend()
    below.plot(runs.epoch, 100 * runs.test_accuracy)
    below.set(xlabel="epoch", ylabel="test accuracy / %")
    return figure


if __name__ == "__main__":
    lab.run(main)
