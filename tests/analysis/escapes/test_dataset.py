"""Escapes as data, and example paths past a saddle."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis
from samdyn.analysis import CriticalPoint

BOX = ((-1.0, 1.0), (-1.0, 1.0))


def test_the_data_are_those_of_the_results(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    maps = [sd.Map(saddle, method, lr=0.02, momentum=0.5) for method in (sd.GD(), sd.USAM(0.7), sd.SAM(0.2))]
    starts = analysis.starts_around(origin, 40, "disc", 0.5)
    results = analysis.escapes(maps, origin, starts, 1.0, 300)
    edges = analysis.capture_boundaries(maps, origin, 1.0, 300)
    data = analysis.escapes_dataset(maps, results, edges)
    assert data.method.values.tolist() == ["GD", "USAM", "SAM"]
    assert data.rho.values.tolist() == [0.0, 0.7, 0.2]
    assert set(data.momentum.values) == {0.5}
    for i, (result, edge) in enumerate(zip(results, edges, strict=True)):
        one = data.isel(setting=i)
        for outcome in analysis.OUTCOMES:
            assert one[outcome] == (one.outcome == outcome).mean() == result.fraction(outcome)
        assert (one.median_time, one.median_time_low, one.median_time_high) == result.survival().median()
        assert one.observed == pytest.approx(result.end.max() * 0.02)
        assert (one.boundary, one.boundary_low, one.boundary_high) == (edge.quantity, edge.low, edge.high)
        np.testing.assert_array_equal(one.w, result.w)
        np.testing.assert_array_equal(one.end, result.end)
    assert 0 < data.trapped[2] < 1
    with pytest.raises(sd.InputError, match=r"there are 3 map\(s\)"):
        analysis.escapes_dataset(maps, results, edges[:2])


def test_paths_last_until_the_last_run_has_left(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    maps = [sd.Map(saddle, method, lr=0.01) for method in (sd.GD(), sd.USAM(0.4), sd.USAM(0.6))]
    paths = analysis.paths_past_saddle(maps, origin, BOX, most=5000)
    slow = paths[1]
    assert [str(path.status.item()) for path in paths[:2]] == ["left the box"] * 2
    assert paths[0].end.item() < slow.end.item() > 500  # 10/λ_max is 500 steps
    assert {path.sizes["step"] - 1 for path in paths} == {round(1.1 * slow.end.item())}
    assert all((path.w.values[0, 0] == slow.w.values[0, 0]).all() for path in paths)
    x, y = slow.w.values[0, 0]
    assert (x, abs(y)) == pytest.approx((-0.86, 0.043))  # to the left, out along the stable direction and a little off


@pytest.mark.parametrize("lr", [1e-6, 0.1])
def test_paths_have_no_more_steps_than_asked_for(saddle: sd.Landscape, origin: CriticalPoint, lr: float) -> None:
    """They cover a fixed time, so that their steps would grow as 1/η, and every one of them is saved."""
    (path,) = analysis.paths_past_saddle([sd.Map(saddle, sd.GD(), lr=lr)], origin, BOX, most=30)
    assert path.sizes["step"] - 1 == 30
    assert str(path.status.item()) == ("undecided" if lr < 0.1 else "left the box")


def test_paths_of_several_learning_rates_are_refused(saddle: sd.Landscape, origin: CriticalPoint) -> None:
    with pytest.raises(sd.InputError, match="one learning rate"):
        analysis.paths_past_saddle([sd.Map(saddle, sd.GD(), lr=e) for e in (0.1, 0.2)], origin, BOX, most=30)
