"""``samdyn explore``: write the explorer's page."""

import os
from copy import copy
from pathlib import Path
from typing import Annotated

from typer import Option

from .. import checks
from ..explorer import explore as make
from ..explorer.choices import landscape_of
from ..lab import readers
from ..output.terminal import Console

FORMULA = "A formula in two coordinates, or the name of a landscape, as `samdyn list` shows them."
COORDINATES = "Names of the coordinates of a formula. Default: x and y, or the two names in the formula."
METHODS = "Methods that the page offers, e.g. GD,SAM. Default: all."
BOX = "The part of the plane to begin with: lowest x, highest x, lowest y, highest y."


def explore(
    landscape: Annotated[str | None, Option(help=FORMULA)] = None,
    coordinates: Annotated[str | None, Option(help=COORDINATES)] = None,
    methods: Annotated[str | None, Option(help=METHODS)] = None,
    box: Annotated[str | None, Option(help=BOX)] = None,
    out: Annotated[Path, Option(help="The file to write.")] = Path("explorer.html"),
) -> None:
    """Write a web page in which one plays with an optimizer's phase plane. It needs neither server nor network."""
    for option, value in {"--coordinates": coordinates, "--box": box}.items():
        if landscape is None and value is not None:
            checks.reject(option, value, "belongs to a landscape", 'Use it with e.g. --landscape "x**2 - y**2"')
    chosen = None
    if landscape is not None:
        chosen = landscape_of(landscape, coordinates)
        if box is not None:
            chosen = copy(chosen)
            chosen.box = readers.box(2)("--box", box, "")
    make(chosen, methods, path=out)
    Console().print(f"{os.path.relpath(out)}, {out.stat().st_size / 1e6:.2f} MB. Open it in a browser.")
