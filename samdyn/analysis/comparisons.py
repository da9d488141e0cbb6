"""Ways to compare momentum with none: momentum γ also multiplies the step by 1/(1−γ)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from .. import checks, landscapes
from ..arguments import checked
from ..dynamics import Map
from ..methods import Method
from ..noise import Fisher

if TYPE_CHECKING:
    import xarray

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
def compared_on_quadratic(
    eigenvalues: Sequence[float],
    method: Method,
    comparison: str,
    steps: int,
    *,
    lr: float,
    momentum: float = 0.0,
    batch_size: int = 1,
    coupling: str = "shared",
) -> tuple[Map, float]:
    """Return a map on a quadratic with gradient noise |H|/B, and its steps, as ``comparable`` compares its momentum.

    Args:
        eigenvalues: those of the Hessian, a coordinate for each.
        method: the method.
        comparison, steps: as in ``comparable``.
        lr, momentum: η without momentum, and γ.
        batch_size: B.
        coupling: whether the two gradients of a step share their noise, as in ``noise.Fisher``.

    Raises:
        InputError: as for ``comparable`` and ``noise.Fisher``.

    >>> import samdyn as sd
    >>> comparison = "equal η/(1−γ), equal t"
    >>> map_, steps = sd.analysis.compared_on_quadratic([-1.0], sd.USAM(0.1), comparison, 10, lr=0.5, momentum=0.75)
    >>> map_.lr, steps, map_.noise.batch_size
    (0.125, 40.0, 1)
    """
    noise = Fisher([0.0] * len(eigenvalues), batch_size, coupling=coupling)
    map_ = Map(landscapes.quadratic(eigenvalues), method, lr=lr, momentum=momentum, noise=noise)
    return comparable(map_, steps, comparison)


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


@checked
def distinct_rates(rates: Mapping[str, Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the momenta and learning rates of several comparisons, each pair once, for an axis of a sweep.

    Their order is that of the steps together, η/(1−γ), and of γ.

    Args:
        rates: γ and η for each comparison, as ``equal_rates`` returns them.

    >>> import samdyn as sd
    >>> sd.analysis.distinct_rates(sd.analysis.equal_rates(0.5, [0.75]))
    [(0.0, 0.5), (0.75, 0.125), (0.0, 2.0), (0.75, 0.5)]
    """
    return sorted({*chain(*rates.values())}, key=lambda pair: (round(pair[1] / (1 - pair[0]), 9), pair[0]))


@checked
def by_comparison(runs: "xarray.Dataset", rates: Mapping[str, Sequence[tuple[float, float]]]) -> "xarray.Dataset":
    """Return what a sweep over momenta and learning rates measured, once for each comparison in which it counts.

    Args:
        runs: the result of a sweep over the axis ("momentum", "lr") with the values ``distinct_rates(rates)``.
        rates: γ and η for each comparison, as ``equal_rates`` returns them.

    Returns:
        The same over "compared" and "momentum" in place of "momentum_lr".

    Raises:
        InputError: the sweep lacks the axis or one of the pairs.

    >>> import samdyn as sd
    >>> rates = sd.analysis.equal_rates(0.5, [0.75])
    >>> grid = {("momentum", "lr"): sd.analysis.distinct_rates(rates)}
    >>> runs = sd.sweep(lambda momentum, lr: lr, grid)
    >>> by_comparison(runs, rates).value.values.tolist()
    [[0.5, 0.5], [0.5, 0.125], [2.0, 0.5]]
    """
    import xarray

    checks.present("dimension", "momentum_lr", map(str, runs.dims))
    settings = [*zip(runs.momentum.values.tolist(), runs.lr.values.tolist(), strict=True)]
    for pair in chain(*rates.values()):
        if pair not in settings:
            checks.reject("rates", pair, "is no momentum and learning rate of the sweep", "Use distinct_rates(rates)")
    places = ([settings.index(pair) for pair in pairs] for pairs in rates.values())
    parts = [runs.isel(momentum_lr=place).swap_dims(momentum_lr="momentum") for place in places]
    return xarray.concat(parts, xarray.Variable("compared", [*rates]))
