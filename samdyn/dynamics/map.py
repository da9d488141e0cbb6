"""The discrete iterates of a method."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..landscapes import Landscape
from ..methods import Method
from ..noise import Noise, StepDraws
from ..noise.model import Source
from ..ops import Point, is_symbolic, jacobian, symbolic
from ..portable import Portable
from .parts import check_parts
from .settings import Path, per_run

State = tuple[Point, ...]  # (w,), or with momentum (w, v): position and velocity, each of shape (d, …)


@dataclass(frozen=True)
class Map(Portable):
    """The iterates of a method F: w ← w − ηF(w), or with momentum γ

    heavy ball:  v ← γv + F(w),  w ← w − ηv
    Nesterov:    v ← γv + F(w),  w ← w − η(F(w) + γv)

    from v = 0. These are the forms of ``torch.optim.SGD``. Step k is at time t = kη.

    Attributes:
        landscape: the loss L.
        method: the method F.
        lr: learning rate η > 0, in units of w, squared, per unit of L: a number, a SymPy symbol for formulas, or an
            array, a tensor or a list ``(N,)`` with one value per run.
        momentum: γ in [0, 1), in the same forms.
        nesterov: whether momentum has Nesterov's form.
        noise: the noise model of the gradients, None for none. A noisy step needs ``draws``; ``simulate`` passes them.

    Raises:
        InputError: a parameter is out of its range, Nesterov's form has no momentum, or the noise does not fit the
            landscape.

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
        if self.has_noise_of_landscape:
            for path, value in per_run(self.landscape).items():
                rule = f"the noise {type(self.noise).__name__} is computed from a landscape with one value for all runs"
                checks.reject(path[0], value.tolist(), rule, "Give a number, or use noise.Gaussian")
        if self._source is not None:
            names = [path[0] for path in per_run(self.noise)]
            for name in (name for name in names if name not in self._source.per_run):
                rule = "this noise takes one value for all runs"
                checks.reject(name, getattr(self.noise, name).tolist(), rule, "Give a number")

    @property
    def has_velocity(self) -> bool:
        """Whether the state has a velocity beside w. It has one if any run has momentum."""
        return bool(self.momentum.any() if torch.is_tensor(self.momentum) else self.momentum)

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

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a result, by name."""
        return {
            "method": repr(self.method),
            "lr": self.lr,
            "momentum": self.momentum,
            "nesterov": int(self.nesterov),
        }

    def refuse_noise(self) -> None:
        """Refuse a map with noise, for computations that follow the iterates without noise.

        Raises:
            InputError: the map has noise.
        """
        if self.noise is not None:
            rule = "what is asked for follows the iterates without noise"
            checks.reject("noise", self.noise, rule, "Use dataclasses.replace(map_, noise=None), or simulate")

    def start(self, w: Point) -> State:
        """Return the state at w with zero velocity: (w,), or with momentum (w, v)."""
        return (w, 0 * w) if self.has_velocity else (w,)

    def step(self, state: State, draws: StepDraws | None = None) -> State:
        """Return the next state; every part keeps its shape ``(d, …)``.

        ``draws`` give a noisy step its random numbers: ``noise.Draws`` generates them, ``noise.Given`` repeats yours.

        Raises:
            InputError: the map has noise and there are no ``draws``.
        """
        change, *velocity = self._move(state, draws)
        return (state[0] + change, *velocity)

    def increment(self, state: State) -> State:
        """Return the change of the state in one step, without the rounding error of subtracting two states."""
        change, *velocity = self._move(state, None)
        return (change, *(new - old for new, old in zip(velocity, state[1:], strict=True)))

    def flat_start(self, w: Point) -> Point:
        """Return ``start(w)`` as one array z with w above v: ``(d, …) -> (D, …)``, D = 2d with momentum, else d."""
        return _stack(self.start(w))

    def flat_step(self, z: Point, draws: StepDraws | None = None) -> Point:
        """Return the next state of a state that is one array: ``(D, …) -> (D, …)``."""
        parts = np.split(z, len(z) // self.landscape.dim) if is_symbolic(z) else z.split(self.landscape.dim)
        return _stack(self.step(tuple(parts), draws))

    def jacobian(self) -> sympy.Matrix:
        """Return the Jacobian of one step on (w, v) as formulas, in symbols w and v_w: ``(D, D)``.

        lr, momentum and the method's radius may be symbols. The formulas hold where the step is differentiable.
        """
        w = self.landscape.symbols
        v = [sympy.Symbol(f"v_{s}", real=True) for s in w] if self.has_velocity else []
        return sympy.Matrix(jacobian(self.flat_step, symbolic([*w, *v])))

    def jacobian_at(self, z: torch.Tensor) -> torch.Tensor:
        """Return the Jacobian of one step at states z, by automatic differentiation: ``(D, …) -> (D, D, …)``."""
        return jacobian(self.flat_step, z)

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

    def _move(self, state: State, draws: StepDraws | None) -> State:
        """Return the change of w, and with momentum the next v."""
        w, *velocity = state
        if draws is None:
            self.refuse_noise()
        if self._source is None or draws is None:
            update = self.method(w, self.landscape.grad)
        else:
            update = self._source.update(self.method, w, draws)
        if not velocity:
            return (-self.lr * update,)
        v = self.momentum * velocity[0] + update
        return (-self.lr * (update + self.momentum * v if self.nesterov else v), v)


def _stack(state: State) -> Point:
    return np.concatenate(state) if is_symbolic(state[0]) else torch.cat(state)
