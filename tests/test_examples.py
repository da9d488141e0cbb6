"""Every public function and class has an example in its docstring, which pytest runs with --doctest-modules."""

import importlib
import inspect

import pytest

from samdyn.catalogues import is_published

PARTS = ["analysis", "dynamics", "landscapes", "methods", "networks", "noise", "output", "plot", "simulation"]
PARTS += ["networks.attacks", "claims", "statistics", "sweep", "symbolic", "theory"]
CATALOGUES = ["landscapes", "methods", "noise"]  # the packages whose entries are public names too
PACKAGES = ["samdyn", *(f"samdyn.{part}" for part in PARTS)]
NAMES = [(package, name) for package in PACKAGES for name in importlib.import_module(package).__all__]
NAMES += [
    (f"samdyn.{part}", name)
    for part in CATALOGUES
    for name, entry in importlib.import_module(f"samdyn.{part}").catalogue().items()
    if is_published(entry)
]


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_it_has_an_example(package: str, name: str) -> None:
    value = getattr(importlib.import_module(package), name)
    if inspect.isroutine(value) or inspect.isclass(value):
        assert "\n>>> " in (inspect.getdoc(value) or "")


def test_examples_of_decorated_functions_are_run(pytestconfig: pytest.Config) -> None:
    """Plain doctest skips them, since their code is in the decorator's module."""
    import doctest

    module = importlib.import_module("samdyn.plot.styles.style")
    assert "samdyn.plot.styles.style.line" in {
        test.name for test in doctest.DocTestFinder().find(module) if test.examples
    }
    assert pytestconfig.getoption("doctestmodules")
