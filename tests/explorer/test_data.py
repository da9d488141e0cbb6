"""The data of a page: those of web/src/types.ts."""

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
import sympy

import samdyn as sd
from samdyn.explorer.choices import chosen_landscapes, chosen_methods
from samdyn.explorer.data import page_data
from samdyn.explorer.formulas import field_latex, formula_text
from samdyn.explorer.methods import method_data
from samdyn.explorer.page import PLACE, data_of, filled
from samdyn.landscapes.formulas.parse import parse

LARGEST = 200_000  # letters of the whole catalogue's data in the page; it leaves room for methods of users


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return page_data(chosen_landscapes(None), chosen_methods(None))


def test_the_whole_catalogue_is_plain_data_and_small(whole: dict[str, Any]) -> None:
    assert len(filled(PLACE, whole)) < LARGEST
    assert set(whole) == {"version", "landscapes", "methods", "steps", "flowCondition", "grammar"}


def test_landscapes(whole: dict[str, Any]) -> None:
    for landscape in whole["landscapes"]:
        assert set(landscape) == {"name", "formula", "latex", "coordinates", "box", "programs"}
        assert set(landscape["programs"]) == {"value", "gradient", "hessian", "third"}
        symbols = [sympy.Symbol(name, real=True) for name in landscape["coordinates"]]
        original = next(one for one in chosen_landscapes(None).values() if one.name == landscape["name"])
        assert sympy.expand(parse(landscape["formula"], symbols) - original.expr) == 0
        assert [tuple(interval) for interval in landscape["box"]] == list(original.box)


def test_methods_have_all_variants(whole: dict[str, Any]) -> None:
    keys = {"ascentSteps", "average", "effective", "field", "field32", "perturbed", "jacobian", "noisy", "noisy32"}
    for method in whole["methods"]:
        variants = [(v["ascentSteps"], v["average"]) for v in method["variants"]]
        both = [(n, average) for n in range(1, 6) for average in (False, True) if n > 1 or not average]
        assert variants == ([(1, False)] if method["name"] == "GD" else both)
        assert all(set(variant) == keys for variant in method["variants"])
        assert all(set(variant["noisy"]) == {"shared", "independent", "clean"} for variant in method["variants"])
        for parameter in method["parameters"]:
            low, high = parameter["range"]
            assert low <= parameter["value"] <= high


def test_what_is_said_of_methods(whole: dict[str, Any]) -> None:
    methods = {method["name"]: method for method in whole["methods"]}
    assert {name for name, method in methods.items() if method["differentiable"]} == {"GD", "USAM", "UASAM", "ExactSAM"}
    assert methods["SAM"]["latex"] == r"\nabla L(w + \rho  g/\lVert g\rVert ), g = \nabla L(w)"
    assert methods["USAM"]["variants"][0]["effective"] == r"\lambda \left(\lambda \rho + 1\right)"
    assert methods["GD"]["variants"][0]["effective"] == r"\lambda"
    assert methods["SAM"]["variants"][0]["effective"] is None
    assert [p["name"] for p in methods["ASAM"]["parameters"]] == ["rho", "shift"]
    assert methods["USAM"]["parameters"] == [{"name": "rho", "latex": r"\rho", "value": 0.5, "range": (0.0, 2.0)}]


def test_conditions_are_those_of_stability(whole: dict[str, Any]) -> None:
    conditions = {step["name"]: step["conditions"] for step in whole["steps"]}
    assert conditions["plain"] == [r"0 < \eta \lambda_{e}", r"\eta \lambda_{e} < 2"]
    assert conditions["heavy ball"][1] == r"\eta \lambda_{e} < 2 \left(\gamma + 1\right)"
    assert len(conditions["Nesterov"]) == 3
    assert whole["flowCondition"] == r"0 < \lambda_{e}"


def test_the_grammar_is_that_of_the_parser(whole: dict[str, Any]) -> None:
    functions = {f["name"]: f["variadic"] for f in whole["grammar"]["functions"]}
    assert functions["Max"]
    assert not functions["exp"]
    for name in functions:
        parse(f"{name}(x)", [sympy.Symbol("x", real=True)])
    assert whole["grammar"]["constants"] == {"pi": math.pi}


@dataclass(frozen=True)
class Shrink(sd.Method):
    r"""Weight decay: F(w) = ∇L(w) + κw.

    With a rate.
    """

    rate: float = 0.25
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share < 0.9:
            sd.checks.reject("share", self.share, "must lie in [0, 0.9)", "Use 0.5")

    def __call__(self, w: Any, grad: Any) -> Any:
        return grad(w) + self.rate * w * self.share


@dataclass(frozen=True)
class Silent(sd.USAM):
    pass


def test_a_method_of_a_user() -> None:
    data = method_data(Shrink(), "Shrink")
    assert data["latex"] is None  # κ is no letter of the notation
    rate, share = data["parameters"]
    assert (rate["latex"], rate["value"], rate["range"]) == (r"\mathrm{rate}", 0.25, (0.0, 0.5))
    assert share["range"][0] == 0.0
    assert 0.7 <= share["range"][1] < 0.9  # the method refuses more
    assert data["variants"][0]["effective"] is None  # it depends on the rate
    assert data["variants"][0]["field"]["inputs"] == ["x", "y", "rate", "share"]
    assert len(data["variants"]) == 1


def test_a_docstring_of_a_base_is_not_that_of_a_method() -> None:
    assert field_latex(Silent(0.1)) is None


def test_a_docstring_with_markup_is_no_formula() -> None:
    Shrunk = type("Shrunk", (Shrink,), {"__doc__": r"F(w) = \href{javascript:alert(1)}{x}."})
    assert field_latex(Shrunk()) is None


def test_a_value_beyond_the_usual_range() -> None:
    data = method_data(sd.SAM(5.0, ascent_steps=2), "SAM")
    assert data["parameters"][0]["range"] == (0.0, 10.0)


@pytest.mark.parametrize("formula", ["abs(x - y) + Max(x, y)", "exp(1)*x + sqrt(y**2 + 1)", "x**0.5 + pi*y/3 + 1.25"])
def test_formulas_are_written_as_they_are_read(formula: str) -> None:
    landscape = sd.Landscape(formula, "x y")
    assert sympy.simplify(parse(formula_text(landscape), landscape.symbols) - landscape.expr) == 0


def test_a_formula_that_cannot_run(stub: str) -> None:
    class Sorted(sd.Landscape):
        def value(self, w: Any) -> Any:
            return w.sort(0).values[0]

    with pytest.raises(sd.InputError, match=r"cannot run in the page: aten\.sort"):
        sd.explore(Sorted("x*y", "x y"), "GD")


def test_the_data_of_explore(stub: str) -> None:
    explorer = sd.explore("x**2 - y**2 + x**4", [sd.SAM(0.125), "GD"])
    data = data_of(explorer.html)
    assert data == json.loads(json.dumps(explorer.data))
    assert data["landscapes"][0]["formula"] == "x**4 + x**2 - y**2"
    assert [m["name"] for m in data["methods"]] == ["SAM", "GD"]
    assert data["methods"][0]["parameters"][0]["value"] == 0.125
