"""Momentum compared with none."""

import pytest

import samdyn as sd
from samdyn.analysis import COMPARISONS, comparable


def test_equal_lr_lengthens_the_step_and_equal_ratio_does_not() -> None:
    """Under a constant gradient runs go ηk/(1−γ) far: as far as without momentum at equal η/(1−γ) and k alone."""
    slope = sd.Landscape("x", "x")
    reached = {}
    for comparison in COMPARISONS:
        map_, steps = comparable(sd.Map(slope, sd.GD(), lr=0.01, momentum=0.9), 1000, comparison)
        reached[comparison] = -float(sd.simulate(map_, [0.0], round(steps)).w[0, -1, 0]) / 10
        assert map_.lr * steps == pytest.approx(1 if comparison.endswith("k") else 10)
    assert [reached[name] for name in COMPARISONS] == pytest.approx([10, 10, 1], rel=0.01)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_without_momentum_all_are_one(comparison: str) -> None:
    map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
    assert comparable(map_, 7, comparison) == (map_, 7)


def test_bad_input() -> None:
    map_ = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1, momentum=[0.1, 0.2])
    with pytest.raises(sd.InputError, match="needs a number"):
        comparable(map_, 7, "equal η")
    with pytest.raises(sd.InputError, match="Known: equal η"):
        comparable(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1), 7, "equal t")
