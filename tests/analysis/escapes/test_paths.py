"""Example runs past a saddle."""

import numpy as np
import pytest

import samdyn as sd


def test_examples_are_one_map_of_each_method_in_a_box_that_ends_with_the_landscape() -> None:
    scene = sd.landscapes.double_well()  # its box ends 1.5 from the saddle, in the second coordinate
    saddle = next(p for p in sd.critical_points(scene) if p.kind == "saddle")
    methods = (sd.SAM(0.1), sd.SAM(0.4), sd.GD(), sd.SAM(0.9))
    maps = [sd.Map(scene, method, lr=0.1, momentum=momentum) for momentum in (0.5, 0.0) for method in methods]
    chosen, paths, box = sd.analysis.example_paths(maps, saddle, 50, rho=0.5)
    assert chosen == [maps[1], maps[2]]
    np.testing.assert_allclose(box, [(-1.5, 1.5)] * 2, atol=1e-12)
    assert len({path.sizes["step"] for path in paths}) == 1
    with pytest.raises(sd.InputError, match="nothing to run"):
        sd.analysis.example_paths([], saddle, 50, rho=0.5)
