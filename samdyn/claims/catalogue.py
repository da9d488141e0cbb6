"""Where claims come from: the literature in this package, and files of the user."""

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from .. import checks
from .claim import Claim

# The rooms of claims/literature, in the order of the report: what many people believe and what fails comes first.
ROOMS = (
    "beliefs",
    "saddles",
    "cycles",
    "ascent",
    "stability",
    "minima",
    "diffusion",
    "noise",
    "momentum",
    "implicit_bias",
)


@cache
def catalogue() -> dict[str, Claim]:
    """Return every claim of the literature by its id, in the order of the report.

    >>> import samdyn as sd
    >>> len(sd.claims.catalogue()) >= 60
    True
    """
    claims: dict[str, Claim] = {}
    for claim, _ in located():
        claims[claim.id] = claim
    return claims


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
        for info in iter_modules(folder.__path__):
            module = import_module(f"{folder.__name__}.{info.name}")
            pairs += [(claim, Path(str(module.__file__))) for claim in _claims(module)]
    check_unique(pairs)
    return tuple(pairs)


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


def room(path: Path) -> str:
    """Return the name of the room of a claim's file, or of the file if it is the user's."""
    return path.parent.name if path.parent.name in ROOMS else path.name


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
    if not path.is_file():
        checks.reject("file", str(path), "there is no such file", fix)
    # One name for one file: a second call returns the same claims.
    name = f"samdyn_claims_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        checks.reject("file", str(path), "is not a Python file", fix)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except checks.InputError:
        raise
    except (Exception, SystemExit) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        checks.reject("file", str(path), f"running it raises {type(error).__name__}{line}: {error}", fix)
    pairs = [(claim, path) for claim in _claims(module)]
    if not pairs:
        checks.reject("file", str(path), "has no claim", fix)
    check_unique(pairs)
    return pairs


def check_unique(pairs: Sequence[tuple[Claim, Path]]) -> None:
    """Refuse two claims with one id."""
    files: dict[str, Path] = {}
    for claim, path in pairs:
        if claim.id in files:
            rule = f"claims in {files[claim.id].name} and {path.name} have it"
            checks.reject("id", claim.id, rule, "Give each claim an id of its own")
        files[claim.id] = path


def _claims(module: ModuleType) -> list[Claim]:
    """Return the claims that a module names, each once, alone or in lists, in the order of their definition."""
    claims: list[Claim] = []
    for value in vars(module).values():
        entries = value if isinstance(value, list | tuple) else [value]
        claims += [entry for entry in entries if isinstance(entry, Claim) and entry not in claims]
    return claims
