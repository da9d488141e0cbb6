"""A step of the build: a wheel has inside samdyn the scripts that ``samdyn run`` and ``samdyn figures`` run.

An editable installation has them beside samdyn, and a copy would grow old.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Scripts(BuildHookInterface):
    """Hatch calls it before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the scripts to a wheel that is not editable."""
        if version == "standard":
            for folder in ("experiments", "paper_figs"):
                for script in Path(self.root, folder).glob("*.py"):
                    build_data["force_include"][f"{folder}/{script.name}"] = f"samdyn/{folder}/{script.name}"
