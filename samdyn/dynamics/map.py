"""The discrete iterates of a method."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..bases import Base
from ..landscapes import Landscape
from ..methods import Method
from ..noise import Noise, StepDraws
from ..noise.model import Source
from ..ops import Point, is_symbolic, jacobian, symbolic
from ..oracle import Oracle
from ..portable import Portable
from ..schedules import Schedule
from .parts import check_parts
from .settings import Path, filled, per_run, schedules

State = tuple[Point, ...]  # w, and what ``Map.memory`` names: with momentum (w, v); each of shape (d, …)


@dataclass(frozen=True)
class Map(Portable):
    """The iterates of a method F: w ← w − ηF(w), or with momentum γ

    heavy ball:  v ← γv + F(w),  w ← w − ηv
    Nesterov:    v ← γv + F(w),  w ← w − η(F(w) + γv)

    from v = 0. These are the forms of ``torch.optim.SGD``. Other update rules, such as Adam's, are a ``base``. Step k
    is at time t = kη. A number of the map, of its method or of its base may be a ``Schedule``, whose value changes.

    Attributes:
        landscape: the loss L.
        method: the method F.
        lr: learning rate η > 0, in units of w, squared, per unit of L: a number, a SymPy symbol for formulas, or an
            array, a tensor or a list ``(N,)`` with one value per run.
        momentum: γ in [0, 1), in the same forms.
        nesterov: whether momentum has Nesterov's form.
        noise: the noise model of the gradients, None for none. A noisy step needs ``draws``; ``simulate`` passes them.
        base: the update rule that makes a step of F, e.g. ``bases.Adam()``; None for that above. A base has its own
            momentum.

    Raises:
        InputError: a parameter is out of its range, Nesterov's form has no momentum, the noise does not fit the
            landscape, or there is both a base and momentum.

    >>> import torch, samdyn as sd
    >>> saddle = sd.Landscape("(x**2 - y**2)/2", "x y")
    >>> map_ = sd.Map(saddle, sd.USAM(rho=0.5), lr=0.1)
    >>> (w,) = map_.step(map_.start(torch.tensor([[1.0], [1.0]])))
    >>> [round(x, 4) for x in w.flatten().tolist()]
    [0.85, 1.05]
    >>> map_.jacobian().evalf(3)
    Matrix([
    [0.85,    0],
    [   0, 1.05]])
    """

    landscape: Landscape
    method: Method
    lr: Any
    momentum: Any = 0.0
    nesterov: bool = False
    noise: Noise | None = None
    base: Base | None = None

    def __post_init__(self) -> None:
        check_parts(self.landscape, self.method)
        object.__setattr__(self, "lr", checks.learning_rate(self.lr))
        object.__setattr__(self, "momentum", checks.momentum(self.momentum))
        object.__setattr__(self, "nesterov", checks.flag("nesterov", self.nesterov))
        if self.nesterov and not self.has_velocity:
            rule = "Nesterov's form changes nothing without momentum"
            checks.reject("momentum", self.momentum, rule, "Use e.g. momentum=0.9, or nesterov=False")
        if not isinstance(self.noise, Noise | None):
            checks.reject("noise", self.noise, "is no noise model", "Use e.g. noise.Gaussian(1.0), or None")
        self._check_base()
        if self.has_noise_of_landscape:
            for path, value in per_run(self.landscape).items():
                rule = f"the noise {type(self.noise).__name__} is computed from a landscape with one value for all runs"
                checks.reject(path[0], value.tolist(), rule, "Give a number, or use noise.Gaussian")
        if self._source is not None:
            names = [path[0] for path in per_run(self.noise)]
            for name in (name for name in names if name not in self._source.per_run):
                rule = "this noise takes one value for all runs"
                checks.reject(name, getattr(self.noise, name).tolist(), rule, "Give a number")

    def _check_base(self) -> None:
        if isinstance(self.base, type) and issubclass(self.base, Base):
            checks.reject("base", self.base, "is a class", f"Make one: bases.{self.base.__name__}()")
        if not isinstance(self.base, Base | None):
            checks.reject("base", self.base, "is no base optimizer", "Use e.g. bases.Adam(), or None for SGD")
        if self.base is not None and self.has_velocity:
            rule = "a base optimizer has its own momentum"
            checks.reject("momentum", self.momentum, rule, f"Use e.g. base=bases.SGD({self.momentum}), or base=None")
        if len(set(self.memory)) < len(self.memory):
            rule = "the method and the base name two arrays of the state alike"
            checks.reject("memory", self.memory, rule, "Rename those of the method")

    @property
    def has_velocity(self) -> bool:
        """Whether the state has heavy ball's or Nesterov's velocity beside w. It has one if any run has momentum."""
        return bool(self.momentum.any() if torch.is_tensor(self.momentum) else self.momentum)

    @property
    def memory(self) -> tuple[str, ...]:
        """The names of the arrays ``(d, …)`` of the state after w: those of the base, and those of the method."""
        of_base = ("v",) * self.has_velocity if self.base is None else self.base.memory
        return (*of_base, *self._of_method)

    @property
    def _of_method(self) -> tuple[str, ...]:
        """The names of the last arrays of the state, which the method carries."""
        return getattr(self.method, "memory", ())

    @property
    def late_numbers(self) -> tuple[int | None, ...]:
        """The numbers of the steps of a period after the first one, in which some bases correct their means."""
        p = self.period
        return tuple(range(p + 1, 2 * p + 1)) if p > 1 else (None,)

    @property
    def period(self) -> int:
        """The number of steps after which the rule of a step repeats, schedules aside; 1 if all steps are alike."""
        return math.lcm(getattr(self.method, "period", 1), 1 if self.base is None else self.base.period)

    @property
    def is_random(self) -> bool:
        """Whether steps draw random numbers: those of the noise, or those of the method."""
        return self.noise is not None or getattr(self.method, "is_random", False)

    @cached_property
    def schedules(self) -> dict[Path, Schedule]:
        """The schedules among the numbers of the map, its method and its base, by their paths, as ("method", "rho")."""
        return schedules(self)

    def beyond_momentum(self) -> str:
        """Return what this map has beyond a method without memory, SGD and momentum, in words; "" for nothing.

        Functions that derive what a step does near a point from lr and momentum refuse a map that has anything.
        """
        if self.base is not None:
            return f"the base {self.base}"
        if self._of_method:
            return f"the memory of {self.method}"
        if getattr(self.method, "is_random", False):
            return f"the random numbers of {self.method}"
        return f"the schedule {next(iter(self.schedules.values()))}" if self.schedules else ""

    def at(self, number: int) -> "Map":
        """Return the map of one step, whose schedules are numbers.

        Args:
            number: the number of the step, 1 for the first.

        Raises:
            InputError: the number is no integer ≥ 1.

        >>> import samdyn as sd
        >>> map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=sd.schedules.InversePower(0.5))
        >>> map_.at(4).lr
        0.25
        """
        number = checks.count("number", number, "Use number=1 for the first step")
        return filled(self, {path: float(schedule.at(number)) for path, schedule in self.schedules.items()})

    @property
    def has_noise_of_landscape(self) -> bool:
        """Whether the noise is computed from the landscape, so that its parameters have one value for all runs."""
        return self.noise is not None and self.noise.of_landscape

    @property
    def radius(self) -> Any:
        """The method's radius ρ; 0.0 if the method has none or is a function."""
        return self.method.radius if isinstance(self.method, Method) else 0.0

    @property
    def dt(self) -> Any:
        """The time that a step takes, in the units of t = kη: η."""
        return self.lr

    def times(self, steps: np.ndarray) -> Any:
        """Return the times t after some numbers of steps ``(saves,)``: kη, or the sum of the scheduled η.

        With one learning rate per run they are ``(N, saves)``.
        """
        if isinstance(self.lr, Schedule):
            rates = self.lr.at(torch.arange(1, int(steps.max(initial=0)) + 1)).numpy()
            return np.concatenate([[0.0], np.cumsum(rates)])[steps]
        return steps * self.lr.numpy()[:, None] if torch.is_tensor(self.lr) else steps * self.lr

    def lengths(self) -> tuple[Any, ...]:
        """Return factors that turn the arrays of the memory into lengths, comparable with w."""
        if self.base is None:
            of_base = (self.lr / (1 - self.momentum),) * self.has_velocity  # what a unit of velocity still covers
        else:
            of_base = self.base.lengths(self.lr)
        return (*of_base, *(1.0 for _ in self._of_method))

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a result, by name."""
        return {
            "method": repr(self.method),
            "lr": repr(self.lr) if isinstance(self.lr, Schedule) else self.lr,
            "momentum": repr(self.momentum) if isinstance(self.momentum, Schedule) else self.momentum,
            "nesterov": int(self.nesterov),
        } | ({} if self.base is None else {"base": repr(self.base)})

    def refuse_noise(self) -> None:
        """Refuse a map with noise, for computations that follow the iterates without noise.

        Raises:
            InputError: the map has noise.
        """
        if self.noise is not None:
            rule = "what is asked for follows the iterates without noise"
            checks.reject("noise", self.noise, rule, "Use dataclasses.replace(map_, noise=None), or simulate")

    def refuse_schedules(self) -> None:
        """Refuse a map with schedules, for computations about one step.

        Raises:
            InputError: the map has a schedule.
        """
        for path, schedule in self.schedules.items():
            checks.reject(path[-1], schedule, "the map is another in every step", "Ask it of map_.at(number)")

    def start(self, w: Point) -> State:
        """Return the state at w before the first step: (w,), or with momentum (w, v) with v = 0."""
        of_base = (0 * w,) * self.has_velocity if self.base is None else self.base.start(w)
        return (w, *of_base, *(self.method.start(w) if isinstance(self.method, Method) else ()))

    def step(self, state: State, draws: StepDraws | None = None, number: Any = None) -> State:
        """Return the next state; every part keeps its shape ``(d, …)``.

        Args:
            state: the state, as ``start`` returns it.
            draws: the random numbers of a noisy step: ``noise.Draws`` generates them, ``noise.Given`` repeats yours.
            number: the number of the step, 1 for the first, which schedules, Lookahead and Adam's corrections depend
                on. None for that of ``draws``; if those have none, for a step so late that the corrections are 1.

        Raises:
            InputError: the map has noise and there are no ``draws``; or the step depends on its number, which is None.
        """
        change, *memory = self._move(state, draws, getattr(draws, "step", None) if number is None else number)
        return (state[0] + change, *memory)

    def increment(self, state: State, number: Any = None) -> State:
        """Return the change of the state in one step, without the rounding error of subtracting two states.

        ``number`` is as of ``step``.
        """
        change, *memory = self._move(state, None, number)
        return (change, *(new - old for new, old in zip(memory, state[1:], strict=True)))

    def flat_start(self, w: Point) -> Point:
        """Return ``start(w)`` as one array z with w above the memory: ``(d, …) -> (D, …)``, D = 2d with momentum."""
        return _stack(self.start(w))

    def flat_step(self, z: Point, draws: StepDraws | None = None, number: Any = None) -> Point:
        """Return the next state of a state that is one array: ``(D, …) -> (D, …)``. ``number`` is as of ``step``."""
        parts = np.split(z, len(z) // self.landscape.dim) if is_symbolic(z) else z.split(self.landscape.dim)
        return _stack(self.step(tuple(parts), draws, number))

    def jacobian(self, number: int | None = None) -> sympy.Matrix:
        """Return the Jacobian of one step on (w, v) as formulas, in symbols w and v_w: ``(D, D)``.

        lr, momentum and the method's radius may be symbols. The formulas hold where the step is differentiable. The
        symbols of other arrays of the state are their names too, as m_w. ``number`` is as of ``step``.
        """
        w = self.landscape.symbols
        memory = [sympy.Symbol(f"{name}_{s}", real=True) for name in self.memory for s in w]
        return sympy.Matrix(jacobian(lambda z: self.flat_step(z, None, number), symbolic([*w, *memory])))

    def jacobian_at(self, z: torch.Tensor, number: int | None = None) -> torch.Tensor:
        """Return the Jacobian of one step at states z, by automatic differentiation: ``(D, …) -> (D, D, …)``.

        ``number`` is as of ``step``.
        """
        return jacobian(lambda z: self.flat_step(z, None, number), z)

    def refill(self, original: "Map", values: Mapping[Path, Any]) -> None:
        """Update the noise of this copy of a map to its parameters. ``settings.filled`` calls this.

        Args:
            original: the map that was copied.
            values: the parameters that differ from the original's.
        """
        if original._source is not None:
            noise_values = {path[1]: value for path, value in values.items() if path[0] == "noise"}
            vars(self)["_source"] = original._source.with_settings(self.landscape, noise_values)

    @cached_property
    def _source(self) -> Source | None:
        return None if self.noise is None else self.noise.on(self.landscape)

    def _move(self, state: State, draws: StepDraws | None, number: Any) -> State:
        """Return the change of w, and the next memory."""
        if self.schedules:
            now = {path: schedule.at(number) for path, schedule in self.schedules.items()}
            return filled(self, now)._move(state, draws, number)
        w, *memory = state
        of_base = len(memory) - len(self._of_method)
        update, carried = self._field(w, tuple(memory[of_base:]), draws, number)
        if self.base is not None:
            change, remembered = self.base(w, update, tuple(memory[:of_base]), self.lr, number)
            return (change, *remembered, *carried)
        if not of_base:
            return (-self.lr * update, *carried)
        v = self.momentum * memory[0] + update
        return (-self.lr * (update + self.momentum * v if self.nesterov else v), v, *carried)

    def _field(
        self, w: Point, memory: tuple[Point, ...], draws: StepDraws | None, number: Any
    ) -> tuple[Point, tuple[Point, ...]]:
        """Return F(w), and what the method carries next. Both are means over micro-batches."""
        if draws is None:
            self.refuse_noise()
        if self._source is None or draws is None:
            grad = self.landscape.grad if draws is None else replace(self.landscape.grad, draws=draws)
            return self.method.advance(w, memory, grad, number) if memory else (self.method(w, grad), ())
        if not memory:
            return self._source.update(self.method, w, draws), ()

        def joint(w: Point, grad: Oracle) -> Point:
            f, carried = self.method.advance(w, memory, grad, number)
            return torch.cat([f, *carried])

        f, *carried = self._source.update(joint, w, draws).split(self.landscape.dim)
        return f, tuple(carried)


def _stack(state: State) -> Point:
    return np.concatenate(state) if is_symbolic(state[0]) else torch.cat(state)
