"""``samdyn list``: the experiments, the figures, and the entries of the catalogues."""

import inspect
from collections.abc import Mapping
from typing import Any

from .. import bases, claims, lab, landscapes, methods, noise
from ..simulation import schemes, statistics


def list_() -> None:
    """List the experiments, figures, landscapes, methods, base optimizers, noises, schemes, statistics and claims."""
    for kind, entries in catalogues().items():
        print(f"\n{kind}" if kind != "experiments" else kind)
        width = max(map(len, entries), default=0)
        for name, line in entries.items():
            print(f"  {name:<{width}}  {line}")


def catalogues() -> dict[str, dict[str, str]]:
    """Return what each catalogue has: names, each with its first line of documentation."""
    return {
        "experiments": {name: lab.question(path) for name, path in lab.scripts().items()},
        "figures": {name: lab.question(path) for name, path in lab.scripts("paper_figs").items()},
        "landscapes": _documented(landscapes.catalogue()),
        "methods": _documented(methods.catalogue()),
        "bases": _documented(bases.catalogue()),
        "noises": _documented(noise.catalogue()),
        "schemes": _documented(schemes.catalogue()),
        "statistics": _documented(statistics.catalogue()),
        "claims": {name: claim.statement for name, claim in claims.catalogue().items()},
    }


def _documented(entries: Mapping[str, Any]) -> dict[str, str]:
    return {name: (inspect.getdoc(entry) or "").partition("\n")[0] for name, entry in entries.items()}
