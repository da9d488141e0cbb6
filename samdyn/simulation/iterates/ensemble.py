"""Many runs of a map at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from ...dynamics import Map
from ...dynamics.settings import described
from ..progress import progress_bar
from ..results import dataset, label, summary
from ..schemes.scheme import Scheme
from ..statistics import Setting
from ..statistics.accumulators import Accumulators
from .chunks import ChunkRunner
from .request import Request, read
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

    A run stops where it leaves the floating-point range or the box, and stays there. The others take every step.

    Args:
        map_: the iterates, or a scheme that turns a diffusion into steps. A parameter of a map, its landscape, its
            method or its noise may have one value per run, as in ``Map(landscape, SAM(rho=[.1, .2, .3]), lr=0.01)``.
        w0: starts ``(run, coord)``, or one point ``(coord,)``, in the units of w. One point is the start of as many
            runs as the parameters have values.
        steps: number of steps, ≥ 1.
        save_every: k saves the steps 0, k, 2k, … and the last; None saves the last alone. Memory holds the saved states
            and a few copies of one step.
        box: one (low, high) pair per coordinate, in the units of w. A run that leaves the box stops.
        statistics: statistics over all runs, which replace the trajectories in the result, so that memory does not grow
            with the steps, and with the runs only by their starts. A statistic is a ``Mean``, ``Covariance``, ``MSD``,
            ``ExitTimes``, ``StatusCounts`` or ``Histogram``, an object of your own class that derives from
            ``Statistic``, or a name: "mean", "covariance", "msd", "exit_times", "status", "loss". The result also has
            ``runs`` (step), the number of runs that have not diverged, and ``largest`` (step), their largest
            |coordinate|.
        dtype: "float64" or "float32".
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
        backend: "eager" for torch, "compiled" for code from the machine's C compiler (NVRTC for CUDA), "auto" for the
            one that finishes first, compile time included. They agree to rounding. Each one gives the same bits however
            the runs are split. Eager torch runs a step that cannot be compiled; the attributes ``backend`` and
            ``backend_reason`` name the backend and the reason.
        seed: seed of the noise, in [0, 2³²). The noise of a run depends only on the seed, the run's index and the step.
        first_run: index of the first run, so that a large ensemble can be run in parts.
        runs: ``(run,)`` indices in [0, 2³²) by which the runs draw their noise. Runs with the same index have the same
            noise, which a grid of settings may want. None for first_run, first_run + 1, …
        first_step: number of steps that the runs took before. Runs that start at the last w and v of a result go on to
            the bit as if they had not been interrupted.
        v0: initial velocities ``(run, coord)``, in the units of the gradient; None for zero.
        progress: show a progress bar if standard error is a terminal.

    Returns:
        A dataset with dims run, step, coord and time = step · lr, or step · dt of a scheme:

        - w (run, step, coord) and loss (run, step); with momentum v (run, coord), the last velocity;
        - status (run): "settled" (a certificate shows that a fixed point or a 2-cycle holds the run, see
          ``simulation.settling``; never with noise), "diverged" (it left the floating-point range), "left the box",
          "undecided";
        - end (run): the step at which the run diverged or left the box, for the others the last step. A diverged run
          stays at its last finite point, that of the step before;
        - the parameters with one value per run, as coordinates (run). If lr is one of them, time is (run, step).

        With ``statistics`` the variables are those of the statistics.

    Raises:
        InputError: steps or save_every is below 1; the starts, box, statistics, dtype, device, backend, seed,
            first_run, runs, first_step or v0 are not valid; the saved states do not fit in memory; parameters, starts
            and indices are for different numbers of runs; statistics are over runs whose parameters differ.

    >>> import samdyn as sd
    >>> saddle = sd.Landscape("(x**2 - y**2)/2", "x y")
    >>> map_ = sd.Map(saddle, sd.SAM(rho=[0.1, 0.2]), lr=0.1)
    >>> runs = sd.simulate(map_, (1, 0.1), 20, save_every=10, box=[(-2, 2), (-2, 2)])
    >>> runs.w.dims, runs.rho.values.tolist(), runs.status.values.tolist()
    (('run', 'step', 'coord'), [0.1, 0.2], ['undecided', 'undecided'])
    >>> runs.w.sel(step=10).values.round(2).tolist()
    [[0.29, 0.22], [0.23, 0.18]]
    >>> result = sd.simulate(sd.Map(saddle, sd.GD(), lr=0.5), [(1, 0), (3, 0)], 2, statistics=["mean", "msd"])
    >>> result["mean"].values.tolist(), result.msd.values.tolist()
    ([[0.5, 0.0]], [[2.8125, 0.0]])
    """
    request = read(
        map_,
        w0,
        steps,
        save_every=save_every,
        box=box,
        statistics=statistics,
        dtype=dtype,
        device=device,
        backend=backend,
        seed=seed,
        first_run=first_run,
        runs=runs,
        first_step=first_step,
        v0=v0,
    )
    record, attributes = _run(request, progress)
    if isinstance(record, Accumulators):
        return _label_statistics(request, record, attributes)
    return _label_trajectories(request, record, attributes)


def _run(request: Request, progress: bool) -> tuple[Trajectories | Accumulators, dict[str, Any]]:
    """Take all runs through all steps; return what was recorded, and the attributes of the result."""
    map_ = request.map_
    runner = ChunkRunner(
        steps=Steps(map_, request.box),
        start=request.start,
        memory=request.memory,
        saves=request.saves,
        seed=request.seed,
        runs=request.noise_runs,
        first_run=request.first_run,
        first_step=request.first_step,
        device=request.device,
        record=_new_record(request),
    )
    display = described(map_)
    with torch.no_grad(), progress_bar(f"{display.method}", request.steps, progress) as show:
        backend, reason = runner.run(request.backend, show)
    attributes = {
        **{name: value for name, value in display.attributes().items() if (name,) not in request.parameters},
        "steps": request.steps,
        "dtype": str(request.start.dtype).removeprefix("torch."),
        "device": str(request.device),
        "backend": backend,
        "backend_reason": reason,
        **({"noise": repr(display.noise), "seed": request.seed} if map_.noise else {}),
    }
    return runner.record, attributes


def _new_record(request: Request) -> Trajectories | Accumulators:
    """Return an empty record; statistics are tried on one start first.

    Raises:
        InputError: a statistic refuses the simulation, or returns what has no place in a result.
    """
    landscape, saves = request.landscape, len(request.saves)
    if not request.statistics:
        return Trajectories(landscape, saves, request.start, request.memory_names)
    accumulators = Accumulators(request.statistics, Setting(landscape, saves, request.map_.dt))
    accumulators.rehearse(request.start[:, :1].to(request.device))
    return accumulators


def _label_statistics(request: Request, record: Accumulators, attributes: dict[str, Any]) -> "xarray.Dataset":
    variables, coords = record.results()
    at = request.first_step + request.saves
    return summary(request.landscape, variables, coords, at, request.map_.times(at), **attributes)


def _label_trajectories(request: Request, record: Trajectories, attributes: dict[str, Any]) -> "xarray.Dataset":
    at = request.first_step + request.saves
    names = request.parameter_names
    labels: dict[str, Any] = {names[path]: ("run", values.numpy()) for path, values in request.parameters.items()}
    if request.noise_runs is not None:
        labels["noise_run"] = ("run", request.noise_runs.numpy())
    memory = {name: (("run", "coord"), last.T.numpy()) for name, last in record.memory.items()}
    result = dataset(
        request.landscape,
        record.w.numpy(),
        record.loss.numpy(),
        record.status,
        record.end + request.first_step if request.first_step else record.end,
        ("step", at),
        request.map_.times(at),
        request.runs.numpy(),
        memory,
        labels,
        **attributes,
    )
    return label(result, names.values())
