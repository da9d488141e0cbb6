"""Fingerprints: the same content is the same in every process, and other content is not."""

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy
import torch
import xarray as xr
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn.networks import Network, models
from samdyn.sweep.store.fingerprint import fingerprint_of_arguments, fingerprint_of_function


def measure(**objects: Any) -> None:
    """The function that the objects go to."""


def of(value: Any) -> str:
    return fingerprint_of_arguments(partial(measure, value=value))


class Own:
    def __init__(self, *content: Any) -> None:
        self.content = content


def network(width: int = 3) -> Network:
    return Network(models.mlp((2, width, 2)), cross_entropy, torch.ones(5, 2), torch.zeros(5).long())


FOLD = sd.Landscape("x**3/3 - a*x", "x", parameters={"a": 1})


def test_landscapes_differ_by_the_values_of_their_parameters() -> None:
    first = of(FOLD)
    FOLD.hessian([1.0]), FOLD.gradient  # what is computed once and held does not count
    other = sd.Landscape("x**3/3 - a*x", "x", parameters={"a": 1})
    assert of(FOLD) == first == of(other) == of(FOLD.with_parameters(a=2).with_parameters(a=1))
    values = (2, [1, 2], [1, 3], sympy.Symbol("a", real=True), sympy.Symbol("a", positive=True))
    assert len({first, *(of(FOLD.with_parameters(a=value)) for value in values)}) == 6


PAIRS = [  # two objects that differ
    lambda: (1, 1.0),
    lambda: ([1, 2], (1, 2)),
    lambda: ({"a": 1}, {"a": 2}),
    lambda: ({"a", "b", "c"}, {"a", "b"}),
    lambda: (np.arange(3), np.arange(3.0)),
    lambda: (torch.ones(3), torch.ones(3, dtype=torch.float64)),
    lambda: (Own(1, [2]), Own(1, [3])),
    lambda: (sd.SAM(0.1), sd.SAM(0.2)),
    lambda: (sd.SAM(0.1), sd.USAM(0.1)),
    lambda: (sd.landscapes.saddle(), sd.landscapes.beale()),
    lambda: (network(), network(4)),
    lambda: (xr.DataArray([1.0], dims="x"), xr.DataArray([1.0], dims="y")),
    lambda: (sd.SampleLandscape("a*x", "a", {"x": [1]}), sd.SampleLandscape("a*x", "a", {"x": [2]})),
    lambda: (np.sin, np.cos),
    lambda: (lambda x: x, lambda x: x + 1),
]


def fingerprints() -> list[tuple[str, str]]:
    return [(of(one), of(other)) for one, other in (make() for make in PAIRS)]


def test_other_content_is_another() -> None:
    assert all(one != other for one, other in fingerprints())


@pytest.mark.slow
def test_another_process_finds_the_same() -> None:
    code = "import test_fingerprint; print(test_fingerprint.fingerprints())"
    arguments = [sys.executable, "-c", code]
    folder = __file__.rpartition("/")[0]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=folder)
    assert result.stdout.strip() == str(fingerprints())


def test_use_changes_nothing() -> None:
    saddle, net = sd.landscapes.saddle(), network()
    map_ = sd.Map(saddle, sd.SAM(0.1), lr=0.1, noise=sd.noise.Gaussian(0.1))
    data = xr.Dataset({"a": ("x", [1.0, 2.0])}, {"x": [0, 1]})
    before = [of(value) for value in (saddle, net, map_, data)]
    sd.critical_points(saddle)
    sd.simulate(map_, (0.1, 0.1), steps=3)
    net.grad(net.vector(models.mlp((2, 3, 2))))
    data.sel(x=1)
    assert [of(value) for value in (saddle, net, map_, data)] == before


def test_functions_of_partial_are_those_inside() -> None:
    assert fingerprint_of_function(partial(measure, a=1)) == fingerprint_of_function(measure)


def test_what_has_no_content_is_refused() -> None:
    with open(__file__) as file, pytest.raises(sd.InputError, match=r"cannot be compared .* such as a path"):
        of(file)
