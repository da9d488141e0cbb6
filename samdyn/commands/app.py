"""The commands of ``samdyn``, each in a file of its own."""

from .. import cli
from .figures import figures
from .list_ import list_
from .run import Run
from .sweep import sweep
from .verify import verify


def main() -> None:
    """Run the command line."""
    description = "Simulate Sharpness-Aware Minimization and its relatives as dynamical systems."
    cli.run_commands(description, list_, sweep, verify, figures, run=Run)
