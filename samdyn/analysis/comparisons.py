"""Ways to compare momentum with none: momentum γ also multiplies the step by 1/(1−γ)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from .. import checks
from ..arguments import checked
from ..dynamics import Map

# The learning rate and the number of steps with momentum γ, in units of those without it.
COMPARISONS: dict[str, Callable[[float], tuple[float, float]]] = {
    "equal η": lambda gamma: (1.0, 1.0),
    "equal η/(1−γ), equal t": lambda gamma: (1 - gamma, 1 / (1 - gamma)),
    "equal η/(1−γ), equal k": lambda gamma: (1 - gamma, 1.0),
}


@checked
def comparable(map_: Map, steps: int, comparison: str) -> tuple[Map, float]:
    """Return the map and the number of steps that compare a map's momentum with no momentum.

    Momentum γ makes a run faster by its memory and by a step that is 1/(1−γ) times as long in the end. A comparison at
    equal η shows both effects, one at equal η/(1−γ) the memory alone. At equal η/(1−γ) the learning rate is smaller, so
    that the same time t = kη takes more steps.

    Args:
        map_: the map with its momentum, and with the learning rate η that it is compared at without momentum.
        steps: the number of steps k without momentum.
        comparison: "equal η", "equal η/(1−γ), equal t" or "equal η/(1−γ), equal k"; all are the same at γ = 0.

    Returns:
        The map with the learning rate of the comparison, and its number of steps, which may be no integer.

    Raises:
        InputError: an unknown comparison, a momentum that is no single number, or steps < 1.

    >>> import samdyn as sd
    >>> map_ = sd.Map(sd.landscapes.saddle(), sd.SAM(rho=0.1), lr=0.5, momentum=0.75)
    >>> slower, steps = sd.analysis.comparable(map_, 10, "equal η/(1−γ), equal t")
    >>> slower.lr, steps
    (0.125, 40.0)
    """
    checks.numeric(map_)
    steps = checks.count("steps", steps, "Use e.g. steps=1000")
    rate, longer = COMPARISONS[checks.known("comparison", comparison, COMPARISONS)](map_.momentum)
    return replace(map_, lr=rate * map_.lr), longer * steps


@checked
def equal_rates(lr: float, momenta: Sequence[float]) -> dict[str, list[tuple[float, float]]]:
    """Return the learning rates at which momenta are compared with none, where runs are equally long in steps.

    A small and a large step compare the same momenta at equal η/(1−γ): η is ``lr`` without momentum in the former, and
    with the largest momentum in the latter.

    Args:
        lr: the learning rate of all at equal η.
        momenta: the momenta γ, ascending from above 0.

    Returns:
        For each comparison, γ and η: without momentum first, and then with each.

    Raises:
        InputError: momenta that do not ascend in (0, 1), or a learning rate that is not positive.

    >>> import samdyn as sd
    >>> for comparison, pairs in sd.analysis.equal_rates(0.5, [0.75]).items():
    ...     print(comparison, pairs)
    equal η [(0.0, 0.5), (0.75, 0.5)]
    equal η/(1−γ), small [(0.0, 0.5), (0.75, 0.125)]
    equal η/(1−γ), large [(0.0, 2.0), (0.75, 0.5)]
    """
    lr = checks.learning_rate(lr)
    gammas = [0.0, *momenta]
    if not all(low < high < 1 for low, high in pairwise(gammas)):
        checks.reject("momenta", list(momenta), "must ascend from above 0 to below 1", "Use e.g. [0.5, 0.9]")
    return {
        "equal η": [(gamma, lr) for gamma in gammas],
        "equal η/(1−γ), small": [(gamma, lr * (1 - gamma)) for gamma in gammas],
        "equal η/(1−γ), large": [(gamma, lr * ((1 - gamma) / (1 - gammas[-1]))) for gamma in gammas],
    }
