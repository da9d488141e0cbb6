"""The command line: every command and every experiment, with its arguments and options, from Typer."""

from typing import Any

from docstrings import markdown
from typer.core import TyperArgument
from typer.main import get_command

from samdyn import cli, lab
from samdyn.commands import app


def commands() -> str:
    """Return the page below its introduction."""
    root: Any = get_command(app.commands())
    parts = [section(f"samdyn {name}", command, "##") for name, command in root.commands.items()]
    for name in lab.scripts():
        parts.append(section(f"samdyn run {name}", cli.click_command(lab.command(lab.load(name).main), name), "###"))
    return "\n\n".join(parts)


def section(name: str, command: Any, level: str) -> str:
    """Return a command's help as a section."""
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    table = ["| argument or option | meaning | default |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"{level} `{name}`", "", markdown((command.help or "").strip()), "", *table])


def row(parameter: Any) -> str:
    """Return the line of an argument or option."""
    name = parameter.name if isinstance(parameter, TyperArgument) else parameter.opts[0]
    default = parameter.default
    shown = "" if default is None or default is False or default == "" else f"`{default}`"
    cells = [f"`{name}`", markdown(parameter.help or ""), shown]
    return " | ".join(["", *(cell.replace("|", r"\|").replace("\n", " ") for cell in cells), ""]).strip()
