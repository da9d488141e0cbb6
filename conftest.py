"""Settings shared by the tests and by the examples in docstrings."""

import doctest
import gc
import inspect
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The tests run in as many processes as there are cores. Threads of NumPy's BLAS on top of that wait for each other:
# matrix products took four times their CPU time. NumPy reads this when it is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["SAMDYN_CACHE"] = str(Path(__file__).parent / ".pytest_cache" / "samdyn")  # and not the user's


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Import what the tests share before the first of them.

    The process of pytest-xdist that hands out the tests runs none, and need not wait for these imports.
    """
    if session.config.pluginmanager.hasplugin("dsession"):
        return
    gc.disable()  # a quarter of the time of imports and collection went into searches for garbage that was not there
    import matplotlib
    import torch
    from hypothesis import settings

    from samdyn.simulation import progress

    matplotlib.use("Agg")
    torch.set_num_threads(1)  # the tests run in as many processes as there are cores
    progress.FIRST_LINE = float("inf")  # on a busy machine short work takes long, and writes no progress for that
    settings.register_profile("samdyn", deadline=None, derandomize=True)
    settings.load_profile("samdyn")


def pytest_collection_finish() -> None:
    """Leave what is imported and collected, which stays to the end, out of every later search for garbage."""
    gc.freeze()
    gc.enable()


_from_module = doctest.DocTestFinder._from_module  # type: ignore[attr-defined]


def _from_module_unwrapped(self: doctest.DocTestFinder, module: Any, value: Any) -> bool:
    """Return whether a module defines a value. A decorated function counts as defined where its inside is."""
    return bool(_from_module(self, module, inspect.unwrap(value)))


# The original looks at the decorator's module, and so skips the examples of every function with @checked.
doctest.DocTestFinder._from_module = _from_module_unwrapped  # type: ignore[attr-defined]


def pytest_configure(config: pytest.Config) -> None:
    """Give every test the same surroundings, and its child processes too.

    The GPU is hidden unless the tests marked gpu are asked for: ``pytest -m gpu``. Where there is one the device "auto"
    is another, and torch refuses gradients in a process that was forked. Ctrl-C works: a shell that starts the tests in
    the background lets them ignore it, which children inherit.
    """
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
    from matplotlib import pyplot as plt

    plt.close("all")
