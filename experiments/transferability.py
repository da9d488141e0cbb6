"""Do perturbations made on one network fool another, and more so if the loss is averaged over noise on the input? [K22]

The script trains MLPs and a convolutional net on digits and on MNIST-1D. It perturbs test inputs by FGSM and PGD on one
net, with and without additive noise, and counts how often this fools that net and others. It also compares the mean
loss over noise with L + (σ²/2) tr ∇²ₓL. That noise acts through this expansion is our reading of [K22], whose theorem
was not available. The defaults were fixed before any network was attacked.
"""

from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import cross_entropy, pad

import samdyn as sd
from samdyn import lab, networks
from samdyn.networks import attacks, models

DATA: dict[str, Any] = {"digits": networks.digits, "MNIST-1D": networks.mnist1d}
IMAGES = {64: (8, 8), 40: (1, 40)}  # height and width of inputs by their number of features
NETS: dict[str, Any] = {  # of the number of features and the seed
    "ReLU 32-32": lambda d, seed: models.mlp((d, 32, 32, 10), seed=seed),
    "ReLU 128": lambda d, seed: models.mlp((d, 128, 10), seed=seed),
    "tanh 64-64-64": lambda d, seed: models.mlp((d, 64, 64, 64, 10), activation="tanh", seed=seed),
    "convolutional": lambda d, seed: nn.Sequential(
        nn.Unflatten(1, (1, *IMAGES[d])), nn.Upsample((8, IMAGES[d][1])), models.small_cnn(width=8, seed=seed)
    ),
}
ROOM = 2**14  # numbers in the array of a network's parameters, more than any of them has
PAIRS = 32  # pairs of points x ± ξ for the mean loss over noise
LEGEND = (
    "Shares in % of the inputs that nets classify correctly, for the attacked net itself and for others: one of each "
    "architecture, with other initial weights. Means over nets, medians over seeds with 95 % intervals."
)


@lab.one_thread()
def main(
    eps: Annotated[lab.PositiveRadii, "Sizes ε > 0 of the perturbation of every feature."] = (0.1, 0.3),
    sigma: Annotated[lab.PositiveRadii, "Deviations σ > 0 of the noise; 0 is always there."] = (0.1, 0.2, 0.4, 0.8),
    ascent_steps: Annotated[lab.AscentSteps, "Steps of PGD."] = 5,
    pairs: Annotated[lab.Count, "Pairs x ± ξ of noisy points in a step of an attack."] = 4,
    samples: Annotated[lab.Samples, "Test inputs to perturb."] = 200,
    steps: Annotated[lab.Steps, "Steps of training."] = 1000,
    seeds: lab.Seeds = 6,
    seed: Annotated[lab.Seed, "First seed of initial weights, batches and noise."] = 0,
    processes: lab.Processes = 2,
    *,
    report: lab.Report,
) -> None:
    grid: dict[str, Any] = {"data": [*DATA], "net": [*NETS], "seed": range(seed, seed + seeds)}
    trained = sd.sweep(partial(train, steps), grid, batch="seed", processes=processes)
    ways = {"FGSM": attacks.fgsm, "PGD": partial(attacks.pgd, steps=ascent_steps)}
    how = [*eps], [0.0, *sigma], pairs, samples
    runs = sd.sweep(partial(attack, trained.w, ways, how), grid, processes=processes).assign(accuracy=trained.accuracy)
    report.data(runs, "networks")

    expansion = lab.medians(runs[["accuracy"]].assign(ratio=runs.rise / runs.predicted), "seed").sel(sigma=[*sigma])
    columns: dict[str, Any] = {"data": "{data}", "net": "{net}", "accuracy [%]": lab.interval("accuracy", ".1f")}
    columns |= lab.across(expansion.sigma, "σ = {:g}", lab.interval("ratio", ".2f"))
    title = "E L(x + ξ) − L(x) over (σ²/2) tr ∇²ₓL, which the expansion predicts to be 1"
    report.print(lab.table(expansion, columns, ("data", "net"), title=title, keys=2, left=2, once=1))

    others = runs.fooled.sel(target=[*NETS])
    gain = (others - others.sel(sigma=0)).where(others.sigma > 0)
    means = {"others": others.mean("target"), "gain": gain.mean("target")}
    means["random"] = runs.random.sel(target=[*NETS]).mean("target").where(runs.sigma == 0)
    means["itself"] = runs.fooled.sel(target="itself", drop=True)
    rates = lab.medians(xr.Dataset(means).mean("net"), "seed")
    columns = {"data": "{data}", "attack": "{attack}", "ε": "{eps:g}", "σ": "{sigma:g}"}
    columns |= {f"fools {name}": lab.interval(name, ".1f") for name in ("itself", "others")}
    columns["gain on others"] = lab.interval("gain", "+.1f")
    report.print("", lab.table(rates, columns, ("data", "attack", "eps", "sigma"), keys=4, left=2, once=3), LEGEND)
    report.figures(**draw(rates, expansion, f"(medians of {seeds} seeds, bars: 95 %)"))
    for name in DATA:
        control = lab.across(rates.eps, "ε = {:g}:", lab.interval("random", ".1f"))
        texts = [f"{e} {lab.text(cell, rates.sel(data=name, sigma=0).isel(attack=0))} %" for e, cell in control.items()]
        report.print(f"Random signs fool others on {name}: {', '.join(texts)}")
    report.print("Points that noise adds to the share of others fooled, ranges over data, ε and pairs of nets:")
    for way in ways:
        for s in sigma:
            report.print(f"{way}, σ = {s:g}: {lab.effect(gain.sel(attack=way, sigma=s), 'seed')}")
    report.print(f"In all, noise adds {lab.effect(gain.sel(sigma=[*sigma]), 'seed')}.")


def landscape(data: networks.Data, net: str, seed: int = 0) -> networks.Network:
    model = NETS[net](data.train_inputs.shape[1], seed)
    return networks.Network(model, cross_entropy, data.train_inputs, data.train_targets, name=net)


def train(steps: int, data: str, net: str, seed: Any) -> dict[str, Any]:
    """Train networks of one architecture. Return their parameters and their accuracy."""
    of = DATA[data]()
    network = landscape(of, net)
    starts = network.vector(landscape(of, net, int(one)).model for one in seed)
    map_ = sd.Map(network, sd.GD(), lr=0.05, momentum=0.9, noise=sd.noise.FiniteSum(32))
    ((_, w),) = networks.train(map_, starts, steps, runs=seed, device="cpu")
    room = pad(w.T, (0, ROOM - network.dim), value=torch.nan)
    accuracy = 100 * networks.performance(network, w, of)["test_accuracy"]
    return {"w": xr.DataArray(room, dims=("cell", "weight")), "accuracy": accuracy}


def attack(w: xr.DataArray, ways: dict[str, Any], how: Any, data: str, net: str, seed: int) -> xr.Dataset:
    """Perturb inputs on one network. Return how often that fools it and others, and the mean loss over noise."""
    (eps, sigma, pairs, samples), of = how, DATA[data]()
    inputs, classes = of.test_inputs[:samples], of.test_targets[:samples]
    own, others = (one.sel(data=data, seed=seed) for one in (w, w.roll(seed=-1)))  # others are the next seed's nets
    rows = [own.sel(net=net), *(others.sel(net=name) for name in NETS)]
    vectors = [torch.as_tensor(row.dropna("weight").values).float() for row in rows]
    targets = [(landscape(of, row.net.item()), vector) for row, vector in zip(rows, vectors, strict=True)]
    loss = attacks.InputLoss(*targets[0], inputs, classes)

    def fooled(x: torch.Tensor) -> list[float]:
        return [100 * float(attacks.fooling_rate(*target, inputs, x, classes)) for target in targets]

    noises = [attacks.AdditiveNoise(s, pairs, seed) if s else None for s in sigma]
    shares = [[[fooled(way(loss, e, noise=noise)) for noise in noises] for e in eps] for way in ways.values()]
    signs = sd.noise.normals(seed, loss.runs, 0, pairs, len(loss.x)).sign().to(loss.x)
    random = [fooled(loss.inputs(loss.x + e * signs)) for e in eps]
    mean = [float(attacks.AdditiveNoise(s, PAIRS, seed).mean_loss(loss, loss.x)[0].mean()) for s in sigma]
    predicted = np.square(sigma) / 2 * float(attacks.laplacian(loss, loss.x).mean())
    result: dict[str, Any] = {"rise": ("sigma", np.subtract(mean, mean[0])), "predicted": ("sigma", predicted)}
    result |= {"fooled": (("attack", "eps", "sigma", "target"), shares), "random": (("eps", "target"), random)}
    return xr.Dataset(result, {"attack": [*ways], "eps": eps, "sigma": sigma, "target": ["itself", *NETS]})


def draw(rates: xr.Dataset, expansion: xr.Dataset, of: str) -> dict[str, Figure]:
    """Draw how often nets are fooled, and the rise of the mean loss over the prediction, against σ."""
    panels = [f"{name}, $\\varepsilon = {e:g}$" for name in rates.data.values for e in rates.eps.values]
    shown = rates.stack(panel=["data", "eps"]).drop_vars(["panel", "data", "eps"]).assign_coords(panel=panels)
    rows = [(shown, "others", "others fooled [%]"), (shown, "gain", "gain by noise [points]")]
    look: dict[str, Any] = {"x": "sigma", "xlabel": r"$\sigma$ of the noise", "column": "panel", "hue": "attack"}
    transfer, axes = lab.facets(rows, f"Does noise make attacks transfer? {of}", aside=0.01, **look)
    for i, (upper, lower) in enumerate(axes.T):
        line = upper.axhline(float(shown.random[{"panel": i, "sigma": 0}]), color="0.6", ls=":", label="random signs")
        lower.axhline(0, color="0.6", lw=1)
    axes[0, -1].legend(handles=[line])
    look |= {"xlabel": r"$\sigma$", "column": "data", "hue": "net", "aside": 0.01}
    order, axes = lab.facets([(expansion, "ratio", "measured / predicted")], f"Rise of the mean loss {of}", **look)
    for ax in axes.flat:
        ax.axhline(1, color="0.6", lw=1)
    return {"transferability": transfer, "expansion": order}


if __name__ == "__main__":
    lab.run(main)
