"""The runner of figures: a script's function ``draw`` becomes a PNG and a PDF."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import checks, cli, plot
from ..output import save_figure
from ..simulation.threads import one_thread
from .scripts import PACKAGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_BYTES = 200_000  # size of a PNG from which it is reduced to 256 colours
OUT = "Folder for the PNG and the PDF. Default: beside the script, or results/figures if samdyn has no checkout."


def draw_figure(draw: "Callable[[], Figure]") -> None:
    """Run a figure's script as a command with the options ``--out`` and ``--quiet``.

    Args:
        draw: the function that computes and draws the figure, in the style ``plot.STYLE`` and with one thread. What it
            prints are the few numbers that the figure shows.
    """
    import typer

    def command(out: Path | None = None) -> None:
        save_drawing(draw, figure_folder(Path(inspect.getfile(draw)), out))

    command.__doc__ = (inspect.getdoc(inspect.getmodule(draw)) or "").partition("\n")[0]
    command.__annotations__["out"] = Annotated[Path | None, typer.Option(help=OUT)]
    cli.run(command)


def figure_folder(script: Path, out: Path | None = None) -> Path:
    """Make and return the folder for the files of a figure.

    Args:
        script: the path of the figure's script.
        out: the folder. None: the folder of the script, or results/figures for a script inside samdyn.

    Raises:
        InputError: a folder that cannot be made.
    """
    inside = script.resolve().is_relative_to(PACKAGE.resolve())
    folder = out or (Path("results", "figures") if inside else script.parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        checks.reject("--out", str(folder), f"cannot be a folder: {error.strerror}", "Give another folder")
    return folder


def save_drawing(draw: "Callable[[], Figure]", folder: Path) -> Path:
    """Draw a figure, and write it as NAME.png and NAME.pdf, where NAME.py is the script of ``draw``.

    The files have neither date nor versions, so the same figure is the same file. A PNG of more than 200 kB is reduced
    to 256 colours.

    Args:
        draw: the function that computes and draws the figure.
        folder: the folder for the files.

    Returns:
        The path of the PNG.
    """
    script = Path(inspect.getfile(draw)).name
    png = folder / Path(script).with_suffix(".png")
    with drawing(), one_thread():
        figure = draw()
        figure.savefig(png.with_suffix(".pdf"), metadata={"CreationDate": None, "Creator": None, "Producer": None})
        save_figure(figure, png, {"script": script})
    if png.stat().st_size > MAX_BYTES:
        _reduce(png)
    return png


def _reduce(png: Path) -> None:
    """Rewrite a PNG with 256 colours."""
    from PIL import Image, PngImagePlugin

    with Image.open(png) as image:
        info = PngImagePlugin.PngInfo()
        info.add_text("Description", image.info["Description"])
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(png, dpi=image.info["dpi"], pnginfo=info, optimize=True)


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in samdyn's style, and without a screen, while the block runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context(plot.STYLE):
        yield
