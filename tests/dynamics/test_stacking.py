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
