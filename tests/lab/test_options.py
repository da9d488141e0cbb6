"""Options: from the annotations of a main to what it receives."""

import inspect
import math
from typing import Annotated, Any

import pytest
import torch

import samdyn as sd
from samdyn import lab
from samdyn.lab.options import Option, as_typed, option, options_of


def made(annotation: Any, default: Any = inspect.Parameter.empty) -> Option:
    return option(inspect.Parameter("batch_sizes", inspect.Parameter.KEYWORD_ONLY, default=default), annotation)


@pytest.mark.parametrize(
    ("annotation", "typed", "value"),
    [
        (lab.Radii, "0.5, 0.1 0.5", (0.1, 0.5)),
        (lab.Radii | None, "0", (0.0,)),
        (lab.Momenta, "0.9,0", (0.0, 0.9)),
        (lab.BatchSizes, "64,16.0", (16, 64)),
        (lab.Numbers, "-1,-2,-1", (-1.0, -2.0)),
        (lab.Methods, "sam,GD,SAM", (sd.SAM, sd.GD)),
        (lab.Limits, "-1,2.5", (-1.0, 2.5)),
        (Annotated[Any, lab.points(2)], "1,2; 2,2", ((1.0, 2.0), (2.0, 2.0))),
        (Annotated[str, lab.choice("coupling", ["shared", "clean"])], "SHARED", "shared"),
        (lab.Runs, 2, 2),
        (lab.Device, "cpu", "cpu"),
    ],
)
def test_what_main_receives(annotation: Any, typed: Any, value: Any) -> None:
    received = made(annotation).read(typed)
    assert received == value
    assert type(received) is type(value)


@pytest.mark.parametrize(
    ("annotation", "typed", "said"),
    [
        (lab.Radii, "0.1,nan", "'0.1,nan': must be finite numbers >= 0. Use e.g. --batch-sizes 0.1,0.5"),
        (lab.Radii, "-1", "must be finite numbers >= 0"),
        (lab.Radii, "large", "'large': must be numbers separated by commas"),
        (lab.Radii, ",", "at least one number"),
        (lab.LearningRates, "0", "must be finite numbers > 0"),
        (lab.LearningRate, math.inf, "must be a finite number > 0"),
        (lab.Momenta, "0,1", "must lie in [0, 1)"),
        (lab.Momenta, "1e-320", "must be 0, or at least 1e-12"),
        (lab.Momentum, 1e-320, "must be 0, or at least 1e-12"),
        (lab.BatchSizes, "16,2.5", "must be integers >= 1"),
        (lab.BatchSizes, "inf", "must be integers >= 1"),
        (lab.Methods, "GD,SAMM", "no method has this name. Did you mean 'SAM'?"),
        (lab.Methods, " ", "at least one method"),
        (lab.Limits, "2,1", "the lower first"),
        (Annotated[Any, lab.box(2)], "1,2,3", "must be 4 numbers"),
        (Annotated[Any, lab.points(2)], "1,2,3", "must have 2 coordinates"),
        (lab.Runs, 1, "a standard error needs two or more"),
        (lab.Steps, 0, "must be an integer >= 1"),
        (lab.Seed, -1, "must be an integer in [0, 2**32)"),
        (lab.Seed, 2**32, "must be an integer in [0, 2**32)"),
        (lab.Device, "tpu", "no such device"),
        (lab.Dtype, "int32", "float64 or float32"),
        (Annotated[lab.Samples, lab.at_most(898, "there are 898")], 899, "must be at most 898: there are 898"),
        (Annotated[float, lab.inside(0, 1)], 1.0, "must lie in (0, 1)"),
        (Annotated[lab.Radii, lab.each(lambda rho: rho > 0, "must be > 0")], "0,0.5", "'0,0.5': must be > 0"),
        (Annotated[lab.BatchSizes, lab.several(2, "a slope needs two")], "4,4", "'4': a slope needs two"),
    ],
)
def test_what_is_refused(annotation: Any, typed: Any, said: str) -> None:
    with pytest.raises(sd.InputError) as refused:
        made(annotation).read(typed)
    assert str(refused.value).startswith(("--batch-sizes = ", "method = ", "device = ", "dtype = "))
    assert said in str(refused.value)


def test_a_default_is_received_as_it_is_and_proposed_in_messages() -> None:
    values = made(lab.Radii, (0.25, 2.0))
    assert values.read("0.25,2") is values.default
    assert values.fix == "Use e.g. --batch-sizes 0.25,2"
    assert made(Annotated[lab.Numbers, "λ"], (-1.0,)).fix == "Use e.g. --batch-sizes=-1"
    absent = made(lab.Radii | None, None)
    assert absent.read("") is None
    assert absent.read(None) is None


def test_the_help_of_a_script_goes_before_that_of_the_alias() -> None:
    assert made(lab.Radii).help == "Radii ρ, separated by commas."
    assert made(Annotated[lab.Radii | None, "Radii of SAM."]).help == "Radii of SAM."


@pytest.mark.parametrize("name", lab.scripts())
def test_every_default_of_an_experiment_is_what_its_option_reads(name: str) -> None:
    for one in options_of(lab.load(name).main):
        assert one.help or one.typer, one.name
        if one.is_required or one.default is None:
            continue
        value = one.default_as_typed
        for reader in one.readers:
            value = reader(one.name, value, one.fix)
        assert value == one.default, one.name


@pytest.mark.parametrize("value", [0.1, 1e-5, 1 / 3, 100.0, 1e300])
def test_a_number_as_typed_is_the_number(value: float) -> None:
    assert float(as_typed(value)) == value


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_where_there_is_none(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(sd.InputError, match=rf"device = '{device}': .*0 CUDA device.*Use "):
        made(lab.Device).read(device)
