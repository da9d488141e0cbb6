"""Jacobians: formulas and automatic differentiation agree, for every method on every landscape."""

import numpy as np
import pytest
import sympy
import torch

import samdyn as sd
from samdyn.catalogues import is_published
from samdyn.ops import Point, jacobian, symbolic

LANDSCAPES = {name: make() for name, make in sd.landscapes.catalogue().items()}
RADII = {"SAM": 0.05, "DNSAM": 0.05}
PUBLISHED = {
    n: kind for n, kind in sd.methods.catalogue().items() if is_published(kind) and sd.methods.is_stateless(kind)
}
METHODS = [name for name, kind in PUBLISHED.items() if kind.__module__.count(".") == 2]
VARIANTS = [name for name in PUBLISHED if name not in METHODS]  # of SAM, each of which meets one landscape


def method(name: str, **options: object) -> sd.Method:
    return sd.GD() if name == "GD" else PUBLISHED[name](rho=RADII.get(name, 0.01), **options)


def regular_points(landscape: sd.Landscape, count: int) -> torch.Tensor:
    low, high = np.array(landscape.box).T
    w = torch.as_tensor(np.random.default_rng(1).uniform(low, high, (count, landscape.dim)).T)
    return w[:, landscape.grad(w).norm(dim=0) > 1e-2]


def evaluate(matrix: sympy.Matrix, symbols: list[sympy.Symbol], z: torch.Tensor) -> torch.Tensor:
    compiled = sd.landscapes.formulas.compile.compile_torch(symbols, list(matrix))
    return torch.stack(compiled(*z)).reshape(*matrix.shape, *z.shape[1:])


def assert_same(formula: torch.Tensor, automatic: torch.Tensor) -> None:
    size = automatic.abs().amax((0, 1)).clamp(min=1)
    assert float(((formula - automatic).abs().amax((0, 1)) / size).max()) < 1e-10


LONG = ("beale", "relu_product", "himmelblau", "rosenbrock")  # whose formulas take SymPy seconds
TURNS = [  # every method with all short formulas and one to three of the long ones, each of which meets three methods
    (name, landscape)
    for landscape in LANDSCAPES
    for turn, name in enumerate(METHODS)
    if landscape not in LONG or (turn + 2 * LONG.index(landscape)) % 7 < 3
]
TURNS += [(name, "monkey_saddle") for name in VARIANTS]


@pytest.mark.parametrize(("name", "where"), TURNS)
def test_flow(name: str, where: str) -> None:
    landscape = LANDSCAPES[where]
    flow = sd.Flow(landscape, method(name))
    w = regular_points(landscape, 20)
    assert w.shape[1] > 5
    assert_same(evaluate(flow.jacobian(), landscape.symbols, w), flow.jacobian_at(w))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("landscape", "momentum", "nesterov"),
    [
        # w − ηF(w), and momentum, add linear terms to what flows are tested for, alike for every landscape.
        *[(LANDSCAPES[name], 0.0, False) for name in ("saddle", "monkey_saddle", "product")],
        *[(LANDSCAPES["double_well"], 0.9, nesterov) for nesterov in (False, True)],
        (LANDSCAPES["ravine"], 0.9, False),
    ],
    ids=str,
)
def test_map(name: str, landscape: sd.Landscape, momentum: float, nesterov: bool) -> None:
    map_ = sd.Map(landscape, method(name), lr=0.01, momentum=momentum, nesterov=nesterov)
    w = regular_points(landscape, 20)
    z = torch.cat([w, torch.randn(w.shape, generator=torch.Generator().manual_seed(0), dtype=w.dtype)])
    z = z if momentum else w
    v = [sympy.Symbol(f"v_{s}", real=True) for s in landscape.symbols]
    assert_same(evaluate(map_.jacobian(), [*landscape.symbols, *v][: len(z)], z), map_.jacobian_at(z))


@pytest.mark.parametrize("name", ["USAM", "SAM"])
@pytest.mark.parametrize("options", [{"ascent_steps": 2}, {"ascent_steps": 2, "average": True}])
@pytest.mark.slow
def test_several_ascent_steps(name: str, options: dict[str, object]) -> None:
    landscape = sd.landscapes.double_well()
    flow = sd.Flow(landscape, method(name, **options))
    w = regular_points(landscape, 20)
    assert_same(evaluate(flow.jacobian(), landscape.symbols, w), flow.jacobian_at(w))


@pytest.mark.parametrize("name", ["USAM", "SAM"])
def test_second_order_flow(name: str) -> None:
    landscape = sd.landscapes.saddle()
    flow = sd.Flow(landscape, method(name), order=2, lr=0.1)
    w = regular_points(landscape, 20)
    assert_same(evaluate(flow.jacobian(), landscape.symbols, w), flow.jacobian_at(w))


def test_symbols_stay() -> None:
    """USAM at a critical point: J = −H(I + ρH)  [K23, Theorem 1]."""
    rho, eta, gamma = sympy.symbols("rho eta gamma", positive=True)
    beale = sd.landscapes.beale()
    x, y = beale.symbols
    here = {x: 0, y: 1}
    h = beale.hessian_matrix.subs(here)
    flow = sd.Flow(beale, sd.USAM(rho))
    expected = -h * (sympy.eye(2) + rho * h)
    assert sympy.nsimplify(flow.jacobian().subs(here) - expected).is_zero_matrix
    map_ = sd.Map(beale, sd.GD(), lr=eta, momentum=gamma)
    a = sympy.eye(2) - eta * h
    block = sympy.Matrix([[a, -eta * gamma * sympy.eye(2)], [h, gamma * sympy.eye(2)]])
    assert sympy.nsimplify(map_.jacobian().subs(here) - block).is_zero_matrix


@pytest.mark.parametrize(
    ("system", "name"),
    [
        (sd.Map(sd.landscapes.saddle(), sd.GD(), lr=sympy.Symbol("eta")), "lr"),
        (sd.Map(sd.landscapes.saddle(), sd.GD(), lr=0.1, momentum=sympy.Symbol("gamma")), "momentum"),
        (sd.Map(sd.landscapes.saddle(), sd.SAM(sympy.Symbol("rho")), lr=0.1), "rho"),
    ],
)
def test_simulations_refuse_symbols(system: sd.Map, name: str) -> None:
    with pytest.raises(sd.InputError, match=f"{name} = .*a simulation needs a number"):
        sd.simulate(system, (1, 1), 10)


def test_flows_refuse_symbols() -> None:
    flow = sd.Flow(sd.landscapes.saddle(), sd.GD(), order=2, lr=sympy.Symbol("eta"))
    with pytest.raises(sd.InputError, match=r"lr = .*a simulation needs a number"):
        sd.integrate(flow, (1, 1), 1.0)


def test_column_j_is_the_derivative_along_coordinate_j() -> None:
    def f(w: Point) -> Point:
        x, y = w
        return torch.stack([x * y, x, y**2]) if torch.is_tensor(w) else symbolic([x * y, x, y**2])

    expected = torch.tensor([[3.0, 2.0], [1.0, 0.0], [0.0, 6.0]], dtype=torch.float64)
    assert torch.equal(jacobian(f, torch.tensor([2.0, 3.0], dtype=torch.float64)), expected)
    assert jacobian(f, symbolic([2, 3])).tolist() == [[3, 2], [1, 0], [0, 6]]


def test_normalised_formulas_have_no_value_at_critical_points() -> None:
    """Neither a number nor GD's Jacobian comes out."""
    landscape = sd.landscapes.saddle()
    matrix = sd.Flow(landscape, sd.SAM(sympy.Rational(1, 2))).jacobian()
    assert matrix.subs(dict.fromkeys(landscape.symbols, 0)).has(sympy.nan, sympy.zoo)
