"""Training of many networks at once, each with its own settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .. import checks
from ..arguments import checked, for_any_map
from ..dynamics import Map
from ..dynamics.settings import per_run
from ..simulation.iterates.advance import eager
from ..simulation.iterates.iterate import Iterates
from ..simulation.iterates.request import read_steps
from ..simulation.iterates.stepping import Steps
from ..simulation.starts import choose_device, choose_dtype, noise_indices, save_points, start_points


@checked
@for_any_map
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
    """Train networks by a map. Yield the number of steps and the parameters ``(d, n)`` at every save.

    The iterates are those of ``samdyn.simulate``, but the parameters stay on their device and are not stored. lr,
    momentum and the method's rho may be tensors ``(n,)`` with one number per network. To train a grid of settings
    together is about four times as fast as one after the other. A network that diverges continues as nan.

    The batches of a network depend only on ``seed`` and on its entry of ``runs``. By default this is its place among
    the networks, so another radius in a grid changes the batches of the other networks. To compare settings on the same
    batches, give every network the index of its initial weights::

        starts = network.vector(models)                              # (inits, d)
        rho = torch.tensor(radii).repeat_interleave(len(models))     # (radii · inits,)
        runs = torch.arange(len(models)).repeat(len(radii))          # the same batches at every radius
        train(Map(network, SAM(rho), lr=0.1, noise=FiniteSum(32)), starts.repeat(len(radii), 1), 1000, runs=runs)

    Args:
        map_: the iterates on a ``Network``, with ``noise.FiniteSum`` for mini-batches. Methods with a memory, bases
            such as ``bases.AdamW`` and schedules are possible.
        starts: the initial parameters ``(n, d)``, as ``Network.vector`` returns them.
        steps: the number of steps.
        save_every: the number of steps between two saves. The start and the last step are saves too. None: only the
            last step is a save.
        seed: the seed of the batches.
        runs: integers in [0, 2³²), ``(n,)``. Networks with the same integer have the same batches. None: 0, 1, …, n −
            1.
        dtype: the dtype of the computation, as for ``samdyn.simulate``.
        device: the device of the computation, as for ``samdyn.simulate``.

    Raises:
        InputError: not a map; bad starts; steps < 1; settings or runs for another number of networks.

    >>> from torch.nn.functional import mse_loss
    >>> import samdyn as sd
    >>> from samdyn.networks import Network, models, train
    >>> x = torch.linspace(-1, 1, 8)[:, None]
    >>> loss = Network(models.mlp((1, 4, 1)), mse_loss, x, x**2)
    >>> starts = loss.vector(models.mlp((1, 4, 1), seed=seed) for seed in range(2))
    >>> map_ = sd.Map(loss, sd.SAM(rho=torch.tensor([0.0, 0.1])), lr=0.1)
    >>> [(step, tuple(w.shape)) for step, w in train(map_, starts, steps=4, save_every=2)]
    [(0, (13, 2)), (2, (13, 2)), (4, (13, 2))]
    """
    if not isinstance(map_, Map):
        checks.reject("map_", map_, "is no map: networks take steps", "Use samdyn.Map(network, method, lr=0.1)")
    steps, save_every = read_steps(steps, save_every)
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
