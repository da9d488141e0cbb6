"""The discrete iterates of a method."""

from dataclasses import dataclass

from .. import checks
from ..landscapes import Landscape
from ..methods import Method
from ..ops import Point

State = tuple[Point, ...]  # (w,), or with momentum (w, v); every part is (d, …)


@dataclass(frozen=True)
class Map:
    """The iterates of a method F: w ← w − ηF(w), or with momentum γ

    heavy ball:  v ← γv + F(w),  w ← w − ηv
    Nesterov:    v ← γv + F(w),  w ← w − η(F(w) + γv)

    from v = 0; the forms of ``torch.optim.SGD``. Step k stands at time t = kη.

    Attributes:
        landscape: the loss.
        method: F.
        lr: learning rate η > 0.
        momentum: γ in [0, 1).
        nesterov: which form of momentum.

    Raises:
        InputError: a parameter out of its range; Nesterov without momentum.
    """

    landscape: Landscape
    method: Method
    lr: float
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "lr", checks.learning_rate(self.lr))
        object.__setattr__(self, "momentum", checks.momentum(self.momentum))
        if self.nesterov and not self.momentum:
            rule = "Nesterov's form changes nothing without momentum"
            checks.reject("momentum", self.momentum, rule, "Use e.g. momentum=0.9, or nesterov=False")

    def start(self, w: Point) -> State:
        """Return the state at w with no velocity."""
        return (w, 0 * w) if self.momentum else (w,)

    def step(self, state: State) -> State:
        """Return the next state; every part keeps its shape ``(d, …)``."""
        change, *velocity = self._move(state)
        return (state[0] + change, *velocity)

    def increment(self, state: State) -> State:
        """Return the difference to the next state, free of the rounding that subtracting states would bring."""
        change, *velocity = self._move(state)
        return (change, *(new - old for new, old in zip(velocity, state[1:], strict=True)))

    def _move(self, state: State) -> State:
        """Return the change of w, and with momentum the next v."""
        w, *velocity = state
        update = self.method(w, self.landscape.grad)
        if not velocity:
            return (-self.lr * update,)
        v = self.momentum * velocity[0] + update
        return (-self.lr * (update + self.momentum * v if self.nesterov else v), v)
