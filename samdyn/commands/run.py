"""``samdyn run NAME``: an experiment, with the options of its script. The name may have dashes."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from .. import checks, cli, lab


class Run(TyperGroup):
    """Run an experiment. `samdyn run NAME --help` shows its options."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the experiments."""
        return list(lab.scripts())

    def get_command(self, ctx: Any, name: str) -> Any:
        """Return the line of an experiment in the help, without loading its script."""
        return TyperCommand(name, help=lab.question(lab.scripts()[name]))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and the arguments of the experiment that the first argument names.

        Raises:
            InputError: no experiment has this name.
        """
        name = checks.known("experiment", args[0].replace("-", "_"), lab.scripts())
        return name, cli.click_command(lab.command(lab.load(name).main), name), args[1:]
