"""Equilibria as data, and the shares of the starts that end there."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import analysis


def test_equilibria_of_several_flows_with_their_shares() -> None:
    landscape = sd.landscapes.double_well()
    flows = [sd.Flow(landscape, method) for method in (sd.GD(), sd.USAM(1.5), sd.SAM(0.3))]
    planes = [analysis.phase_plane(flow) for flow in flows]
    basins = [analysis.basins(flow, resolution=6) for flow in flows]
    data = analysis.equilibria_dataset(planes, basins)
    assert data.sizes["equilibrium"] == 3 + 5 + 5
    for number, (plane, basin) in enumerate(zip(planes, basins, strict=True)):
        part = data.isel(equilibrium=data["of"].values == number)
        for one, point in zip((part.isel(equilibrium=i) for i in range(len(plane.equilibria))), plane.equilibria):  # noqa: B905
            np.testing.assert_array_equal(one.w, point.w)
            assert (one.kind, one.attracts, one.held) == (point.kind, point.attracts, point.held)
            assert one.critical == (point.critical.kind if point.critical else "")
            assert one.rate.isnull().all() == (point.rates is None)
            if point.rates is not None:
                np.testing.assert_array_equal(one.rate + 1j * one.frequency, point.rates)
        assert float(part.share.sum()) == pytest.approx(1 - basin.fraction(analysis.UNDECIDED))
        np.testing.assert_array_equal(data.label[number], basin.label)
    assert data.held.values[data["of"] == 2].sum() == len(planes[2].held) == 3
    assert analysis.equilibria_dataset(planes).share.isnull().all()
    with pytest.raises(sd.InputError, match="basins"):
        analysis.equilibria_dataset(planes, basins[:1])
