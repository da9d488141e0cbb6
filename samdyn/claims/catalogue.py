"""Where claims come from: the literature in this package, and files of the user."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from .. import checks
from .claim import Claim

# The rooms of claims/literature with their titles, in the order of the report: what many people believe comes first.
ROOMS = {
    "beliefs": "What many people believe",
    "saddles": "Saddles",
    "cycles": "Cycles and chaos",
    "ascent": "Ascent",
    "stability": "Stability",
    "minima": "Minima and sharpness",
    "diffusion": "Spread by noise",
    "noise": "Thresholds and biases under noise",
    "momentum": "Momentum",
    "implicit_bias": "Where training ends",
}


@cache
def catalogue() -> dict[str, Claim]:
    """Return every claim of the literature by its id, in the order of the report.

    >>> import samdyn as sd
    >>> len(sd.claims.catalogue()) >= 60
    True
    """
    return {claim.id: claim for claim, _ in located()}


@cache
def located() -> tuple[tuple[Claim, Path], ...]:
    """Return every claim of the literature with its file.

    Raises:
        InputError: two claims have one id.
    """
    package = import_module("samdyn.claims.literature")
    pairs: list[tuple[Claim, Path]] = []
    for room in ROOMS:
        folder = import_module(f"{package.__name__}.{room}")
        for name in _ordered(folder):
            module = import_module(f"{folder.__name__}.{name}")
            pairs += [(claim, Path(str(module.__file__))) for claim in _claims(module)]
    check_unique(pairs)
    return tuple(pairs)


def _ordered(folder: ModuleType) -> list[str]:
    """Return the names of a room's files: those of its ``FIRST`` in their order, the others after them."""
    first = list(getattr(folder, "FIRST", ()))
    names = [info.name for info in iter_modules(folder.__path__)]
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))


def of_file(path: Path) -> list[Claim]:
    """Return the claims of a file, of the literature or of the user, without those of other files."""
    folder = Path(__file__).parent / "literature"
    if path.parent.parent == folder and path.parent.name in ROOMS:
        return _claims(import_module(f"samdyn.claims.literature.{path.parent.name}.{path.stem}"))
    return [claim for claim, _ in from_file(path)]


def named(claim_id: str) -> Claim:
    """Return a claim of the literature.

    Raises:
        InputError: an unknown id. The message has the nearest one.

    >>> import samdyn as sd
    >>> sd.claims.named("usam-threshold").papers
    ['K23']
    """
    claims = catalogue()
    return claims[checks.known("claim", claim_id, claims)]


def room_title(path: Path) -> str:
    """Return the title of the room of a claim's file, or the name of the file if it is the user's."""
    return ROOMS.get(path.parent.name, path.name)


def from_file(path: Path) -> list[tuple[Claim, Path]]:
    """Return the claims of a Python file, each with the file.

    >>> import samdyn as sd
    >>> path = Path(sd.claims.__file__).parent / "literature" / "saddles" / "usam_threshold.py"
    >>> [claim.id for claim, _ in from_file(path)]
    ['usam-threshold']

    Raises:
        InputError: the file cannot be read, is not Python, raises an error, or has no claim.
    """
    fix = "Give a Python file with a claim: x = samdyn.Claim(…)"
    path = path.resolve()  # the file may change the folder of the process
    if path.is_dir():
        checks.reject("file", str(path), "is a folder", fix)
    if not path.is_file():
        checks.reject("file", str(path), "there is no such file", fix)
    # One name for one file, so that files of one name in several folders are several modules.
    name = f"samdyn_claims_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        checks.reject("file", str(path), "is not a Python file", fix)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # for modules beside the file; last, so that they hide no other module
    try:
        spec.loader.exec_module(module)
    except checks.InputError:
        raise
    except (Exception, SystemExit) as error:
        line = _line(error, path)
        checks.reject("file", str(path), f"running it raises {type(error).__name__}{line}: {error}", fix)
    pairs = [(claim, path) for claim in _claims(module)]
    if not pairs:
        rule = "has no claim at its top level, alone or in a list, a tuple or a dictionary"
        checks.reject("file", str(path), rule, fix)
    check_unique(pairs)
    return pairs


def _line(error: BaseException, path: Path) -> str:
    """Return the line of the file that raises an error, as words."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f" in line {lines[-1]}" if lines else ""


def check_unique(pairs: Sequence[tuple[Claim, Path]]) -> None:
    """Refuse two claims with one id."""
    files: dict[str, Path] = {}
    for claim, path in pairs:
        if claim.id in files:
            both = (files[claim.id], path)
            names = [one.name if both[0].name != both[1].name or both[0] == both[1] else str(one) for one in both]
            rule = f"claims in {names[0]} and {names[1]} have it"
            checks.reject("id", claim.id, rule, "Give each claim an id of its own")
        files[claim.id] = path


def _claims(module: ModuleType) -> list[Claim]:
    """Return the claims that a module names, alone or in lists or dictionaries, each once, in their order."""
    claims: list[Claim] = []
    for value in list(vars(module).values()):
        value = list(value.values()) if isinstance(value, dict) else value
        entries = value if isinstance(value, list | tuple) else [value]
        claims += [entry for entry in entries if isinstance(entry, Claim) and entry not in claims]
    return claims
