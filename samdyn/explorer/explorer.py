"""``explore``: write the explorer's page."""

import html
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import checks
from ..arguments import checked
from ..landscapes import Landscape
from .choices import chosen_landscapes, chosen_methods
from .data import page_data
from .page import asset, filled

HEIGHT = 760  # pixels of the page in a notebook
FIX = "Give a file in a folder that you may write to, such as explorer.html"


@dataclass(frozen=True)
class Explorer:
    """A page in which a user plays with the phase plane of an optimizer. A notebook shows it inline.

    Attributes:
        data: what the page shows, as plain data: landscapes, methods and steps with their programs.
        page: the page without its data.

    >>> import samdyn as sd
    >>> page = sd.explorer.page.PLACE  # in place of the built page
    >>> explorer = sd.explorer.Explorer({"version": "0.1.0"}, page)
    >>> sd.explorer.page.data_of(explorer.html)
    {'version': '0.1.0'}
    """

    data: dict[str, Any] = field(repr=False)
    page: str = field(repr=False)

    @cached_property
    def html(self) -> str:
        """The page as text: one file that needs no server and no network."""
        return filled(self.page, self.data)

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all, and return its path.

        Args:
            path: the file, such as ``"explorer.html"``.

        Raises:
            InputError: the file cannot be written.
        """
        target = writable(path)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            unfinished.write_text(self.html, encoding="utf-8")
            unfinished.replace(target)
        except OSError as error:
            checks.reject("path", str(path), f"cannot be written: {error.strerror}", FIX)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        return target

    def _repr_html_(self) -> str:
        # The frame keeps the page apart from the notebook: it may run its script, and reaches nothing outside.
        attributes = f'sandbox="allow-scripts allow-downloads" style="width: 100%; height: {HEIGHT}px; border: 0"'
        return f'<iframe {attributes} srcdoc="{html.escape(self.html)}"></iframe>'


def writable(path: Any) -> Path:
    """Return the path of a file that can be written.

    Raises:
        InputError: the path is a folder, its folder is missing, or the system does not allow to write there.
    """
    try:
        target = Path(path)
        exists = target.exists()
    except (TypeError, ValueError, OSError):
        target, exists = Path("\0"), False
    if "\0" in str(target):
        checks.reject("path", path, "must be the path of a file", FIX)
    folder = target.parent
    if target.is_dir() or not target.name:
        checks.reject("path", str(path), "is a folder", FIX)
    if not folder.is_dir():
        checks.reject("path", str(path), f"the folder {str(folder)!r} does not exist", "Make it first, or give another")
    if not os.access(folder, os.W_OK) or (exists and not os.access(target, os.W_OK)):
        checks.reject("path", str(path), "the system does not allow to write there", FIX)
    return target


@checked
def explore(
    landscape: Landscape | str | None = None, methods: Any = None, *, path: str | Path | None = None
) -> Explorer:
    """Return a web page in which one drags ρ, η, γ and more, and sees the phase plane of an optimizer respond.

    The page is one file without server or network. It computes all that it shows, from programs that are traced from
    samdyn's own landscapes, methods and maps.

    Args:
        landscape: a landscape of the plane to begin with: a Landscape, a name of the catalogue, or a formula as text,
            whose coordinates are x and y or the two names in it. The plane landscapes of the catalogue are in every
            page.
        methods: what the page offers: methods, classes, names, or a list of these, your own included. None for all
            methods of the catalogue. The fields of a method that are numbers become sliders, which start at its values.
        path: a file to save the page as.

    Returns:
        The page. A notebook shows it, and ``save`` writes it.

    Raises:
        InputError: a landscape without a formula or of another dimension, an unknown name, a method that cannot be
            traced, a file that cannot be written, or a checkout whose page was not built.

    >>> import samdyn as sd
    >>> explorer = sd.explore("x**2 - y**2 + x**4", "GD, USAM")
    >>> [landscape["name"] for landscape in explorer.data["landscapes"]][:2]
    ['x**4 + x**2 - y**2', 'saddle']
    >>> explorer.save("explorer.html").name
    'explorer.html'
    """
    target = None if path is None else writable(path)
    page = asset()
    data = page_data(chosen_landscapes(landscape), chosen_methods(methods))
    explorer = Explorer(data, page)
    if target is not None:
        explorer.save(target)
    return explorer
