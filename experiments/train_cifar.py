"""Train a ResNet-18 on CIFAR, as in the papers.

The methods are SGD, SAM, ASAM and n-step SAM, with or without batch norm and augmentation. The script needs the data
and a GPU. [K23] trains without batch norm and augmentation, and reports that SAM with large batches and no momentum
fails. [A21] and [M23] train with both.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter
from typing import Annotated

import matplotlib
import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from rich.console import Console
from torch import nn
from torch.nn import functional
from typer import Option

import samdyn as sd
from samdyn import checks, cli, networks, plot
from samdyn.networks.data.archives import ARCHIVES
from samdyn.output import OutputFolder
from samdyn.simulation.starts import choose_device

METHODS: dict[str, Callable[[nn.Module, float, int, bool], sd.Method]] = {
    "SGD": lambda model, rho, steps, average: sd.GD(),
    "SAM": lambda model, rho, steps, average: sd.SAM(rho, ascent_steps=steps, average=average),
    # This is the form of ASAM's authors: T scales weights by |w| + 0.01 and leaves biases.
    "ASAM": lambda model, rho, steps, average: sd.ASAM(
        rho, shift=0.01, weights=networks.weights(model), ascent_steps=steps, average=average
    ),
}
PRECISIONS = ("float32", "bfloat16")
MARGIN = 4  # largest shift of an image, in pixels
TEST_BATCH = 1000  # images in a batch of the test set

Batch = tuple[torch.Tensor, torch.Tensor]


def main(
    data_dir: Annotated[Path, Option(help="Folder with the archive, as published in the binary version.")],
    dataset: Annotated[str, Option(help="cifar10 or cifar100.")] = "cifar10",
    method: Annotated[str, Option(help="SGD, SAM or ASAM.")] = "SAM",
    rho: Annotated[float, Option(help="Radius ρ: about 0.1 for SAM, 0.5 for ASAM.")] = 0.1,
    ascent_steps: Annotated[int, Option(help="Number n of ascent steps.")] = 1,
    average: Annotated[bool, Option("--average", help="Average the gradients of the n points.")] = False,
    lr: Annotated[float, Option(help="Learning rate η at the start; it falls to 0 as half a cosine.")] = 0.1,
    momentum: Annotated[float, Option(help="Momentum γ.")] = 0.9,
    weight_decay: Annotated[float, Option(help="Weight decay of all parameters.")] = 5e-4,
    batch_size: Annotated[int, Option(help="Batch size B.")] = 128,
    epochs: Annotated[int, Option(help="Number of epochs.")] = 200,
    batch_norm: Annotated[bool, Option(help="With or without batch norm.")] = True,
    augment: Annotated[bool, Option(help="With or without random shifts and reflections.")] = True,
    width: Annotated[int, Option(help="Channels of the first stage; 64 makes a ResNet-18.")] = 64,
    precision: Annotated[str, Option(help="float32, or bfloat16 by autocast.")] = "float32",
    seed: Annotated[int, Option(help="Seed of initial weights, batches and augmentation.")] = 0,
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[
        Path, Option(help="Folder for figures, data and the network; replaced only if it holds an earlier result.")
    ] = Path("results/train_cifar"),
) -> None:
    """Train a ResNet-18 on CIFAR, as in the papers."""
    parameters = {key: str(value) if isinstance(value, Path) else value for key, value in locals().items()}
    dataset = checks.known("data set", dataset, ARCHIVES)
    make = METHODS[checks.known("method", method, METHODS)]
    batch_size = checks.count("--batch-size", batch_size, "Use e.g. --batch-size 128")
    epochs = checks.count("--epochs", epochs, "Use e.g. --epochs 200")
    dtype = getattr(torch, checks.known("precision", precision, PRECISIONS))
    where = choose_device(device)
    model = networks.models.resnet18(ARCHIVES[dataset].classes, batch_norm=batch_norm, width=width, seed=seed)
    model = model.to(where)
    update = make(model, rho, ascent_steps, average)
    optimizer = networks.Optimizer(model.parameters(), update, lr, momentum, weight_decay)
    folder = OutputFolder(
        out, "train_cifar", parameters
    )  # this rejects a folder that it may not replace, before the data are read
    data = networks.cifar(data_dir, dataset)
    if batch_size > len(data.train_inputs):
        rule = f"is more than the {len(data.train_inputs)} samples"
        checks.reject("--batch-size", batch_size, rule, "Use e.g. --batch-size 128")
    console = cli.console()
    with folder:
        console.print(f"{data.name}, ResNet-18 of {sum(p.numel() for p in model.parameters()):,} parameters, {where}")
        batches = Batches(data, batch_size, augment, seed, where)
        precise = torch.autocast(where.type, dtype) if dtype != torch.float32 else nullcontext()
        runs, ending = trained(model, optimizer, batches, precise, epochs, console)
        console.print(ending)
        folder.save_dataset(runs.assign_attrs(ending=ending, network="ResNet-18", data=data.name), "training.zarr")
        with folder.writing("network.pt") as path:
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
        matplotlib.use("Agg")
        with plt.rc_context(plot.STYLE):
            folder.save_figure(drawn(runs, f"{data.name}, {method} B = {batch_size} γ = {momentum:g}"), "training.png")
        console.print(answer(runs))
    console.print(f"figure, data, network and provenance in {out}/")


class Batches:
    """Batches of the training set, in a new order in every epoch, and those of the test set, on a device."""

    def __init__(self, data: networks.Data, size: int, augment: bool, seed: int, device: torch.device) -> None:
        self.train = (data.train_inputs.to(device), data.train_targets.to(device))
        self.test = (data.test_inputs.to(device), data.test_targets.to(device))
        self._size, self._augment = size, augment
        self._generator = torch.Generator().manual_seed(seed)  # a CPU generator gives the same batches on every device

    def epoch(self) -> Iterator[Batch]:
        """Yield the training set in batches of equal size. The epoch omits the samples that do not fill a batch."""
        order = torch.randperm(len(self.train[0]), generator=self._generator)
        for first in range(0, len(order) - self._size + 1, self._size):
            chosen = order[first : first + self._size].to(self.train[0].device)
            images, targets = (part[chosen] for part in self.train)
            yield (augmented(images, self._generator) if self._augment else images), targets


def augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images ``(n, 3, 32, 32)`` with a random shift of up to 4 pixels and a random reflection."""
    n, _, height, width = images.shape
    down, right = torch.randint(2 * MARGIN + 1, (2, n, 1), generator=generator).to(images.device)
    reflect = torch.randint(2, (n, 1, 1, 1), generator=generator).to(images.device)
    padded = functional.pad(images, [MARGIN] * 4).movedim(1, -1)
    rows = (down + torch.arange(height, device=images.device))[:, :, None]
    columns = (right + torch.arange(width, device=images.device))[:, None, :]
    # Contiguous: with channels last, oneDNN's 1 × 1 convolutions write outside their memory where AVX-512 is missing.
    shifted = padded[torch.arange(n, device=images.device)[:, None, None], rows, columns].movedim(-1, 1).contiguous()
    return torch.where(reflect == 1, shifted.flip(3), shifted)


def trained(
    model: nn.Module,
    optimizer: networks.Optimizer,
    batches: Batches,
    precise: torch.autocast | nullcontext[None],
    epochs: int,
    console: Console,
) -> tuple[xr.Dataset, str]:
    """Train for some epochs, or until the loss is not finite or the user interrupts. Return the measurements."""
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    rows: list[tuple[float, ...]] = []
    ending = f"{epochs} epochs done"
    try:
        for epoch in range(epochs):
            began, losses = perf_counter(), []
            model.train()
            for images, targets in batches.epoch():

                def closure(images: torch.Tensor = images, targets: torch.Tensor = targets) -> torch.Tensor:
                    with precise:
                        loss = functional.cross_entropy(model(images), targets)
                    loss.backward()
                    return loss

                losses.append(optimizer.step(closure))
            rate = float(schedule.get_last_lr()[0])
            schedule.step()
            loss, accuracy = tested(model, batches.test)
            rows.append((float(torch.stack(losses).mean()), loss, accuracy, rate, perf_counter() - began))
            line = f"train loss {rows[-1][0]:.4f}  test loss {loss:.4f}  accuracy {accuracy:.2%}"
            console.print(f"epoch {epoch + 1:3}/{epochs}  {line}  {rows[-1][-1]:.1f} s")
    except networks.NotFinite as error:
        ending = f"Stopped in epoch {len(rows) + 1}: {error}"
    except KeyboardInterrupt:
        ending = f"Stopped by the user in epoch {len(rows) + 1}."
    names = ("train_loss", "test_loss", "test_accuracy", "lr", "seconds")
    columns = np.array(rows, dtype=float).reshape(-1, len(names)).T
    variables = {name: ("epoch", column) for name, column in zip(names, columns, strict=True)}
    return xr.Dataset(variables, {"epoch": np.arange(1, len(rows) + 1)}), ending


def answer(runs: xr.Dataset) -> str:
    """Say in numbers how well the network of the last epoch classifies."""
    if not runs.sizes["epoch"]:
        return "No epoch was finished."
    last = runs.isel(epoch=-1)
    return (
        f"After {int(last.epoch)} epochs the network classifies {float(last.test_accuracy):.2%} of the test set, with "
        f"a training loss of {float(last.train_loss):.3g}: one network, and so without an interval."
    )


@torch.no_grad()
def tested(model: nn.Module, test: Batch) -> tuple[float, float]:
    """Return loss and accuracy on the test set."""
    model.eval()
    outputs = torch.cat([model(part) for part in test[0].split(TEST_BATCH)])
    right = (outputs.argmax(1) == test[1]).double().mean()
    return float(functional.cross_entropy(outputs, test[1])), float(right)


def drawn(runs: xr.Dataset, title: str) -> Figure:
    """Draw losses and accuracy by epoch."""
    figure, (above, below) = plt.subplots(2, sharex=True, layout="constrained")
    above.plot(runs.epoch, runs.train_loss, label="training, mean over the epoch")
    above.plot(runs.epoch, runs.test_loss, label="test")
    above.set(ylabel="loss", yscale="log", title=title)
    above.legend()
    below.plot(runs.epoch, 100 * runs.test_accuracy)
    below.set(xlabel="epoch", ylabel="test accuracy / %")
    return figure


if __name__ == "__main__":
    cli.run(main)
