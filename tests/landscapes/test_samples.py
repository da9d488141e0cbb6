"""Landscapes with samples: the mean of the formula over them, and what is not one."""

import pickle
from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd

DATA = {"x": np.linspace(-1, 2, 37), "y": np.cos(np.arange(37.0))}  # more samples than are summed at once
FIT = sd.SampleLandscape("(a*x + tanh(b*x) - y)**2/2 + a**4/20", "a b", DATA)


def test_mean_gradient_and_hessian_are_those_of_the_formula_written_out() -> None:
    written = sd.Landscape(FIT.expr, "a b")
    w = torch.randn(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for name in ("value", "grad", "hessian"):
        torch.testing.assert_close(getattr(FIT, name)(w), getattr(written, name)(w), rtol=1e-12, atol=1e-12)
    v = torch.randn_like(w)
    torch.testing.assert_close(FIT.grad.hvp(w, v), written.grad.hvp(w, v), rtol=1e-12, atol=1e-12)


def test_batches_are_means_of_their_samples() -> None:
    w = torch.tensor([[0.3, 1.0], [-0.2, 0.5]], dtype=torch.float64)
    chosen = torch.tensor([[3, 9], [30, 9], [8, 1]])  # three samples for each of two runs
    batch = FIT.data[:, chosen]
    for run in range(2):
        data = {"x": DATA["x"][chosen[:, run]], "y": DATA["y"][chosen[:, run]]}
        own = sd.SampleLandscape(FIT.loss, "a b", data)
        here = w[:, run]
        torch.testing.assert_close(FIT.batch_gradient(w, batch)[:, run], own.grad(here), rtol=1e-13, atol=1e-13)
        v = torch.ones_like(w)
        torch.testing.assert_close(
            FIT.batch_hvp(w, batch, v)[:, run], own.grad.hvp(here, v[:, run]), rtol=1e-13, atol=1e-13
        )


def test_it_is_a_landscape_like_any_other() -> None:
    line = sd.SampleLandscape("(a*x + b - y)**2", "a b", {"x": [0, 1, 2], "y": [1, 3, 4]}, box=((-5, 5), (-5, 5)))
    (point,) = sd.critical_points(line)
    assert point.kind == "minimum"
    assert point.w == pytest.approx(np.polyfit([0, 1, 2], [1, 3, 4], 1), rel=1e-9)
    assert line.samples == 3
    assert "3 samples" in repr(line)


def test_a_slice_has_the_same_samples() -> None:
    line = FIT.restrict({"b": 0.4})
    assert isinstance(line, sd.SampleLandscape)
    w = torch.tensor([0.3, 0.4], dtype=torch.float64)
    assert float(line.value(w[:1])) == pytest.approx(float(FIT.value(w)), rel=1e-12)
    torch.testing.assert_close(
        line.batch_gradient(w[:1], FIT.data[:, 3:5])[0], FIT.batch_gradient(w, FIT.data[:, 3:5])[0]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a*x", "a", {"x": []}), "one or more finite numbers"),
        (("a*x", "a", {"x": [1.0, np.inf]}), "one or more finite numbers"),
        (("a*x", "a", {"x": ["one"]}), "one or more finite numbers"),
        (("a*x + y", "a", {"x": [1, 2], "y": [1]}), "lengths that differ"),
        (("a*x", "a x", {"x": [1, 2]}), "is a coordinate and a name of data"),
        (("a*x + z", "a", {"x": [1, 2]}), "z"),
        (("a", "a", {}), "at least one"),
    ],
)
def test_bad_input(arguments: Any, message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.SampleLandscape(*arguments)


def test_a_slice_fixes_coordinates_alone_and_by_their_exact_names() -> None:
    line = sd.SampleLandscape("(a*x + tanh(b) + A - y)**2/2", "a b A", {"x": [1, 2, -1], "y": [0.5, -1, 2]})
    assert list(map(str, line.restrict({"b": 0.3}).symbols)) == ["a", "A"]
    assert list(map(str, line.restrict({"A": 0.3}).symbols)) == ["a", "b"]
    for name in ("B", "x"):  # x is data
        with pytest.raises(sd.InputError, match=f"coordinate = '{name}'.*Known: A, a, b"):
            line.restrict({name: 0.3})


def test_samples_of_a_logistic_loss_far_from_the_boundary() -> None:
    # log(1 + exp(u)) of u = ∓1000a at a = ±1 by hand: 0 and 1000, half of each; the slope is the mean of −yx σ(−yxa).
    loss = sd.SampleLandscape("log(1 + exp(-y*x*a))", "a", {"x": [1000.0, 1000.0], "y": [1.0, -1.0]})
    assert loss.value([1.0]).item() == 500.0
    assert loss.grad([1.0]).item() == 500.0
    assert loss.grad([-1.0]).item() == -500.0
    assert loss.batch_gradient(torch.tensor([-1.0]).double(), loss.data[:, :1]).item() == -1000.0


@pytest.mark.parametrize("data", [None, 3, sd.SAM(0.1), [("x", [1.0])], "x"])
def test_samples_are_a_dictionary(data: object) -> None:
    with pytest.raises(sd.InputError, match=r"^data = .*must be a dictionary"):
        sd.SampleLandscape("(a*x)**2", "a", data)


RIDGE = sd.SampleLandscape(
    "(a*x + tanh(b*x) - y)**2/2 + c*a**4/20 + k*b**2", "a b", DATA, parameters={"c": 1, "k": 0.5}
)


def _written(c: float, k: float) -> sd.SampleLandscape:
    return sd.SampleLandscape(f"(a*x + tanh(b*x) - y)**2/2 + {c}*a**4/20 + {k}*b**2", "a b", DATA)


def test_parameters_are_numbers_written_in() -> None:
    w = torch.randn(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    c, k = [1.0, -0.5, 2.0, 0.25], [0.5, 1.5, 0.0, 0.75]
    spread = RIDGE.with_parameters(c=c, k=k)
    for run in range(4):
        here, alone, written = w[:, run : run + 1], RIDGE.with_parameters(c=c[run], k=k[run]), _written(c[run], k[run])
        for name in ("value", "grad", "hessian"):
            expected = getattr(written, name)(here)
            torch.testing.assert_close(getattr(alone, name)(here), expected, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(getattr(spread, name)(w)[..., run : run + 1], expected, rtol=1e-12, atol=1e-12)
        data = DATA["x"][:5], DATA["y"][:5]
        batch = torch.tensor(np.array(data))
        torch.testing.assert_close(alone.batch_gradient(here, batch), written.batch_gradient(here, batch))
        torch.testing.assert_close(alone.batch_hvp(here, batch, here), written.batch_hvp(here, batch, here))
    assert RIDGE.parameters == {"c": 1.0, "k": 0.5}
    assert "c = 1, k = 0.5" in RIDGE.name
    assert RIDGE.restrict({"b": 0.4}).parameters == {"c": 1.0, "k": 0.5}
    assert RIDGE.restrict({"a": 0.4}).with_parameters(k=2).value([0.3]).item() == pytest.approx(
        _written(1.0, 2.0).value([0.4, 0.3]).item()
    )
    copied = pickle.loads(pickle.dumps(RIDGE.with_parameters(c=3)))
    torch.testing.assert_close(copied.grad(w), _written(3.0, 0.5).grad(w))


@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_parameters_in_runs_with_batches(backend: str) -> None:
    noise = sd.noise.FiniteSum(batch_size=4)

    def end(loss: sd.SampleLandscape) -> np.ndarray:
        map_ = sd.Map(loss, sd.USAM(0.05), lr=0.05, noise=noise)
        return sd.simulate(map_, (0.3, 0.4), 20, seed=3, backend=backend).w.values

    for c in (2.0, 3.0):
        np.testing.assert_allclose(end(RIDGE.with_parameters(c=c)), end(_written(c, 0.5)), rtol=1e-12)
    with pytest.raises(sd.InputError, match="one value for all runs"):
        sd.Map(RIDGE.with_parameters(c=[1, 2]), sd.GD(), lr=0.1, noise=noise)


def test_runs_and_branches_over_a_parameter() -> None:
    """The minimum of the mean of (wx − y)² + cw² is at mean(xy)/(mean(x²) + c)."""
    ridge = sd.SampleLandscape("(w*x - y)**2 + c*w**2", "w", DATA, parameters={"c": 1}, box=[(-3, 3)])
    c = np.array([0.5, 1.0, 3.0])
    minima = (DATA["x"] * DATA["y"]).mean() / ((DATA["x"] ** 2).mean() + c)
    runs = sd.simulate(sd.Map(ridge.with_parameters(c=c), sd.GD(), lr=0.1), (0.5,), 300)
    np.testing.assert_allclose(runs.w[:, -1, 0], minima, atol=1e-9)
    curve = sd.analysis.branch(sd.Flow(ridge, sd.GD()), (minima[0],), "c", (0.5, 3.0))
    np.testing.assert_allclose(curve.w[[0, -1], 0, 0], minima[[0, 2]], atol=1e-9)


def test_bad_parameters() -> None:
    with pytest.raises(sd.InputError, match="'x': is a parameter and a name of data"):
        sd.SampleLandscape("a*x", "a", {"x": [1]}, parameters={"x": 1})
    with pytest.raises(sd.InputError, match="'c': is not in the formula"):
        sd.SampleLandscape("a*x", "a", {"x": [1]}, parameters={"c": 1})
    with pytest.raises(sd.InputError, match="'a': is a coordinate and a parameter"):
        sd.SampleLandscape("a*x", "a", {"x": [1]}, parameters={"a": 1})
    with pytest.raises(sd.InputError, match="has no finite real value at these"):
        sd.SampleLandscape("a*x/c", "a", {"x": [1]}, parameters={"c": 0})
