"""A step of the build: a wheel has the experiments inside samdyn, where ``samdyn run`` looks for them.

An editable installation has them beside samdyn, and a copy would grow old.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Experiments(BuildHookInterface):
    """Hatch calls it before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the scripts to a wheel that is not editable."""
        if version == "standard":
            build_data["force_include"]["experiments"] = "samdyn/experiments"
