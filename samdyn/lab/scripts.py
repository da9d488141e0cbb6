"""Where the scripts of experiments and figures are: beside samdyn in a checkout, inside it where it is installed."""

import ast
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from .. import checks

PACKAGE = Path(__file__).parent.parent
PLACES = (PACKAGE, PACKAGE.parent)  # of a wheel, of a checkout


def scripts(folder: str = "experiments", places: tuple[Path, ...] = PLACES) -> dict[str, Path]:
    """Return the scripts of a folder by name: those of the first place that has the folder.

    Args:
        folder: "experiments", or "paper_figs" for figures.
        places: where the folder may be.

    >>> "saddle_escape" in scripts(), "k23_beale" in scripts("paper_figs")
    (True, True)
    """
    place = next((place / folder for place in places if (place / folder).is_dir()), None)
    return {path.stem: path for path in sorted(place.glob("*.py"))} if place else {}


def question(script: Path) -> str:
    """Return the first line of a script's docstring, without running it."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def load(name: str) -> ModuleType:
    """Return an experiment's script as a module, which other processes can import too.

    Raises:
        InputError: no experiment has this name. The message suggests the nearest.
    """
    known = scripts()
    path = known[checks.known("experiment", name, known)]
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as Python does for a script
    return import_module(path.stem)
