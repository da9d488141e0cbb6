"""What docs/sweeps.md shows works as shown."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from samdyn.sweep.file import read

from .conftest import blocks

PAGE = "docs/sweeps.md"


@pytest.fixture(scope="module")
def page(run_page: Callable[..., dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Run the page with fewer runs, and stay in its folder."""
    names = run_page(PAGE, RUNS="4")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(names["folder"])
        yield names


def test_the_page_runs(page: dict[str, Any]) -> None:
    assert page["result"].sizes == {"rho": 2, "seed": 3, "end_dim_0": 2}
    np.testing.assert_allclose(np.linalg.norm(page["result"].end, axis=-1), page["result"].distance, rtol=1e-14)
    assert page["share"].sizes == {"rho": 100, "lr": 20}
    assert page["share"].value.sel(rho=0.9, lr=0.1) == 1.0
    xr.testing.assert_equal(xr.open_zarr("distance.zarr").distance.compute(), page["result"].distance)


@pytest.mark.filterwarnings("ignore")  # submitit leaves its log file open
def test_submitit(page: dict[str, Any]) -> None:
    """Its jobs run in this process: ``cluster="local"`` is the same in others."""
    pytest.importorskip("submitit")
    one = page["on_slurm"](cluster="debug")
    np.testing.assert_array_equal(one.distance, page["result"].distance.sel(seed=0))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of dask about itself
def test_dask(page: dict[str, Any]) -> None:
    pytest.importorskip("distributed")
    one = page["on_dask"](n_workers=1, processes=False, dashboard_address=None)
    np.testing.assert_array_equal(one.distance, page["result"].distance.sel(seed=0))


def test_the_file_is_read(page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (block,) = blocks(PAGE, "toml")
    (tmp_path / "grid.toml").write_text(block.replace("measure.py", "page_measure.py"))
    (tmp_path / "page_measure.py").write_text(blocks(PAGE)[0].partition("result =")[0])
    plan = read(tmp_path / "grid.toml")
    assert (plan.store, plan.processes, plan.batch) == (tmp_path / "distance.zarr", 2, ())
    assert plan.grid == {"rho": [0.1, 0.5], "seed": [0, 1, 2], "lr": 0.01}
    assert plan.function(0.1, 0.01, 0)["distance"] == page["result"].distance.sel(rho=0.1, seed=0)
