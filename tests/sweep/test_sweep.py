"""A sweep in memory: labels, batches, failing cells, processes, and input that it refuses."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import samdyn as sd


def test_axes_are_labelled_dimensions(measures: ModuleType) -> None:
    rho = xr.DataArray([0.1, 0.2, 0.4], dims="rho", attrs={"long_name": "radius", "units": "m"})
    result = sd.sweep(measures.product, {"rho": rho, "lr": [1, 2.5]})
    np.testing.assert_array_equal(result.value, np.outer(rho, [1, 2.5]))
    assert result.value.dims == ("rho", "lr")
    assert result.value.sel(rho=0.2, lr=2.5) == 0.5
    assert result.rho.attrs == rho.attrs
    assert result.lr.attrs["units"] == "units of w, squared, per unit of L"
    assert (result.cell_status == "done").all()


def test_zipped_axes_and_numbers() -> None:
    def join(a: int, b: str, c: bool) -> str:
        assert (type(a), type(c)) == (int, bool)
        return f"{a}{b}{c}"

    result = sd.sweep(join, {("a", "b"): [(1, "x"), (2, "x"), (2, "y")], "c": True})
    assert result.value.values.tolist() == ["1xTrue", "2xTrue", "2yTrue"]
    assert result.value.dims == ("a_b",)
    assert result.b.values.tolist() == ["x", "x", "y"]
    assert bool(result.c)


def test_cells_return_arrays_and_datasets() -> None:
    def measure(lr: float, seed: int) -> dict[str, Any]:
        runs = xr.Dataset(
            {"loss": ("step", [lr, 2 * lr], {"units": "J"}), "end": 3},
            {"step": ("step", [0, 10], {"units": "steps"}), "time": ("step", [0, 10 * lr]), "lr": lr},
        )
        return {"": runs, "w": np.full((2, 3), seed), "line": xr.DataArray([1.0, seed], dims="side")}

    result = sd.sweep(measure, {"lr": [0.1, 0.5], "seed": range(3)})
    assert result.loss.sel(lr=0.5, seed=1, step=10) == 1.0
    assert result.loss.attrs == {"units": "J"}
    assert result.step.attrs == {"units": "steps"}
    np.testing.assert_array_equal(result.time.sel(seed=0), [[0, 1], [0, 5]])  # a coordinate that differs by cell
    assert result.w.dims == ("lr", "seed", "w_dim_0", "w_dim_1")
    np.testing.assert_array_equal(result.w.sel(lr=0.1, w_dim_0=0, w_dim_1=0), [0, 1, 2])
    assert result.line.sizes == {"lr": 2, "seed": 3, "side": 2}
    assert result.end.dtype == float


def test_a_batch_is_given_in_one_call() -> None:
    calls = []

    def measure(rho: Any, kind: str, lr: Any) -> xr.Dataset:
        calls.append((kind, len(rho)))
        w = np.stack([rho, lr], axis=1)
        return xr.Dataset({"w": (("run", "coord"), w), "rest": ("run", rho - lr)}, {"coord": ["x", "y"], "run": rho})

    grid = {"rho": np.arange(20.0), "kind": ["a", "b"], "lr": np.arange(20) / 7}
    result = sd.sweep(measure, grid, batch=("rho", "lr"))
    assert calls == [("a", 256), ("a", 144), ("b", 256), ("b", 144)]
    np.testing.assert_array_equal(result.rest.sel(kind="b"), np.subtract.outer(grid["rho"], grid["lr"]))
    np.testing.assert_array_equal(result.w.sel(kind="a", coord="y", rho=3), grid["lr"])


def test_a_failing_cell_stops_no_other(measures: ModuleType) -> None:
    for batch in ((), "lr"):
        with pytest.warns(RuntimeWarning, match=r"1 of 5 cells failed.* lr = .*ArithmeticError: lr is two"):
            result = sd.sweep(measures.fails_at_two, {"lr": [0, 1, 2, 3, 4]}, batch=batch)
        np.testing.assert_array_equal(result.double, [0, 2, np.nan, 6, 8])
        assert result.text.values.tolist() == ["a", "a", "", "a", "a"]
        assert result.cell_status.values.tolist() == ["done", "done", "failed", "done", "done"]
        error = result.cell_error.sel(lr=2).item()
        assert 'raise ArithmeticError("lr is two")' in error  # the line of the function
        assert result.cell_error.sel(lr=1).item() == ""


def test_a_cell_unlike_the_others_fails() -> None:
    with pytest.warns(RuntimeWarning, match="2 of 3 cells failed, the first at n = 1: ValueError: value has the dim"):
        result = sd.sweep(lambda n: np.zeros(n) if n < 3 else {"other": 1}, {"n": [2, 1, 4]})
    assert "{'value_dim_0': 1}; in another cell {'value_dim_0': 2}" in result.cell_error.sel(n=1).item()
    assert "has the variables ['other']; another cell has ['value']" in result.cell_error.sel(n=4).item()


def test_an_executor_gives_what_this_process_gives(measures: ModuleType) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 7"):
        alone = sd.sweep(measures.fails_at_two, {"lr": range(7)})
    with ThreadPoolExecutor(2) as pool, pytest.warns(RuntimeWarning, match="1 of 7"):
        xr.testing.assert_identical(sd.sweep(measures.fails_at_two, {"lr": range(7)}, executor=pool), alone)


@pytest.mark.slow
def test_processes_do_too_and_one_that_dies_fails_its_cell_alone(measures: ModuleType) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 7"):
        alone = sd.sweep(measures.fails_at_two, {"lr": range(7)})
    with pytest.warns(RuntimeWarning, match="2 of 7 cells failed, the first at lr = 2: ArithmeticError"):
        result = sd.sweep(measures.fails_at_two_and_dies_at_three, {"lr": range(7)}, processes=2)
    others = {"lr": [0, 1, 2, 4, 5, 6]}
    np.testing.assert_array_equal(result.double.sel(others), alone.double.sel(others))
    assert "its process died" in result.cell_error.sel(lr=3).item()
    assert 'raise ArithmeticError("lr is two")' in result.cell_error.sel(lr=2).item()


def closure() -> Callable[[float], float]:
    return lambda lr: lr


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({"rho": [], "lr": 1}, {}, r"rho = \[\]: the axis is empty"),
        ({("rho", "lr"): []}, {}, r"rho, lr = \[\]: the axis is empty"),
        ({"rho": [0.1, 0.2, 0.1], "lr": 1}, {}, r"rho = 0.1: the axis has this value 2 times"),
        ({("rho", "lr"): [(1, 2), (1.0, 2)]}, {}, r"rho, lr = \(1, 2\)|has this value 2 times"),
        ({("rho", "lr"): [(1, 2, 3)]}, {}, r"has 3 value\(s\) for 2 parameter"),
        ({"rho": [sd.GD()], "lr": 1}, {}, r"rho = GD\(\): is neither a number nor a name.*functools.partial"),
        ({"rho": [0.1, "a"], "lr": 1}, {}, "mixes numbers, names or truth values"),
        ({"rho": [0.1, float("nan")], "lr": 1}, {}, "NaN is the value of no cell"),
        ({"rho": [[0.1]], "lr": 1}, {}, "neither a number nor a name"),
        ({"rho": 1j, "lr": 1}, {}, "must be a list of numbers or names"),
        ({"rho": 1, ("lr", "rho"): [(1, 2)]}, {}, "has the parameter 'rho' 2 times"),
        ({"rh": [0.1], "lr": 1}, {}, r"rh': no parameter of product has this name. Did you mean 'rho'\?"),
        ({"rho": [0.1]}, {}, "product needs the parameter 'lr'"),
        ({"a b": [0.1]}, {}, "'a b': is no name"),
        ([1, 2], {}, "must map names of parameters to values"),
        ({"rho": range(10**5), "lr": range(10**5)}, {}, "has 10000000000 cells"),
        ({"rho": [1], "lr": [1]}, {"batch": "lrr"}, r"no axis has this name. Did you mean 'lr'\?"),
        ({("rho", "lr"): [(1, 1)]}, {"batch": "lr"}, "Add rho"),
        ({"rho": [1], "lr": [1]}, {"processes": 0}, "processes = 0: must be an integer >= 1"),
    ],
)
def test_bad_grids_are_refused(measures: ModuleType, grid: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sd.InputError, match=message):
        sd.sweep(measures.product, grid, **options)


@pytest.mark.parametrize("function", [lambda lr: lr, closure(), partial(lambda lr, a: lr, a=1)])
def test_a_function_that_processes_cannot_have_is_refused(function: Callable[..., Any]) -> None:
    for options in ({"processes": 2}, {"executor": ProcessPoolExecutor(1)}):
        with pytest.raises(sd.InputError, match=r"other processes cannot have it.*Write it with def .*in this process"):
            sd.sweep(function, {"lr": [1, 2]}, **options)
    assert sd.sweep(function, {"lr": [1, 2]}).value.values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (object(), "value has the type object"),
        ({}, "a result without variables"),
        ({"lr": 1}, "has the name 'lr', which the sweep has"),
        (xr.DataArray([1.0], dims="lr"), "has the name 'lr'"),
        (2**60, "integer beyond 2"),
        ("half \ud800", "surrogates not allowed"),
        ({"a/b": 1}, "'a/b'"),
    ],
)
def test_results_that_cannot_be_labelled_are_failures(result: Any, message: str) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 1 cells failed"):
        found = sd.sweep(lambda lr: result, {"lr": [1]})
    assert message in found.cell_error.item()


def test_a_batch_of_another_length_fails() -> None:
    with pytest.warns(RuntimeWarning, match="2 of 2 cells failed"):
        found = sd.sweep(lambda lr: np.zeros(3), {"lr": [1, 2]}, batch="lr")
    assert "a batch of 1 cells needs 1 values along the first dimension" in found.cell_error[0].item()


def test_parameters_of_a_landscape() -> None:
    fold = sd.Landscape("x**3/3 - a*x", "x", parameters={"a": 1})

    def minimum(landscape: sd.Landscape, a: Any, lr: Any) -> xr.Dataset:
        return sd.simulate(sd.Map(landscape.with_parameters(a=a), sd.GD(), lr=lr), (1.0,), 500, backend="eager")

    values, rates = [0.25, 1.0, 4.0], [0.05, 0.1]
    one_by_one = sd.sweep(partial(minimum, fold), {"a": values, "lr": rates})
    at_once = sd.sweep(partial(minimum, fold), {"a": values, "lr": rates}, batch=("a", "lr"))
    for result in (one_by_one, at_once):
        np.testing.assert_allclose(result.w.squeeze(), np.sqrt(values)[:, None].repeat(2, 1), rtol=1e-8)
        assert (result.status == "settled").all()
    np.testing.assert_array_equal(one_by_one.w.squeeze(), at_once.w.squeeze())
