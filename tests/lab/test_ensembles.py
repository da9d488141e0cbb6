"""Measurements of many maps in small groups."""

from pathlib import Path

import samdyn as sd
from samdyn import lab
from samdyn.lab import ensembles
from samdyn.output import OutputFolder

METHODS = [sd.GD(), *(sd.USAM(0.1 * k) for k in range(ensembles.TOGETHER + 2))]
MAPS = [sd.Map(sd.landscapes.saddle(), method, lr=0.1) for method in METHODS]


def test_groups_have_one_method_and_ctrl_c_loses_one_of_them(tmp_path: Path) -> None:
    sizes: list[int] = []

    def measure(group: list[sd.Map], stop: bool = False) -> list[float]:
        if stop and len(sizes) == 2:
            raise KeyboardInterrupt
        sizes.append(len(group))
        assert len({type(map_.method) for map_ in group}) == 1
        return [map_.radius for map_ in group]

    with OutputFolder(tmp_path / "whole", "radii", {}) as folder:
        assert lab.in_ensembles(MAPS, measure, lab.Report(folder), "radii") == [map_.radius for map_ in MAPS]
    assert sizes == [1, ensembles.TOGETHER, 2]
    sizes.clear()
    with OutputFolder(tmp_path / "part", "radii", {}) as folder:
        part = lab.in_ensembles(MAPS, lambda group: measure(group, stop=True), lab.Report(folder), "radii")
        assert folder.interrupted
    assert part == [map_.radius for map_ in MAPS[: 1 + ensembles.TOGETHER]]
