"""Animations: a frame per value."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

import samdyn as sd
from samdyn import analysis, plot


def bar(value: float, ax: Axes) -> None:
    ax.axvspan(0, value, color="black")
    ax.set(xlim=(0, 1), ylim=(0, 1))


def test_a_frame_per_value(tmp_path: Path) -> None:
    path = plot.animate(bar, [0.1, 0.5, 0.9], tmp_path / "bar.gif", fps=4, comment="made for a test")
    assert path == tmp_path / "bar.gif"
    with Image.open(path) as image:
        assert image.n_frames == 3
        assert image.info["duration"] == 250
        assert image.info["comment"] == b"made for a test"
        assert image.info["loop"] == 0
        dark = []
        for i in range(3):
            image.seek(i)
            dark.append((np.asarray(image.convert("L")) < 50).mean())
    assert dark[0] < dark[1] - 0.1 < dark[2] - 0.2  # every frame is drawn afresh
    assert not plt.get_fignums()


def test_an_mp4_gets_every_frame(tmp_path: Path) -> None:
    """A program in the place of ffmpeg keeps the pixels that it receives."""
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    program.chmod(0o755)
    with plt.rc_context({"animation.ffmpeg_path": str(program)}):
        path = plot.animate(bar, [0.1, 0.5, 0.9], tmp_path / "bar.mp4", size=(4, 3), dpi=50)
    frames = np.frombuffer(path.read_bytes(), np.uint8).reshape(3, 150, 200, 4)
    dark = (frames[..., :3].max(3) < 50).mean((1, 2))
    assert dark[0] < dark[1] - 0.1 < dark[2] - 0.2
    assert not plt.get_fignums()


def test_without_ffmpeg_there_is_no_mp4(tmp_path: Path) -> None:
    with (
        plt.rc_context({"animation.ffmpeg_path": str(tmp_path / "none")}),
        pytest.raises(sd.InputError, match=r"needs ffmpeg, which matplotlib does not find. Install ffmpeg"),
    ):
        plot.animate(bar, [0.5], tmp_path / "bar.mp4")


@pytest.mark.slow
def test_the_portrait_of_usam_as_rho_passes_the_threshold(tmp_path: Path) -> None:
    """Small, and different on both sides of ρ = 1/|λ| = 1."""

    def portrait(rho: float, ax: Axes) -> None:
        plot.phase_portrait(analysis.phase_plane(sd.Flow(sd.landscapes.double_well(), sd.USAM(rho))), ax)
        ax.set_title(rf"$\rho = {rho:.2f}$")

    with plt.rc_context(plot.STYLE):
        path = plot.animate(portrait, [0.8, 1.2], tmp_path / "usam.gif")
    assert path.stat().st_size < 2 * 60_000  # so that thirty frames stay below 2 MB
    with Image.open(path) as image:
        assert image.n_frames == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": []}, "at least one frame"),
        ({"path": "a.avi"}, r"must end in \.gif or \.mp4"),
        ({"fps": 0}, "fps = 0: must be a finite number > 0"),
        ({"dpi": 0}, "dpi = 0: must be a finite number > 0"),
    ],
)
def test_bad_input(change: dict, message: str, tmp_path: Path) -> None:
    arguments = {"values": [0.5], "path": tmp_path / "a.gif", **change}
    with pytest.raises(sd.InputError, match=message):
        plot.animate(bar, **arguments)
    assert not list(tmp_path.iterdir())
    assert not plt.get_fignums()
