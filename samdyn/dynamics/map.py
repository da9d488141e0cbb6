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

State = tuple[Point, ...]  # (w,), or with momentum (w, v); every part is (d, …)


@dataclass(frozen=True)
class Map(Portable):
    """The iterates of a method F: w ← w − ηF(w), or with momentum γ

    heavy ball:  v ← γv + F(w),  w ← w − ηv
    Nesterov:    v ← γv + F(w),  w ← w − η(F(w) + γv)

    from v = 0; the forms of ``torch.optim.SGD``. Step k stands at time t = kη.

    Attributes:
        landscape: the loss.
        method: F.
        lr: learning rate η > 0; a SymPy symbol in formulas; a list, an array or a tensor for one per run.
        momentum: γ in [0, 1); likewise.
        nesterov: which form of momentum.
        noise: of the gradients, None for none. Steps then need ``draws``, which ``simulate`` gives them.

    Raises:
        InputError: a parameter out of its range; Nesterov without momentum; noise that does not fit the landscape.
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
        if self._source is not None:
            unknown = [name for name in (path[0] for path in per_run(self.noise)) if name not in self._source.per_run]
            for name in unknown:
                rule = "this noise takes one value for all runs"
                checks.reject(name, getattr(self.noise, name).tolist(), rule, "Give a number")

    @property
    def has_velocity(self) -> bool:
        """Whether the state has a velocity beside w: with any momentum."""
        return bool(self.momentum.any() if torch.is_tensor(self.momentum) else self.momentum)

    @property
    def radius(self) -> Any:
        """The method's ρ, 0.0 if it has none or is a function."""
        return self.method.radius if isinstance(self.method, Method) else 0.0

    @property
    def dt(self) -> Any:
        """The time that a step takes, in t = kη: η."""
        return self.lr

    def attributes(self) -> dict[str, Any]:
        """Return what a result is labelled with."""
        return {
            "method": repr(self.method),
            "lr": self.lr,
            "momentum": self.momentum,
            "nesterov": int(self.nesterov),
        }

    def start(self, w: Point) -> State:
        """Return the state at w with no velocity."""
        return (w, 0 * w) if self.has_velocity else (w,)

    def step(self, state: State, draws: StepDraws | None = None) -> State:
        """Return the next state; every part keeps its shape ``(d, …)``.

        ``draws`` are what a noisy step draws from: ``noise.Draws``, at random, or ``noise.Given``.

        Raises:
            InputError: a map with noise without ``draws``.
        """
        change, *velocity = self._move(state, draws)
        return (state[0] + change, *velocity)

    def increment(self, state: State) -> State:
        """Return the difference to the next state, free of the rounding that subtracting states would bring."""
        change, *velocity = self._move(state, None)
        return (change, *(new - old for new, old in zip(velocity, state[1:], strict=True)))

    def flat_start(self, w: Point) -> Point:
        """Return ``start(w)`` as one array z, w above v: ``(d, …) -> (D, …)``, D = 2d with momentum, else d."""
        return _stack(self.start(w))

    def flat_step(self, z: Point, draws: StepDraws | None = None) -> Point:
        """Return the step of a state written as one array: ``(D, …) -> (D, …)``."""
        parts = np.split(z, len(z) // self.landscape.dim) if is_symbolic(z) else z.split(self.landscape.dim)
        return _stack(self.step(tuple(parts), draws))

    def jacobian(self) -> sympy.Matrix:
        """Return the Jacobian of one step on (w, v) as formulas, in symbols w and v_w: ``(D, D)``.

        lr, momentum and the method's radius may be symbols. As for flows, it holds where the step is differentiable.
        """
        w = self.landscape.symbols
        v = [sympy.Symbol(f"v_{s}", real=True) for s in w] if self.has_velocity else []
        return sympy.Matrix(jacobian(self.flat_step, symbolic([*w, *v])))

    def jacobian_at(self, z: torch.Tensor) -> torch.Tensor:
        """Return the Jacobian of one step at states (w, v), by automatic differentiation: ``(D, …) -> (D, D, …)``."""
        return jacobian(self.flat_step, z)

    def refill(self, original: "Map", values: Mapping[Path, Any]) -> None:
        """Give this copy of a map, with other parameters, the noise of the original; see ``settings.filled``."""
        if original._source is not None:
            of_noise = {path[1]: value for path, value in values.items() if path[0] == "noise"}
            vars(self)["_source"] = original._source.refilled(of_noise)

    @cached_property
    def _source(self) -> Source | None:
        return None if self.noise is None else self.noise.on(self.landscape)

    def _move(self, state: State, draws: StepDraws | None) -> State:
        """Return the change of w, and with momentum the next v."""
        w, *velocity = state
        if self._source is None:
            update = self.method(w, self.landscape.grad)
        elif draws is None:
            rule = "what is asked for follows the iterates without noise"
            checks.reject("noise", self.noise, rule, "Use dataclasses.replace(map_, noise=None), or simulate")
        else:
            update = self._source.update(self.method, w, draws)
        if not velocity:
            return (-self.lr * update,)
        v = self.momentum * velocity[0] + update
        return (-self.lr * (update + self.momentum * v if self.nesterov else v), v)


def _stack(state: State) -> Point:
    return np.concatenate(state) if is_symbolic(state[0]) else torch.cat(state)
