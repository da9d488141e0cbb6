"""The commands of ``samdyn``, each a function in a file of its own."""

from .. import cli
from .sweep import sweep
from .verify import verify


def main() -> None:
    """Run the command line."""
    cli.run_commands("Simulate Sharpness-Aware Minimization and its relatives as dynamical systems.", sweep, verify)
