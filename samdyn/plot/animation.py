"""Pictures that move with a parameter."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import checks
from ..arguments import checked
from ..simulation.progress import tracked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 80
COLORS = 64  # enough for lines and greys


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
    """Write a GIF with one frame per value of a parameter, as of ρ.

    >>> def portrait(rho, ax):  # doctest: +SKIP
    ...     plot.phase_portrait(sd.Flow(landscape, sd.USAM(rho)), ax=ax)
    ...     ax.set_title(rf"$\\rho = {rho:.2f}$")
    >>> plot.animate(portrait, np.linspace(0.5, 1.5, 21), "usam.gif")  # doctest: +SKIP

    Args:
        draw: draws the frame of a value on an empty Axes. Legends with as many lines in every frame keep it still.
        values: one per frame.
        path: of the file, ending in .gif.
        fps: frames per second.
        size: of the figure, in inches.
        comment: written into the file.

    Returns:
        The path.

    Raises:
        InputError: no values, a path that does not end in .gif, or fps ≤ 0.
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
