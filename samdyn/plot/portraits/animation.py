"""Animations of a picture as one parameter changes."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from ...simulation.progress import tracked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = 64  # size of the palette of a frame; lines and greys need no more


@checked
def animate(
    draw: Callable[[float, "Axes"], Any],
    values: Iterable[float],
    path: str | Path,
    *,
    fps: float = 5,
    size: tuple[float, float] = (6.0, 5.0),
    dpi: float = 80,
    comment: str = "",
) -> Path:
    """Write a GIF or an MP4 with one frame per value of a parameter such as ρ.

    The progress is shown as that of other long work. matplotlib writes an MP4 with ffmpeg.

    Args:
        draw: a function that draws the frame of one value on an empty Axes. The axes keep their size from frame to
            frame if every frame has a legend with equally many lines.
        values: the values of the parameter, one per frame.
        path: the path of the file. It must end in .gif or .mp4.
        fps: the number of frames per second.
        size: the width and height of a frame, in inches.
        dpi: the number of pixels per inch.
        comment: a text to store in the file.

    Returns:
        The path.

    Raises:
        InputError: no values, a path with another ending, no ffmpeg for an MP4, or fps or dpi ≤ 0.

    >>> import samdyn as sd
    >>> def frame(rho, ax):
    ...     map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho), lr=0.1)
    ...     sd.plot.path(sd.simulate(map_, (1, 0.1), steps=20, save_every=1), ax)
    >>> sd.plot.animate(frame, [0.2, 0.8], "usam.gif", size=(3, 2.5)).name
    'usam.gif'
    """
    from matplotlib import animation
    from matplotlib import pyplot as plt

    values, path = list(values), Path(path)
    if not values:
        checks.reject("values", values, "an animation has at least one frame", "Use e.g. numpy.linspace(0, 1, 21)")
    if path.suffix not in (".gif", ".mp4"):
        checks.reject("path", str(path), "must end in .gif or .mp4", "Use e.g. usam.gif")
    if path.suffix == ".mp4" and not animation.writers.is_available("ffmpeg"):
        fix = 'Install ffmpeg, name it by matplotlib.rcParams["animation.ffmpeg_path"], or write a .gif'
        checks.reject("path", str(path), "an MP4 needs ffmpeg, which matplotlib does not find", fix)
    fps = checks.positive("fps", fps, "Use e.g. fps=5")
    dpi = checks.positive("dpi", dpi, "Use e.g. dpi=80")
    figure = plt.figure(figsize=size, dpi=dpi)

    def frames() -> Iterator[None]:
        for value in tracked("frames", values):
            figure.clear()
            draw(value, figure.add_subplot())
            yield

    try:
        if path.suffix == ".gif":
            _write_gif(figure, frames(), path, fps, comment)
        else:
            writer = animation.FFMpegWriter(fps=fps, metadata={"comment": comment})  # type: ignore[arg-type]  # or a float
            with writer.saving(figure, str(path), dpi):
                for _ in frames():
                    writer.grab_frame()
    finally:
        plt.close(figure)
    return path


def _write_gif(figure: "Figure", frames: Iterator[None], path: Path, fps: float, comment: str) -> None:
    """Write a GIF of the figure as it looks at each item of ``frames``."""
    import numpy as np
    from PIL import Image  # comes with matplotlib

    images = []
    for _ in frames:
        figure.canvas.draw()
        image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]
        images.append(image.quantize(COLORS, dither=Image.Dither.NONE))
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=round(1000 / fps), loop=0, comment=comment.encode()
    )
