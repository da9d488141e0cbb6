"""Which landscapes and methods a page has."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.nn.functional import mse_loss

import samdyn as sd
from samdyn.explorer.choices import chosen_landscapes, chosen_methods, landscape_of

PLANE = [one for one in (make() for make in sd.landscapes.catalogue().values()) if one.dim == 2]


def test_the_catalogue_begins_with_the_saddle() -> None:
    names = list(chosen_landscapes(None))
    assert names[0] == "saddle"
    assert sorted(names) == sorted(one.name for one in PLANE)


@pytest.mark.parametrize("text", ["beale", "Beale", "double well", "DOUBLE-WELL", " double_well "])
def test_a_landscape_by_its_name(text: str) -> None:
    landscapes = chosen_landscapes(text)
    assert next(iter(landscapes)) in ("Beale", "double well")
    assert len(landscapes) == len(PLANE)  # it is not there twice


def test_a_landscape_of_a_user_comes_first_and_the_catalogue_follows() -> None:
    own = sd.Landscape("x**4 - y**2", "x y", name="saddle")
    landscapes = chosen_landscapes(own)
    assert landscapes["saddle"] is own
    assert landscapes["saddle (2)"].expr == sd.landscapes.saddle().expr
    assert len(landscapes) == len(PLANE) + 1


@pytest.mark.parametrize(
    ("text", "coordinates"),
    [
        ("x**2 - y**2", "x y"),
        ("u*v + exp(-u) + pi*v", "u v"),
        ("b**2 - a**2 + 1e5", "a b"),
        ("x**2", "x y"),
        ("x", "x y"),
        ("y", "x y"),
        ("3", "x y"),
        ("w1*w2 + relu(w1)", "w1 w2"),
    ],
)
def test_the_coordinates_of_a_formula(text: str, coordinates: str) -> None:
    assert " ".join(map(str, landscape_of(text).symbols)) == coordinates


def test_coordinates_that_are_given() -> None:
    assert list(map(str, landscape_of("a**2 - b**2", "b a").symbols)) == ["b", "a"]
    assert list(map(str, landscape_of("saddle**2 + z", "saddle z").symbols)) == ["saddle", "z"]


@pytest.mark.parametrize(
    ("landscape", "message"),
    [
        ("bealle", r"no landscape has this name. Did you mean 'beale'\?"),
        ("x**2 + y**2 + z**2", "unknown symbol"),
        ("x^2", r"Write \*\* for powers"),
        ("__import__('os').system('true')", "not allowed"),
        ("", "cannot be read"),
        ("</script><script>alert(1)", "cannot be read"),
        ("x" * 5000, "."),
        (sd.Landscape("x**2", "x"), "has 1 coordinate"),
        (sd.landscapes.quadratic([1.0, 2.0, -1.0]), "has 3 coordinate.*restrict"),
        (
            sd.Landscape("a*x*y", "x y", parameters={"a": [1, 2]}),
            r"a = .*one number. Use e.g. landscape.with_parameters",
        ),
        (3, "must be a Landscape or a name"),
        (sd.landscapes.saddle, "."),
    ],
)
def test_landscapes_that_are_refused(landscape: Any, message: str, stub: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.explore(landscape)


def test_a_network_has_no_formula(stub: str) -> None:
    x = torch.tensor([[0.25], [0.5], [1.0]])
    network = sd.networks.Network(sd.networks.models.OneNeuron(1.0, 1.0), mse_loss, x, x**2)
    assert network.dim == 2
    with pytest.raises(sd.InputError, match="has no formula"):
        sd.explore(network)


def test_methods() -> None:
    names = list(chosen_methods(None))
    assert names[:3] == ["GD", "USAM", "SAM"]
    assert set(names) == {"GD", "USAM", "SAM", "DNSAM", "ASAM", "UASAM", "ExactSAM"}
    assert list(chosen_methods("sam")) == ["SAM"]
    assert list(chosen_methods("sam,GD usam")) == ["SAM", "GD", "USAM"]
    assert list(chosen_methods(sd.SAM)) == ["SAM"]
    assert chosen_methods(sd.SAM(0.1))["SAM"].rho == 0.1
    assert list(chosen_methods([sd.SAM(0.1), "gd", sd.USAM, sd.SAM(0.2)])) == ["SAM", "GD", "USAM", "SAM (2)"]


@dataclass(frozen=True)
class ShrinkingByRate(sd.Method):
    rate: float

    def __call__(self, w: Any, grad: Any) -> Any:
        return grad(w) + self.rate * w


@dataclass(frozen=True)
class Odd(sd.Method):
    table: tuple[int, ...]

    def __call__(self, w: Any, grad: Any) -> Any:
        return grad(w) * self.table[0]


def test_methods_of_a_user() -> None:
    assert chosen_methods(ShrinkingByRate) == {"ShrinkingByRate": ShrinkingByRate(1.0)}
    assert chosen_methods("shrinkingbyrate") == {"ShrinkingByRate": ShrinkingByRate(1.0)}

    def twice(w: Any, grad: Any) -> Any:
        return 2 * grad(w)

    assert chosen_methods(twice) == {"twice": twice}


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("SAN", r"no method has this name. Did you mean 'SAM'\?"),
        ("", "at least one method"),
        ([], "at least one method"),
        (3, "is no method"),
        ([sd.Landscape], "is no method"),
        (Odd, r"needs a value of table.*Make one: Odd\(table=…\)"),
        ("LookSAM", "carries across from step to step"),
        ("StochasticSAM", "draws random numbers in every step"),
        ("TiltedSAM", "cannot run in the page: a method of the page sees gradients"),
        (sd.SAM([0.1, 0.2]), "one number, at which its slider starts"),
        (lambda w, grad: grad(w).sort(0).values, r"cannot run in the page: aten.sort"),
    ],
)
def test_methods_that_are_refused(methods: Any, message: str, stub: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.explore("saddle", methods)


def test_a_method_with_a_symbol(stub: str) -> None:
    with pytest.raises(sd.InputError, match="one number, at which its slider starts"):
        sd.explore("saddle", sd.SAM(sd.symbolic.RHO))
