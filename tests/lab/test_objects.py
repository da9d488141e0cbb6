"""Landscapes, saddles and methods from what a user types."""

from pathlib import Path

import pytest

import samdyn as sd
from samdyn import lab

HACK = "__import__('os').system('touch HACKED')"


@pytest.mark.parametrize(
    ("text", "coordinates", "said"),
    [
        ("sadle", "x y", ["'sadle'", "no landscape", "Did you mean 'saddle'?"]),
        (HACK, "x y", ["HACKED", "not allowed", "Functions:"]),
        ("x.__class__", "x y", ["x.__class__", "not allowed", "Functions:"]),
        ("x**2 - z**2", "x y", ["'z'", "unknown symbol", "coordinates"]),
        ("x**2 -", "x y", ["'x**2 -'", "cannot be read", "Write it like"]),
        ("", "x y", ["''", "cannot be read", "Write it like"]),
        ("9**9**9 - y**2", "x y", ["9**9", "64", "smaller"]),
        ("x**2 - y**2", "x x", ["'x x'", "name of its own", "Name"]),
        ("x**2 - y**2", "", ["''", "at least one", "Name"]),
        ("x**2", "x " + " ".join(f"z{i}" for i in range(40)), ["are 41", "up to 16"]),
    ],
)
def test_what_is_no_landscape(
    text: str, coordinates: str, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sd.InputError) as refused:
        lab.landscape(text, coordinates)
    assert all(part in str(refused.value) for part in said)
    assert not list(tmp_path.iterdir())  # no HACKED


def test_names_of_the_catalogue_are_typed_with_either_dash() -> None:
    assert lab.landscape("monkey-saddle", "").name == lab.landscape("monkey_saddle", "").name == "monkey saddle"


@pytest.mark.parametrize("name", ["rosenbrock", "monkey-saddle"])
def test_a_landscape_without_a_saddle(name: str) -> None:
    landscape = lab.landscape(name, "")
    with pytest.raises(sd.InputError, match=r"no non-degenerate saddle.*Choose a landscape"):
        lab.saddle(landscape, sd.critical_points(landscape), "")


def test_the_saddle_nearest_to_a_point_or_the_lowest() -> None:
    landscape = sd.landscapes.himmelblau()
    points = sd.critical_points(landscape)
    saddles = [p for p in points if p.kind == "saddle"]
    assert len(saddles) == 4
    assert lab.saddle(landscape, points, "") is min(saddles, key=lambda p: p.loss)
    for one in saddles:
        x, y = one.w + 0.1
        assert lab.saddle(landscape, points, f"{x}, {y}") is one
    for text, said in (
        ("left", "numbers separated"),
        ("0", "2 coordinates"),
        ("0,0,0", "2 coord"),
        ("nan,0", "finite"),
    ):
        with pytest.raises(sd.InputError, match=f"--saddle = .*{said}.*Use e.g. --saddle 0,1"):
            lab.saddle(landscape, points, text)


def test_the_steps_in_a_time() -> None:
    assert lab.steps_in(1.0, 0.03) == 33
    assert lab.steps_in(0.8, 0.1, fewest=8) == 8
    with pytest.raises(sd.InputError, match=r"--time = 1.0: is 5 steps of η = 0.2. Use at least --time 1.6"):
        lab.steps_in(1.0, 0.2, fewest=8)
    with pytest.raises(sd.InputError, match="is 0 steps"):
        lab.steps_in(1.0, 3.0)
