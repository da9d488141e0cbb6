"""Sweeps on executors of other packages, and processes that share the cache of compiled code."""

import os
from concurrent.futures import Executor, Future
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import samdyn as sd


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of dask about itself
def test_dask_survives_a_killed_worker(measures: ModuleType, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        grid = {"lr": range(12), "folder": str(tmp_path)}
        result = sd.sweep(measures.kills_its_worker_once, grid, tmp_path / "runs.zarr", client.get_executor())
    assert (tmp_path / "killed").exists()
    assert set(result.value.values.tolist()) == set(range(12))
    xr.testing.assert_equal(result.drop_attrs(), sd.sweep(measures.kills_its_worker_once, grid))


class Broken(Executor):
    """An executor whose workers die after some calls."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future:
        from concurrent.futures import BrokenExecutor

        self.calls -= 1
        if self.calls < 0:
            raise BrokenExecutor("gone")
        future: Future = Future()
        future.set_result(function(*arguments, **options))
        return future


def test_a_broken_executor_stops_the_sweep_and_loses_nothing(measures: ModuleType, tmp_path: Path) -> None:
    grid = {"rho": range(5), "lr": 2}
    with pytest.raises(
        sd.InputError, match=r"it is broken or shut down\. Start another; with a store the sweep continues"
    ):
        sd.sweep(measures.product, grid, tmp_path / "runs.zarr", Broken(3))
    assert (xr.open_zarr(tmp_path / "runs.zarr").cell_status.values == "done").sum() == 3
    result = sd.sweep(measures.product, grid, tmp_path / "runs.zarr", Broken(2))
    np.testing.assert_array_equal(result.value, 2 * np.arange(5))


@pytest.mark.slow
def test_processes_share_the_cache_of_compiled_code(
    measures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path / "cache"))
    result = sd.sweep(measures.compiles, {"rho": [0.1, 0.2, 0.3, 0.4]}, processes=2)
    np.testing.assert_array_equal(result.end, sd.sweep(measures.compiles, {"rho": [0.1, 0.2, 0.3, 0.4]}).end)
    assert set(result.backend.values) == {"compiled"}
    assert (set(result.torch.values), set(result.blas.values)) == ({1}, {"1"})  # processes share the cores
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".so"]
    assert os.environ["SAMDYN_CACHE"] == str(tmp_path / "cache")
