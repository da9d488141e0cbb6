"""Maps that differ in numbers alone are one map with a number per run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.dynamics.settings import per_run
from samdyn.dynamics.stacking import repeat, stack

SADDLE = sd.landscapes.saddle()
NOISE = sd.noise.Gaussian(0.1)


def test_groups() -> None:
    sam = sd.Map(SADDLE, sd.SAM(0.1), lr=0.1, noise=NOISE)
    maps = [
        sam,
        replace(sam, method=sd.USAM(0.1)),
        replace(sam, method=sd.SAM(0.2), momentum=0.9),
        replace(sam, method=sd.SAM(0.1, ascent_steps=2)),
        replace(sam, method=sd.ASAM(0.1, weights=[True, False])),
        replace(sam, method=sd.ASAM(0.1, 0.3, weights=[True, False])),
        replace(sam, method=sd.ASAM(0.1, 0.3, weights=[True, True])),
        replace(sam, momentum=0.9, nesterov=True),
        replace(sam, landscape=sd.landscapes.saddle()),
        replace(sam, noise=sd.noise.Gaussian(0.1)),
        replace(sam, lr=0.3),
    ]
    groups = stack(maps)
    assert [indices for indices, _ in groups] == [[0, 2, 10], [1], [3], [4, 5], [6], [7], [8], [9]]
    first, _, _, fourth, *_ = ({path: t.tolist() for path, t in per_run(map_).items()} for _, map_ in groups)
    assert first == {("method", "rho"): [0.1, 0.2, 0.1], ("lr",): [0.1, 0.1, 0.3], ("momentum",): [0.0, 0.9, 0.0]}
    assert fourth == {("method", "shift"): [0.0, 0.3]}
    for indices, together in groups:
        assert len(indices) > 1 or together == maps[indices[0]]


def test_repeated() -> None:
    ((_, together),) = stack([sd.Map(SADDLE, sd.SAM(rho), lr=0.1) for rho in (0.1, 0.2)])
    assert repeat(together, 2).method.rho.tolist() == [0.1, 0.1, 0.2, 0.2]  # type: ignore[attr-defined]
    runs = sd.simulate(repeat(together, 3), np.tile([[1.0, 0.1], [1.0, 0.2], [1.0, 0.3]], (2, 1)), 5)
    assert runs.rho.values.tolist() == [0.1] * 3 + [0.2] * 3


@pytest.mark.parametrize("rho", [torch.tensor([0.1, 0.2]), sd.symbolic.RHO])
def test_a_map_that_is_many_already_is_a_group_of_its_own(rho: object) -> None:
    maps = [sd.Map(SADDLE, sd.SAM(rho), lr=0.1), sd.Map(SADDLE, sd.SAM(0.1), lr=0.1)]
    assert [indices for indices, _ in stack(maps)] == [[0], [1]]


FOLD = sd.Landscape("x**3/3 - a*x + b*y**2", "x y", parameters={"a": 1, "b": 2})


def test_landscapes_that_differ_in_their_parameters() -> None:
    a, b = FOLD.with_parameters(a=0.5), sd.Landscape("x**3/3 - a*x + b*y**2", "x y", parameters={"a": 3, "b": 2})
    other = sd.Landscape("x**3/3 - a*x + b*y**4", "x y", parameters={"a": 1, "b": 2})
    boxed = sd.Landscape("x**3/3 - a*x + b*y**2", "x y", parameters={"a": 1, "b": 2}, box=[(-1, 1)] * 2)
    landscapes = [FOLD, a, SADDLE, other, b, boxed, FOLD.with_parameters(b=sd.symbolic.LAMBDA * 0 + 7)]
    for noise in (None, NOISE):
        maps = [sd.Map(one, sd.SAM(0.1 + i), lr=0.1, noise=noise) for i, one in enumerate(landscapes)]
        groups = stack(maps)
        assert [indices for indices, _ in groups] == [[0, 1, 4, 6], [2], [3], [5]]
        first = {path: t.tolist() for path, t in per_run(groups[0][1]).items()}
        assert first.pop(("method", "rho")) == [0.1, 1.1, 4.1, 6.1]
        assert first == {("landscape", "a"): [1.0, 0.5, 3.0, 1.0], ("landscape", "b"): [2.0, 2.0, 2.0, 7.0]}
        runs = sd.simulate(groups[0][1], (1, 1), 5)
        for place, index in enumerate([0, 1, 4, 6]):
            assert (runs.w[place] == sd.simulate(maps[index], (1, 1), 5, first_run=place).w[0]).all()


def test_noise_of_the_landscape_separates_its_values() -> None:
    """The covariance |H|/B is that of one value of a."""
    valley, noise = sd.Landscape("x**2 - a*y**2", "x y", parameters={"a": 1}), sd.noise.Fisher((0, 0), 4)
    maps = [
        sd.Map(valley.with_parameters(a=a), sd.SAM(rho), lr=0.1, noise=noise)
        for a, rho in ((1, 0.1), (4, 0.1), (1, 0.2))
    ]
    assert [indices for indices, _ in stack(maps)] == [[0, 2], [1]]
