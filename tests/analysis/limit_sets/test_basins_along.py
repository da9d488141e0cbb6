"""Basins along a parameter against normal forms whose attractors and basins are known."""

import numpy as np
import pytest

import samdyn as sd
from samdyn.analysis import DIVERGED, basins_along

TILTED = sd.Landscape(
    "x**4/4 - x**2/2 + a*x + y**2/2", "x y", parameters={"a": 0.0}, box=[(-2, 2), (-1, 1)]
)  # folds at a = ±2/(3√3) = ±0.385


def test_two_wells_and_their_folds() -> None:
    """The shallow well ends at the fold, and its basin is what lies beyond the middle root of x³ − x + a."""
    values = [-0.39, -0.38, -0.1, 0.1, 0.38, 0.39]
    along = basins_along(sd.Map(TILTED, sd.GD(), lr=0.2), "a", values, resolution=(20, 2), progress=False)
    right, left = along.attractors
    assert (right.birth, right.end, left.birth, left.end) == (-0.39, 0.38, -0.38, 0.39)
    assert right.kinds[:5] == ["fixed point"] * 5
    for k, a in enumerate(values):
        roots = np.sort(np.roots([1, 0, -1, a]))
        real = np.sort(roots[abs(roots.imag) < 1e-9].real)
        for one, well in ((left, real[0]), (right, real[-1])):
            if one.present[k]:
                assert one.w[k] == pytest.approx([well, 0], abs=1e-8)
        border = real[1] if len(real) == 3 else np.inf * np.sign(a)
        assert (along.label[k] == np.where(along.x < border, 1, 0)).all()
    # The larger basin, and so the first attractor of a search, is the right one below a = 0 and the left one above.
    assert right.share.tolist() == along.share(0).tolist()
    assert right.share[2] > 0.5 > right.share[3]
    assert (right.share[-1], left.share[-1], left.share[0]) == (0, 1, 0)


def test_a_saddle_becomes_an_attractor_at_the_threshold() -> None:
    """USAM's flow on x² − y² + y⁴: from ρ = 1/|λ| = 1/2 on the saddle attracts |y| < √((2ρ−1)/(4ρ))."""
    landscape = sd.Landscape("x**2 - y**2 + y**4", "x y", box=[(-1, 1), (-1, 1)])
    values = np.array([0.49, 0.501, 0.7])
    along = basins_along(sd.Flow(landscape, sd.USAM(0.1)), "rho", values, resolution=(2, 12), progress=False)
    assert [one.birth for one in along.attractors] == [0.49, 0.49, 0.501]  # also while no start is in its basin
    assert along.attractors[2].share[1] == 0
    assert along.attractors[2].w[1:] == pytest.approx(np.zeros((2, 2)), abs=1e-9)
    upper = int(along.attractors[1].w[0, 1] > 0)
    for k, rho in enumerate(values):
        border = np.sqrt(max(0, 2 * rho - 1) / (4 * rho))
        expected = np.where(abs(along.y) < border, 2, np.where(along.y > 0, upper, 1 - upper))
        assert (along.label[k] == expected[:, None]).all()


def test_an_attractor_without_starts_is_followed_from_its_own_points() -> None:
    """The only start is in the left well, and both minima move by 0.5, an eighth of the box."""
    along = basins_along(sd.Map(TILTED, sd.GD(), lr=0.2), "a", [-0.38, 0.38], starts=1, seed=2, progress=False)
    assert len(along.attractors) == 2
    assert all(one.present.all() and abs(np.diff(one.w[:, 0])) > 0.45 for one in along.attractors)


def test_a_pitchfork_ends_one_attractor_and_begins_two() -> None:
    landscape = sd.Landscape("x**4/4 - a*x**2/2 + y**2/2", "x y", parameters={"a": 1.0}, box=[(-2, 2), (-1, 1)])
    values = [-0.3, -0.1, 0.1, 0.3]
    along = basins_along(sd.Map(landscape, sd.GD(), lr=0.2), "a", values, resolution=(10, 2), progress=False)
    assert [(one.birth, one.end) for one in along.attractors] == [(-0.3, -0.1), (0.1, 0.3), (0.1, 0.3)]
    for one in along.attractors[1:]:
        assert abs(one.w[2:, 0]) == pytest.approx(np.sqrt(values[2:]), abs=1e-8)
        assert (one.share == [0, 0, 0.5, 0.5]).all()


def test_wells_that_change_places_keep_their_identity() -> None:
    """The landscape turns by half a turn: each well ends where the other was at first."""
    turned = sd.Landscape(
        "((x*cos(t) + y*sin(t))**2 - 1)**2/4 + (y*cos(t) - x*sin(t))**2/2",
        "x y", parameters={"t": 0.0}, box=[(-2, 2), (-2, 2)],
    )  # fmt: skip
    angles = np.linspace(0, np.pi, 6)  # moves of 0.62, 0.15 of the box: the basins decide
    along = basins_along(sd.Map(turned, sd.GD(), lr=0.2), "t", angles, resolution=6, progress=False)
    assert len(along.attractors) == 2
    for one in along.attractors:
        sign = np.sign(one.w[0, 0])
        assert one.w == pytest.approx(sign * np.stack([np.cos(angles), np.sin(angles)], 1), abs=1e-8)


def test_a_two_cycle_of_sam_is_one_attractor() -> None:
    """Its half-width is ηρλ/(2 − ηλ), λ = 2 [B22]; no start but those beside the saddle is in the narrowest trap."""
    map_, radii = sd.Map(sd.landscapes.saddle(), sd.SAM(0.5), lr=0.05), np.array([0.1, 0.2, 0.4, 0.8])
    along = basins_along(map_, "rho", radii, resolution=6, progress=False)
    (cycle,) = along.attractors
    assert cycle.kinds == ["cycle"] * 4
    widths = [abs(one.w[:, 0]).max() for one in cycle.sets if one is not None]
    assert widths == pytest.approx(0.05 * radii * 2 / (2 - 0.1), abs=1e-9)
    assert cycle.share[0] == 0 < cycle.share[3] == 1 - along.share(DIVERGED)[3]


def test_a_fixed_point_that_becomes_a_cycle_goes_on() -> None:
    """GD on the double well, multiplier 1 − 2η at the minima: they flip at η = 1."""
    well = sd.Landscape("(x**2 - 1)**2/4", "x")
    along = basins_along(sd.Map(well, sd.GD(), lr=0.1), "lr", [0.95, 1.05], starts=20, progress=False)
    assert [one.kinds for one in along.attractors] == [["fixed point", "cycle"]] * 2
    assert [str(one).split(",")[0] for one in along.attractors] == ["fixed point"] * 2


def test_random_starts_in_three_dimensions() -> None:
    """Half the starts end at each well, to within the standard error of independent starts."""
    landscape = sd.Landscape("(x**2 - 1)**2/4 + y**2/2 + z**2/2", "x y z")
    along = basins_along(sd.Map(landscape, sd.GD(), lr=0.1), "lr", [0.1, 0.15], starts=400, progress=False)
    assert along.label.shape == (2, 400)
    assert along.starts.shape == (400, 3)
    errors = along.standard_error(0)
    assert errors == pytest.approx([0.025, 0.025], rel=0.01)  # √(0.25/400)
    assert (abs(along.share(0) - 0.5) < 4 * errors).all()
    assert ((along.starts[:, 0] > 0) == (along.label[0] == along.label[0][along.starts[:, 0] > 0][0])).all()
    data = along.to_dataset()
    assert dict(data.sizes) == {"lr": 2, "attractor": 2, "coord": 3, "run": 400}
    assert (data.share.sum("attractor") == 1).all()
    assert data.standard_error.values[:, 0] == pytest.approx(errors)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [0.1]}, "two or more numbers"),
        ({"values": [0.2, 0.1]}, "must ascend"),
        ({"values": [0.1, 0.1]}, "must ascend"),
        ({"values": [0.1, np.inf]}, "must be finite"),
        ({"values": [-0.1, 0.1]}, "rho = -0.1"),
        ({"parameter": "ascent_steps", "values": [1, 1.5]}, "ascent_steps = 1.5"),
        ({"parameter": "radius"}, "no parameter of this name.*It has: rho"),
        ({"parameter": "lr"}, "this flow of USAM has no parameter of this name"),
        ({"system": sd.Flow(TILTED, sd.GD()), "parameter": "rho"}, "this flow of GD has no parameter.*It has: a"),
        ({"starts": 0}, "starts = 0"),
        ({"starts": 5, "fixed": {"x": 0.0}}, "random starts lie in the whole box"),
        ({"resolution": 1}, "resolution = 1"),
        ({"seed": -1, "starts": 5}, "seed = -1"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_bad_input(change: dict, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before any work starts."""
    for work in ("critical_points", "limit_sets"):
        monkeypatch.setattr(f"samdyn.analysis.limit_sets.along.basins_along.{work}", None)
    arguments = {"system": sd.Flow(TILTED, sd.USAM(0.1)), "parameter": "rho", "values": [0.1, 0.2], **change}
    with pytest.raises(sd.InputError, match=message):
        basins_along(**arguments, progress=False)


def test_no_attractors_at_all() -> None:
    along = basins_along(sd.Flow(sd.landscapes.saddle(), sd.USAM(0.1)), "rho", [0.1, 0.2], resolution=2, progress=False)
    assert along.attractors == ()
    assert along.to_dataset().unbounded.values.tolist() == [1, 1]
    assert str(along).splitlines()[1] == "unbounded: 100.0 % to 100.0 %"
