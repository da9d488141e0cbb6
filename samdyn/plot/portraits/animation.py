"""Animations of a picture as one parameter changes."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import checks
from ...arguments import checked
from ...simulation.progress import tracked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 80  # resolution of a frame, pixels per inch
COLORS = 64  # size of the palette of a frame; lines and greys need no more


@checked
def animate(
    draw: Callable[[float, "Axes"], Any],
    values: Iterable[float],
    path: str | Path,
    *,
    fps: float = 5,
    size: tuple[float, float] = (6.0, 5.0),
    comment: str = "",
) -> Path:
    """Write a GIF with one frame per value of a parameter such as ρ.

    Args:
        draw: a function that draws the frame of one value on an empty Axes. The axes keep their size from frame to
            frame if every frame has a legend with equally many lines.
        values: the values of the parameter, one per frame.
        path: the path of the file. It must end in .gif.
        fps: the number of frames per second.
        size: the width and height of a frame, in inches.
        comment: a text to store in the file.

    Returns:
        The path.

    Raises:
        InputError: no values, a path that does not end in .gif, or fps ≤ 0.

    >>> import samdyn as sd
    >>> def frame(rho, ax):
    ...     map_ = sd.Map(sd.landscapes.saddle(), sd.USAM(rho), lr=0.1)
    ...     sd.plot.path(sd.simulate(map_, (1, 0.1), steps=20, save_every=1), ax)
    >>> sd.plot.animate(frame, [0.2, 0.8], "usam.gif", size=(3, 2.5)).name
    'usam.gif'
    """
    import numpy as np
    from matplotlib import pyplot as plt
    from PIL import Image  # comes with matplotlib

    values, path = list(values), Path(path)
    if not values:
        checks.reject("values", values, "an animation has at least one frame", "Use e.g. numpy.linspace(0, 1, 21)")
    if path.suffix != ".gif":
        checks.reject("path", str(path), "must end in .gif", "Use e.g. usam.gif")
    fps = checks.positive("fps", fps, "Use e.g. fps=5")
    figure, frames = plt.figure(figsize=size, dpi=DPI), []
    try:
        for value in tracked("frames", values):
            figure.clear()
            draw(value, figure.add_subplot())
            figure.canvas.draw()
            frame = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]
            frames.append(frame.quantize(COLORS, dither=Image.Dither.NONE))
    finally:
        plt.close(figure)
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=round(1000 / fps), loop=0, comment=comment.encode()
    )
    return path
