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


def test_runs_count_in_every_comparison_of_their_momentum_and_learning_rate() -> None:
    rates = sd.analysis.equal_rates(0.1, [0.5, 0.9])
    for name, pairs in rates.items():
        lengths = [lr / (1 - gamma) for gamma, lr in pairs]
        assert (len({round(length, 12) for length in lengths}) == 1) == name.startswith("equal η/(1−γ)")
    assert rates["equal η/(1−γ), small"][0] == rates["equal η"][0]
    assert rates["equal η/(1−γ), large"][-1] == pytest.approx(rates["equal η"][-1])
    distinct = sd.analysis.distinct_rates(rates)
    assert len(distinct) == len({*distinct}) == 7
    runs = sd.sweep(lambda momentum, lr: momentum + lr, {("momentum", "lr"): distinct})
    paired = sd.analysis.by_comparison(runs, rates)
    for name, pairs in rates.items():
        assert paired.value.sel(compared=name).values.tolist() == [gamma + lr for gamma, lr in pairs]
    with pytest.raises(sd.InputError, match="is no momentum and learning rate of the sweep"):
        sd.analysis.by_comparison(runs, sd.analysis.equal_rates(0.2, [0.5]))
    with pytest.raises(sd.InputError, match="must ascend from above 0 to below 1"):
        sd.analysis.equal_rates(0.1, [0.9, 0.5])


def test_on_a_quadratic_with_its_noise() -> None:
    how = {"lr": 0.1, "momentum": 0.8, "batch_size": 4, "coupling": "independent"}
    map_, steps = sd.analysis.compared_on_quadratic((1.0, -2.0), sd.USAM(0.3), "equal η/(1−γ), equal t", 10, **how)
    noise = sd.noise.Fisher((0.0, 0.0), 4, coupling="independent")
    quadratic = sd.landscapes.quadratic((1.0, -2.0))
    alone = sd.Map(quadratic, sd.USAM(0.3), lr=map_.lr, momentum=0.8, noise=noise)
    assert (map_.lr, steps) == pytest.approx((0.02, 50))
    msd = [sd.analysis.exact_msd(one, (0, 0), (0, 1), [1.0]) for one in (map_, alone)]
    assert msd[0] == msd[1] > 0
    with pytest.raises(sd.InputError, match="batch"):
        sd.analysis.compared_on_quadratic([-1.0], sd.GD(), "equal η", 10, lr=0.1, batch_size=0)
