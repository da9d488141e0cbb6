"""Many runs of a map at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ... import checks
from ...dynamics import Map
from ...dynamics.settings import described, filled, names, per_run
from ..backends import BACKENDS
from ..progress import progress_bar
from ..results import MEANINGS, dataset, label, summary
from ..schemes.scheme import Scheme
from ..starts import check_memory, choose_device, choose_dtype, noise_indices, save_points, start_points
from ..statistics import Setting, choose
from ..statistics.gathered import Gathered
from .chunks import Course
from .stepping import Steps
from .trajectories import Trajectories

if TYPE_CHECKING:
    import xarray


def simulate(
    map_: Map | Scheme,
    w0: Any,
    steps: int,
    *,
    save_every: int | None = None,
    box: Sequence[tuple[float, float]] | None = None,
    statistics: Any = None,
    dtype: str | torch.dtype = "float64",
    device: str = "auto",
    backend: str = "auto",
    seed: int = 0,
    first_run: int = 0,
    runs: Any = None,
    first_step: int = 0,
    v0: Any = None,
    progress: bool = True,
) -> "xarray.Dataset":
    """Run a map, or a diffusion, from every start, all at once.

    A run stops where it leaves the floating-point range or the box, and is held there; the others take every step.

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps. Parameters of a map may be one per run, such
            as ``Map(landscape, SAM(rho=[.1, .2, .3]), lr=0.01)``: numbers of the map, its method and its noise.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w. From one point go as many runs as
            parameters have values.
        steps: how many, ≥ 1.
        save_every: save steps 0, k, 2k, … and the last; None saves the last alone. Memory holds what is saved and a few
            copies of one step.
        box: stop runs that leave it; one (low, high) pair per coordinate.
        statistics: over all runs, in place of the runs themselves, so that memory depends on neither steps nor, but for
            the starts, runs: any of the classes ``Mean``, ``Covariance``, ``MSD``, ``ExitTimes``, ``StatusCounts`` and
            ``Histogram``, which say what they give, one of your own that derives from ``Statistic``, or the names of
            such ("mean", "covariance", "msd", "exit_times", "status", "loss"). A result has ``runs`` beside, how many
            runs had not diverged by then, and ``largest``, the largest |coordinate| of those.
        dtype: "float64" or "float32".
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
        backend: "eager" torch, "compiled" by the machine's C compiler, or by NVRTC for CUDA, or "auto", the one
            that is done first, time to compile included. They agree to rounding; each for itself gives the same bits
            however runs are split. What cannot be compiled is run in eager torch, and the attributes ``backend`` and
            ``backend_reason`` say so.
        seed: of the noise, in [0, 2³²). A run's noise depends on the seed, its index and the step alone.
        first_run: the index of the first run, so that a large ensemble can be run in parts.
        runs: the indices by which the runs draw their noise, ``(run,)``, in [0, 2³²): runs with the same one have the
            same noise, as the settings of a grid may. None: first_run, first_run + 1, …
        first_step: how many steps the runs took before, so that they can be continued: from the last w and v of a
            result they go on, to the bit, as if they had not been interrupted.
        v0: velocities to start with, ``(run, coord)``, in the units of the gradient; None for none.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset with dims run, step, coord and time = step · lr, or step · dt of a scheme:

        - w (run, step, coord) and loss (run, step); with momentum v (run, coord), the last velocity;
        - status (run): "settled" (at a fixed point or 2-cycle that holds it, with a certificate, see
          ``simulation.settling``, and never with noise), "diverged" (left the floating-point range), "left the box",
          "undecided";
        - parameters that are one per run, as coordinates (run); where lr is, time is (run, step);
        - end (run): the step at which it diverged or left, for the others the last. A diverged run is held at its last
          finite point, the step before.

        With ``statistics``, these in their place.

    Raises:
        InputError: steps or save_every < 1, bad starts, box, statistics, dtype, device, backend, seed, first_run,
            runs, first_step or v0, more to save than memory holds; parameters, starts and indices for different
            numbers of runs; statistics over runs whose parameters differ.
    """
    if isinstance(map_, Map):
        checks.no_formula(map_)
    elif not isinstance(map_, Scheme):
        fix = "Use a Map, or a diffusion's scheme like EulerMaruyama(sde); integrate for a flow"
        checks.reject("map_", map_, "is nothing that takes steps", fix)
    landscape = map_.landscape
    fix = "Use e.g. steps=1000"
    steps = checks.count("steps", steps, fix)
    if save_every is not None:
        save_every = checks.count("save_every", save_every, "Use e.g. save_every=10, or None for the last step alone")
    real, on = choose_dtype(dtype), choose_device(device)
    backend = checks.known("backend", backend, BACKENDS)
    start = start_points(w0, landscape, real, torch.device("cpu"))
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    first_run = checks.word("first_run", first_run, "Use first_run=0 for the first part of an ensemble")
    first_step = checks.word("first_step", first_step, "Use first_step=0 for runs that begin")
    if map_.noise:
        checks.word("first_step + steps", first_step + steps, "Use fewer steps, or another seed to go on with")
    settings = {
        path: values.detach().cpu().to(torch.float64 if values.is_floating_point() else torch.int64)
        for path, values in per_run(map_).items()
    }
    map_ = filled(map_, settings)
    named = names(settings, tuple(MEANINGS))
    indices = None if runs is None else noise_indices(runs, None if start.shape[1] == 1 else start.shape[1])
    given = {named[path]: values for path, values in settings.items()} | ({} if indices is None else {"runs": indices})
    one_start = start.shape[1] == 1
    start = _for_every_run(start, given)
    number = start.shape[1]
    checks.word("first_run + runs - 1", first_run + number - 1, "Use fewer runs, or another seed for the rest")
    limits = None
    if box is not None:
        low, high = torch.tensor(checks.box(box, landscape.dim), dtype=real, device=on).T[..., None]
        limits = (low, high)
    with_velocity = len(map_.start(start[:, :1])) > 1
    velocity = None
    if v0 is not None:
        if not with_velocity:
            checks.reject("v0", "velocities", "a map or diffusion without momentum has none", "Leave v0 out")
        velocity = start_points(v0, landscape, real, start.device, "v0")
        velocity = velocity.expand_as(start).clone() if one_start and velocity.shape[1] == 1 else velocity
        if velocity.shape != start.shape:
            rule = f"is for {velocity.shape[1]} run(s), w0 for {start.shape[1]}"
            checks.reject("v0", tuple(velocity.T.shape), rule, "Give one velocity per start")
    chosen = None if statistics is None else choose(statistics, landscape)
    if chosen and settings:
        name, values = next((named[path], values.tolist()) for path, values in settings.items())
        rule = "runs of different settings have no statistic in common"
        checks.reject(name, values, rule, "Use one setting for all runs, or leave statistics out")
    if chosen is None:
        check_memory("save_every", save_every, 1 if save_every is None else -(-steps // save_every) + 1, *start.shape)
    saves = save_points(steps, save_every)
    kept: Trajectories | Gathered
    if chosen:
        kept = Gathered(chosen, Setting(landscape, len(saves), map_.dt))
        kept.rehearse(start[:, :1].to(on))
    else:
        kept = Trajectories(landscape, len(saves), start, with_velocity)
    drawn_by = first_run + torch.arange(number) if indices is None else indices
    course = Course(Steps(map_, limits), start, velocity, saves, seed, drawn_by, first_step, on, kept)
    shown = described(map_)
    with torch.no_grad(), progress_bar(f"{shown.method}", steps, progress) as show:
        name, why = course.run(backend, show)

    at = first_step + saves
    attributes = {
        **{name: value for name, value in shown.attributes().items() if (name,) not in settings},
        "steps": steps,
        "dtype": str(real).removeprefix("torch."),
        "device": str(on),
        "backend": name,
        "backend_reason": why,
        **({"noise": repr(shown.noise), "seed": seed} if map_.noise else {}),
    }
    kept = course.kept
    if isinstance(kept, Gathered):
        variables, coords = kept.labelled()
        return summary(landscape, variables, coords, at, at * map_.dt, **attributes)
    labelled = dataset(
        landscape,
        kept.w.numpy(),
        kept.loss.numpy(),
        kept.status,
        first_step + kept.end,
        ("step", at),
        at * np.asarray(map_.dt)[:, None] if torch.is_tensor(map_.dt) else at * map_.dt,
        **attributes,
    )
    labels: dict[str, Any] = {named[path]: ("run", values.numpy()) for path, values in settings.items()}
    if indices is not None:
        labels["noise_run"] = ("run", indices.numpy())
    last_v = {"v": (("run", "coord"), kept.v.T.numpy())} if kept.v is not None else {}
    labelled = labelled.assign_coords({"run": first_run + np.arange(number), **labels})
    return label(labelled.assign(last_v), named.values())


def _for_every_run(start: torch.Tensor, given: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the starts of all runs, ``(d, N)``: one point is that of as many runs as there are values.

    Args:
        start: ``(d, N)``, or one point ``(d, 1)``.
        given: what is one per run, by name.

    Raises:
        InputError: another number of values.
    """
    number = start.shape[1]
    for name, values in given.items():
        if values.ndim != 1:
            rule = f"has the shape {tuple(values.shape)}"
            checks.reject(name, values.tolist(), rule, "Give a number, or a list of one number per run")
        number = len(values) if number == 1 else number
        if len(values) != number:
            first = next(other for other in given if len(given[other]) == number) if start.shape[1] == 1 else "w0"
            rule = f"is for {len(values)} run(s), {first} for {number}"
            checks.reject(name, values.tolist(), rule, "Give one value for every run, and one start or as many starts")
    return start.expand(-1, number).clone()
