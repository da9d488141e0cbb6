"""The commands of ``samdyn``, each in a file of its own."""

from typing import TYPE_CHECKING

from .. import cli
from .explore import explore
from .figures import figures
from .list_ import list_
from .run import Run
from .sweep import sweep
from .verify import verify

if TYPE_CHECKING:
    import typer


def commands() -> "typer.Typer":
    """Return the command line."""
    description = "Simulate Sharpness-Aware Minimization and its relatives as dynamical systems."
    return cli.commands(description, list_, sweep, verify, figures, explore, run=Run)


def main() -> None:
    """Run the command line."""
    cli.call(commands())
