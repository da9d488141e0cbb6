"""Many networks trained at once, each with settings of its own."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked
from ..dynamics import Map
from ..dynamics.settings import per_run
from ..simulation.iterates.advance import eager
from ..simulation.iterates.iterate import Iterates
from ..simulation.iterates.stepping import Steps
from ..simulation.starts import choose_device, choose_dtype, noise_indices, save_points, start_points


@checked
def train(
    map_: Map,
    starts: Any,
    steps: int,
    *,
    save_every: int | None = None,
    seed: int = 0,
    runs: Any = None,
    dtype: str | torch.dtype = torch.float32,
    device: str = "auto",
) -> Iterator[tuple[int, torch.Tensor]]:
    """Train networks by a map, yielding how many steps they took and where they are, ``(d, n)``, at every save.

    What ``samdyn.simulate`` does too, without keeping what it yields. The parameters of the map may be one per network:
    grids of settings are then trained together, which is some four times as fast as one after the other. One that
    diverges goes on as nan.

    The batches of a network depend on ``seed`` and on its entry of ``runs`` alone. By default that is its place among
    the networks, so that a grid with one more radius gives the others new batches. In a grid give every network the
    index of its initial weights: settings are then compared on the same batches, whatever other settings are there::

        starts = network.vector(models)                              # (inits, d)
        rho = torch.tensor(radii).repeat_interleave(len(models))     # (radii · inits,)
        runs = torch.arange(len(models)).repeat(len(radii))          # the same batches at every radius
        train(Map(network, SAM(rho), lr=0.1, noise=FiniteSum(32)), starts.repeat(len(radii), 1), 1000, runs=runs)

    Args:
        map_: the iterates, on a ``Network`` and with ``noise.FiniteSum`` for mini-batches.
        starts: ``(n, d)``, as ``Network.vector`` returns.
        steps: how many.
        save_every: how often to yield; the start and the last step are among them. None: the last alone.
        seed: of the batches.
        runs: ``(n,)``, integers in [0, 2³²): networks with the same one have the same batches. None: 0, 1, …, n − 1.
        dtype, device: as for ``samdyn.simulate``.

    Raises:
        InputError: no map; bad starts; a number of steps that is none; settings or runs for another number of networks.
    """
    if not isinstance(map_, Map):
        checks.reject("map_", map_, "is no map: networks take steps", "Use samdyn.Map(network, method, lr=0.1)")
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    if save_every is not None:
        save_every = checks.count("save_every", save_every, "Use e.g. save_every=100, or None")
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    w = start_points(starts, map_.landscape, choose_dtype(dtype), choose_device(device), "starts")
    networks = w.shape[1]
    rule = f"{networks} networks are trained, each with one"
    checks.no_formula(map_, rule)
    for path, values in per_run(map_).items():
        if values.shape != (networks,):
            checks.reject(path[-1], values.tolist(), rule, "Give a number, or one number per network")
    saves = save_points(steps, save_every)
    indices = torch.arange(networks) if runs is None else noise_indices(runs, networks, "networks")
    return _train(map_, w, saves, seed, indices.to(w.device))


def _train(
    map_: Map, w: torch.Tensor, saves: np.ndarray, seed: int, indices: torch.Tensor
) -> Iterator[tuple[int, torch.Tensor]]:
    steps = Steps(map_, None)
    runs = Iterates(steps, w, eager(steps), runs=indices, seed=seed)  # networks' gradients are torch's
    for save in map(int, saves):
        with runs:
            runs.advance(save - runs.done)
            w = torch.where(runs.running, runs.w, torch.nan)
        yield save, w
