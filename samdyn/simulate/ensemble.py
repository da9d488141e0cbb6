"""Many runs of a map at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import checks
from ..dynamics import Map
from ..noise import Draws
from .progress import progress_bar
from .results import DIVERGED, LEFT, SETTLED, UNDECIDED, dataset
from .scheme import Scheme
from .settling import settled
from .starts import check_memory, choose_device, choose_dtype, save_points, start_points

if TYPE_CHECKING:
    import xarray


def simulate(
    map_: Map | Scheme,
    w0: Any,
    steps: int,
    *,
    save_every: int | None = None,
    box: Sequence[tuple[float, float]] | None = None,
    dtype: str | torch.dtype = "float64",
    device: str = "auto",
    seed: int = 0,
    first_run: int = 0,
    first_step: int = 0,
    v0: Any = None,
    progress: bool = True,
) -> "xarray.Dataset":
    """Run a map, or a diffusion, from every start, all at once.

    A run stops where it leaves the floating-point range or the box, and is held there; the others take every step.

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w.
        steps: how many, ≥ 1.
        save_every: save steps 0, k, 2k, … and the last; None saves the last alone. Memory holds what is saved and a few
            copies of one step.
        box: stop runs that leave it; one (low, high) pair per coordinate.
        dtype: "float64" or "float32".
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
        seed: of the noise, in [0, 2³²). A run's noise depends on the seed, its index and the step alone.
        first_run: the index of the first run, so that a large ensemble can be run in parts.
        first_step: how many steps the runs took before, so that they can be continued: from the last w and v of a
            result they go on, to the bit, as if they had not been interrupted.
        v0: velocities to start with, ``(run, coord)``, in the units of the gradient; None for none.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset with dims run, step, coord and time = step · lr, or step · dt of a scheme:

        - w (run, step, coord) and loss (run, step); with momentum v (run, coord), the last velocity;
        - status (run): "settled" (at a fixed point or 2-cycle that holds it, with a certificate, see
          ``simulate.settling``, and never with noise), "diverged" (left the floating-point range), "left the box",
          "undecided";
        - end (run): the step at which it diverged or left, for the others the last. A diverged run is held at its last
          finite point, the step before.

    Raises:
        InputError: steps or save_every < 1, bad starts, box, dtype, device, seed, first_run, first_step or v0, more to
            save than memory holds.
    """
    if isinstance(map_, Map):
        checks.numeric(map_)
    elif not isinstance(map_, Scheme):
        fix = "Use a Map, or a diffusion's scheme like EulerMaruyama(sde); integrate for a flow"
        checks.reject("map_", map_, "is nothing that takes steps", fix)
    landscape = map_.landscape
    fix = "Use e.g. steps=1000"
    steps = checks.count("steps", steps, fix)
    if save_every is not None:
        save_every = checks.count("save_every", save_every, "Use e.g. save_every=10, or None for the last step alone")
    real, on = choose_dtype(dtype), choose_device(device)
    start = start_points(w0, landscape, real, on)
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    first_run = checks.word("first_run", first_run, "Use first_run=0 for the first part of an ensemble")
    first_step = checks.word("first_step", first_step, "Use first_step=0 for runs that begin")
    if map_.noise:
        checks.word("first_step + steps", first_step + steps, "Use fewer steps, or another seed to go on with")
    checks.word("first_run + runs - 1", first_run + start.shape[1] - 1, "Use fewer runs, or another seed for the rest")
    runs = first_run + torch.arange(start.shape[1], device=on)
    largest = torch.finfo(real).max
    limits = checks.box(box, landscape.dim) if box is not None else ((-largest, largest),) * landscape.dim
    low, high = torch.tensor(limits, dtype=real, device=on).T[..., None]

    check_memory("save_every", save_every, 1 if save_every is None else -(-steps // save_every) + 1, *start.shape)
    saved = save_points(steps, save_every)
    w_saved = torch.empty((len(saved), *start.shape), dtype=real)
    loss_saved = torch.empty((len(saved), start.shape[1]), dtype=real)
    slots = {int(step): slot for slot, step in enumerate(saved)}

    def save(step: int, w: torch.Tensor) -> None:
        if step in slots:
            w_saved[slots[step]] = w
            loss_saved[slots[step]] = landscape.value(w)

    state = map_.start(start)
    if v0 is not None:
        if len(state) == 1:
            checks.reject("v0", "velocities", "a map or diffusion without momentum has none", "Leave v0 out")
        velocity = start_points(v0, landscape, real, on, "v0")
        if velocity.shape != start.shape:
            rule = f"is for {velocity.shape[1]} run(s), w0 for {start.shape[1]}"
            checks.reject("v0", tuple(velocity.T.shape), rule, "Give one velocity per start")
        state = (start, velocity)
    running = ((start >= low) & (start <= high)).all(0)
    end = torch.zeros(start.shape[1], dtype=torch.int64, device=on)
    with torch.no_grad(), progress_bar(f"{map_.method}", steps, progress) as show:
        save(0, start)
        for step in range(1, steps + 1):
            new = map_.step(state, Draws(seed, runs, first_step + step))
            goes_on = running & torch.isfinite(new[0]).all(0)
            state = tuple(torch.where(goes_on, part, old) for part, old in zip(new, state, strict=True))
            end += running
            running = goes_on & ((state[0] >= low) & (state[0] <= high)).all(0)
            save(step, state[0])
            if step % 64 == 0:
                show(step)
                if not running.any():  # every run is held where it is
                    for later in range(step + 1, steps + 1):
                        save(later, state[0])
                    break

        w = state[0]
        inside = ((w >= low) & (w <= high)).all(0)
        status = np.where(inside.cpu().numpy(), DIVERGED, LEFT).astype("U12")
        status[running.cpu().numpy()] = UNDECIDED
        if isinstance(map_, Map) and map_.noise is None:
            rests = running.nonzero().squeeze(1)[_settled(map_, tuple(part[:, running] for part in state))]
            status[rests.cpu().numpy()] = SETTLED

    last_v = {"v": (("run", "coord"), state[1].T.cpu().numpy())} if len(state) > 1 else {}
    labelled = dataset(
        landscape,
        w_saved.numpy(),
        loss_saved.numpy(),
        status,
        first_step + end.cpu().numpy(),
        ("step", first_step + saved),
        (first_step + saved) * map_.dt,
        **map_.attributes(),
        steps=steps,
        dtype=str(real).removeprefix("torch."),
        device=str(on),
        **({"noise": repr(map_.noise), "seed": seed} if map_.noise else {}),
    )
    return labelled.assign_coords(run=runs.cpu().numpy()).assign(last_v)


def _settled(map_: Map, state: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Say which states rest at a fixed point or, failing that, on a 2-cycle."""
    d = map_.landscape.dim
    coasting = map_.lr / (1 - map_.momentum)  # how far a unit of velocity still goes; it makes v a length, like w
    z = torch.cat([state[0], *(coasting * v for v in state[1:])])
    tolerance = torch.finfo(z.dtype).eps ** 0.5

    def increment(z: torch.Tensor) -> torch.Tensor:
        w, *lengths = z.split(d)
        change, *rest = map_.increment((w, *(u / coasting for u in lengths)))
        return torch.cat([change, *(coasting * v for v in rest)])

    def two_steps(z: torch.Tensor) -> torch.Tensor:
        first = increment(z)
        return first + increment(z + first)

    rests = settled(increment, z, d, tolerance, discrete=True)
    moving = (~rests).nonzero().squeeze(1)
    rests[moving] = settled(two_steps, z[:, moving], d, tolerance, discrete=True)
    return rests
