"""Train a ResNet-18 on CIFAR, as in the papers.

The methods are SGD, SAM, ASAM and n-step SAM, with or without batch norm and augmentation. The script needs the data
and a GPU. [K23] trains without batch norm and augmentation, and reports that SAM with large batches and no momentum
fails. [A21] and [M23] train with both.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import lab, networks, plot
from samdyn.networks.data.archives import ARCHIVES

METHODS = ("SGD", "SAM", "ASAM")
PRECISIONS = ("float32", "bfloat16")


def main(
    report: lab.Report,
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
    precision: Annotated[str, "float32, or bfloat16 by autocast.", lab.choice("precision", PRECISIONS)] = "float32",
    seed: Annotated[lab.Seed, "Seed of initial weights, batches and augmentation."] = 0,
    device: lab.Device = "auto",
) -> None:
    where = report.about["device"]  # what "auto" means here
    model = networks.models.resnet18(ARCHIVES[dataset].classes, batch_norm=batch_norm, width=width, seed=seed).to(where)
    ascent: dict[str, Any] = {"ascent_steps": ascent_steps, "average": average}
    # ASAM as its authors have it: T scales weights by |w| + 0.01 and leaves biases.
    asam = sd.ASAM(rho, shift=0.01, weights=networks.weights(model), **ascent)
    chosen = {"SGD": sd.GD(), "SAM": sd.SAM(rho, **ascent), "ASAM": asam}[method]
    optimizer = networks.Optimizer(model.parameters(), chosen, lr, momentum, weight_decay)
    data = networks.cifar(data_dir, dataset)
    how: dict[str, Any] = {"is_augmented": augment, "dtype": getattr(torch, precision), "seed": seed}
    training = networks.train_epochs(model, optimizer, data, epochs, batch_size, **how)
    report.print(f"{data.name}, ResNet-18 of {sum(p.numel() for p in model.parameters()):,} parameters, {where}")
    rows: list[dict[str, float]] = []
    reason = ""
    try:
        with report.stoppable(rows, epochs, "epochs"):
            for row in training:
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
    figure, (above, below) = plt.subplots(2, sharex=True)
    above.plot(runs.epoch, runs.train_loss, label="training, mean over the epoch")
    above.plot(runs.epoch, runs.test_loss, label="test")
    above.set(ylabel="loss", yscale="log")
    below.plot(runs.epoch, 100 * runs.test_accuracy)
    below.set(ylabel="test accuracy / %")
    plot.frame(figure, f"{data.name}, {method} B = {batch_size} γ = {momentum:g}", xlabel="epoch")
    report.figure(figure, "training")
    answer = "After {epoch} epochs the network classifies {test_accuracy:.2%} of the test set, with a training loss of "
    answer += "{train_loss:.3g}: one network, and so without an interval."
    report.print(lab.text(answer, runs.isel(epoch=-1)) if rows else "No epoch was finished.")


if __name__ == "__main__":
    lab.run(main)
