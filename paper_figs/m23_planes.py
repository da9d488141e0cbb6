"""The loss around networks that were trained by SAM with n ascent steps, along the plane of the ascent.

Every panel is another network, trained on a fifth of scikit-learn's digits from the same weights and with the same
batches. Its plane passes through w (★), along ∇L(w) and the part of ∇L(wᵖ) across it. The orange dots are the points
of the ascent that the network was trained with, projected on the plane. Above SAM follows the gradient at the last of
them, below the mean gradient of all. For comparison, at the lower left is a network trained by SGD, with the ascent of
n = 10.

Source: [M23], the loss surfaces along gradient planes. The paper trains ResNets on CIFAR-10; its settings were not
available. The mean gradient is our reading of the paper's "simple modification", whose definition we could not find.

Differs: the abstract says that single-step and multi-step SAM have distinct loss landscapes. Here SAM makes the valley
wide for every n, plain or averaged, and the surfaces look alike; SGD's is the one that is distinct. The network has
2,410 weights, and the ascent turns little, so that n steps of ρ/n reach nearly the point of one step of ρ. This is one
network each; `m23_training` has medians of many.
"""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import samdyn as sd
from samdyn import lab, networks, plot

RHO, LR, BATCH_SIZE, EPOCHS, WIDTHS, SEED = 0.2, 0.2, 32, 27, (64, 24, 24, 10), 0
COUNTS = (1, 2, 5, 10)  # n
DATA = networks.digits(test=0.8)
LAST = {f"SAM, n = {n}": sd.SAM(RHO, ascent_steps=n) for n in COUNTS}
MEAN = {f"mean gradient, n = {n}": sd.SAM(RHO, ascent_steps=n, average=True) for n in COUNTS[1:]}
METHODS: dict[str, sd.Method] = {**LAST, "SGD": sd.GD(), **MEAN}


def plane(network: networks.Network, method: sd.Method) -> xr.Dataset:
    """Train a network by a method. Return the loss along the plane of the method's ascent, for SGD that of n = 10."""
    model = networks.models.mlp(WIDTHS, seed=SEED)
    optimizer = networks.Optimizer(model.parameters(), method, LR)
    for _ in networks.train_epochs(model, optimizer, DATA, EPOCHS, BATCH_SIZE, seed=SEED):
        pass
    ascent = method if isinstance(method, sd.SAM) else sd.SAM(RHO, ascent_steps=COUNTS[-1])
    return networks.ascent_plane(network, network.vector(model), ascent)


def draw() -> Figure:
    """Draw the loss along the plane of the ascent, for each n, plain and averaged, and for SGD."""
    network = networks.classifier(DATA, WIDTHS[1:-1])
    planes = [plane(network, method) for method in METHODS.values()]
    for name, one in zip(METHODS, planes, strict=True):
        turn = np.degrees(np.arctan2(*one.ascent.values[-1, ::-1]))
        print(f"{name}: L(w) = {float(one.start_loss):.3g}, L(wᵖ) = {float(one.end_loss):.3g}; ", end="")
        print(f"wᵖ is {turn:.0f}° off ∇L(w), the ascent up to {float(one.off):.2f} ρ off the plane")
    shown = xr.concat(planes, xr.Variable("form", [*METHODS]), join="outer", combine_attrs="override")
    figure, axes = plt.subplots(2, len(COUNTS), figsize=(10.4, 6.2), sharex=True, sharey=True)
    plot.ascent_planes(shown, axes.ravel())
    across = axes[0, 0].get_ylabel()
    for ax in axes[0]:
        ax.set_xlabel("")
    axes[0, 0].set_ylabel("")
    figure.supylabel(across, fontsize="medium")
    figure.colorbar(axes[0, 0].collections[0], ax=axes, label="train loss", format="%.2g", shrink=0.8)
    figure.suptitle(
        f"SAM makes the valley around w (★) wide for every n; the ascent goes up within ρ = {RHO:g} (dotted)"
    )
    return figure


if __name__ == "__main__":
    lab.draw_figure(draw)
