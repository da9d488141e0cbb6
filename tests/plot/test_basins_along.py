"""Areas of shares and frames of basins: an attractor has one colour and one number from value to value."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

import samdyn as sd
from samdyn import plot
from samdyn.analysis import DIVERGED, Attractor, BasinsAlong, ContinuedAttractor
from samdyn.plot.portraits.basins import PATTERNS


def at(x: float) -> Attractor:
    return Attractor("fixed point", np.array([[x, 0.5]]), 0.0, None, None, 1, 4)


@pytest.fixture
def along() -> BasinsAlong:
    """Return four values: the first attractor shrinks and ends, the second takes its place, a row diverges."""
    label = np.zeros((4, 4, 6), dtype=int)
    for k, width in enumerate((3, 4, 5, 6)):
        label[k, :, 6 - width :] = 1
    label[:, 0] = DIVERGED
    values = np.array([-0.2, -0.1, 0.0, 0.1])
    share = [(label == number).mean((1, 2)) for number in (0, 1)]
    first = ContinuedAttractor(values, (at(-0.5), at(-0.6), at(-0.7), None), share[0])
    second = ContinuedAttractor(values, (at(0.5),) * 4, share[1])
    plane = np.linspace(-1, 1, 6), np.linspace(0, 1, 4)
    return BasinsAlong("a", values, label, (first, second), ("x", "y"), ("x", "y"), *plane)


@pytest.fixture
def ax() -> Iterator[Axes]:
    with plt.rc_context(plot.STYLE):
        _, axes = plt.subplots()
        yield axes
    plt.close("all")


def test_areas_are_the_shares(along: BasinsAlong, ax: Axes) -> None:
    assert plot.basins_along(along, ax) is ax
    areas = ax.collections
    assert len(areas) == 3
    for area, label in zip(areas[:2], (0, 1), strict=True):
        assert to_rgb(area.get_facecolor()[0]) == to_rgb(PATTERNS[label][0])
        vertices = area.get_paths()[0].vertices
        for value, share in zip(along.parameter, along.share(label), strict=True):
            heights = vertices[np.isclose(vertices[:, 0], value), 1]
            assert np.ptp(heights) == pytest.approx(share)
    assert [line.get_ydata().tolist() for line in ax.lines][-1] == pytest.approx([1] * 4)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "1: (−0.5, 0.5) → (−0.7, 0.5), to a = 0",
        "2: (0.5, 0.5)",
        "diverged",
    ]
    numbers = {text.get_text(): text.get_position() for text in ax.texts}
    assert numbers == {"1": (-0.1, pytest.approx(0.125)), "2": (0.0, pytest.approx(0.4375))}
    assert ax.get_xlabel() == "$a$"


def test_a_gif_with_stable_colours(along: BasinsAlong, tmp_path: Path) -> None:
    with Image.open(plot.animate_basins(along, tmp_path / "basins.gif", fps=2)) as image:
        assert image.n_frames == 4
        shares = []
        for k in range(4):
            image.seek(k)
            pixels = np.asarray(image.convert("RGB")).astype(int)
            near = [(abs(pixels - 255 * np.array(to_rgb(PATTERNS[i][0]))).max(2) < 12).sum() for i in (0, 1)]
            shares.append(near[1] / sum(near))
        assert min(image.size) >= 720  # pixels; a slide has some thousand
    # The legend has the first colour too, also where the attractor has ended.
    assert shares == pytest.approx([3 / 6, 4 / 6, 5 / 6, 1], abs=0.05)


def test_what_frames_say(along: BasinsAlong, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def frames(draw: Callable[[float, Axes], None], values: Iterable[float], path: Path, **rest: object) -> Path:
        for value in values:
            figure, ax = plt.subplots()
            draw(value, ax)
            texts = [text.get_text() for text in ax.get_legend().get_texts()]
            said.append((ax.get_title(), texts, [text.get_text() for text in ax.texts]))
            smallest = min(text.get_fontsize() for text in figure.findobj(plt.Text) if text.get_text())
            assert smallest >= 12  # points, in a frame of 8 inches
            plt.close(figure)
        return path

    monkeypatch.setattr("samdyn.plot.portraits.basins_along.animate", frames)
    plot.animate_basins(along, "basins.gif")
    assert said[0] == ("a = −0.2", ["1: 37.5 %", "2: 37.5 %", "diverged: 25.0 %"], ["1", "2"])
    assert said[3] == ("a = 0.1", ["1: 0.0 %", "2: 75.0 %", "diverged: 25.0 %"], ["2"])


def test_random_starts_fill_no_plane(tmp_path: Path) -> None:
    values, starts = np.array([0.1, 0.2]), np.zeros((3, 1))
    along = BasinsAlong("lr", values, np.full((2, 3), DIVERGED), (), ("x",), starts=starts)
    with pytest.raises(sd.InputError, match="random starts, which fill no plane"):
        plot.animate_basins(along, tmp_path / "a.gif")
