"""The arguments of ``simulate``, checked and read into one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ... import checks
from ...dynamics import Map
from ...dynamics.settings import Path, filled, names, per_run
from ...landscapes import Landscape
from ..backends import BACKENDS
from ..results import MEANINGS
from ..schemes.scheme import Scheme
from ..starts import check_memory, choose_device, choose_dtype, noise_indices, save_points, start_points
from ..statistics import Statistic, choose


@dataclass(frozen=True)
class Request:
    """One call of ``simulate``: N runs on a landscape with d coordinates.

    Attributes:
        map_: the map or the scheme, its parameters on the CPU.
        parameters: the parameters with one value per run, ``(N,)`` each, by their paths.
        start: ``(d, N)``, on the CPU, in the dtype of the simulation.
        memory: the arrays of the state beside w, ``(d, N)`` each, on the CPU; None for those before the first step.
        steps: the number of steps.
        saves: ``(saves,)``, ascending, the numbers of steps after which the states are saved.
        box: low and high, ``(d, 1)`` each, on the device; None for no box.
        statistics: the statistics over the runs; None for trajectories.
        device: the device that computes.
        backend: "auto", "eager" or "compiled".
        seed: the seed of the noise.
        first_run: the index of the first run.
        first_step: the number of steps that the runs took before.
        noise_runs: ``(N,)`` int64, the indices by which the runs draw their noise; None for the indices of the runs.
    """

    map_: Map | Scheme
    parameters: dict[Path, torch.Tensor]
    start: torch.Tensor
    memory: tuple[torch.Tensor, ...] | None
    steps: int
    saves: np.ndarray
    box: tuple[torch.Tensor, torch.Tensor] | None
    statistics: tuple[Statistic, ...] | None
    device: torch.device
    backend: str
    seed: int
    first_run: int
    first_step: int
    noise_runs: torch.Tensor | None

    @property
    def landscape(self) -> Landscape:
        """The landscape of the map."""
        return self.map_.landscape

    @property
    def runs(self) -> torch.Tensor:
        """The indices of the runs, ``(N,)`` int64."""
        return self.first_run + torch.arange(self.start.shape[1])

    @property
    def memory_names(self) -> tuple[str, ...]:
        """The names of the arrays of a state beside w."""
        return _memory_names(self.map_, self.start)

    @property
    def parameter_names(self) -> dict[Path, str]:
        """The names of the parameters with one value per run, by their paths."""
        return names(self.parameters, tuple(MEANINGS))


def read(
    map_: Map | Scheme,
    w0: Any,
    steps: Any,
    *,
    save_every: Any,
    box: Any,
    statistics: Any,
    dtype: Any,
    device: Any,
    backend: Any,
    seed: Any,
    first_run: Any,
    runs: Any,
    first_step: Any,
    v0: Any,
) -> Request:
    """Check the arguments of ``simulate``, and return them as one value.

    Raises:
        InputError: as ``simulate``, except that a statistic may refuse the simulation later.
    """
    landscape = _check_map(map_).landscape
    steps, save_every = read_steps(steps, save_every)
    real, on = choose_dtype(dtype), choose_device(device)
    backend = checks.known("backend", backend, BACKENDS)
    points = start_points(w0, landscape, real, torch.device("cpu"))
    seed, first_run, first_step = _read_indices(map_, steps, seed, first_run, first_step)
    values = parameters_of(map_)
    map_ = filled(map_, values)
    indices = None if runs is None else noise_indices(runs, None if points.shape[1] == 1 else points.shape[1])
    start = start_of_every_run(points, values, indices)
    checks.word("first_run + runs - 1", first_run + start.shape[1] - 1, "Use fewer runs, or another seed for the rest")
    box = _read_box(box, landscape, real, on)
    memory = _read_memory(v0, map_, start, points.shape[1] == 1)
    _check_schedules(map_, first_step, steps)
    statistics = _read_statistics(statistics, landscape, values)
    saves = _read_saves(steps, save_every, None if statistics else start)
    return Request(
        map_, values, start, memory, steps, saves, box, statistics, on, backend, seed, first_run, first_step, indices
    )


def _check_map(map_: Any) -> Map | Scheme:
    if isinstance(map_, Map):
        checks.no_formula(map_)
    elif not isinstance(map_, Scheme):
        fix = "Use a Map, or a diffusion's scheme like EulerMaruyama(sde); integrate for a flow"
        checks.reject("map_", map_, "must be a Map or a Scheme", fix)
    return map_


def read_steps(steps: Any, save_every: Any) -> tuple[int, int | None]:
    """Return the number of steps and the number between two saves; None for a save of the last step alone.

    Raises:
        InputError: a number that is not an integer ≥ 1.
    """
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    if save_every is not None:
        save_every = checks.count("save_every", save_every, "Use e.g. save_every=10, or None for the last step alone")
    return steps, save_every


def _read_indices(map_: Map | Scheme, steps: int, seed: Any, first_run: Any, first_step: Any) -> tuple[int, int, int]:
    """Return the seed, the index of the first run and the number of steps before the first."""
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    first_run = checks.word("first_run", first_run, "Use first_run=0 for the first part of an ensemble")
    first_step = checks.word("first_step", first_step, "Use first_step=0 for runs that begin")
    if map_.noise:
        checks.word("first_step + steps", first_step + steps, "Use fewer steps, or another seed to go on with")
    return seed, first_run, first_step


def parameters_of(system: Any) -> dict[Path, torch.Tensor]:
    """Return the parameters with one value per run, on the CPU, in 64 bits."""
    return {
        path: values.detach().cpu().to(torch.float64 if values.is_floating_point() else torch.int64)
        for path, values in per_run(system).items()
    }


def start_of_every_run(
    points: torch.Tensor, parameters: dict[Path, torch.Tensor], noise_runs: torch.Tensor | None
) -> torch.Tensor:
    """Return the starts of all runs, ``(d, N)``: one point is the start of as many runs as parameters have values.

    Args:
        points: ``(d, N)``, or one point ``(d, 1)``.
        parameters: the parameters with one value per run, by their paths.
        noise_runs: the indices by which the runs draw their noise; None for the indices of the runs.

    Raises:
        InputError: the numbers of points, parameters and indices differ.
    """
    labels = names(parameters, tuple(MEANINGS))
    columns = {labels[path]: values for path, values in parameters.items()}
    columns |= {} if noise_runs is None else {"runs": noise_runs}
    number = points.shape[1]
    for name, values in columns.items():
        if values.ndim != 1:
            rule = f"has the shape {tuple(values.shape)}"
            checks.reject(name, values.tolist(), rule, "Give a number, or a list of one number per run")
        number = len(values) if number == 1 else number
        if len(values) != number:
            first = next(other for other in columns if len(columns[other]) == number) if points.shape[1] == 1 else "w0"
            rule = f"is for {len(values)} run(s), {first} for {number}"
            checks.reject(name, values.tolist(), rule, "Give one value for every run, and one start or as many starts")
    return points if points.shape[1] == number else points.expand(-1, number).clone()


def _read_box(
    box: Sequence[tuple[float, float]] | None, landscape: Landscape, dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the low and the high bounds, ``(d, 1)`` each."""
    if box is None:
        return None
    low, high = torch.tensor(checks.box(box, landscape.dim), dtype=dtype, device=device).T[..., None]
    return low, high


def _memory_names(map_: Map | Scheme, start: torch.Tensor) -> tuple[str, ...]:
    """Return the names of the arrays of a state beside w. A scheme refuses a start that it has no step from."""
    return map_.memory if isinstance(map_, Map) else ("v",) * (len(map_.start(start[:, :1])) - 1)


def _read_memory(v0: Any, map_: Map | Scheme, start: torch.Tensor, one_start: bool) -> tuple[torch.Tensor, ...] | None:
    """Return the arrays of the states beside w, ``(d, N)`` each; from one start all runs may share them."""
    names = _memory_names(map_, start)
    if v0 is None:
        return None
    if not names:
        checks.reject("v0", "velocities", "a map or diffusion without momentum has none", "Leave v0 out")
    if not isinstance(v0, Mapping):
        if names != ("v",):
            fix = f"Give a dictionary with {', '.join(names)}"
            checks.reject("v0", type(v0).__name__, f"the state has {', '.join(names)} beside w", fix)
        return (_read_array("v0", v0, map_, start, one_start),)
    if set(v0) != set(names):
        checks.reject(
            "v0", sorted(map(str, v0)), f"the state has {', '.join(names)} beside w", "Give an array for each"
        )
    return tuple(_read_array(f"v0[{name!r}]", v0[name], map_, start, one_start) for name in names)


def _read_array(name: str, value: Any, map_: Map | Scheme, start: torch.Tensor, one_start: bool) -> torch.Tensor:
    array = start_points(value, map_.landscape, start.dtype, start.device, name)
    array = array.expand_as(start).clone() if one_start and array.shape[1] == 1 else array
    if array.shape != start.shape:
        rule = f"is for {array.shape[1]} run(s), w0 for {start.shape[1]}"
        checks.reject(name, tuple(array.T.shape), rule, "Give one per start")
    return array


CHECKED_STEPS = 2**20  # most steps at which the values of a schedule are checked; they are spread over the run


def _check_schedules(map_: Map | Scheme, first_step: int, steps: int) -> None:
    """Refuse a schedule that leaves the range of its parameter in one of the steps.

    Raises:
        InputError: a value out of its range. The message names the step.
    """
    if not isinstance(map_, Map):
        return
    numbers = torch.linspace(first_step + 1, first_step + steps, min(steps, CHECKED_STEPS), dtype=torch.float64).round()
    for path, schedule in map_.schedules.items():
        owner: Any = map_
        for name in path[:-1]:
            owner = getattr(owner, name)
        values = schedule.at(numbers)
        try:
            replace(owner, **{path[-1]: values})
        except checks.InputError:
            _refuse_first(owner, path[-1], schedule, numbers, values)


def _refuse_first(owner: Any, name: str, schedule: Any, numbers: torch.Tensor, values: torch.Tensor) -> None:
    for number, value in zip(numbers.tolist(), values.tolist(), strict=True):
        try:
            replace(owner, **{name: value})
        except checks.InputError as error:
            rule = f"is {value:g} in step {number:.0f}: {str(error).split(': ', 1)[-1].split('. ')[0]}"
            checks.reject(name, schedule, rule, "Use a schedule that stays in this range for all steps")


def _read_statistics(
    statistics: Any, landscape: Landscape, parameters: dict[Path, torch.Tensor]
) -> tuple[Statistic, ...] | None:
    statistics = None if statistics is None else choose(statistics, landscape)
    if statistics and parameters:
        path, name = next(iter(names(parameters, tuple(MEANINGS)).items()))
        rule = "runs of different settings have no statistic in common"
        fix = "Use one setting for all runs, or leave statistics out"
        checks.reject(name, parameters[path].tolist(), rule, fix)
    return statistics


def _read_saves(steps: int, save_every: int | None, start: torch.Tensor | None) -> np.ndarray:
    """Return the steps to save; memory must hold the trajectories from ``start`` if that is not None."""
    if start is not None:
        number = 1 if save_every is None else -(-steps // save_every) + 1
        check_memory("save_every", save_every, number, *start.shape)
    return save_points(steps, save_every)
