"""Extreme eigenpairs, against the whole Hessian."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import ArpackNoConvergence
from torch import nn
from torch.nn import functional

import samdyn as sd
from samdyn.networks import Network, extreme_eigenpairs, models


def network(width: int) -> tuple[Network, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 6, generator=generator, dtype=torch.float64)
    y = torch.randint(4, (30,), generator=generator)
    model = models.mlp((6, width, 4), activation="tanh", seed=1)
    made = Network(model, functional.cross_entropy, x, y)
    return made, made.vector(model)


@pytest.mark.parametrize("width", [5, 40])  # 59 coordinates: all of them; 444: Lanczos's method
def test_they_are_those_of_the_hessian(width: int) -> None:
    made, w = network(width)
    values, vectors = extreme_eigenpairs(made, w, lowest=2, highest=3, tolerance=1e-10)
    hessian = made.hessian(w).numpy()
    expected = np.linalg.eigvalsh((hessian + hessian.T) / 2)[[0, 1, -3, -2, -1]]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9 * abs(expected).max())
    assert vectors.shape == (made.dim, 5)
    np.testing.assert_allclose(hessian @ vectors, vectors * values, rtol=0, atol=1e-7 * abs(expected).max())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1)


def test_one_end_alone_and_no_pair_twice() -> None:
    made, w = network(40)
    both, _ = extreme_eigenpairs(made, w)
    for which, end in (({"highest": 0}, both[:1]), ({"lowest": 0}, both[1:])):
        np.testing.assert_allclose(extreme_eigenpairs(made, w, **which)[0], end, rtol=1e-6)
    plane = sd.landscapes.beale()
    assert len(extreme_eigenpairs(plane, [1.0, 1.0], lowest=3, highest=2)[0]) == 2


def test_float32_is_computed_in() -> None:
    made, w = network(40)
    exact, _ = extreme_eigenpairs(made, w)
    found, _ = extreme_eigenpairs(made, w.float(), tolerance=1e-4)
    # Products of float32 are good to 1e-6 of the largest eigenvalue, and the tolerance is 1e-4.
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-4 * abs(exact).max())


def test_an_end_at_zero_that_is_there_many_times() -> None:
    # A minimum that fits all data: 30 samples of 321 parameters leave at least 291 null vectors, and nothing below.
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30, 6, generator=generator, dtype=torch.float64)
    model = models.mlp((6, 40, 1), activation="tanh", seed=1)
    made = Network(model, functional.mse_loss, x, model.double()(x).detach())
    values, _ = extreme_eigenpairs(made, made.vector(model))
    expected = np.linalg.eigvalsh(made.hessian(made.vector(model)).numpy())
    np.testing.assert_allclose(values, expected[[0, -1]], rtol=0, atol=1e-6 * expected[-1])


def test_no_curvature_at_all() -> None:
    made = Network(
        models.deep_linear((20, 10, 10, 3), scale=0.0), functional.mse_loss, torch.ones(4, 20), torch.ones(4, 3)
    )
    values, vectors = extreme_eigenpairs(made, torch.zeros(made.dim), lowest=2)
    np.testing.assert_array_equal(values, 0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1)


def test_what_does_not_converge_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ArpackNoConvergence("ARPACK error -1: No convergence (4441 iterations)", np.array([]), np.array([]))

    monkeypatch.setattr("scipy.sparse.linalg.eigsh", fails)
    monkeypatch.setattr("samdyn.networks.curvature.MAX_FALLBACK_DIM", 400)
    made, w = network(40)
    with pytest.raises(sd.InputError, match=r"tolerance = 1e-06.*4441 iterations"):
        extreme_eigenpairs(made, w)


def test_ends_of_nearly_equal_size_cost_few_products(monkeypatch: pytest.MonkeyPatch) -> None:
    # ARPACK alone takes 40,000 products here and gives up: it cannot decide which end is larger in modulus.
    near_one = 1 + 1e-7 * np.arange(8)
    values = np.r_[near_one, -near_one * (1 - 1e-9), np.linspace(-0.9, 0.9, 384)]
    bowl, calls = sd.landscapes.quadratic(values.tolist()), []

    def hvp_at(w: torch.Tensor) -> Any:
        return lambda v: calls.append(1) or torch.as_tensor(values) * v

    monkeypatch.setattr(bowl, "hvp_at", hvp_at)
    ends, vectors = extreme_eigenpairs(bowl, np.zeros(400), tolerance=1e-8)
    assert len(calls) <= 400
    np.testing.assert_allclose(ends, [values.min(), values.max()], rtol=1e-12)
    assert abs(vectors).argmax(0).tolist() == [15, 7]


def test_products_at_one_point_are_those_of_the_oracle() -> None:
    made, w = network(5)
    v = torch.linspace(-1, 1, made.dim, dtype=torch.float64)
    products = made.hvp_at(w)
    for each in (v, v**2):
        torch.testing.assert_close(products(each), made.grad.hvp(w, each), rtol=1e-12, atol=1e-14)
    at_two = torch.stack([w, 2 * w], 1)
    torch.testing.assert_close(made.hvp_at(at_two)(at_two), made.grad.hvp(at_two, at_two))
    plane = sd.landscapes.beale()
    torch.testing.assert_close(plane.hvp_at([1.0, 2.0])([0.5, 1.0]), plane.grad.hvp([1.0, 2.0], [0.5, 1.0]))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"lowest": -1}, "lowest = -1"),
        ({"highest": 1.5}, "highest = 1.5"),
        ({"lowest": 0, "highest": 0}, "no eigenv"),
        ({"tolerance": None}, "tolerance = None"),
    ],
)
def test_bad_counts(asked: dict[str, Any], told: str) -> None:
    made, w = network(5)
    with pytest.raises(sd.InputError, match=told):
        extreme_eigenpairs(made, w, **asked)


def test_bad_points() -> None:
    made, w = network(5)
    with pytest.raises(sd.InputError, match="must be one point"):
        extreme_eigenpairs(made, torch.stack([w, w], 1))
    with pytest.raises(sd.InputError, match="must be finite"):
        extreme_eigenpairs(made, w * torch.nan)
    with pytest.raises(sd.InputError, match="59 components"):
        extreme_eigenpairs(made, w[:-1])
    for unreadable in (math, "w", [[0.1], [0.2, 0.3]], None):
        with pytest.raises(sd.InputError, match="cannot be read as a point"):
            extreme_eigenpairs(made, unreadable)  # type: ignore[arg-type]


def test_a_point_of_integers_is_computed_with_as_one_of_floats() -> None:
    inputs = torch.diag(torch.arange(1.0, 301.0, dtype=torch.float64))
    made = Network(nn.Linear(300, 1, bias=False), functional.mse_loss, inputs, torch.zeros(300, 1, dtype=torch.float64))
    values, _ = extreme_eigenpairs(made, torch.zeros(300, dtype=torch.int64))
    np.testing.assert_allclose(values, [2 / 300, 2 * 300], rtol=1e-6, atol=6e-4)
