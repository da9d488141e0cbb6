"""Public functions refuse what their annotations do not name, in words."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn.arguments import checked


@checked
def everything(
    number: float = 1.0,
    count: int = 1,
    flag: bool = True,
    name: str = "x",
    array: np.ndarray | None = None,
    values: Sequence[float] = (),
    pair: tuple[str, np.ndarray] = ("x", np.zeros(1)),
    table: Mapping[str, float] | None = None,
    function: Callable[[float], float] = abs,
    system: sd.Map | sd.Flow | None = None,
    kind: Literal["rho", "width"] = "rho",
    anything: Any = None,
) -> dict[str, Any]:
    return dict(locals())


MAP = sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1)
GOOD = [
    ("number", 3, 3),
    ("number", np.float32(0.5), 0.5),
    ("number", sympy.Rational(1, 4), 0.25),
    ("number", torch.tensor(2.0), 2.0),
    ("number", np.inf, np.inf),
    ("count", np.int64(3), 3),
    ("flag", np.bool_(True), True),
    ("array", None, None),
    ("values", (1, 2.5), (1, 2.5)),
    ("function", np.sin, np.sin),
    ("system", MAP, MAP),
    ("kind", "width", "width"),
    ("anything", object, object),
]
BAD = [
    ("number", "1", "must be a number, and is a str"),
    ("number", float("nan"), "must be a number, and is NaN"),
    ("number", True, "must be a number, and is a bool"),
    ("number", 10**400, "must be a number, and is an int"),
    ("number", sympy.Symbol("x"), "must be a number, and is a Symbol"),
    ("count", 2.0, "must be an integer, and is a float"),
    ("count", None, "must be an integer, and is None"),
    ("flag", 1, "must be True or False, and is an int"),
    ("name", 3, "must be a name, and is an int"),
    ("array", [[1.0, float("nan")]], "must be an array of numbers without NaN (or None), and is a list"),
    ("array", ["a"], "must be an array of numbers without NaN (or None), and is a list"),
    ("values", "12", "must be a sequence of numbers, and is a str"),
    ("values", [1, "2"], "must be a sequence of numbers, and is a list"),
    ("values", 3.0, "must be a sequence of numbers, and is a float"),
    ("pair", ("x",), "must be a tuple (a name, an array of numbers without NaN), and is a tuple"),
    ("table", [1], "must be a dictionary (or None), and is a list"),
    ("function", 1, "must be a function, and is an int"),
    ("system", sd.landscapes.saddle(), "must be a Map or a Flow (or None), and is a Landscape"),
    ("system", sd.Map, "must be a Map or a Flow (or None), and is a class. Call it: Map(…)"),
    ("kind", "rhos", "must be one of 'rho', 'width', and is a str"),
]


@pytest.mark.parametrize(("name", "given", "read"), GOOD)
def test_what_fits_is_read(name: str, given: object, read: object) -> None:
    assert everything(**{name: given})[name] == read


def test_arrays_reach_the_function_as_arrays() -> None:
    for given in ([[1, 2]], torch.tensor([[1, 2]]), ((sympy.Integer(1), 2),)):
        read = everything(array=given)["array"]
        assert isinstance(read, np.ndarray)
        np.testing.assert_array_equal(read, [[1, 2]])


@pytest.mark.parametrize(("name", "given", "words"), BAD)
def test_what_does_not_fit_is_refused(name: str, given: object, words: str) -> None:
    with pytest.raises(sd.InputError, match=re.escape(words)) as refused:
        everything(**{name: given})
    assert str(refused.value).startswith(f"{name} = ")


def test_points_belong_to_the_landscape_beside_them(origin: sd.analysis.CriticalPoint) -> None:
    @checked
    def measure(map_: sd.Map, point: sd.analysis.CriticalPoint) -> int:
        return 1

    assert measure(MAP, origin) == 1
    solid = sd.Map(sd.landscapes.quadratic([1, -1, 2]), sd.GD(), lr=0.1)
    with pytest.raises(sd.InputError, match=r"has 2 coordinate\(s\), the landscape 3"):
        measure(solid, origin)


def test_signature_and_name_are_those_of_the_function() -> None:
    assert list(inspect.signature(everything).parameters)[:2] == ["number", "count"]
    assert everything.__name__ == "everything"


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (sd.statistics, sd.analysis, sd.symbolic, sd.theory, sd.plot, sd.networks, sd.networks.attacks)
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_has_the_door(name: str) -> None:
    function = PUBLIC[name]
    nothing = object()
    needed = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    optional = [p.name for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    given = needed or optional[:1]  # networks.digits and its like need nothing
    with pytest.raises(sd.InputError):
        function(**dict.fromkeys(given, nothing))


def test_arrays_in_place_of_one_thing() -> None:
    """They compare entry by entry, and one without axes is no sequence."""
    with pytest.raises(sd.InputError, match="no such device"):
        sd.simulate(sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1), (1, 1), 1, device=np.zeros((0, 2)))
    with pytest.raises(sd.InputError, match="must be claims"):
        sd.verify(np.array(0.5))
