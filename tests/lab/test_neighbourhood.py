"""Starts around a saddle as options say."""

import numpy as np
import pytest

import samdyn as sd
from samdyn import lab

WELLS = sd.critical_points(sd.landscapes.double_well())  # minima at distance 1 from the saddle
SADDLE = next(p for p in WELLS if p.kind == "saddle")


def test_the_default_keeps_away_from_other_critical_points() -> None:
    near = lab.neighbourhood(SADDLE, WELLS, 50, "disc", None, 0)
    assert (near.room, near.spread) == (1.0, 0.25)
    assert near.exit == pytest.approx(2 * abs(near.starts).max())
    assert near.exit < 0.5
    normal = lab.neighbourhood(SADDLE, WELLS, 2000, "normal", None, 0)
    assert np.std(normal.starts) == pytest.approx(0.0625, rel=0.05)


def test_starts_nearer_to_another_point_are_refused() -> None:
    with pytest.raises(sd.InputError, match=r"--spread = 2: .*another critical point at 1\. Use .* --spread 0.25"):
        lab.neighbourhood(SADDLE, WELLS, 50, "disc", 2, 0)
