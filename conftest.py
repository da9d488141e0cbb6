"""Settings shared by the tests and by the examples in docstrings."""

import doctest
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest
import torch
from matplotlib import pyplot as plt

from samdyn.simulation import progress

matplotlib.use("Agg")
os.environ["SAMDYN_CACHE"] = str(Path(__file__).parent / ".pytest_cache" / "samdyn")  # and not the user's
torch.set_num_threads(1)  # the tests run in as many processes as there are cores
progress.FIRST_LINE = float("inf")  # on a busy machine short work takes long, and writes no progress for that

_from_module = doctest.DocTestFinder._from_module  # type: ignore[attr-defined]


def _from_module_unwrapped(self: doctest.DocTestFinder, module: Any, value: Any) -> bool:
    """Return whether a module defines a value. A decorated function counts as defined where its inside is."""
    return bool(_from_module(self, module, inspect.unwrap(value)))


# The original looks at the decorator's module, and so skips the examples of every function with @checked.
doctest.DocTestFinder._from_module = _from_module_unwrapped  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _on_the_processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the GPU from tests that are not marked for it: the device "auto" would be another where there is one."""
    if request.node.get_closest_marker("gpu") is None:  # a folder named gpu would be among the keywords
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture(autouse=True)
def _clean_up_after_an_example(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Run an example of a docstring in an empty folder, and close its figures."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    monkeypatch.chdir(tmp_path_factory.mktemp("example"))
    yield
    plt.close("all")
