"""Where do GD, USAM and SAM go at the edge of stability: along the plain flow, or along the central flow?

The script trains a small network with the full batch. From a step at which training oscillates, it follows three flows:
the central flow, the plain flow ẇ = −F and the flow of order 2. It compares them with the iterates averaged over time.
"""

from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib import pyplot as plt

import samdyn as sd
from samdyn import lab, networks, plot

WINDOW = 10  # standard deviation of the Gaussian window of averages over time, in steps
CUT = 3  # half-width of the window, in standard deviations
FINE = 5  # Euler steps of the plain flow and the flow of order 2 per step of the iterates
SHIFT = 1e-5  # time over which F is differenced along itself
EVERY = 10  # steps between two measured points
STYLES = {"iterates, averaged": ("0.6", "-"), "central": ("C3", "-"), "plain": ("C0", "--"), "order 2": ("C2", ":")}
COLUMNS = {"method": "{method}", "steps": "{step:.0f}", "moved": "{moved:.3f}", "central": "{central:.4f}"}
COLUMNS |= {"plain": "{plain:.4f}", "order 2": "{order2:.4f}", "central/plain": "{ratio:.3f}"}
COLUMNS |= {"mean loss": "{measured:.5f}", "predicted": "{predicted:.5f}", "of w̄": "{at_mean:.5f}"}
ABOUT = "\nDistance from the averaged iterates at the end, and the mean loss of the last window"


@lab.one_thread()
def main(
    report: lab.Report,
    lr: Annotated[lab.LearningRate, "Learning rate η."] = 0.4,
    momentum: lab.Momentum = 0.0,
    rho: Annotated[lab.Positive, "SAM's radius ρ."] = 0.05,
    usam_rho: Annotated[lab.Positive, "USAM's radius ρ."] = 0.1,
    width: Annotated[lab.Width, "Width of both hidden layers."] = 16,
    samples: Annotated[lab.Samples, lab.at_most(4000, "MNIST-1D has no more to train on")] = 100,
    before: Annotated[lab.Count, "Steps of training before the flows begin."] = 240,
    steps: Annotated[lab.Steps, lab.at_least(100, "two windows are wanted")] = 200,
    directions: Annotated[lab.Count, "The largest number of directions at the edge."] = 8,
    seed: Annotated[lab.Seed, "Seed of the initial weights."] = 0,
) -> None:
    hidden = (width, width)
    net = networks.classifier(networks.mnist1d(), hidden, samples=samples, activation="tanh", loss="squared")
    report.print(f"tanh {net.name}, {samples} samples of MNIST-1D, squared loss, full batch, η = {lr:g}")
    model = networks.models.mlp((40, *hidden, 10), activation="tanh", seed=seed)
    runs = {}
    for method in (sd.GD(), sd.USAM(usam_rho), sd.SAM(rho)):
        map_ = sd.Map(net, method, lr=lr, momentum=momentum)
        runs[type(method).__name__] = compare(map_, net.vector(model), before, steps, directions)
    data = xr.concat(runs.values(), "method").assign_coords(method=[*runs])
    last = data.isel(step=-1)
    flows = {"central": "central", "plain": "plain", "order2": "order 2"}
    rows = xr.Dataset({name: last.distance.sel(flow=flow, drop=True) for name, flow in flows.items()})
    rows = rows.assign(moved=last.moved, ratio=rows.central / rows.plain, measured=last.mean_loss)
    rows = rows.assign(predicted=last.predicted_loss, at_mean=last.loss.sel(flow="central", drop=True))
    report.print(lab.table(rows, COLUMNS, "method", title=ABOUT))
    for name in runs:
        ratio = float(rows.ratio.sel({"method": name}))
        report.print(f"{name}: the central flow ends {ratio:.3f} times as far from the averaged iterates as the plain.")
    report.data(data, "runs")
    report.figure(draw(data, lr), "central_flow")


def compare(map_: sd.Map, w0: torch.Tensor, before: int, steps: int, directions: int) -> xr.Dataset:
    """Measure the distances, the curvature and the loss of the averaged iterates and of the flows."""
    net, lr, gamma = map_.landscape, map_.lr, map_.momentum
    w = sd.simulate(map_, w0, before + steps, save_every=1).w.values[0, before - 1 :]
    start = (w[0] + 2 * w[1] + w[2]) / 4  # without what alternates
    w = w[1:]
    half = CUT * WINDOW
    at = np.arange(half, steps - half + 1)
    at = at[at % EVERY == 0]
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / WINDOW) ** 2)
    weights /= weights.sum()
    central = sd.CentralFlow(net, map_.method, lr, gamma).run(start, steps, save_every=EVERY, directions=directions)
    central = central.swap_dims(time="step").sel(step=at)
    points = {
        "iterates, averaged": np.stack([weights @ w[k - half : k + half + 1] for k in at]),
        "central": central.w.values,
        "plain": follow(net, map_.method, lr / (1 - gamma), start, steps)[at],
        "order 2": follow(net, second_order(map_.method, lr), lr / (1 - gamma), start, steps)[at],
    }
    means = points["iterates, averaged"]
    losses = np.concatenate([net.value(part.T).numpy() for part in torch.tensor(w).split(64)])
    measured: dict[str, Any] = {
        "distance": (("flow", "step"), [np.linalg.norm(p - means, axis=1) for p in points.values()]),
        "lam": (("flow", "step"), [[top(net, one) for one in p] for p in points.values()]),
        "loss": (("flow", "step"), [net.value(torch.tensor(p.T)).numpy() for p in points.values()]),
        "norm": (("flow", "step"), [np.linalg.norm(p, axis=1) for p in points.values()]),
        "moved": ("step", np.linalg.norm(means - start, axis=1)),
        "mean_loss": ("step", [weights @ losses[k - half : k + half + 1] for k in at]),
        "predicted_loss": ("step", central.mean_loss.values),
        "active": ("step", central.active.values),
    }
    return xr.Dataset(measured, {"flow": [*points], "step": at})


def follow(net: sd.Landscape, method: Any, lr: float, start: np.ndarray, steps: int) -> np.ndarray:
    """Return the points of the flow ẇ = −F at every step, by Euler's method with small steps."""
    return sd.simulate(sd.Map(net, method, lr / FINE), start, steps * FINE, save_every=FINE).w.values[0]


def second_order(method: sd.Method, lr: float) -> Any:
    """Return F + (η/2) DF·F, whose flow follows the iterates to second order. [theory 11]"""

    def field(w: Any, grad: Any) -> Any:
        f = method(w, grad)
        return f + lr / 2 * (method(w + SHIFT * f, grad) - f) / SHIFT

    return field


def top(net: sd.Landscape, w: np.ndarray) -> float:
    """Return the largest eigenvalue of the Hessian."""
    if not np.isfinite(w).all():
        return np.nan
    return float(networks.extreme_eigenpairs(net, w, lowest=0, highest=1, tolerance=1e-3)[0][0])


def draw(data: xr.Dataset, lr: float) -> Any:
    """Draw λ_max, loss and distance, a column for each method."""
    figure, axes = plt.subplots(3, data.method.size, figsize=(4 * data.method.size, 8), sharex=True, squeeze=False)
    for column, method in zip(axes.T, data.method.values, strict=True):
        one = data.sel({"method": method})
        for flow, (color, style) in STYLES.items():
            for ax, name in zip(column, ("lam", "loss", "distance"), strict=True):
                if name != "distance" or flow != "iterates, averaged":
                    width = 3.5 if flow == "iterates, averaged" else 1.5
                    ax.plot(one.step, one[name].sel(flow=flow), color=color, ls=style, lw=width, label=flow)
        column[0].axhline(2 / lr, color="0.3", lw=0.8, label=r"$2/\eta$")
        column[1].plot(one.step, one.mean_loss, color="0.6", ls=(0, (1, 1)), lw=3, label="iterates, mean loss")
        column[1].plot(one.step, one.predicted_loss, color="k", lw=0.9, label="mean loss, predicted")
        column[2].set_yscale("log")
        column[0].set_title(method)
    for ax, label in zip(
        axes[:, 0], (r"$\lambda_{\max}$", "training loss", "distance from averaged iterates"), strict=True
    ):
        ax.set_ylabel(label)
    return plot.frame(
        figure, "The central flow goes where the averaged iterates go", xlabel="steps after the flows began"
    )


if __name__ == "__main__":
    lab.run(main)
